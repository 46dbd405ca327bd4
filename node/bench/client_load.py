"""What the chain client is measured with: escrows from offer to payment, and single submissions."""

import json
import statistics
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

import attrs
import trio
import websocket

from chain.calls import Call, escrow
from chain.calls.frame import TransferKeepAlive
from chain.client import Chain
from chain.events.escrow import Opened
from chain.payloads import Scheme
from chain.signing import Signer, development_signer
from chain.stored import MemoryStore, Submission
from chain.submission import Receipt
from market.hashing import Hash, TaskId, digest
from market.offer import NO_SLOT, Offer, offer_payload
from market.standing import EscrowId
from market.units import AINU, BlockNumber, Planck
from node.bench.report import Report

__all__ = ["Escrows", "ForgetfulStore", "Heads", "latencies", "percentiles", "transfer"]

SCHEMES: tuple[Scheme, ...] = ("sr25519", "ed25519")
PRICE = Planck(AINU // 50)
REQUESTERS = (
    development_signer("Alice", "ed25519"),
    *(development_signer(name, scheme) for name in ("Dave", "Eve") for scheme in SCHEMES),
    development_signer("Alice"),
)
PROVIDERS = tuple(
    development_signer(name, scheme) for name in ("Bob", "Charlie") for scheme in SCHEMES
)
"""Registered and bonded at genesis."""
HASH = Hash(bytes(32))
Work = tuple[str, Call, Signer]


class ForgetfulStore(MemoryStore):
    """Keeps what is in flight, and forgets what is settled: so that only the client's own memory is measured."""

    async def save(self, submission: Submission) -> None:
        """Keep it, or forget it once it is settled."""
        await super().save(submission)
        if submission.place is not None:
            del self._kept[submission.key]


def transfer(number: int) -> TransferKeepAlive:
    """Return a small transfer, the cheapest call there is."""
    return TransferKeepAlive(PROVIDERS[0].account, Planck(10**9 + number))


@attrs.define
class Escrows:
    """Escrows of some accounts, many at a time."""

    chain: Chain
    accounts: int
    """How many requesters; providers are as many, up to those that there are."""
    name: str
    """Makes keys and tasks its own."""

    async def pipelined(self, count: int) -> Report:
        """Return how many a second were opened, delivered and settled, each step for all at once.

        A step is over when the last of it is final.
        """
        offers = [await self._offer(number) for number in range(count)]
        steps: dict[str, float] = {}
        works: list[Work] = [
            (f"open {self.name} {n}", escrow.OpenWithOffer(offer, self._provider(n).sign(offer_payload(offer))),
             self._requester(n))
            for n, offer in enumerate(offers)
        ]  # fmt: skip
        receipts, steps["opened"] = await self._all(works)
        numbers = [_number(receipt) for receipt in receipts]
        works = [
            (f"deliver {self.name} {n}", escrow.Deliver(number, HASH), self._provider(n))
            for n, number in enumerate(numbers)
        ]
        _, steps["delivered"] = await self._all(works)
        works = [
            (f"release {self.name} {n}", escrow.Release(number), self._requester(n))
            for n, number in enumerate(numbers)
        ]
        _, steps["settled"] = await self._all(works)
        return {
            "escrows": count,
            **{f"{name}_per_s": round(count / seconds, 1) for name, seconds in steps.items()},
            "whole_per_s": round(count / sum(steps.values()), 1),
        }

    async def _all(self, works: Sequence[Work]) -> tuple[list[Receipt], float]:
        receipts: dict[int, Receipt] = {}

        async def one(at: int, work: Work) -> None:
            receipts[at] = await self.chain.submit(*work)

        start = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for at, work in enumerate(works):
                nursery.start_soon(one, at, work)
        seconds = time.perf_counter() - start
        return [receipts[at] for at in range(len(works))], seconds

    def _requester(self, number: int) -> Signer:
        return REQUESTERS[number % self.accounts]

    def _provider(self, number: int) -> Signer:
        return PROVIDERS[number % min(self.accounts, len(PROVIDERS))]

    async def _offer(self, number: int) -> Offer:
        params = await self.chain.queries.escrow_params()
        now = (await self.chain.finalized()).number
        provider = self._provider(number).account
        return Offer(
            genesis=await self.chain.genesis(),
            requester=self._requester(number).account,
            provider=provider,
            task_id=TaskId(digest("bench", f"{self.name} {number}".encode())),
            attempt=0,
            price=PRICE,
            milestones=(PRICE,),
            input_hash=HASH,
            slot=NO_SLOT,
            terms=HASH,
            arbiter=None,
            deliver_within=params.max_deliver_within,
            review_blocks=params.max_review,
            valid_until=BlockNumber(now + params.offer_validity),
            offer_epoch=await self.chain.queries.offer_epoch(provider),
        )


def _number(receipt: Receipt) -> EscrowId:
    [number] = (event.escrow for event in receipt.events if isinstance(event, Opened))
    return number


class Heads:
    """When each block became the head, by a connection of its own that the client knows nothing of."""

    def __init__(self, url: str) -> None:
        self._socket = websocket.create_connection(url, timeout=60)
        self._socket.send('{"jsonrpc":"2.0","id":1,"method":"chain_subscribeNewHeads","params":[]}')
        self._seen: dict[int, float] = {}
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with suppress(OSError, websocket.WebSocketException):  # closed by us
            while True:
                message = json.loads(self._socket.recv())
                if "params" in message:
                    number = int(message["params"]["result"]["number"], 16)
                    self._seen.setdefault(number, time.perf_counter())

    def at(self, number: int) -> float | None:
        """Return when a block became the head, on the clock of ``perf_counter``."""
        return self._seen.get(number)

    def close(self) -> None:
        """End it."""
        self._socket.shutdown()  # type: ignore[no-untyped-call]  # the library's
        self._thread.join(5)


async def latencies(chain: Chain, heads: Heads, count: int, label: str) -> Report:
    """Return how long it took from the call until its block was the head, and until it was known to be final.

    One after the other; the first few do not count.
    """
    in_block, final = [], []
    warm = 3
    for number in range(count + warm):
        start = time.perf_counter()
        receipt = await chain.submit(f"{label} {number}", transfer(number), REQUESTERS[0])
        end = time.perf_counter()
        seen = heads.at(receipt.place.block.number)
        if number >= warm:
            final.append((end - start) * 1e3)
            if seen is not None:
                in_block.append((seen - start) * 1e3)
    return {"in_block_ms": percentiles(in_block), "final_ms": percentiles(final)}


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return the 50th and 95th percentile."""
    if len(values) < 2:
        return {}
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return {"p50": round(statistics.median(values), 2), "p95": round(cuts[-1], 2)}
