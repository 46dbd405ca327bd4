"""How many of an agent's slots a case binds: a bid that may still win, an award, work that is not delivered. Pure."""

from market.auction import bidder
from market.cases import State, is_over
from market.envelope import reopen
from market.identity import AccountId
from market.settlement import provider as serving

__all__ = ["slots_of"]


def slots_of(state: State, capability: str) -> int:
    """Return how many slots of a capability a case binds.

    Args:
        state: of the case; those of a requester bind none.
        capability: whose slots.
    """
    match state:
        case serving.Provider(terms=terms) if terms is not None and not is_over(state):
            is_busy = terms.capability == capability and len(state.results) < len(terms.milestones)
            return int(is_busy and state.phase is not serving.Phase.CONTESTED)
        case bidder.Bidder() if state.ask is not None and not is_over(state):
            tasks = state.call.body.tasks
            mine = [p.task for p in state.ask.prices if tasks[p.task].capability == capability]
            if state.transcripts:
                return 0  # it is over; what we have won is being served, and counts there
            if not state.awards:
                return min(len(mine), len(state.ask.slot_surcharge))
            account = AccountId(reopen(state.commitment).sender)
            last = state.awards[-1].body
            return sum(line.provider == account and line.task in mine for line in last.lines)
        case _:
            return 0
