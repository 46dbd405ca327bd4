"""Anti-entropy: a peer that has just connected, and now and then any other, is asked for what we lack.

Three questions: which buckets differ, who is in those, what did they announce. What comes is held against the same
rules as what is gossiped, and counts from when it was made. One whose answers break the rules is left alone for
the rest of the connection.
"""

import logging
from collections.abc import Iterator
from typing import Final, Protocol, TypeVar

from market.errors import DecodeError, EnvelopeError
from market.identity import AccountId, PeerId
from node.directory.wire import (
    MAX_AGE,
    MAX_ENTRIES,
    MAX_MEMBERS,
    PROTOCOL,
    Answer,
    AskDigests,
    AskEntries,
    AskMembers,
    Digests,
    Entries,
    Listed,
    MalformedError,
    Members,
    Request,
    Told,
    decode_answer_untrusted,
    decode_request_untrusted,
    encode,
)
from routing.directory.book import Directory
from routing.moment import Millis, Moment

__all__ = ["BLAMELESS", "Asker", "answer_request", "pull"]

_LOG: Final = logging.getLogger("ainur.directory")

BLAMELESS: Final = frozenset({"early", "expired", "key", "equivocation"})
"""Reasons for which whoever passed an announcement on is not blamed: heads and registries differ between honest
nodes, and of two announcements of one sequence each node has the one that came first."""
REQUEST_SECONDS: Final = 10.0


class Asker(Protocol):
    """What this needs of a network."""

    async def request(
        self,
        peer: PeerId,
        protocol: str,
        data: bytes,
        timeout: float = 10.0,  # noqa: ASYNC109  # as the network's own
    ) -> bytes:
        """Ask a peer."""
        ...


def answer_request(directory: Directory, data: bytes, now: Moment) -> bytes:
    """Return the answer to a peer's question.

    Raises:
        MalformedError: it is none.
    """
    return encode(_answer(directory, decode_request_untrusted(data), now))


def _answer(directory: Directory, request: Request, now: Moment) -> Answer:
    match request:
        case AskDigests():
            return Digests(directory.digests.encode())
        case AskMembers(buckets=buckets):
            members = [
                Listed(account, sequence)
                for bucket in dict.fromkeys(buckets)
                for account, sequence in directory.digests.members(bucket).items()
            ]
            return Members(tuple(members[:MAX_MEMBERS]))
        case AskEntries(accounts=accounts):
            found = (directory.get(account, now) for account in dict.fromkeys(accounts))
            return Entries(
                tuple(Told(e.message.raw, min(e.age(now), MAX_AGE)) for e in found if e is not None)
            )


A = TypeVar("A", bound=Answer)


async def _ask(network: Asker, peer: PeerId, request: Request, kind: type[A]) -> A:
    data = await network.request(peer, PROTOCOL, encode(request), REQUEST_SECONDS)
    answer = decode_answer_untrusted(data)
    if not isinstance(answer, kind):
        raise MalformedError(
            f"answered {type(answer).__name__} where {kind.__name__} was asked for"
        )
    return answer


async def pull(network: Asker, peer: PeerId, directory: Directory, clock: "Clock") -> int:
    """Take over what a peer has and we lack; return how many announcements were news.

    Raises:
        MalformedError: it breaks the protocol, or passes on what nobody honest would.
        NetworkError: it does not answer.
    """
    theirs = (await _ask(network, peer, AskDigests(), Digests)).digests
    differing = directory.digests.differing(theirs)
    news = 0
    for buckets in _batches(differing, 32):
        members = (await _ask(network, peer, AskMembers(buckets), Members)).members
        lacking = [m.account for m in members if directory.lacks(m.account, m.sequence)]
        for accounts in _batches(lacking, MAX_ENTRIES):
            told = await _ask(network, peer, AskEntries(accounts), Entries)
            news += sum(_admit(directory, each, clock.now()) for each in told.entries)
    return news


def _admit(directory: Directory, told: Told, now: Moment) -> bool:
    try:
        return directory.admit(told.raw, now, age=Millis(told.age)) in ("new", "renewed")
    except DecodeError as error:
        raise MalformedError(str(error)) from error
    except EnvelopeError as error:
        if error.reason not in BLAMELESS:
            raise MalformedError(str(error)) from error
        return False


class Clock(Protocol):
    """What tells the time."""

    def now(self) -> Moment:
        """Return it."""
        ...


T = TypeVar("T", int, AccountId)


def _batches(items: list[T], size: int) -> Iterator[tuple[T, ...]]:
    for start in range(0, len(items), size):
        yield tuple(items[start : start + size])
