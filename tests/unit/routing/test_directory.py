"""The directory, rule by rule."""

import attrs
import msgspec
import pytest

from market.envelope import decode_envelope_untrusted
from market.errors import DecodeError, EnvelopeError, UsageError
from market.hashing import GenesisHash
from market.identity import AccountId, Identity, PublicKey, Signature
from market.units import BlockNumber, Planck
from routing.directory.book import Directory, Limits
from routing.directory.query import ByName, ByPrefix, ByText, Filter
from routing.directory.reconcile import BUCKETS, DIGEST_BYTES
from routing.directory.why import why_not_found
from routing.errors import UsageError as RoutingUsageError
from routing.moment import Millis
from tests.support.announced import AGENTS, announce, announcement, at, capability, directory

A, B, C, D = AGENTS[:4]


def names(book: Directory, query: object, **moment: float) -> list[AccountId]:
    return [match.entry.account for match in book.find(query, at(**moment))]  # type: ignore[arg-type]


def test_an_agent_that_announced_itself_is_found_by_name_prefix_and_text() -> None:
    book = directory()
    assert book.admit(announce(A), at()) == "new"
    for query in (ByName("text.summarize"), ByPrefix("text"), ByText("summarize this")):
        [match] = book.find(query, at())
        assert (match.entry.account, match.capability.name) == (A.account, "text.summarize")
        assert match.entry.peer == A.peer
    assert names(book, ByName("text")) == []
    assert names(book, ByPrefix("te")) == []
    assert names(book, ByPrefix("text.summarize.long")) == []


def test_the_newest_announcement_counts_whatever_came_first() -> None:
    book = directory()
    assert book.admit(announce(A, ["b.new"], sequence=2), at()) == "new"
    assert book.admit(announce(A, ["a.old"], sequence=1), at()) == "stale"
    assert book.capabilities() == {"b.new": 1}
    assert book.admit(announce(A, ["c.newer"], sequence=3), at()) == "renewed"
    assert book.capabilities() == {"c.newer": 1}


def test_the_same_announcement_again_does_not_make_it_live_longer() -> None:
    book = directory()
    raw = announce(A, ttl=60)
    book.admit(raw, at(0))
    assert book.admit(raw, at(59)) == "duplicate"
    assert names(book, ByName("text.summarize"), seconds=59.999) == [A.account]
    assert names(book, ByName("text.summarize"), seconds=60) == []


def test_neither_does_it_come_back_after_it_has_gone() -> None:
    book = directory()
    raw = announce(A, ttl=60)
    book.admit(raw, at(0))
    assert book.expire(at(60)) == 1
    assert book.admit(raw, at(61)) == "duplicate"
    assert len(book) == 0
    assert not book.lacks(A.account, 1)
    assert book.admit(announce(A, sequence=2), at(62)) == "new"


def test_an_agent_is_gone_when_its_block_has_passed_although_its_seconds_have_not() -> None:
    book = directory()
    book.admit(announce(A, issued=100, lives=10, ttl=600), at(0, 100))
    assert names(book, ByName("text.summarize"), block=110) == [A.account]
    assert names(book, ByName("text.summarize"), block=111) == []
    assert book.expire(at(0, 111)) == 1


def test_what_is_told_second_hand_counts_from_when_it_was_made() -> None:
    book = directory()
    assert book.admit(announce(A, ttl=60), at(100), age=Millis(50_000)) == "new"
    assert names(book, ByName("text.summarize"), seconds=109) == [A.account]
    assert names(book, ByName("text.summarize"), seconds=110) == []
    assert book.admit(announce(B, ttl=60), at(100), age=Millis(60_000)) == "expired"
    assert book.admit(announce(C, ttl=60), at(100), age=Millis(-60_000)) == "new"
    assert names(book, ByName("text.summarize"), seconds=160) == []


def test_where_blocks_keep_time_nobody_passes_an_old_announcement_on_as_fresh() -> None:
    raw = announce(A, issued=100, lives=100, ttl=60)
    on_time = directory(limits=Limits(block_millis=6_000))
    assert on_time.admit(raw, at(0, block=112)) == "expired"
    on_time = directory(limits=Limits(block_millis=6_000))
    assert on_time.admit(raw, at(0, block=107)) == "new"
    assert names(on_time, ByName("text.summarize"), seconds=29.9, block=107) == [A.account]
    assert names(on_time, ByName("text.summarize"), seconds=30, block=107) == []
    assert directory().admit(raw, at(0, block=112)) == "new"


def test_an_agent_that_leaves_is_gone_at_once_and_older_words_do_not_bring_it_back() -> None:
    book = directory()
    book.admit(announce(A, sequence=1), at())
    assert book.admit(announce(A, [], sequence=3), at()) == "withdrawn"
    assert book.admit(announce(A, sequence=2), at()) == "stale"
    assert len(book) == 0


def test_a_short_withdrawal_is_remembered_for_as_long_as_what_it_withdrew_could_come_back() -> None:
    book = directory()
    long = announce(A, sequence=1, issued=100, lives=100, ttl=600)
    book.admit(announce(A, [], sequence=2, issued=101, lives=1), at(block=101))
    book.expire(at(block=103))
    assert book.admit(long, at(block=103)) == "stale"


def test_a_newer_announcement_that_has_run_out_takes_the_older_one_with_it() -> None:
    book = directory()
    book.admit(announce(A, sequence=1, ttl=600), at(0))
    late = announce(A, sequence=2, ttl=1)
    assert book.admit(late, at(5), age=Millis(2_000)) == "expired"
    assert len(book) == 0


def forged() -> dict[str, bytes]:
    """Announcements that must never be listed, by why."""
    honest = decode_envelope_untrusted(announce(A))
    other = decode_envelope_untrusted(announce(B))
    encode = msgspec.msgpack.Encoder(order="sorted").encode
    change = msgspec.structs.replace
    unproven = announcement(A, transport=B)
    return {
        "signature": encode(change(honest, signature=Signature(bytes(64)))),
        "key": encode(change(other, sender=A.account)),
        "chain": announce(A, genesis=GenesisHash(b"\1" * 32)),
        "audience": announce(A, topic="/ainur/v1/presence/1"),
        "early": announce(A, issued=103),
        "expired": announce(A, issued=89, lives=10),
        "lifetime": announce(A, lives=101),
        "transport": announce(A, transport_key=B.key),
        "transport proof of another": announce(
            A,
            transport_key=B.key,
            transport_proof=announcement(C, transport=B).transport_proof,
        ),
        "transport without proof": announce(
            A, transport_key=unproven.transport_key, transport_proof=None
        ),
    }


@pytest.mark.parametrize("why", forged())
def test_a_forged_or_stale_announcement_is_refused_and_changes_nothing(why: str) -> None:
    book = directory()
    with pytest.raises(EnvelopeError) as caught:
        book.admit(forged()[why], at())
    assert caught.value.reason == why.split()[0]
    assert len(book) == 0
    assert book.lacks(A.account, 1)
    [trace] = book.traces.of(A.account)
    assert trace.reason == "refused"


@pytest.mark.parametrize("ttl", [0, 601, -1])
def test_no_announcement_asks_for_more_than_ten_minutes(ttl: int) -> None:
    with pytest.raises(UsageError):
        announce(A, ttl=ttl)


def test_garbage_is_refused_without_being_remembered() -> None:
    book = directory()
    for raw in (b"", b"\xc0", announce(A)[:-1], announce(A) + b"\0", b"\xff" * 70_000):
        with pytest.raises(DecodeError):
            book.admit(raw, at())
    assert list(book.traces.all()) == []


def test_two_announcements_of_one_sequence_are_refused() -> None:
    book = directory()
    book.admit(announce(A, ["a.one"]), at())
    with pytest.raises(EnvelopeError, match="one sequence"):
        book.admit(announce(A, ["a.two"]), at())
    assert book.capabilities() == {"a.one": 1}


def test_a_transport_key_of_its_own_is_taken_with_its_proof() -> None:
    book = directory()
    assert book.admit(announce(A, transport=B), at()) == "new"
    [entry] = book.at_peer(B.key, at())
    assert (entry.account, entry.peer) == (A.account, B.peer)
    assert book.at_peer(A.key, at()) == []


def test_nobody_publishes_the_announcement_of_another_peer() -> None:
    book = directory()
    with pytest.raises(EnvelopeError, match="another peer"):
        book.admit(announce(A), at(), author=B.peer)
    assert book.admit(announce(A), at(), author=A.peer) == "new"
    assert book.admit(announce(C, transport=D), at(), author=D.peer) == "new"


def test_a_peer_has_few_accounts_and_the_one_longest_silent_goes() -> None:
    book = directory(limits=Limits(accounts_per_peer=2))
    book.admit(announce(A, transport=D), at(0))
    book.admit(announce(B, transport=D), at(1))
    book.admit(announce(A, transport=D, sequence=2), at(2))
    book.admit(announce(C, transport=D), at(3))
    assert {entry.account for entry in book.at_peer(D.key, at(3))} == {A.account, C.account}
    [trace] = book.traces.of(B.account)
    assert trace.reason == "crowded-out"


class Weights(dict[AccountId, float]):
    """Evidence as a test says."""

    def weight(self, account: AccountId) -> float:
        return self.get(account, 0.0)


def test_who_has_settled_work_is_found_first_and_stays_when_it_gets_full() -> None:
    weights = Weights({C.account: 0.5, A.account: 0.2})
    book = directory(evidence=weights, limits=Limits(agents=2))
    for agent in (A, C):
        book.admit(announce(agent), at())
    assert book.admit(announce(B), at()) == "full"
    assert names(book, ByName("text.summarize")) == [C.account, A.account]
    weights[B.account] = 0.9
    assert book.admit(announce(B, sequence=2), at()) == "new"
    assert names(book, ByPrefix("text")) == [B.account, C.account]
    weights[C.account] = 7.0
    book.reweigh(C.account)
    assert names(book, ByText("summarize")) == [C.account, B.account]


def test_a_flood_of_new_accounts_cannot_choose_who_stays() -> None:
    first, second = (directory(limits=Limits(agents=4)) for _ in range(2))
    for agent in AGENTS:
        first.admit(announce(agent), at())
    for agent in reversed(AGENTS):
        second.admit(announce(agent), at())
        second.admit(announce(agent, sequence=2), at())
    kept = {entry.account for entry in first.entries(at())}
    assert kept == {entry.account for entry in second.entries(at())}
    assert len(kept) == 4
    other = directory(limits=Limits(agents=4), salt=b"another")
    for agent in AGENTS:
        other.admit(announce(agent), at())
    assert kept != {entry.account for entry in other.entries(at())}


def test_announcements_are_bounded_in_bytes() -> None:
    book = directory(limits=Limits(octets=2 * len(announce(A))))
    for agent in AGENTS:
        book.admit(announce(agent), at())
    assert len(book) == 2


class Rotated:
    """A registry in which A's operator key is B's from block 105 on."""

    def operator_key(self, account: AccountId, at: BlockNumber) -> PublicKey | None:
        return B.key if account == A.account and at >= 105 else PublicKey(account)


def test_after_a_rotation_the_old_key_is_dropped_and_the_new_one_speaks() -> None:
    book = directory(keys=Rotated())
    book.admit(announce(A), at(block=104))
    book.recheck_key(A.account, at(block=104))
    assert len(book) == 1
    book.recheck_key(A.account, at(block=105))
    assert len(book) == 0
    successor = attrs.evolve(B, account=A.account)
    assert book.admit(announce(successor, sequence=2, issued=105), at(block=105)) == "new"
    with pytest.raises(EnvelopeError, match="operator key"):
        book.admit(announce(A, sequence=3, issued=105), at(block=105))


def test_gates_of_a_query_shut_agents_out() -> None:
    book = directory()
    book.admit(announce(A, [capability(typical_price=Planck(5))]), at())
    book.admit(announce(B, [capability(free_slots=0)]), at())
    book.admit(announce(C, [capability(version=2, typical_price=Planck(0))]), at())

    def having(**gate: object) -> set[AccountId]:
        return set(names(book, ByName("text.summarize", Filter(**gate))))  # type: ignore[arg-type]

    assert having() == {A.account, B.account, C.account}
    assert having(version=1) == {A.account, B.account}
    assert having(max_price=Planck(5)) == {A.account, C.account}
    assert having(max_price=Planck(4)) == {C.account}
    assert having(free_slot=True) == {A.account, C.account}


def test_texts_rank_by_likeness_and_unrelated_ones_are_not_found() -> None:
    book = directory()
    texts = {
        A: "Turns speech recordings into text",
        B: "Scales pictures to a given width and height",
        C: "Résumés of long documents",
    }
    for agent, text in texts.items():
        book.admit(announce(agent, [capability("x.y", description=text)]), at())
    assert names(book, ByText("resize a PICTURE"))[0] == B.account
    assert names(book, ByText("transcribe speech"))[0] == A.account
    assert names(book, ByText("resume of a document"))[0] == C.account
    assert names(book, ByText("quantum gravity violin")) == []
    assert names(book, ByText("of the and")) == []


def test_a_text_that_changes_is_embedded_anew() -> None:
    book = directory()
    book.admit(announce(A, [capability("x.y", description="paints pictures")]), at())
    book.admit(announce(A, [capability("x.y", description="plays chess")], sequence=2), at())
    assert names(book, ByText("chess")) == [A.account]
    assert names(book, ByText("pictures")) == []


def test_digests_agree_exactly_when_the_lists_do() -> None:
    first, second = directory(), directory(salt=b"another")
    for agent in AGENTS[:5]:
        first.admit(announce(agent), at())
    for agent in reversed(AGENTS[:5]):
        second.admit(announce(agent), at())
    assert first.digests.differing(second.digests.encode()) == []
    second.admit(announce(A, sequence=2), at())
    [bucket] = first.digests.differing(second.digests.encode())
    assert second.digests.members(bucket)[A.account] == 2
    assert first.lacks(A.account, 2)
    assert len(first.digests.encode()) == BUCKETS * DIGEST_BYTES
    assert first.digests.differing(b"short") == list(range(BUCKETS))


@pytest.mark.parametrize("name", ["", "Text", "a..b", ".a", "a.", "a.b.c.d.e", "a b", "a\n", "é"])
def test_a_name_that_nobody_can_announce_is_refused(name: str) -> None:
    for query in (ByName, ByPrefix):
        with pytest.raises(RoutingUsageError, match="no capability"):
            query(name)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_limit_out_of_range_is_refused(limit: int) -> None:
    with pytest.raises(RoutingUsageError, match="1 to 1000"):
        ByName("a.b", limit=limit)


@pytest.mark.parametrize("text", ["", "  ", "x" * 1_025])
def test_a_text_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(RoutingUsageError, match="text"):
        ByText(text)


def test_why_not_found_names_each_reason() -> None:
    book = directory(limits=Limits(agents=5))
    asked = ByName("text.summarize", Filter(free_slot=True), limit=1)
    missing = Identity.from_seed(b"\x77" * 32)
    book.admit(announce(A), at())  # found, or beyond the limit
    book.admit(announce(B), at())  # the other of the two
    book.admit(announce(C, [capability(free_slots=0)]), at())
    book.admit(announce(D, ["text.translate"]), at())
    gone, left, bad, stale = AGENTS[4:8]
    book.admit(announce(left), at())
    book.admit(announce(left, [], sequence=2), at())
    book.admit(announce(gone, ttl=1), at())
    book.expire(at(2))
    with pytest.raises(EnvelopeError):
        book.admit(announce(bad, topic="elsewhere"), at())

    def reason(agent: Identity, query: object = asked) -> list[str]:
        return [each.reason for each in why_not_found(book, query, at(2), agent.account)]  # type: ignore[arg-type]

    assert sorted([*reason(A), *reason(B)]) == ["beyond-limit", "found"]
    assert reason(C) == ["filtered"]
    assert reason(D) == ["other-capability"]
    assert reason(D, ByText("summarize")) == ["dissimilar"]
    assert reason(gone) == ["expired"]
    assert reason(left) == ["withdrawn"]
    assert reason(bad) == ["refused"]
    assert reason(missing) == reason(stale) == ["unknown"]
    assert [each.reason for each in why_not_found(book, asked, at(2), gone.peer)] == ["expired"]
    assert [each.reason for each in why_not_found(book, asked, at(2), C.peer)] == ["filtered"]
    everybody = why_not_found(book, asked, at(2))
    assert sorted(each.reason for each in everybody) == [
        "beyond-limit", "expired", "filtered", "refused", "withdrawn",
    ]  # fmt: skip


def test_rubbish_in_the_name_of_an_agent_does_not_hide_why_it_left() -> None:
    book = directory()
    book.admit(announce(A, ttl=1), at())
    book.expire(at(2))
    with pytest.raises(EnvelopeError):
        book.admit(forged()["signature"], at(2))
    reasons = [each.reason for each in why_not_found(book, ByName("a.b"), at(2), A.account)]
    assert reasons == ["expired", "refused"]


def test_a_mistyped_capability_is_told_with_those_like_it() -> None:
    book = directory()
    [nobody] = why_not_found(book, ByName("text.sumarize"), at())
    assert "connected" in nobody.detail
    book.admit(announce(A), at())
    [absence] = why_not_found(book, ByName("text.sumarize"), at())
    assert absence.reason == "unknown"
    assert "text.summarize" in absence.detail
