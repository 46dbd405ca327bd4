from hypothesis import given
from hypothesis import strategies as st

from node.trade.gate import SHARE, Admission, Load, Refusal, SlotGate, Workload


def workload(tasks: int = 1, within: float = 1_000.0) -> Workload:
    return Workload(capability="text.x", tasks=tasks, within_millis=within)


def test_what_was_never_measured_is_let_in_up_to_the_free_slots() -> None:
    gate = SlotGate()
    assert gate.request(workload(5), Load(slots=3, taken=1)) == Admission(2)
    assert gate.request(workload(1), Load(slots=3, taken=1)) == Admission(1)


def test_without_a_free_slot_nothing_is_let_in() -> None:
    answer = SlotGate().request(workload(), Load(slots=2, taken=2))
    assert isinstance(answer, Refusal)
    assert answer.gate == "slots"


def test_more_taken_than_there_are_is_a_refusal_and_no_error() -> None:
    assert isinstance(SlotGate().request(workload(), Load(slots=1, taken=3)), Refusal)


def test_a_deadline_that_measured_times_cannot_meet_is_refused() -> None:
    gate = SlotGate()
    for _ in range(20):
        gate.measured("text.x", 500.0)
    answer = gate.request(workload(within=600.0), Load(slots=1, taken=0))
    assert isinstance(answer, Refusal)
    assert answer.gate == "deadline"
    assert gate.request(workload(within=10_000.0), Load(slots=1, taken=0)) == Admission(1)
    other = Workload(capability="text.y", tasks=1, within_millis=1.0)
    assert gate.request(other, Load(slots=1, taken=0)) == Admission(1)


@given(st.floats(1.0, 1e6), st.integers(5, 100))
def test_steady_times_are_predicted_as_they_are(millis: float, count: int) -> None:
    gate = SlotGate()
    for _ in range(10 * count):
        gate.measured("text.x", millis)
    load = Load(slots=1, taken=0)
    assert isinstance(gate.request(workload(within=1.01 * millis / SHARE), load), Admission)
    assert isinstance(gate.request(workload(within=0.99 * millis / SHARE), load), Refusal)
