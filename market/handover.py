"""Where an auction ends and settlements begin, at both sides; and the way back."""

from collections.abc import Iterable, Iterator

from market.auction import bidder, requester
from market.auction.effects import EscrowFailed
from market.cases import CaseKey, PurchaseBegun, State
from market.envelope import Opened, expect, reopen
from market.errors import AgreementError
from market.hashing import AuctionId, MessageId
from market.identity import AccountId
from market.messages import Acceptance, Agreement, AgreementTerms, Award
from market.settlement import requester as buying
from market.settlement.effects import Ending
from market.settlement.terms import Policy, terms_of
from market.steps import Ignored

__all__ = ["expected_terms", "failed_opening", "purchases_of"]


def purchases_of(
    state: requester.Requester, buyer: AccountId, policy: Policy, known: Iterable[State]
) -> Iterator[PurchaseBegun | Ignored]:
    """Yield what is to be bought after an auction's last award; what is being bought already stays as it is.

    After a provider has kept an escrow from being opened the whole auction is cleared again. Tasks whose
    escrows may be open by then are not taken from who has them.

    Args:
        state: of the auction, settled.
        buyer: whose auction it was.
        policy: ours in new settlements.
        known: the states of all cases.
    """
    last = state.rounds[-1]
    bought = {
        (each.task.task_id, each.task.attempt)
        for each in known
        if isinstance(each, buying.Requester) and not _is_free_again(each)
    }
    named = reopen(state.transcript).id
    for line in expect(reopen(last.award), Award).body.lines:
        task = state.cfp.tasks[line.task]
        if (task.task_id, task.attempt) in bought:
            continue
        try:
            terms = terms_of(
                state.cfp, line, auction=state.auction, requester=buyer, transcript=named
            )
        except ValueError as error:
            yield Ignored(line.provider, f"no agreement can be made of its award: {error}")
        else:
            yield PurchaseBegun(terms, state.transcript, last.id, policy)


def _is_free_again(state: buying.Requester) -> bool:
    """Return whether a task may be bought from somebody else: its escrow was never opened."""
    ending = state.outcome.state if state.outcome else None
    return ending in (Ending.UNSIGNED, Ending.REFUSED)


def failed_opening(state: State, auction: State | None) -> tuple[CaseKey, EscrowFailed] | None:
    """Return what an auction is told when a purchase ends; None where that is nothing.

    Args:
        state: of a purchase that is over.
        auction: the state of the auction that it came from, if it is known.
    """
    if not isinstance(state, buying.Requester) or not isinstance(auction, requester.Requester):
        return None
    if state.terms is None or state.outcome is None or state.outcome.at_fault != "provider":
        return None
    last, provider = auction.rounds[-1], state.terms.provider
    is_told = auction.phase is not requester.Phase.SETTLED or last.id != state.award
    if is_told or provider not in last.winners:
        return None
    return CaseKey("auction", auction.auction), EscrowFailed(provider)


def expected_terms(
    bid: State | None, message: Opened[Agreement], provider: AccountId
) -> AgreementTerms:
    """Return the terms that follow from an award that a provider has accepted.

    Args:
        bid: the state of its bid in the auction that the proposal names, if there is one.
        message: the proposal.
        provider: its account.

    Raises:
        AgreementError: ``terms``: nothing like it was awarded, or not yet.
    """
    terms = message.body.terms
    if not isinstance(bid, bidder.Bidder) or bid.auction != AuctionId(terms.auction):
        raise AgreementError("terms", "its auction is not known: ignore it")
    transcript = MessageId(terms.transcript)
    if transcript not in bid.transcripts:
        raise AgreementError("terms", "its transcript has not come: wait for both to come again")
    cfp = bid.call.body
    for award, answer in zip(reversed(bid.awards), reversed(bid.answers), strict=True):
        if not answer or not expect(reopen(answer), Acceptance).body.accepted:
            continue
        for line in award.body.lines:
            is_it = cfp.tasks[line.task].task_id == terms.task_id and line.price == terms.price
            if not is_it or line.provider != provider:
                continue
            try:
                return terms_of(
                    cfp,
                    line,
                    auction=bid.auction,
                    requester=bid.call.sender,
                    transcript=transcript,
                )
            except ValueError as error:
                raise AgreementError("terms", f"its award gives no terms: {error}") from error
    raise AgreementError("terms", "not what we were awarded: ignore it")
