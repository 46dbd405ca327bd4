"""Directories that ask each other: what one lacks arrives with its age, and who lies is found out."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from market.identity import PeerId
from node.directory.sync import answer_request, pull
from node.directory.wire import (
    MAX_ENTRIES,
    AskEntries,
    AskMembers,
    Entries,
    Listed,
    MalformedError,
    Members,
    Told,
    decode_answer_untrusted,
    decode_request_untrusted,
    encode,
)
from routing.directory.book import Directory
from routing.directory.reconcile import BUCKETS, DIGEST_BYTES
from routing.moment import Millis
from tests.support.announced import AGENTS, announce, at, directory

pytestmark = pytest.mark.integration

PEER = PeerId("12D3KooWpeer")
NOW = SimpleNamespace(now=lambda: at(100))


class Link:
    """A peer that answers by a function."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.answer, self.asked = answer, 0

    async def request(
        self,
        peer: PeerId,
        protocol: str,
        data: bytes,
        timeout: float = 10.0,  # noqa: ASYNC109  # the port's signature
    ) -> bytes:
        await trio.lowlevel.checkpoint()
        self.asked += 1
        return self.answer(data)


def linked(book: Directory, seconds: float = 100) -> Link:
    return Link(lambda data: answer_request(book, data, at(seconds)))


async def test_a_late_joiner_learns_of_everybody_and_asks_no_more() -> None:
    theirs, ours = directory(), directory(salt=b"ours")
    for agent in AGENTS:
        theirs.admit(announce(agent), at(90))
    link = linked(theirs)
    assert await pull(link, PEER, ours, NOW) == len(AGENTS)
    assert {e.account for e in ours.entries(at(100))} == {a.account for a in AGENTS}
    asked = link.asked
    assert await pull(link, PEER, ours, NOW) == 0
    assert link.asked == asked + 1


async def test_passing_on_makes_nobody_live_longer() -> None:
    first, second, third = (directory(salt=bytes([n])) for n in range(3))
    first.admit(announce(AGENTS[0], ttl=60), at(50))
    await pull(linked(first), PEER, second, NOW)
    await pull(linked(second), PEER, third, NOW)
    for book in (first, second, third):
        assert book.get(AGENTS[0].account, at(109)) is not None
        assert book.get(AGENTS[0].account, at(110)) is None


async def test_the_dead_are_not_asked_for_again() -> None:
    theirs, ours = directory(), directory(salt=b"ours")
    raw = announce(AGENTS[0], ttl=60)
    ours.admit(raw, at(0))
    ours.expire(at(60))
    theirs.admit(raw, at(60))
    assert await pull(linked(theirs), PEER, ours, NOW) == 0
    assert len(ours) == 0


def lie(**answers: Any) -> Link:
    """A peer whose answers are as given, honest in the rest: it says it lists agent 0."""
    honest = directory()
    honest.admit(announce(AGENTS[0]), at(100))

    def answer(data: bytes) -> bytes:
        kind = msgspec.msgpack.decode(data)["type"]
        made = answers.get(kind)
        return made if made is not None else answer_request(honest, data, at(100))

    return Link(answer)


def lies() -> dict[str, Link]:
    forged = bytearray(announce(AGENTS[0]))
    forged[-20] ^= 1
    member = Listed(AGENTS[0].account, 2)
    return {
        "no msgpack": lie(digests=b"\xc1"),
        "another answer": lie(digests=encode(Members(()))),
        "short digests": lie(digests=msgspec.msgpack.encode({"type": "digests", "digests": b"x"})),
        "unknown field": lie(
            digests=msgspec.msgpack.encode(
                {"type": "digests", "digests": bytes(BUCKETS * DIGEST_BYTES), "x": 1}
            )
        ),
        "deep nesting": lie(members=b"\x91" * 100_000),
        "garbage announcement": lie(members=encode(Members((member,))), entries=encode(Entries((Told(b"x", 0),)))),
        "forged announcement": lie(entries=encode(Entries((Told(bytes(forged), 0),)))),
        "age below zero": lie(
            entries=msgspec.msgpack.encode({"type": "entries", "entries": [[announce(AGENTS[0]), -1]]})
        ),
        "too many": lie(
            entries=msgspec.msgpack.encode(
                {"type": "entries", "entries": [[b"", 0]] * (MAX_ENTRIES + 1)}
            )
        ),
    }  # fmt: skip


@pytest.mark.parametrize("which", lies())
async def test_who_breaks_the_protocol_is_found_out_and_changes_nothing(which: str) -> None:
    ours = directory(salt=b"ours")
    with pytest.raises(MalformedError):
        await pull(lies()[which], PEER, ours, NOW)
    assert len(ours) == 0


async def test_who_promises_what_it_does_not_give_costs_a_bounded_number_of_questions() -> None:
    members = Members(tuple(Listed(agent.account, 9) for agent in AGENTS))
    link = lie(members=encode(members), entries=encode(Entries(())))
    ours = directory(salt=b"ours")
    assert await pull(link, PEER, ours, NOW) == 0
    assert link.asked <= 3


@given(data=st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    for decode in (decode_request_untrusted, decode_answer_untrusted):
        try:
            decode(data)
        except MalformedError:
            continue


async def test_requests_out_of_bounds_are_refused() -> None:
    book = directory()
    encoder = msgspec.msgpack.encode
    for request in (
        {"type": "members", "buckets": [BUCKETS]},
        {"type": "members", "buckets": [-1]},
        {"type": "members", "buckets": [0] * (BUCKETS + 1)},
        {"type": "entries", "accounts": [bytes(32)] * (MAX_ENTRIES + 1)},
        {"type": "entries", "accounts": [bytes(31)]},
        {"type": "nothing"},
    ):
        with pytest.raises(MalformedError):
            answer_request(book, encoder(request), at())


def test_a_question_asked_twice_is_answered_once() -> None:
    book = directory()
    book.admit(announce(AGENTS[0]), at())
    account = AGENTS[0].account
    told = decode_answer_untrusted(answer_request(book, encode(AskEntries((account,) * 8)), at(3)))
    assert isinstance(told, Entries)
    assert [each.age for each in told.entries] == [Millis(3_000)]
    everything = encode(AskMembers(tuple(range(BUCKETS))))
    members = decode_answer_untrusted(answer_request(book, everything, at()))
    assert isinstance(members, Members)
    assert members.members == (Listed(account, 1),)
