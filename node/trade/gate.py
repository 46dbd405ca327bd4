"""Whether a provider may take on work: the gates in front of its bids. Pure; the provider drives it.

What stands here is the seam behind which a capacity platform belongs: :class:`Gate` is asked before each bid, and told how
long each piece of work took.
"""

from typing import Final, Protocol

import attrs

__all__ = ["Admission", "Gate", "Load", "Refusal", "SlotGate", "Workload"]

SHARE: Final = 0.6
"""Of a deadline that the predicted time may use: what is refused early costs nobody anything."""
WEIGHT: Final = 0.2
"""Of the newest measurement in the running mean and deviation."""
DEVIATIONS: Final = 2.0
"""Mean deviations above the mean at which a time is predicted."""


@attrs.frozen(kw_only=True)
class Workload:
    """What a call asks of one capability."""

    capability: str
    tasks: int
    within_millis: float
    """From the opening of an escrow until the result has to be on chain."""


@attrs.frozen(kw_only=True)
class Load:
    """What a capability has to do already."""

    slots: int
    """Tasks that it works on side by side."""
    taken: int
    """Slots that are bound: bids that may still win, and work that is not delivered."""


@attrs.frozen
class Admission:
    """It may bid for so many tasks."""

    slots: int


@attrs.frozen
class Refusal:
    """It may not bid."""

    gate: str
    """Which gate, one word, stable."""
    reason: str


class Gate(Protocol):
    """Port: admission."""

    def request(self, workload: Workload, load: Load) -> Admission | Refusal:
        """Say whether a bid may be made, and for how many tasks."""
        ...

    def measured(self, capability: str, millis: float) -> None:
        """Take note of how long a piece of work took."""
        ...


@attrs.define
class _Times:
    mean: float
    deviation: float = 0.0

    def add(self, millis: float) -> None:
        error = millis - self.mean
        self.mean += WEIGHT * error
        self.deviation += WEIGHT * (abs(error) - self.deviation)

    @property
    def predicted(self) -> float:
        return self.mean + DEVIATIONS * self.deviation


class SlotGate:
    """Two gates: a free slot, and a deadline that measured times can meet.

    Source of the prediction: Jacobson, "Congestion Avoidance and Control", 1988, appendix A (mean and mean deviation).
    """

    def __init__(self) -> None:
        self._times: dict[str, _Times] = {}

    def request(self, workload: Workload, load: Load) -> Admission | Refusal:
        """Say whether a bid may be made; what was never measured is taken to fit."""
        free = load.slots - load.taken
        if free < 1:
            return Refusal("slots", f"all {load.slots} slots of {workload.capability} are taken")
        times = self._times.get(workload.capability)
        if times is not None and times.predicted > SHARE * workload.within_millis:
            return Refusal(
                "deadline",
                f"{workload.capability} takes about {times.predicted:.0f} ms, and there are"
                f" {workload.within_millis:.0f} ms",
            )
        return Admission(min(free, workload.tasks))

    def measured(self, capability: str, millis: float) -> None:
        """Take note of how long a piece of work took."""
        times = self._times.get(capability)
        if times is None:
            self._times[capability] = _Times(millis, millis / 2)
        else:
            times.add(millis)
