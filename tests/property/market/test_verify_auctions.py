"""Every planted cheat is found and rightly named; honest auctions on a bad network have no fault."""

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.auction.defaults import defaults_in
from market.auction.facts import FactsKeys
from market.auction.verify import recompute, verify_transcript
from market.envelope import expect, open_untrusted
from market.errors import PeerError, UsageError
from market.messages import Transcript
from node.simulation.auction import GENESIS
from node.simulation.cheats import CHEATS
from tests.support.planted import verdicts

pytestmark = [pytest.mark.property, pytest.mark.timeout(600)]  # a busy machine is no failure


@pytest.mark.parametrize("part", range(5))
def test_verdicts_are_exactly_what_was_planted(part: int) -> None:
    planted = set()
    awarded = 0
    for verdict in verdicts(range(part * 200, (part + 1) * 200)):
        assert verdict.is_right, verdict
        planted.add(verdict.cheat)
        awarded += verdict.outcome.is_awarded
    assert planted == {"", *CHEATS}
    assert awarded > 80


def test_counterfactuals_add_up_and_match_what_is_awarded() -> None:
    compared = 0
    for verdict in verdicts(range(0, 120, 2)):
        if not verdict.outcome.is_awarded:
            continue
        last = recompute(verdict.outcome.transcript, verdict.outcome.facts).clearings[-1]
        for why in last.counterfactuals:
            assert why.payment == why.value - (why.welfare_without - why.welfare_of_others)
            assert why.payment == sum(
                line.price for line in last.lines if line.provider == why.provider
            )
            compared += 1
    assert compared > 30


VERDICT, OTHER = [v for v in verdicts(range(0, 120, 6)) if v.outcome.is_awarded][:2]


@given(st.data())
def test_no_bit_of_a_signed_transcript_can_change(data: st.DataObject) -> None:
    raw = VERDICT.outcome.transcript.raw
    altered = bytearray(raw)
    altered[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(PeerError):
        open_untrusted(bytes(altered), genesis=GENESIS, keys=FactsKeys.of(VERDICT.outcome.facts))


@given(st.data())
def test_no_byte_of_an_embedded_message_can_change_unnoticed(data: st.DataObject) -> None:
    """A requester that signs an altered transcript anew is found out."""
    transcript = VERDICT.outcome.transcript.body
    tree = msgspec.to_builtins(transcript, builtin_types=(bytes,))
    place = data.draw(
        st.sampled_from(
            [
                (tree, "cfp"),
                (tree, "root"),
                *((record, field) for record in tree["commitments"] for field in record),
                *((record, field) for record in tree["reveals"] for field in record),
                *((record, "award") for record in tree["rounds"]),
            ]
        )
    )
    holder, field = place
    raw = bytearray(holder[field])
    if not raw:
        return
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    holder[field] = bytes(raw)
    body = msgspec.convert(tree, Transcript)
    forged = attrs.evolve(VERDICT.outcome.transcript, body=body)
    assert verify_transcript(forged, VERDICT.outcome.facts, VERDICT.outcome.evidence)


@given(st.sampled_from(["weights", "rounds", "reveals", "commitments"]))
def test_no_part_of_a_transcript_can_be_left_out(part: str) -> None:
    body = msgspec.structs.replace(VERDICT.outcome.transcript.body, **{part: ()})
    forged = attrs.evolve(VERDICT.outcome.transcript, body=body)
    assert verify_transcript(forged, VERDICT.outcome.facts, VERDICT.outcome.evidence)
    assert expect(forged, Transcript).body is body


@given(st.data())
def test_no_transcript_however_rearranged_makes_the_verifier_fail(data: st.DataObject) -> None:
    """Parts dropped, doubled, swapped between records or auctions: a list of faults, never an error."""
    tree = msgspec.to_builtins(VERDICT.outcome.transcript.body, builtin_types=(bytes,))
    other = msgspec.to_builtins(OTHER.outcome.transcript.body, builtin_types=(bytes,))
    for _ in range(data.draw(st.integers(1, 4))):
        part = data.draw(st.sampled_from(["commitments", "reveals", "weights", "rounds"]))
        rows = list(tree[part])
        match data.draw(st.sampled_from(["drop", "double", "swap", "foreign", "empty", "root"])):
            case "drop" if rows:
                rows.pop(data.draw(st.integers(0, len(rows) - 1)))
            case "double" if rows:
                rows.append(data.draw(st.sampled_from(rows)))
            case "swap" if len(rows) > 1:
                field = data.draw(st.sampled_from(sorted(rows[0])))
                a, b = (dict(row) for row in data.draw(st.permutations(rows))[:2])
                a[field] = b[field]
                rows[0] = a
            case "foreign":
                rows.extend(other[part])
            case "empty":
                tree["root"] = data.draw(st.sampled_from([b"", other["root"], tree["cfp"]]))
            case _:
                tree["auction"] = data.draw(st.sampled_from([other["auction"], tree["auction"]]))
        tree[part] = rows[:3] if part == "rounds" else rows  # the wire takes no more
    forged = attrs.evolve(VERDICT.outcome.transcript, body=msgspec.convert(tree, Transcript))
    facts, evidence = VERDICT.outcome.facts, VERDICT.outcome.evidence
    faults = verify_transcript(forged, facts, evidence)
    assert faults == verify_transcript(forged, facts, evidence)
    defaults_in(forged, facts)
    try:
        recompute(forged, facts)
    except UsageError:
        assert faults
