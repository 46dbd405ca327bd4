"""The directory: who has announced itself, until when, and who of them could do it.

Theory of operation. An announcement is opened (form, chain, operator key, signature), held against the chain's
head and its own limits, and its peer must have said that it serves the sender. Of one account the highest
sequence counts, whatever came first, and is remembered after the entry has gone, so that no older one can come
back. An entry lives until its block has passed, and no longer than the seconds it names: on a chain that stands
still blocks do not pass. Its seconds count from when it was made; what is passed on second hand is passed on with
its age, so that relaying never makes anybody live longer.

What is kept is bounded: one announcement an account, few accounts a peer, so many in all. Who has to go is
decided by weight (the evidence of settled work), then by a keyed hash of the account and not by time: a flood of
new accounts gets the share of places that is its share of accounts, however often it announces.

Source (the keyed hash): Bortnikov et al., "Brahms: Byzantine Resilient Random Membership Sampling", PODC 2008,
section 3.1 (min-wise sampling).
"""

import hashlib
from collections.abc import Collection, Iterator
from typing import Final, Literal, Protocol, assert_never

import attrs

from market.envelope import (
    FUTURE_BLOCKS,
    Envelope,
    KeyDirectory,
    Opened,
    decode_envelope_untrusted,
    expect,
    open_untrusted,
    require_current,
)
from market.errors import EnvelopeError
from market.hashing import GenesisHash, Hash
from market.identity import AccountId, PeerId, PublicKey, peer_id_from_key
from market.messages import Announcement
from market.presence import require_own_transport
from market.units import block_after
from routing.directory.entry import Entry
from routing.directory.newest import Newest, Seen, digest_of
from routing.directory.query import ByName, ByPrefix, ByText, Match, Query
from routing.directory.reconcile import Digests
from routing.directory.shelf import Shelf
from routing.directory.texts import Texts
from routing.directory.traces import Reason, Trace, Traces
from routing.moment import Millis, Moment
from routing.semantic.embedding import Embedder, HashingEmbedder

__all__ = ["Admission", "Directory", "Evidence", "Limits"]

Admission = Literal["new", "renewed", "withdrawn", "duplicate", "stale", "expired", "full"]
"""What became of an announcement that is in order; the last four are news to nobody, and nobody's fault."""

JUST_MADE: Final = Millis(0)
REMEMBERED: Final = 4_096
"""Agents that are gone and whose older words are refused, at least."""
MAX_LOOKED: Final = 4_096
"""Texts looked at for one query, where a filter shuts out those that are near."""


class Evidence(Protocol):
    """Port: what is known of an account's settled work."""

    def weight(self, account: AccountId) -> float:
        """Return 0 (nothing) to 1."""
        ...


class NoEvidence:
    """Nobody has settled anything yet."""

    def weight(self, account: AccountId) -> float:  # noqa: ARG002  # the port's signature
        """Return 0."""
        return 0.0


@attrs.frozen
class Limits:
    """What a directory keeps, at most."""

    agents: int = 100_000
    octets: int = 256 * 1024 * 1024
    """Of announcements, as received."""
    accounts_per_peer: int = 8
    """The least recently renewed of a peer's accounts goes first."""
    max_lifetime: int = 100
    """Blocks between an announcement's issue and expiry: ten minutes of six-second blocks."""
    block_millis: int = 0
    """Time that surely passes with a block, where that is known: then nobody can pass an old announcement
    on as a fresh one. 0 where blocks come on demand."""


class Directory:
    """See the module."""

    def __init__(
        self,
        *,
        genesis: GenesisHash,
        keys: KeyDirectory,
        audiences: Collection[Hash],
        salt: bytes,
        evidence: Evidence | None = None,
        limits: Limits | None = None,
        embedder: Embedder | None = None,
    ) -> None:
        """Make an empty one.

        Args:
            genesis: of our chain.
            keys: who may sign for whom.
            audiences: the hashes of the presence topics.
            salt: secret, at most 64 bytes: the key of the hash that breaks ties.
            evidence: of settled work; none if None.
            limits: what is kept.
            embedder: for search by text; the built-in one if None.
        """
        self._genesis, self._keys, self._audiences = genesis, keys, frozenset(audiences)
        self._salt = salt
        self._evidence: Evidence = NoEvidence() if evidence is None else evidence
        self._limits = limits or Limits()
        self._shelf = Shelf(Texts(embedder or HashingEmbedder()))
        self._newest = Newest(max(self._limits.agents, REMEMBERED))
        self.traces = Traces()

    def __len__(self) -> int:
        return len(self._shelf)

    def admit(
        self, raw: bytes, now: Moment, *, age: Millis = JUST_MADE, author: PeerId | None = None
    ) -> Admission:
        """Take an announcement in, as it came from a peer.

        Args:
            raw: the envelope.
            now: our time.
            age: milliseconds since it was made, as far as whoever passed it on knows.
            author: who published it, where that is proven: nobody publishes another's announcement, which
                could be an old one that was held back.

        Raises:
            DecodeError: it is malformed: nobody honest sends that.
            EnvelopeError: it is not one to act upon; ``reason`` says why. ``early``, ``expired`` and ``key``
                happen to honest peers whose head is another, the rest does not.
        """
        envelope = decode_envelope_untrusted(raw)
        # Not until it expires itself: a withdrawal may be short, and what it withdrew have long to go.
        until = block_after(envelope.issued_at, self._limits.max_lifetime)
        seen = Seen(envelope.sequence, until, digest_of(raw))
        before = self._newest.of(envelope.sender)
        if before == seen:
            return "duplicate"  # without checking its signature a second time
        try:
            message = self._open(raw, now, before, author)
        except EnvelopeError as error:
            self._trace_refusal(envelope, error, now)
            raise
        if before is not None and seen.sequence < before.sequence:
            return "stale"
        return self._place(message, seen, now, age)

    def expire(self, now: Moment) -> int:
        """Drop what has run out; return how many. Queries never list it, dropped or not."""
        count = 0
        for entry in self._shelf.pop_dead(now):
            self._left(entry, "expired", _silence(entry, now), now)
            count += 1
        self._newest.expire(now.block)
        return count

    def reweigh(self, account: AccountId) -> None:
        """Look an account's evidence up again, after it has settled something."""
        old = self._shelf.get(account)
        weight = _clamp(self._evidence.weight(account))
        if old is not None and old.weight != weight:
            self._shelf.put(attrs.evolve(old, weight=weight))

    def recheck_key(self, account: AccountId, now: Moment) -> None:
        """Drop an account whose announcement was signed by a key that is its operator key no more."""
        entry = self._shelf.get(account)
        if entry is None or self._keys.operator_key(account, now.block) == entry.message.key:
            return
        self._remove(
            entry, "refused", "its key was rotated since; the new one has not announced", now
        )

    def get(self, account: AccountId, now: Moment) -> Entry | None:
        """Return an agent that is listed now."""
        entry = self._shelf.get(account)
        return entry if entry is not None and entry.is_live(now) else None

    def at_peer(self, peer: PublicKey, now: Moment) -> list[Entry]:
        """Return the agents of a transport key that are listed now."""
        found = (self._shelf[account] for account in self._shelf.accounts_of(peer))
        return [entry for entry in found if entry.is_live(now)]

    def entries(self, now: Moment) -> Iterator[Entry]:
        """Yield all that are listed now, heaviest first."""
        return (entry for entry in self._shelf if entry.is_live(now))

    def capabilities(self) -> dict[str, int]:
        """Return each capability's name, and how many agents have it."""
        return self._shelf.names.counts()

    def find(self, query: Query, now: Moment) -> list[Match]:
        """Return the agents that could do it, best first.

        Best is who has most evidence of settled work; where a text was asked for, that times similarity.
        """
        matches: list[Match] = []
        for match in self._candidates(query, now):
            if query.filter.refusal(match.capability) is None:
                matches.append(match)
                if len(matches) == query.limit:
                    break
        return matches

    def similarity(self, text: str, entry: Entry, name: str) -> float:
        """Return how near a text is to the capability of an agent that is listed."""
        return self._shelf.texts.similarity(text, entry.account, name)

    @property
    def digests(self) -> Digests:
        """What tells two directories apart; to be read, not to be changed."""
        return self._shelf.digests

    def lacks(self, account: AccountId, sequence: int) -> bool:
        """Return whether an announcement would be news: never true of one that we saw and let go."""
        seen = self._newest.of(account)
        return seen is None or sequence > seen.sequence

    def _open(
        self, raw: bytes, now: Moment, before: Seen | None, author: PeerId | None
    ) -> Opened[Announcement]:
        opened = open_untrusted(raw, genesis=self._genesis, keys=self._keys)
        message = expect(opened, Announcement)
        lifetime = self._limits.max_lifetime
        require_current(opened, audiences=self._audiences, now=now.block, max_lifetime=lifetime)
        require_own_transport(message, genesis=self._genesis)
        if author is not None and peer_id_from_key(message.body.transport_key) != author:
            raise EnvelopeError("author", "published by another peer than it names: drop it")
        if before is not None and before.sequence == message.sequence:
            raise EnvelopeError("equivocation", "two announcements of one sequence: drop it")
        return message

    def _place(
        self, message: Opened[Announcement], seen: Seen, now: Moment, age: Millis
    ) -> Admission:
        self.expire(now)
        account = message.sender
        old = self._shelf.get(account)
        blocks = now.block - message.issued_at - FUTURE_BLOCKS
        age = max(Millis(0), age, Millis(blocks * self._limits.block_millis))
        tie = hashlib.blake2b(account, digest_size=8, key=self._salt).digest()
        entry = Entry(
            message=message,
            made_at=Millis(now.millis - age),
            weight=_clamp(self._evidence.weight(account)),
            tie=int.from_bytes(tie, "big"),
        )
        gone: Admission | None = None
        if not message.body.capabilities:
            gone = "withdrawn"
        elif not entry.is_live(now):
            gone = "expired"
        if gone is not None:
            if old is not None:
                reason: Reason = "withdrawn" if gone == "withdrawn" else "expired"
                self._remove(old, reason, "its newest announcement says so", now)
            self._newest.put(account, seen, listed=False)
            return gone
        self._newest.put(account, seen, listed=True)
        self._shelf.put(entry)
        self.traces.returned(account)
        self._make_room(message.body.transport_key, now)
        if account not in self._shelf:
            return "full"
        return "new" if old is None else "renewed"

    def _make_room(self, peer: PublicKey, now: Moment) -> None:
        siblings = self._shelf.accounts_of(peer)
        if len(siblings) > self._limits.accounts_per_peer:
            self._remove(
                self._shelf[siblings[0]], "crowded-out", "its peer has too many accounts", now
            )
        while len(self._shelf) > self._limits.agents or self._shelf.octets > self._limits.octets:
            lightest = self._shelf[self._shelf.lightest()]
            self._remove(lightest, "crowded-out", "the directory is full", now)

    def _remove(self, entry: Entry, reason: Reason, detail: str, now: Moment) -> None:
        self._shelf.remove(entry)
        self._left(entry, reason, detail, now)

    def _left(self, entry: Entry, reason: Reason, detail: str, now: Moment) -> None:
        self._newest.unlist(entry.account)
        names = tuple(each.name for each in entry.capabilities)
        self.traces.left(entry.account, Trace(reason, detail, now.millis, entry.peer, names))

    def _trace_refusal(self, envelope: Envelope, error: EnvelopeError, now: Moment) -> None:
        trace = Trace("refused", f"{error.reason}: {error}", now.millis)
        self.traces.refused(envelope.sender, trace)

    def _candidates(self, query: Query, now: Moment) -> Iterator[Match]:
        match query:
            case ByName(name=name):
                rows = self._shelf.names.named(name)
            case ByPrefix(prefix=prefix):
                rows = self._shelf.names.below(prefix)
            case ByText():
                yield from self._similar(query, now)
                return
            case _:
                assert_never(query)
        for _, _, account, name in rows:
            entry = self._shelf[account]
            if entry.is_live(now):
                yield Match(entry, entry.capability(name))

    def _similar(self, query: ByText, now: Moment) -> Iterator[Match]:
        """Yield matches, best first; look further where those that were found are filtered away."""
        count, told = query.limit, set[tuple[AccountId, str]]()
        while count <= MAX_LOOKED:
            found = list(self._shelf.texts.search(query.text, count, query.least))
            for account, name, similarity in found:
                entry = self._shelf[account]
                if (account, name) not in told and entry.is_live(now):
                    told.add((account, name))
                    yield Match(entry, entry.capability(name), similarity)
            if len(found) < count:
                return
            count *= 4


def _clamp(weight: float) -> float:
    return min(1.0, max(0.0, weight))


def _silence(entry: Entry, now: Moment) -> str:
    if now.millis >= entry.deadline:
        return f"not heard of for {entry.age(now) / 1000:.0f} s; it is listed for {entry.message.body.ttl} s"
    return f"expired at block {entry.message.expires_at}; now it is block {now.block}"
