"""The life of tasks, as their users watch it: one event a step, kept, streamed and logged.

What is told follows from the states of the market's cases before and after a step. Bids are secret until the requester's
root is out: a bidder's own ask is never told, and an ask of others only once it was revealed to us. Events are kept in a
file of their own, apart from the journal: losing the last of them in a power cut loses no money.
"""

import json
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Self

import attrs
import trio

from market.agreement import hash_terms
from market.auction import bidder
from market.auction import requester as auctioning
from market.cases import CaseKey, State
from market.envelope import expect, reopen
from market.identity import AccountId, ss58_from_account
from market.journal import Entry
from market.messages import Award
from market.settlement import provider as serving
from market.settlement import requester as buying
from market.units import BlockNumber

__all__ = ["Life", "LifeEvent", "Stream", "describe"]

_LOG: Final = logging.getLogger("ainur.task")
_FORMAT: Final = 1
_KEPT: Final = 100_000
"""Events that are kept; the oldest go first."""
_ENDED: Final = "stream-ended"


@attrs.frozen(kw_only=True)
class LifeEvent:
    """One step of a task."""

    id: int
    """Rises; a stream goes on after it."""
    task: bytes | None
    """The task's id; None for what belongs to the stream itself."""
    kind: str
    """One word or two, stable (``called``, ``award``, ``settled``)."""
    block: BlockNumber
    at_ms: int
    """By the node's clock, Unix milliseconds."""
    fields: dict[str, Any]
    """JSON; amounts are decimal strings, accounts SS58, hashes hex."""

    def as_json(self) -> dict[str, Any]:
        """Return it as the API and the log have it."""
        return {
            "id": self.id,
            "task": None if self.task is None else f"0x{self.task.hex()}",
            "kind": self.kind,
            "block": self.block,
            "at_ms": self.at_ms,
            **self.fields,
        }


Told = tuple[bytes, str, dict[str, Any]]
"""Task, kind and fields."""


class Life:
    """Keeps events, and streams them to whoever watches. It is an observer of the runner."""

    def __init__(
        self,
        file: Path,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 10**6,
        *,
        task_of: Callable[[bytes], bytes] = lambda copy: copy,
    ) -> None:
        """Open or create the file; a damaged or foreign one is begun anew, since nothing depends on it.

        Args:
            file: of the events.
            clock_ms: Unix milliseconds.
            task_of: whose copy something is that the market's cases know as a task.
        """
        self._clock, self._task_of = clock_ms, task_of
        self._db = _open(file)
        self._news = trio.Event()
        self._is_closed = False

    def close(self) -> None:
        """Close the file; every stream ends with a last event."""
        self.end_streams()
        self._db.close()

    def tell(self, task: bytes, kind: str, block: BlockNumber, fields: dict[str, Any]) -> None:
        """Keep an event, log it, and wake whoever watches."""
        now = self._clock()
        row = self._db.execute(
            "INSERT INTO event (task, kind, block, at_ms, fields) VALUES (?, ?, ?, ?, ?) RETURNING id",
            (task, kind, block, now, json.dumps(fields)),
        ).fetchall()
        number = int(row[0][0])
        if number % 1_000 == 0:
            self._db.execute("DELETE FROM event WHERE id <= ?", (number - _KEPT,))
        event = LifeEvent(id=number, task=task, kind=kind, block=block, at_ms=now, fields=fields)
        _LOG.info("%s", json.dumps(event.as_json(), separators=(",", ":")))
        self._ring()

    def saw(self, entry: Entry, before: State | None, after: State) -> None:
        """Tell what a step of a case means to its tasks."""
        for task, kind, fields in describe(entry.key, before, after):
            self.tell(self._task_of(task), kind, entry.block, fields)

    def past(
        self, task: bytes | None = None, after: int = 0, limit: int = 1_000
    ) -> list[LifeEvent]:
        """Return events after an id, of one task or of all, the oldest first."""
        rows = self._db.execute(
            "SELECT id, task, kind, block, at_ms, fields FROM event"
            " WHERE id > ?1 AND (?2 IS NULL OR task = ?2) ORDER BY id LIMIT ?3",
            (after, task, limit),
        )
        return [
            LifeEvent(
                id=number,
                task=task_id,
                kind=kind,
                block=BlockNumber(block),
                at_ms=at_ms,
                fields=json.loads(fields),
            )
            for number, task_id, kind, block, at_ms, fields in rows
        ]

    def stream(self, task: bytes | None = None, after: int = 0) -> "Stream":
        """Return events after an id as they come, without end; once the node stops a last one, of kind
        ``stream-ended`` and with the id to go on after."""
        return Stream(self, task, after)

    async def next(self, task: bytes | None, after: int) -> list[LifeEvent]:
        """Return events after an id, at least one, once there are any; none once the node stops."""
        while not self._is_closed:
            news = self._news
            found = self.past(task, after)
            if found:
                return found
            await news.wait()
        return []

    def end_streams(self) -> None:
        """Let every stream end with its last event."""
        self._is_closed = True
        self._ring()

    def last_event(self, after: int) -> LifeEvent:
        """Return what a stream ends with."""
        return LifeEvent(
            id=after, task=None, kind=_ENDED, block=BlockNumber(0), at_ms=self._clock(), fields={}
        )

    def _ring(self) -> None:
        self._news.set()
        self._news = trio.Event()


class Stream:
    """Iterates over events. No generator: leaving its loop leaves nothing to be closed."""

    def __init__(self, life: Life, task: bytes | None, after: int) -> None:
        self._life, self._task, self._after = life, task, after
        self._found: deque[LifeEvent] = deque()
        self._is_over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> LifeEvent:
        if self._is_over:
            raise StopAsyncIteration
        if not self._found:
            self._found.extend(await self._life.next(self._task, self._after))
        if not self._found:
            self._is_over = True
            return self._life.last_event(self._after)
        event = self._found.popleft()
        self._after = event.id
        return event


def _open(file: Path) -> sqlite3.Connection:
    file.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(file, isolation_level=None)
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError:
        version = -1
    if version not in (0, _FORMAT):
        db.close()
        file.unlink()
        db = sqlite3.connect(file, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(
        "CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY AUTOINCREMENT, task BLOB NOT NULL,"
        " kind TEXT NOT NULL, block INTEGER NOT NULL, at_ms INTEGER NOT NULL, fields TEXT NOT NULL) STRICT"
    )
    db.execute("CREATE INDEX IF NOT EXISTS event_task ON event (task, id)")
    db.execute(f"PRAGMA user_version = {_FORMAT}")
    return db


# What a step means.


def describe(key: CaseKey, before: State | None, after: State) -> Iterator[Told]:
    """Yield what became true of tasks between two states of a case, in the order of a task's life."""
    match after:
        case auctioning.Requester():
            yield from _of_auction(
                before if isinstance(before, auctioning.Requester) else None, after
            )
        case buying.Requester():
            yield from _of_purchase(before if isinstance(before, buying.Requester) else None, after)
        case bidder.Bidder():
            yield from _of_bid(before if isinstance(before, bidder.Bidder) else None, after)
        case serving.Provider():
            yield from _of_service(before if isinstance(before, serving.Provider) else None, after)
        case _:
            raise TypeError(f"{key.kind} has no such state")


def _of_auction(before: auctioning.Requester | None, after: auctioning.Requester) -> Iterator[Told]:
    tasks = [task.task_id for task in after.cfp.tasks]
    auction = {"auction": _hex(after.auction)}
    told: list[tuple[str, dict[str, Any]]] = []
    if before is None:
        windows = {"close_block": after.cfp.close_block, "reveal_by": after.cfp.reveal_by}
        told.append(("called", {"to": [_who(a) for a in after.cfp.invited], **windows}))
    told += [
        ("committed", {"provider": _who(account), "commitments": len(after.taken)})
        for account in after.taken
        if before is None or account not in before.taken
    ]
    if after.root_hash and not (before and before.root_hash):
        told.append(("closed", {"root": _hex(after.root_hash), "commitments": len(after.taken)}))
    told += [
        ("revealed", {"provider": _who(account)})
        for account in after.shown
        if before is None or account not in before.shown
    ]
    for task in tasks:
        for kind, fields in told:
            yield task, kind, {**auction, **fields}
    for round_ in after.rounds[len(before.rounds) if before else 0 :]:
        award = expect(reopen(round_.award), Award).body
        for line in award.lines:
            yield (
                tasks[line.task],
                "award",
                {
                    **auction,
                    "round": award.round,
                    "method": award.method,
                    "provider": _who(line.provider),
                    "price": str(line.price),
                    "reserve": str(after.cfp.tasks[line.task].reserve),
                    **_explain(round_, line.provider),
                },
            )
    for task in tasks if after.transcript != (before.transcript if before else b"") else ():
        transcript = _hex(reopen(after.transcript).id)
        yield task, "concluded", {**auction, "phase": after.phase.value, "transcript": transcript}


def _explain(round_: auctioning.Round, provider: AccountId) -> dict[str, Any]:
    """Return the Clarke payment's parts: what others gain without it, and with it."""
    for why in round_.clearing.counterfactuals:
        if why.provider == provider:
            return {
                "payment": str(why.payment),
                "ask": str(why.ask),
                "value": str(why.value),
                "welfare_without": str(why.welfare_without),
                "welfare_of_others": str(why.welfare_of_others),
            }
    return {}


def _of_purchase(before: buying.Requester | None, after: buying.Requester) -> Iterator[Told]:
    task = after.task
    name = {"provider": _who(task.provider), "attempt": task.attempt}
    if before is None and after.terms is not None:
        terms = {"price": str(task.price), "terms": _hex(hash_terms(after.terms))}
        yield task.task_id, "proposed", {**name, **terms}
    if after.signed is not None and not (before and before.signed):
        yield task.task_id, "signed", name
    for milestone in after.verdicts.keys() - (before.verdicts.keys() if before else set()):
        good = after.verdicts[milestone][1]
        yield task.task_id, "checked", {**name, "milestone": milestone, "is_good": good}
    yield from _of_escrow(task.task_id, name, before, after)


def _of_bid(before: bidder.Bidder | None, after: bidder.Bidder) -> Iterator[Told]:
    named = {p.task for p in after.ask.prices} if after.ask else set()
    auction = {"auction": _hex(after.auction), "requester": _who(after.call.sender)}
    told = []
    if after.commitment and not (before and before.commitment):
        told.append("bid")
    if after.reveal and not (before and before.reveal):
        told.append("opened")
    for index in sorted(named):
        for kind in told:
            yield after.call.body.tasks[index].task_id, kind, auction


def _of_service(before: serving.Provider | None, after: serving.Provider) -> Iterator[Told]:
    task = after.task
    name = {"requester": _who(task.requester), "attempt": task.attempt}
    if after.answer and not (before and before.answer):
        yield task.task_id, "agreed", {**name, "price": str(task.price)}
    for milestone in after.started.keys() - (before.started.keys() if before else set()):
        yield task.task_id, "started", {**name, "milestone": milestone}
    for milestone in after.results.keys() - (before.results.keys() if before else set()):
        result = after.results[milestone]
        yield (
            task.task_id,
            "done",
            {**name, "milestone": milestone, "result": _hex(result.hash), "bytes": result.size},
        )
    if after.giving_back and not (before and before.giving_back):
        yield task.task_id, "giving-back", {**name, "reason": after.giving_back}
    yield from _of_escrow(task.task_id, name, before, after)


def _of_escrow(
    task: bytes,
    name: dict[str, Any],
    before: buying.Requester | serving.Provider | None,
    after: buying.Requester | serving.Provider,
) -> Iterator[Told]:
    found, was = after.found, before.found if before else None
    if found is not None and (was is None or was.escrow.state is not found.escrow.state):
        escrow = found.escrow
        yield (
            task,
            "escrow",
            {
                **name,
                "escrow": found.id,
                "state": escrow.state.value,
                "price": str(escrow.price),
                "paid": str(escrow.paid),
                "deadline": escrow.deadline,
                "result": None if escrow.result is None else _hex(escrow.result),
            },
        )
    if after.outcome is not None and not (before and before.outcome):
        end = after.outcome
        yield (
            task,
            "settled",
            {
                **name,
                "state": end.state.value,
                "paid": str(end.paid),
                "at_fault": end.at_fault,
                "reason": end.reason,
            },
        )


def _who(account: AccountId) -> str:
    return ss58_from_account(account)


def _hex(value: bytes) -> str:
    return f"0x{value.hex()}"
