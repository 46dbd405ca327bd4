"""Bidders that let an auction down, as far as their own signatures prove it."""

from typing import Literal

import attrs

from market.auction.facts import Facts, FactsKeys
from market.envelope import Opened, open_untrusted
from market.errors import PeerError
from market.identity import AccountId
from market.messages import Acceptance, Body, Transcript

__all__ = ["Default", "defaults_in"]


@attrs.frozen
class Default:
    """One bidder's breach of what it had committed to."""

    kind: Literal["withheld", "refused"]
    account: AccountId
    proof: bytes = attrs.field(repr=False)
    """The commitment that was not revealed, or the signed refusal."""


def defaults_in(transcript: Opened[Transcript], facts: Facts) -> list[Default]:
    """Return who committed and did not reveal, and who won and refused.

    A node that holds such a transcript admits these accounts to none of its auctions for a while. Silent
    winners are not among them: nothing that they signed proves it.

    Args:
        transcript: one in which no fault was found; otherwise the requester may have made them up.
        facts: what it was verified with.
    """
    keys = FactsKeys.of(facts)

    def signed(raw: bytes) -> Opened[Body] | None:
        try:
            return open_untrusted(raw, genesis=facts.genesis, keys=keys)
        except PeerError:
            return None

    body = transcript.body
    revealed = {m.sender for record in body.reveals if (m := signed(record.reveal))}
    found = [
        Default("withheld", m.sender, m.raw)
        for record in body.commitments
        if (m := signed(record.commitment)) and m.sender not in revealed
    ]
    found += [
        Default("refused", m.sender, m.raw)
        for record in body.rounds
        for raw in record.refusals
        if (m := signed(raw)) and isinstance(m.body, Acceptance) and not m.body.accepted
    ]
    return sorted(found, key=lambda each: (each.account, each.kind))
