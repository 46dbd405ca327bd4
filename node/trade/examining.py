"""Is a result what was paid for? It is fetched, and goes through the requester's checks.

The checks, in order: its hash (by the blob's name), JSON, the schema that was wanted, the requester's own function or
program, and, of a task with replicas, what most of them say. The first that fails decides. What says why, with the
receipts that it rests on, is kept as a blob: its hash goes on chain as the evidence of the dispute.

A check that does not come to an end decides nothing, and no provider answers for it: the result is paid.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import attrs
import msgspec
import trio

from chain.errors import UnavailableError
from market.hashing import Hash
from market.identity import AccountId, PeerId, ss58_from_account
from market.messages import Blob
from market.settlement import requester as buying
from node.agents.schemas import Judge
from node.checks.replicas import Agreement, compare_replicas
from node.checks.result import check_output
from node.checks.verdict import Finding
from node.drive import Runner
from node.p2p.blobs import Blobs
from node.p2p.errors import BlobError, NetworkError
from node.trade.purchases import Purchases
from node.trade.tasks import Copy, Tasks, TaskSpec

__all__ = ["Check", "Examined", "Examiner", "Programs", "quorum_of"]

_LOG: Final = logging.getLogger("ainur.requester")
PAUSES: Final = (0.02, 0.05, 0.1)
"""Seconds before a result that is not shown to us yet is asked for again; then at the next head."""
HURRY: Final = 3
"""Blocks before the last moment for a dispute in which replicas that are still out are not waited for."""

Check = Callable[[TaskSpec, Any], Awaitable[str | None]]
"""Given a task and the decoded result, says what is wrong with it; None when nothing is."""


class Programs(Protocol):
    """Port: runs programs that check; :class:`node.checks.programs.CheckPrograms` is one."""

    def require_possible(self, command: Sequence[str]) -> None:
        """Refuse a program that cannot run here.

        Raises:
            UsageError: it is so.
        """
        ...

    async def run(self, command: Sequence[str], given: Any, output: Any, seconds: float) -> Finding:
        """Ask a program about a result; it never raises for what the program does."""
        ...


@attrs.frozen
class Examined:
    """What was found."""

    finding: Finding
    evidence: Hash | None
    """Of the document that says why, where it failed."""


def quorum_of(spec: TaskSpec) -> int:
    """Return how many replicas have to agree: more than half of those that were wanted."""
    return spec.replicas // 2 + 1


class Examiner:
    """Examines results."""

    def __init__(
        self,
        runner: Runner,
        blobs: Blobs,
        tasks: Tasks,
        purchases: Purchases,
        *,
        checks: Mapping[str, Check],
        programs: Programs | None,
    ) -> None:
        """Make one.

        Args:
            runner: of the node's market.
            blobs: the node's.
            tasks: the node's.
            purchases: the node's.
            checks: functions of ours, by name.
            programs: runs programs; without it there are none.
        """
        self._runner, self._blobs, self._tasks, self._purchases = runner, blobs, tasks, purchases
        self._checks, self._programs = checks, programs
        self._found: dict[tuple[bytes, Hash], Finding] = {}
        """Of results that wait for those of other replicas: what costs time is not asked twice."""

    async def examine(
        self, copy: Copy | None, state: buying.Requester, milestone: int
    ) -> Examined | None:
        """Return what is to be said of a result; None where that is not known yet: ask again.

        Args:
            copy: what was wanted; None where the database was lost: then what is JSON is taken.
            state: of its purchase.
            milestone: whose receipt is here.
        """
        provider = state.task.provider
        try:
            peer = await self._runner.where.peer_of(provider, self._runner.head)
            if peer is None:
                return None
            data = await self._fetch(state.receipts[milestone].body.result, peer)
        except (NetworkError, UnavailableError) as error:
            _LOG.info("the result of %s has not come: %s", state.task.task_id.hex()[:12], error)
            return None
        name = (state.task.task_id, state.receipts[milestone].body.result.hash)
        finding = self._found.get(name) or await self._find(copy, state, data)
        if finding.verdict != "failed" and copy is not None and copy.spec.replicas > 1:
            self._found[name] = finding
            agreed = await self._compare(copy, state)
            if agreed is None:
                return None
            finding = agreed
        self._found.pop(name, None)
        if finding.verdict != "failed" or copy is None:
            return Examined(finding, None)
        return Examined(finding, await self._write_down(copy, state, milestone, finding))

    async def _fetch(self, blob: Blob, peer: PeerId) -> bytes:
        """Get a result; its provider may learn a moment after us that it is time to show it."""
        for pause in PAUSES:
            try:
                return await self._blobs.fetch(blob, peer)
            except BlobError:
                await trio.sleep(pause)
        return await self._blobs.fetch(blob, peer)

    async def _find(self, copy: Copy | None, state: buying.Requester, data: bytes) -> Finding:
        """Put a result through all checks that need nobody else's."""
        schema = None if copy is None else copy.spec.output_schema
        finding, value = check_output(Judge(schema, "the wanted result"), data)
        if finding.verdict != "passed" or copy is None:
            return finding
        if copy.spec.check is not None and (check := self._checks.get(copy.spec.check)):
            fault = await check(copy.spec, value)
            finding = Finding("own", "passed" if fault is None else "failed", fault or "")
        if finding.verdict == "passed" and copy.spec.check_command:
            finding = await self._ask_program(copy, state, value)
        return finding

    async def _ask_program(self, copy: Copy, state: buying.Requester, value: Any) -> Finding:
        if self._programs is None:
            return Finding("own", "undecided", "this node runs no programs that check")
        try:
            given = msgspec.json.decode(await self._blobs.get(copy.spec.input))
        except BlobError as error:
            return Finding("own", "undecided", f"the input is not here any more: {error}")
        blocks = _blocks_left(state, self._runner.head)
        seconds = max(blocks, 1) * self._runner.params.millis_per_block / 1_000
        return await self._programs.run(copy.spec.check_command, given, value, seconds)

    # Replicas.

    async def agreement(self, task: bytes) -> Agreement | None:
        """Return what a task's replicas have come to so far; None where none is here."""
        outputs: dict[AccountId, Any] = {}
        spec: TaskSpec | None = None
        for copy in self._tasks.copies(task):
            state, spec = self._purchases.of_copy(copy.id), copy.spec
            if state is None or any(not good for _, good in state.verdicts.values()):
                continue
            value = await self._value(state)
            if value is not None:
                outputs[state.task.provider] = value[0]
        if spec is None or not outputs:
            return None
        return compare_replicas(outputs, quorum_of(spec))

    async def _value(self, state: buying.Requester) -> tuple[Any] | None:
        """Return what a provider has said, where that is here, and is JSON."""
        if not state.receipts:
            return None
        try:
            data = await self._blobs.get(state.receipts[max(state.receipts)].body.result)
            return (msgspec.json.decode(data),)
        except (BlobError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    async def _compare(self, copy: Copy, state: buying.Requester) -> Finding | None:
        """Return what the other replicas say of this one; None while that is open."""
        agreed = await self.agreement(copy.task)
        if agreed is None:
            return None
        finding = agreed.findings.get(state.task.provider)
        if finding is None:  # its own checks have failed it
            return None
        is_open = any(self._is_out(each) for each in self._tasks.copies(copy.task))
        if finding.verdict == "undecided" and is_open and not self._is_pressing(state):
            return None
        return finding

    def _is_out(self, copy: Copy) -> bool:
        """Return whether a copy may still bring a result."""
        state = self._purchases.of_copy(copy.id)
        if copy.ended is not None or (state is not None and state.outcome is not None):
            return False
        return state is None or not state.receipts or not self._blobs.has(_last_result(state))

    def _is_pressing(self, state: buying.Requester) -> bool:
        return _blocks_left(state, self._runner.head) <= HURRY

    # Evidence.

    async def _write_down(
        self, copy: Copy, state: buying.Requester, milestone: int, finding: Finding
    ) -> Hash:
        """Keep why a result is disputed, with what that rests on; return its hash."""
        others = [
            {"provider": ss58_from_account(each.task.provider), "receipt": receipt.raw.hex()}
            for each in self._purchases.all_of(copy.task)
            if each is not state and each.task.task_id != copy.id
            for receipt in each.receipts.values()
        ]
        document = {
            "schema": "ainur/evidence/1",
            "task": copy.id.hex(),
            "capability": copy.spec.capability,
            "input": copy.spec.input.hash.hex(),
            "provider": ss58_from_account(state.task.provider),
            "milestone": milestone,
            "check": finding.check,
            "finding": finding.evidence,
            "receipt": state.receipts[milestone].raw.hex(),
            "replicas": others if finding.check == "replicas" else [],
        }
        blob = await self._blobs.put(
            msgspec.json.encode(document, order="sorted"), "application/json"
        )
        return blob.hash


def _last_result(state: buying.Requester) -> Blob:
    return state.receipts[max(state.receipts)].body.result


def _blocks_left(state: buying.Requester, head: int) -> int:
    """Return the blocks before the last one at which a dispute is still raised in time."""
    if state.found is None:
        return 0
    escrow = state.found.escrow
    return escrow.deadline - state.policy.margin_of(escrow.review_blocks) - head
