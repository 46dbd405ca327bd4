"""What is saved of a case: its beginning and its events, in order, each in one row.

A row holds all that a step depends on and all that it said, so playing the rows again gives the same state and
the same signed bytes, whatever has become of keys, heads and sequence numbers since. Only events that changed a
state are saved.

Rows are of one table, ``journal(seq, task_id, event, payload, block)``, with ``UNIQUE(task_id, event)``. The name of an
event has its number within the case: a second process that drives the same case from the same state fails to save,
and does nothing.
"""

import typing
from typing import Any, Final, cast

import attrs
import msgspec

from market import cases
from market.auction import effects as auction
from market.cases import Beginning, CaseKey, Event
from market.envelope import Opened, reopen
from market.errors import UsageError
from market.settlement import effects as settlement
from market.steps import HeadMoved, Opening, Step
from market.units import BlockNumber

__all__ = ["Entry", "Row", "event_prefix", "read_row", "row_of"]


@attrs.frozen
class Row:
    """One row, as it is stored."""

    task_id: bytes
    """32 bytes: the task's id; of an auction, the auction's."""
    event: str
    """Case, number within it, and kind of event; unique for the task."""
    payload: bytes = attrs.field(repr=False)
    block: BlockNumber
    """The finalised head of the step."""


@attrs.frozen
class Entry:
    """One row, as it is understood."""

    key: CaseKey
    number: int
    """Within the case, from 0; its beginning is the first."""
    event: Beginning | Event
    sequence: int
    said: dict[int, bytes]
    block: BlockNumber


_KINDS: Final[dict[str, type[Any]]] = {
    kind.__name__: kind
    for kind in (
        *(cases.AuctionBegun, cases.CallHeard, cases.PurchaseBegun, cases.PurchaseAdopted),
        *(cases.ServiceBegun, cases.ServiceAdopted, Opening, HeadMoved),
        *(auction.CommitmentReceived, auction.RootAnchored, auction.RevealReceived),
        *(auction.RevealPosted, auction.FactsRead, auction.AcceptanceReceived),
        *(auction.EscrowFailed, auction.DecidedToBid, auction.CommitmentAckReceived),
        *(auction.RootReceived, auction.RevealAckReceived, auction.AwardReceived),
        *(auction.TranscriptReceived, auction.Withdrew),
        *(settlement.ChainSeen, settlement.CallRefused, settlement.AgreementReceived),
        *(settlement.ReceiptReceived, settlement.ResultChecked, settlement.CancelWanted),
        *(settlement.InputChecked, settlement.WorkStarted, settlement.WorkDone),
        *(settlement.WorkFailed, settlement.WasAway),
    )
}
_MESSAGE: Final = "message"
"""The field of an event that holds an opened message; it is kept as it was received."""

_LATER: Final = frozenset({"evidence"})
"""Fields that came later: rows of before are without them."""

_Stored = tuple[int, dict[int, bytes], dict[str, Any]]
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Stored)


def event_prefix(key: CaseKey) -> str:
    """Return what the names of all events of a case begin with."""
    return f"{key.kind}/{key.whose}/"


def row_of(key: CaseKey, number: int, event: Beginning | Event, at: Step) -> Row:
    """Return the row of an event.

    Args:
        key: of the case.
        number: of the event within the case.
        event: the beginning, or what the machine was told.
        at: the step, after it was made: what it has said is in it.

    Raises:
        UsageError: an amount is too large to be stored.
    """
    fields = {}
    for field in attrs.fields(type(event)):
        value = getattr(event, field.name)
        fields[field.name] = value.raw if isinstance(value, Opened) else value
    name = f"{event_prefix(key)}{number:06d}/{type(event).__name__}"
    try:
        payload = _ENCODER.encode((at.sequence, at.said, fields))
    except OverflowError as error:
        raise UsageError(f"{name} holds an amount above 2^64 planck: {error}") from error
    return Row(key.id, name, payload, at.now)


def read_row(row: Row) -> Entry:
    """Return what a row says.

    Raises:
        UsageError: it is none of ours: the journal is damaged, or of a newer version.
    """
    try:
        kind, *whose, number, name = row.event.split("/")
        event_type = _KINDS[name]
        sequence, said, fields = _DECODER.decode(row.payload)
        values = {
            field: reopen(value) if field == _MESSAGE else msgspec.convert(value, hint)
            for field, hint in _HINTS[name]
            if field in fields or field not in _LATER
            for value in (fields[field],)
        }
        key = CaseKey(cast("cases.Kind", kind), row.task_id, "/".join(whose))
        return Entry(key, int(number), event_type(**values), sequence, said, row.block)
    except (KeyError, ValueError, msgspec.MsgspecError) as error:
        raise UsageError(
            f"the journal's row {row.event!r} cannot be read: restore the journal from a copy, or"
            f" begin a new one and adopt what is on chain ({error})"
        ) from error


def _hints_of(kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    hints = typing.get_type_hints(kind, include_extras=True)
    return tuple((field.name, hints[field.name]) for field in attrs.fields(kind))


_HINTS: Final = {name: _hints_of(kind) for name, kind in _KINDS.items()}
