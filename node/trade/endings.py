"""How a task has ended, in a word and a sentence for its user. Pure."""

from collections.abc import Sequence

from market.auction import requester as auctioning
from market.settlement import requester as buying
from market.units import format_amount
from node.checks.replicas import Agreement
from node.trade.examining import quorum_of
from node.trade.tasks import Copy

__all__ = ["sum_up", "why_nobody"]


def why_nobody(state: auctioning.Requester) -> tuple[str, str]:
    """Return why a task found nobody: one word, and a sentence."""
    untouched = "your money was not touched"
    if not state.taken:
        return "no-bid", f"{len(state.cfp.invited)} were asked and none bid; {untouched}"
    if not state.rounds:
        return "no-bid", f"none of {len(state.taken)} bids was opened; {untouched}"
    if any(round_.removed for round_ in state.rounds):
        why = "those who won did not take it on: look whether the input is what they take"
        return "refused", f"{why}; {untouched}"
    return "over-budget", f"no bid was within the budget; raise it, or ask for less; {untouched}"


def sum_up(
    copies: Sequence[Copy], bought: Sequence[buying.Requester], agreement: Agreement | None
) -> tuple[str, str]:
    """Return how a task with replicas has ended: one word, and a sentence.

    Args:
        copies: the task's, at least one; all have ended.
        bought: the purchases of them.
        agreement: what their results have come to; None where there was no result.
    """
    spec = copies[0].spec
    total = sum(state.outcome.paid for state in bought if state.outcome is not None)
    paid = f"paid {format_amount(total)} in all" if total else "nothing was paid"
    if agreement is None:
        how, _, why = (copies[-1].ended or "").partition(": ")
        return how, f"none of {spec.replicas} replicas was delivered, the last one: {why}"
    alike = sum(finding.verdict == "passed" for finding in agreement.findings.values())
    if alike:
        return "released", f"{alike} of {spec.replicas} replicas agree; {paid}"
    return "undecided", f"no {quorum_of(spec)} of {spec.replicas} replicas agree; {paid}"
