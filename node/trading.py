"""A node's market, put together: what it buys and sells, over one network, one chain and one database.

async with open_trading(Parts(...), agents={"text.wordcount": running}) as trading:
    task = await trading.requester.submit("text.wordcount", b'{"text": "a b"}', budget=..., deadline_ms=...)
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

import attrs
import trio

from chain.client import Chain
from chain.errors import UnavailableError
from chain.signing import Signer, signer_from_identity
from market.auction.effects import Accuse, Conclude, Ignored
from market.cases import CaseKey
from market.envelope import Opened, expect
from market.hashing import Hash
from market.identity import AccountId, Identity, PublicKey
from market.messages import Blob, Body, Cfp, Progress, Transcript
from market.settlement.effects import Outcome
from market.settlement.terms import Policy
from market.units import BlockNumber
from node.database import Database
from node.drive import Runner
from node.p2p.blobs import Blobs
from node.p2p.network import Network
from node.provider import Performer, Provider
from node.requester import CALL_AUDIENCE, Check, Requester, Router, Terms
from node.trade.examining import Programs
from node.trade.gate import Gate, SlotGate
from node.trade.life import Life
from node.trade.operators import Operators
from node.trade.post import Directory
from node.trade.tasks import Tasks

__all__ = ["Parts", "Trading", "open_trading"]

_LOG: Final = logging.getLogger("ainur.market")


class Announced(Directory, Router, Protocol):
    """Port: what is known of others' announcements."""


@attrs.frozen(kw_only=True)
class Parts:
    """What a node's market stands on."""

    folder: Path
    """Holds ``node.sqlite``, ``life.sqlite`` and ``blobs/``."""
    identity: Identity
    chain: Chain
    """Its store is :class:`node.journal.Submissions` over the same database."""
    database: Database
    network: Network
    announced: Announced
    account: Signer | None = None
    """Signs what is the requester's; the operator key, which is the account's own until it is rotated, if None."""
    keys: Operators | None = None
    """The node's key directory; one of the market's own if None."""
    signing: Callable[[PublicKey | None], Identity] | None = None
    """Gives the identity that holds the account's operator key; always ``identity`` if None."""


@attrs.frozen(kw_only=True)
class Trading:
    """A market that runs."""

    runner: Runner
    provider: Provider
    requester: Requester
    life: Life
    blobs: Blobs


@attrs.frozen
class _Signers:
    account: Signer
    _identity: Callable[[], Identity]

    @property
    def operator(self) -> Signer:
        """The operator key of now."""
        return signer_from_identity(self._identity())


@asynccontextmanager
async def open_trading(
    parts: Parts,
    *,
    agents: Mapping[str, Performer] | None = None,
    slots: int = 1,
    gate: Gate | None = None,
    terms: Terms | None = None,
    checks: Mapping[str, Check] | None = None,
    programs: Programs | None = None,
    policy: Policy | None = None,
) -> AsyncIterator[Trading]:
    """Take up what is open, and trade until the block ends.

    Args:
        parts: what it stands on.
        agents: what it sells, by capability.
        slots: tasks that each agent works on side by side.
        gate: in front of its bids.
        terms: of its own tasks.
        checks: of results, by name.
        programs: runs programs that check results; without it none are taken.
        policy: in settlements.

    Raises:
        DatabaseError: the disk has failed.
        ChainError: the chain cannot be reached, or is another one than before.
    """
    own = parts.account or signer_from_identity(parts.identity)
    runner = Runner(
        identity=parts.identity,
        signers=_Signers(own, lambda: runner.identity),
        chain=parts.chain,
        genesis=await parts.chain.genesis(),
        params=await parts.chain.queries.escrow_params(),
        database=parts.database,
        network=parts.network,
        directory=parts.announced,
        topics=(CALL_AUDIENCE,),
        policy=policy,
        keys=parts.keys,
        signing=parts.signing,
    )
    blobs = Blobs(parts.network, parts.folder / "blobs")
    tasks = Tasks(parts.database)
    life = Life(parts.folder / "life.sqlite", task_of=tasks.task_of)
    provider = Provider(
        *(runner, agents or {}, gate or SlotGate(), blobs),
        slots=slots,
        least=await parts.chain.existential_deposit(),
    )
    requester = Requester(
        *(runner, parts.announced, blobs, life, tasks),
        terms=terms,
        checks=checks,
        programs=programs,
    )
    runner.audited = provider.wait_for_audit
    host = _Host(runner, provider, requester, blobs)
    try:
        async with trio.open_nursery() as nursery:
            # Those who do the work first: what is taken up is asked for once.
            await nursery.start(provider.run)
            await nursery.start(requester.run)
            await nursery.start(host.run)
            await nursery.start(runner.run, host, life)
            yield Trading(
                runner=runner, provider=provider, requester=requester, life=life, blobs=blobs
            )
            nursery.cancel_scope.cancel()
    finally:
        life.close()


class _Host:
    """The port :class:`market.ports.Host`: each request to whom it concerns."""

    def __init__(
        self, runner: Runner, provider: Provider, requester: Requester, blobs: Blobs
    ) -> None:
        self._runner, self._provider, self._requester = runner, provider, requester
        self._blobs = blobs
        self._grants, self._granting = trio.open_memory_channel[tuple[AccountId, Hash]](1_024)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Grant blobs to the peers of accounts, until cancelled."""
        task_status.started()
        async for to, name in self._granting:
            try:
                peer = await self._runner.where.peer_of(to, self._runner.head)
            except UnavailableError:
                continue  # asked again at the next head
            if peer is not None:
                self._blobs.grant(Blob(hash=name, size=0, media_type=""), peer)

    def heard(self, call: Opened[Cfp]) -> None:
        self._provider.heard(call)

    def audit(self, case: CaseKey, transcript: Opened[Transcript]) -> None:
        self._provider.audit(case, transcript)

    def read_facts(
        self, case: CaseKey, block: BlockNumber, accounts: tuple[AccountId, ...]
    ) -> None:
        del block  # the call's own, which the case names
        self._requester.read_facts(case, accounts)

    def grant(self, to: AccountId, blob: Hash) -> None:
        """Serve a blob to an account's peer; asked again at each head, so what is full now is done then."""
        try:
            self._grants.send_nowait((to, blob))
        except trio.WouldBlock:
            _LOG.debug("too many grants wait")

    def fetch_input(self, case: CaseKey, source: AccountId, blob: Blob) -> None:
        self._provider.fetch_input(case, source, blob)

    def examine(self, case: CaseKey, source: AccountId, milestone: int, result: Hash) -> None:
        self._requester.examine(case, source, milestone, result)

    def perform(self, case: CaseKey, milestone: int) -> None:
        self._provider.perform(case, milestone)

    def stop(self, case: CaseKey) -> None:
        self._provider.stop(case)

    def concluded(self, case: CaseKey, conclusion: Conclude) -> None:
        self._requester.concluded(case, conclusion)

    def settled(self, case: CaseKey, outcome: Outcome) -> None:
        self._requester.settled(case, outcome)

    def accuse(self, case: CaseKey, accusation: Accuse) -> None:
        """Keep a proof in the log, whole: whoever wants to use it finds it there."""
        _LOG.error(
            "%s broke the rules in %s %s: %s; proof %s",
            accusation.account.hex(),
            case.kind,
            case.id.hex(),
            accusation.fault,
            " ".join(each.hex() for each in accusation.proof),
        )

    def ignored(self, case: CaseKey, ignored: Ignored) -> None:
        _LOG.debug(
            "%s %s ignores %s: %s",
            case.kind,
            case.id.hex()[:12],
            ignored.sender.hex()[:12],
            ignored.reason,
        )

    def other(self, message: Opened[Body]) -> None:
        if isinstance(message.body, Progress):
            self._requester.heard_progress(expect(message, Progress))
