"""The score function, held to gossipsub v1.1's formula."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.p2p.scoring import RETAIN_SECONDS, Params, Scoreboard

TOPIC = "/ainur/v1/cfp/0"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_eleven_invalid_messages_graylist_and_ten_do_not() -> None:
    board = Scoreboard(Clock())
    board.on_connected("p", None)
    for _ in range(10):
        board.on_invalid("p", TOPIC)
    assert board.score("p") == -1000.0
    assert not board.is_graylisted("p")
    board.on_invalid("p", TOPIC)
    assert board.score("p") == -1210.0
    assert board.is_graylisted("p")


def test_twenty_invalid_messages_are_worse_than_ten_not_a_reward() -> None:
    # The design's first figures: a negative weight times a subtracted count gave +200.
    board = Scoreboard(Clock())
    for _ in range(20):
        board.on_invalid("p", TOPIC)
    assert board.score("p") == -4000.0


def test_all_the_good_deeds_there_are_do_not_pay_for_eleven_bad_ones() -> None:
    board = Scoreboard(Clock())
    for topic in range(10):
        board.on_mesh("p", f"t{topic}", joined=True)
        for _ in range(1_000):
            board.on_first_delivery("p", f"t{topic}")
    for _ in range(4_000):
        board.on_heartbeat()
        board.on_first_delivery("p", "t0")
    assert board.score("p") == board.params.topics_cap
    for _ in range(11):
        board.on_invalid("p", TOPIC)
    assert board.is_graylisted("p")


def test_leaving_and_coming_back_clears_nothing_and_an_hour_away_clears_all() -> None:
    clock = Clock()
    board = Scoreboard(clock)
    board.on_connected("p", "192.0.2.1")
    for _ in range(11):
        board.on_invalid("p", TOPIC)
    board.on_disconnected("p")
    clock.now += RETAIN_SECONDS
    board.on_heartbeat()
    board.on_connected("p", "192.0.2.1")
    assert board.is_graylisted("p")
    board.on_disconnected("p")
    clock.now += RETAIN_SECONDS + 1
    board.on_heartbeat()
    assert board.score("p") == 0.0


def test_thresholds_are_met_one_after_the_other() -> None:
    board = Scoreboard(Clock())
    seen = []
    for _ in range(12):
        seen.append(
            (board.hears_gossip("p"), board.hears_publications("p"), board.is_graylisted("p"))
        )
        board.on_invalid("p", TOPIC)
    assert seen[3] == (True, True, False)
    assert seen[4] == (False, True, False)
    assert seen[8] == (False, False, False)
    assert seen[11] == (False, False, True)


def test_misbehaviour_counts_squared_beyond_its_threshold() -> None:
    board = Scoreboard(Clock())
    board.on_misbehaviour("p", 6.0)
    assert board.score("p") == 0.0
    board.on_misbehaviour("p", 3.0)
    assert board.score("p") == -90.0


def test_many_peers_behind_one_public_address_count_and_behind_a_private_one_do_not() -> None:
    board = Scoreboard(Clock())
    for i in range(12):
        board.on_connected(f"public{i}", "8.8.8.8")
        board.on_connected(f"private{i}", "192.168.1.1")
    assert board.score("public0") == -5.0 * 2**2
    assert board.score("private0") == 0.0
    board.on_disconnected("public11")
    board.on_disconnected("public10")
    assert board.score("public0") == 0.0


def test_a_liar_on_more_topics_than_are_counted_is_graylisted_all_the_same() -> None:
    board = Scoreboard(Clock())
    for topic in range(1_000):
        board.on_invalid("p", f"topic{topic}")
    assert board.is_graylisted("p")


def test_strangers_without_end_do_not_fill_the_memory() -> None:
    clock = Clock()
    board = Scoreboard(clock)
    for i in range(20_000):
        board.on_connected(str(i), None)
        board.on_disconnected(str(i))
    assert len(board._peers) == len(board._gone) == 10_000


@given(
    invalid=st.floats(0, 1e3),
    first=st.floats(0, 1e3),
    behaviour=st.floats(0, 1e3),
    application=st.floats(-1e4, 1e4),
)
def test_the_score_is_the_formula_of_the_specification(
    invalid: float, first: float, behaviour: float, application: float
) -> None:
    p = Params()
    board = Scoreboard(Clock(), p)
    topic = board._topic("p", TOPIC)
    assert topic is not None
    topic.invalid, topic.first = invalid, first
    board._peers["p"].behaviour = behaviour
    board.set_application("p", application)
    expected = (
        min(p.first_weight * first, p.topics_cap)
        + p.invalid_weight * invalid**2
        + application
        + p.behaviour_weight * max(behaviour - p.behaviour_threshold, 0.0) ** 2
    )
    assert board.score("p") == pytest.approx(expected)


@given(st.lists(st.sampled_from(["invalid", "first", "beat", "join", "leave"]), max_size=60))
def test_a_peer_without_faults_is_never_below_zero_and_faults_never_help(events: list[str]) -> None:
    honest, faulty = Scoreboard(Clock()), Scoreboard(Clock())
    for event in events:
        for board in (honest, faulty):
            if event == "first":
                board.on_first_delivery("p", TOPIC)
            elif event == "beat":
                board.on_heartbeat()
            elif event in ("join", "leave"):
                board.on_mesh("p", TOPIC, joined=event == "join")
        if event == "invalid":
            faulty.on_invalid("p", TOPIC)
    assert honest.score("p") >= 0.0
    assert faulty.score("p") <= honest.score("p")
