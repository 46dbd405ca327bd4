"""A testnet of patient nodes, what a test asks of it, and what must hold whatever was done to it."""

import json
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import trio

from chain.client import open_chain
from chain.errors import ChainError
from chain.stored import MemoryStore
from market.auction.file import decode_auction_file_untrusted
from market.auction.verify import verify_transcript
from market.envelope import expect, reopen
from market.escrow.params import Params
from market.identity import account_from_ss58
from market.messages import Cfp
from market.standing import EscrowId
from node.api.client import ApiError, RefusedError
from node.facts import read_auction_facts
from node.testnet import control
from node.testnet.errors import BrokenError
from node.testnet.handle import CHAIN, Testnet
from node.testnet.home import folder_of
from node.testnet.plan import Plan
from tests.support.money import Books, read_books
from tests.support.patient_node import PROGRAM

__all__ = ["BUYER", "CAPABILITY", "SELLERS", "Town", "open_town", "until"]

BUYER: Final = "n1"
SELLERS: Final = ("n2", "n3")
"""The cheaper one first."""
CAPABILITY: Final = "text.wordcount"
PATIENCE: Final = 150.0
"""Seconds after which something that should happen has not."""
LOOK: Final = 0.1
KEEP_UP: Final = 10.0
"""Seconds between two readings of the books, at most: a chain keeps few states."""
WINDOWS: Final = (16, 16, 12)
"""For a busy machine; they end early once everybody has answered, so they cost nothing where nobody is missing."""

T = TypeVar("T")


def until(condition: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Wait until something is so, and return it."""
    give_up = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < give_up, "it has not happened"
        time.sleep(LOOK)
    return found


class Town:
    """A testnet whose money is counted."""

    def __init__(self, testnet: Testnet, nodes: int) -> None:
        self.testnet = testnet
        self.plan = Plan(nodes, testnet.view.seed)
        self.url = testnet.chain_url
        self._params: Params = trio.run(_params, self.url)
        self._read_at = time.monotonic()
        self._start = self._last = trio.run(read_books, self.url)

    # What users do.

    def submit(self, seconds: float = 0.0, buyer: str = BUYER, **options: Any) -> str:
        """Have words counted, in so many seconds; return the task's id."""
        given = {"text": "to be or not to be", "seconds": seconds}
        wanted = {"budget": "1 AINU", "deadline_ms": 40_000, **options}
        body = {"capability": CAPABILITY, "input": given, **wanted}
        task = self.testnet.api(buyer).post("/v1/tasks", body)["task"]
        return str(task["id"])

    def task(self, task: str, node: str = BUYER) -> dict[str, Any]:
        """Return a task as its buyer shows it."""
        shown: dict[str, Any] = self.testnet.api(node).get(f"/v1/tasks/{task}")["task"]
        return shown

    def events(self, task: str, node: str = BUYER) -> list[dict[str, Any]]:
        """Return a task's events as its buyer shows them."""
        found: list[dict[str, Any]] = self.testnet.api(node).get(f"/v1/tasks/{task}")["events"]
        return found

    def wait_for(self, task: str, kind: str, node: str = BUYER, **fields: Any) -> dict[str, Any]:
        """Return a task's first event of a kind with such fields at a node, as soon as there is one."""
        heard: queue.Queue[dict[str, Any] | None] = queue.Queue()
        client = self.testnet.api(node)

        def listen() -> None:
            try:
                for event in client.events("/v1/events", task=task):
                    heard.put(event)
            except ApiError:  # it was killed: so there is nothing more to hear
                heard.put(None)

        threading.Thread(target=listen, daemon=True).start()
        seen = []
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                event = heard.get(timeout=KEEP_UP)
            except queue.Empty:
                assert time.monotonic() < give_up, f"no {kind} at {node} in {seen}"
                self._keep_up()
                continue
            if event is None:
                break
            if event["kind"] == kind and all(event.get(n) == v for n, v in fields.items()):
                return event
            seen.append(event["kind"])
            if event["kind"] in ("ended", "stream-ended"):
                break
        raise AssertionError(f"no {kind} at {node} in {seen}")

    def winner(self, task: str) -> str:
        """Return the node to which a task was awarded first, once it was."""
        return self.named(self.wait_for(task, "award")["provider"])

    def named(self, account: str) -> str:
        """Return the node of an account."""
        return {node.account: node.name for node in self.testnet.view.nodes}[account]

    def ended(self, task: str, node: str = BUYER) -> str:
        """Wait until a task has ended, and return the line that its user is told."""

        def line() -> str | None:
            self._keep_up()
            try:
                return self.task(task, node)["ended"]
            except RefusedError:
                raise
            except ApiError:  # it is starting
                return None

        told = until(line)
        assert told is not None
        assert told == " ".join(told.split()), "one line"
        assert told.count(": ") >= 1
        return told

    # Faults.

    @contextmanager
    def without(self, name: str) -> Iterator[None]:
        """Have a node, or the chain, killed while the block runs."""
        self.testnet.kill(name)
        try:
            yield
        finally:
            self.testnet.start(name)

    def restart(self, name: str) -> None:
        """Kill a node, or the chain, and start it again."""
        with self.without(name):
            pass

    def mend(self) -> None:
        """Bring back the chain and those who were there from the first; not those who cheat."""
        view = self.testnet.view
        if view.chain_state != "running":
            self.testnet.start(CHAIN)
        for name in (BUYER, *SELLERS):
            if view.node(name).state != "running":
                self.testnet.start(name)
        self.until_known(len(SELLERS))

    def until_known(self, count: int, buyer: str = BUYER) -> None:
        """Wait until a buyer knows so many sellers."""

        def known() -> bool:
            try:
                found = self.testnet.api(buyer).get("/v1/find", capability=CAPABILITY)
            except ApiError:
                return False
            return len(found["matches"]) >= count

        until(known)

    # What must hold.

    def books(self) -> Books:
        """Read the chain's books."""
        self._last = trio.run(read_books, self.url, self._last)
        self._read_at = time.monotonic()
        return self._last

    def _keep_up(self) -> None:
        """Read what has happened before the chain forgets it; not while it is gone."""
        if time.monotonic() > self._read_at + KEEP_UP:
            with suppress(ChainError):
                self.books()

    def require_all_is_well(self, *tasks: str, node: str = BUYER) -> Books:
        """Wait until no escrow is open any more, and hold everything to what must be true then.

        Every task's user was told one line, every auction's transcript verifies with the chain's facts, nobody was
        paid twice, and every planck is somewhere.
        """
        until(lambda: not self.books().live())
        books = self._last
        books.require_sound(self._start, self._params)
        for task in tasks:
            self.ended(task, node)
            if self.task(task, node)["auction"] is not None:
                self.require_verified(task, node)
        return books

    def paid_to(self, books: Books, task: str, node: str = BUYER) -> dict[str, int]:
        """Return what each node was paid for a task, planck; only those who were."""
        names = {account_from_ss58(node.account): node.name for node in self.testnet.view.nodes}
        found = {EscrowId(e["escrow"]) for e in self.events(task, node) if e["kind"] == "escrow"}
        escrows = [books.escrows[number] for number in sorted(found)]
        return {names[each.provider]: each.paid for each in escrows if each.paid}

    def require_verified(self, task: str, node: str = BUYER) -> None:
        """Compute a task's auction again, with facts from the chain."""
        raw = self.testnet.api(node).bytes_of(f"/v1/tasks/{task}/auction")
        contents = decode_auction_file_untrusted(raw)
        until_block = expect(reopen(contents.transcript.body.cfp), Cfp).body.reveal_by
        until(lambda: self.books().block.number >= until_block)
        facts = trio.run(read_auction_facts, self.url, contents)
        assert verify_transcript(contents.transcript, facts, contents.evidence) == []

    def result(self, task: str, node: str = BUYER) -> Any:
        """Return a task's result."""
        return json.loads(self.testnet.api(node).bytes_of(f"/v1/tasks/{task}/result"))


async def _params(url: str) -> Params:
    async with open_chain(url, MemoryStore()) as chain:
        return await chain.queries.escrow_params()


@contextmanager
def open_town(folder: Path, nodes: int = 3) -> Iterator[Town]:
    """Run a testnet of patient nodes."""
    where = folder_of("town", folder / "town")
    wanted = control.Wanted(nodes=nodes, program=PROGRAM, windows=WINDOWS, owner=os.getpid())
    control.up(where, wanted)
    testnet = Testnet(where)
    try:
        yield Town(testnet, nodes)
    finally:
        try:
            testnet.down()
        except BrokenError as error:
            raise AssertionError("the testnet has broken") from error
