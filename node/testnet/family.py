"""The supervisor's side of :mod:`node.testnet.forking`: the parent's process, and its children as objects."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any, cast

import trio

from node.testnet.errors import BrokenError, StartError

__all__ = ["Child", "Family", "open_family"]

END_SECONDS = 10.0
"""For the parent to kill its children and end."""
LINES_WAITING = 1_024
"""What a child has said that nobody has heard yet."""


class Child:
    """One forked process."""

    def __init__(self, number: int, family: "Family", output: Path) -> None:
        self.number = number
        self.output = output
        self.pid: int | None = None
        self.status: int | None = None
        """Exit code, or minus the signal; None while it runs."""
        self.ended = trio.Event()
        self._forked = trio.Event()
        self._family = family
        self._told, self._heard = trio.open_memory_channel[dict[str, Any]](LINES_WAITING)

    @property
    def is_running(self) -> bool:
        """Return whether it has not ended."""
        return not self.ended.is_set()

    async def hear(self, key: str, seconds: float) -> Any:
        """Return what it says under a name, passing over the rest.

        Raises:
            StartError: it says that it cannot, ends, or takes too long.
        """
        with trio.move_on_after(seconds):
            async for said in self._heard:
                if "error" in said:
                    raise StartError(str(said["error"]))
                if key in said:
                    return said[key]
            raise StartError(f"it ended without a word (status {self.status}){self._tail()}")
        raise StartError(f"it did not say {key!r} within {seconds:g} seconds{self._tail()}")

    def _tail(self) -> str:
        lines = self.output.read_text(errors="replace").strip().splitlines()[-5:]
        return "".join(f"\n  {line}" for line in lines)

    async def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens when it has ended."""
        await self._family.order({"signal": self.number, "number": int(number)})

    async def kill(self) -> None:
        """Kill it, and wait until it is gone."""
        await self.send_signal(signal.SIGKILL)
        await self.ended.wait()

    async def stop(self, seconds: float) -> bool:
        """End it, and wait until it is gone; say whether it had to be killed."""
        await self.send_signal(signal.SIGTERM)
        await self.send_signal(signal.SIGCONT)  # one that is frozen hears of it only then
        with trio.move_on_after(seconds):
            await self.ended.wait()
            return False
        await self.kill()
        return True

    def on_line(self, line: dict[str, Any]) -> None:
        """Take in what the parent tells of it."""
        if "forked" in line:
            self.pid = line["forked"]
            self._forked.set()
        elif "ended" in line:
            self.on_end(line["ended"])
        else:
            try:
                self._told.send_nowait(line["said"])
            except (
                trio.WouldBlock
            ):  # nobody listens, and it does not stop: the oldest is the least interesting
                self._heard.receive_nowait()
                self._told.send_nowait(line["said"])

    def on_end(self, status: int | None) -> None:
        """Take note of its end."""
        self.status = status
        self._told.close()
        self._forked.set()
        self.ended.set()

    async def wait_forked(self) -> None:
        """Wait until it has an id."""
        await self._forked.wait()


class Family:
    """The parent's process and all that it forked."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        # They are there: each was asked for.
        orders, said = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        self._orders = trio.lowlevel.FdStream(os.dup(orders.fileno()))
        self._said = trio.lowlevel.FdStream(os.dup(said.fileno()))
        orders.close()
        said.close()
        self._children: dict[int, Child] = {}
        self._one_order = trio.Lock()

    async def order(self, order: dict[str, Any]) -> None:
        """Give the parent an order.

        Raises:
            BrokenError: it is gone.
        """
        async with self._one_order:
            try:
                await self._orders.send_all(json.dumps(order).encode() + b"\n")
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise BrokenError("the parent of the testnet's processes is gone") from error

    async def preload(self, *modules: str) -> None:
        """Have the parent import modules, before it obeys the next order."""
        await self.order({"preload": modules})

    async def prepare(self, program: str, argument: str) -> None:
        """Have the parent do something itself, before it obeys the next order; those that it forks then share it.

        Args:
            program: ``module:function``; it raises nothing, and leaves no threads.
            argument: what it is given.
        """
        await self.order({"prepare": program, "argument": argument})

    async def fork(self, program: str, argument: dict[str, Any], output: Path) -> Child:
        """Start a process.

        Args:
            program: ``module:function``.
            argument: what it is given.
            output: takes what it says on its standard output and error.
        """
        child = self._children[len(self._children)] = Child(len(self._children), self, output)
        await self.order(
            {
                "fork": child.number,
                "program": program,
                "argument": argument,
                "output": str(output),
            }
        )
        await child.wait_forked()
        return child

    async def listen(self) -> None:
        """Pass on what the parent and its children say, until all of them are gone.

        Raises:
            BrokenError: they are; nobody asked for it.
        """
        rest = b""
        async for part in self._said:
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                said = json.loads(line)
                self._children[said["child"]].on_line(said)
        for child in self._children.values():
            if child.is_running:
                child.on_end(None)
        raise BrokenError("the parent of the testnet's processes ended by itself")

    async def close(self) -> None:
        """End all of them, and wait until they are gone."""
        await self._orders.aclose()
        ended = os.pidfd_open(self._process.pid)
        try:
            with trio.move_on_after(END_SECONDS) as patience:
                await trio.lowlevel.wait_readable(ended)
            if patience.cancelled_caught:
                self._process.kill()
                await trio.lowlevel.wait_readable(ended)
        finally:
            os.close(ended)
        self._process.wait()
        await self._said.aclose()


@asynccontextmanager
async def open_family(lock: int, output: Path) -> AsyncIterator[Family]:
    """Run a parent while the block runs; it and its children are gone afterwards.

    Args:
        lock: a descriptor that all of them hold while they run.
        output: takes what the parent says on its standard error.

    Raises:
        BrokenError: the parent ended by itself.
    """
    with output.open("ab") as file:
        # From this thread, which is the main one, and not from one of trio's: see the program's end.
        process = subprocess.Popen(  # noqa: ASYNC220  (a few milliseconds; ourselves)
            [sys.executable, "-m", "node.testnet.forking"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            pass_fds=(lock,),
            start_new_session=True,
            # Its threads would not survive a fork, and there are as many processes as this machine can bear.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
    family = Family(process)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(family.listen)
            yield family
            nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await family.close()
