"""What users ask to see of what they buy: where a task stands, its result, and the auction in which it was bought."""

from market.auction import requester as auctioning
from market.auction.file import AuctionFile, encode_auction_file
from market.cases import CaseKey
from market.envelope import expect, reopen
from market.errors import UsageError
from market.messages import Transcript
from market.settlement import requester as buying
from market.settlement.effects import Ending
from node.drive import Runner
from node.p2p.blobs import Blobs
from node.trade.tasks import Tasks

__all__ = ["Purchases", "is_reopened"]


def is_reopened(state: buying.Requester) -> bool:
    """Return whether a task may be bought from somebody else: its escrow was never opened."""
    return state.outcome is not None and state.outcome.state in (Ending.UNSIGNED, Ending.REFUSED)


class Purchases:
    """Reads cases, results and auctions of tasks."""

    def __init__(self, runner: Runner, blobs: Blobs, tasks: Tasks) -> None:
        self._runner, self._blobs, self._tasks = runner, blobs, tasks

    def of_copy(self, copy: bytes) -> buying.Requester | None:
        """Return where a copy stands with the provider that it was awarded to last; None before that."""
        found = None
        for key, state in self._runner.cases_of(copy).items():
            if key.kind == "buy" and isinstance(state, buying.Requester):
                found = state
        return found

    def is_live(self, copy: bytes) -> bool:
        """Return whether a copy is bought, or was: its provider has not kept its escrow from being opened."""
        state = self.of_copy(copy)
        return state is not None and not is_reopened(state)

    def all_of(self, task: bytes) -> list[buying.Requester]:
        """Return where a task's copies stand, the oldest first."""
        found = (self.of_copy(copy.id) for copy in self._tasks.copies(task))
        return [state for state in found if state is not None]

    def of_task(self, task: bytes) -> buying.Requester | None:
        """Return where a task stands: with a provider whose result is good, else with the last one."""
        found = self.all_of(task)
        good = [state for state in found if any(each for _, each in state.verdicts.values())]
        best = good or found
        return best[-1] if best else None

    async def result(self, task: bytes) -> bytes:
        """Return a task's result, JSON.

        Raises:
            BlobError: it is not here.
            UsageError: there is none.
        """
        state = self.of_task(task)
        if state is None or not state.receipts:
            raise UsageError("there is no result: the task has not been delivered")
        return await self._blobs.get(state.receipts[max(state.receipts)].body.result)

    async def auction_file(self, task: bytes) -> bytes:
        """Return the transcript of a task's auction with the facts it was cleared with, for whoever wants to check it.

        Raises:
            UsageError: it has none, or that auction is not over.
            ChainError: the chain does not say the facts any more.
        """
        kept = self._tasks.get(task)
        state = None
        if kept is not None and kept.auction is not None:
            found = self._runner.cases_of(kept.auction)
            state = found.get(CaseKey("auction", kept.auction))
        if not isinstance(state, auctioning.Requester) or not state.transcript:
            raise UsageError("there is no transcript: its auction is not over, or never was")
        accounts = frozenset({*state.taken, self._runner.identity.account})
        cfp = state.cfp
        facts = await self._runner.facts.read(
            cfp.facts_block, accounts, auction=state.auction, until=cfp.reveal_by
        )
        transcript = expect(reopen(state.transcript), Transcript)
        return encode_auction_file(AuctionFile(transcript, facts, evidence=()))
