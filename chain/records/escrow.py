"""What is stored around an escrow; its record is :class:`market.escrow.record.Escrow`."""

from typing import Any

import attrs

from chain.errors import MismatchError
from chain.units import AttemptNumber, BasisPoints
from market.escrow.record import State
from market.standing import EscrowId

__all__ = ["Stage", "TaskEntry"]


@attrs.frozen
class Stage:
    """A state and, once ruled upon, what the ruling gave: the chain writes both in one."""

    state: State
    provider_bps: BasisPoints | None = None
    """The provider's part of the disputed milestone; of a ruling only."""

    SHAPE = "enum({})".format(
        "|".join(
            f"{s.value}: {{provider_bps: u16}}" if s is State.RULED else s.value for s in State
        )
    )

    @classmethod
    def from_wire(cls, raw: Any) -> "Stage":
        """Read it from what the SCALE library decoded."""
        match raw:
            case str():
                try:
                    return cls(State(raw))
                except ValueError as error:
                    raise MismatchError(f"{raw!r} is no state: compare the runtimes") from error
            case {"Ruled": {"provider_bps": int(bps)}}:
                return cls(State.RULED, BasisPoints(bps))
        raise MismatchError(f"{raw!r} is no state of an escrow: compare the runtimes")


@attrs.frozen
class TaskEntry:
    """The last attempt at a requester's task."""

    attempt: AttemptNumber
    escrow: EscrowId

    SHAPE = "(u8, u64)"

    @classmethod
    def from_wire(cls, raw: Any) -> "TaskEntry":
        """Read it from what the SCALE library decoded."""
        match raw:
            case [int(attempt), int(escrow)] | (int(attempt), int(escrow)):
                return cls(AttemptNumber(attempt), EscrowId(escrow))
        raise MismatchError(f"{raw!r} is no entry of the task index: compare the runtimes")
