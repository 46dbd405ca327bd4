"""What a testnet's supervisor does: brings all processes up, and carries out the faults that are asked for."""

import logging
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import attrs
import trio

from market.identity import ss58_from_account
from node.api.client import ApiError, connect
from node.chainhost.config import ChainConfig
from node.chainhost.config import Record as ChainRecord
from node.chainhost.files import read_json, write_json
from node.testnet.agents import BARGAIN
from node.testnet.config import (
    CHAIN_PROGRAM,
    CHEATS,
    RUNTIME_PROGRAM,
    Joined,
    NodeView,
    State,
    TestnetConfig,
    TestnetView,
)
from node.testnet.errors import BrokenError, StartError, TestnetError, UsageError
from node.testnet.family import Child, Family
from node.testnet.home import FIRST, Folder
from node.testnet.plan import Member, Plan, groups_of
from node.testnet.ports import Ports
from node.testnet.provision import provision, provision_node

__all__ = ["CHAIN", "Supervisor"]

_LOG: Final = logging.getLogger("ainur.testnet")

CHAIN: Final = "chain"
"""The chain's name among those that can be killed, frozen and started."""
CHAIN_MODULE: Final = "node.chainhost.serving"
"""What a chain's process imports when it begins."""
PRESET: Final = "testnet"
SEAL: Final = "0.25"
"""Seconds between blocks: what the preset's ``millis_per_block`` says."""
FINALITY_LAG: Final = 2
START_SECONDS: Final = 120.0
"""A runtime that was never seen before is compiled first; many nodes share few cores."""
KNOWN_SECONDS: Final = 20.0
KNOWN_LOOK_SECONDS: Final = 0.1
STOP_SECONDS: Final = 8.0
TELL_SECONDS: Final = 30.0
"""For a node to say that it has cut its connections."""


@attrs.define(eq=False)
class _Process:
    """The chain, or a node: its process now, and how it is."""

    child: Child | None = None
    state: State = "ended"
    status: int | None = None
    sells: tuple[str, ...] = ()


class Supervisor:
    """A testnet that runs."""

    def __init__(self, config: TestnetConfig, pid: int, family: Family, ports: Ports, nursery: trio.Nursery) -> None:  # fmt: skip
        self._config, self._pid, self._family, self._ports = config, pid, family, ports
        self._nursery = nursery
        self._folder = Folder(Path(config.data_dir), config.name)
        self._plan = Plan(config.nodes, config.seed)
        self._joined = {each.name: each for each in config.joined}
        spares = (member for member in self._plan.spares if member.name in self._joined)
        self._members = {member.name: member for member in (*self._plan.nodes, *spares)}
        self._processes = {name: _Process() for name in (CHAIN, *self._members)}
        self._sides: list[frozenset[str]] = []
        self._last_record: ChainRecord | None = None
        self._one_at_a_time = trio.Lock()

    # Coming up and going down.

    async def bring_up(self) -> None:
        """Start everything.

        Raises:
            StartError: something did not come up; the rest may run.
        """
        await trio.to_thread.run_sync(provision, self._folder, self._plan)
        for name in self._joined:
            await trio.to_thread.run_sync(provision_node, self._folder, self._members[name])
        for name in self._members:
            self._folder.refused(name).unlink(missing_ok=True)
        await self._family.preload(_module(CHAIN_PROGRAM), CHAIN_MODULE)
        forked = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._start_chain, forked)
            await forked.wait()
            await self._family.preload(
                _module(self._config.program)
            )  # while the chain makes its first block
        await self._family.prepare(RUNTIME_PROGRAM, self._chain_url)
        async with trio.open_nursery() as nursery:
            for name in self._members:
                nursery.start_soon(self._start_node, name)
        await self._wait_until_known()

    async def _wait_until_known(self) -> None:
        """Wait until the first node knows all that is sold, so that its first call reaches everybody.

        It is not an error if it does not: the testnet runs, and its log says so.
        """
        providers = sum(self._plan.is_provider(n) for n in self._members if n != FIRST)
        with trio.move_on_after(KNOWN_SECONDS):
            try:
                while await self._known_to(FIRST) < providers:  # noqa: ASYNC110  (another process's matter)
                    await trio.sleep(KNOWN_LOOK_SECONDS)
            except ApiError as error:
                _LOG.warning("n1 does not say whom it knows: %s", error)
            return
        _LOG.warning("n1 does not know all %d providers yet", providers)

    async def _known_to(self, name: str) -> int:
        client = connect(self._folder.node(name))
        status = await trio.to_thread.run_sync(client.get, "/v1/status", abandon_on_cancel=True)
        return int(status["agents"])

    async def take_down(self) -> None:
        """End everything: the nodes, which may have something to say to the chain, before the chain."""
        async with trio.open_nursery() as nursery:
            for name in self._members:
                nursery.start_soon(self._stop, name)
        await self._stop(CHAIN)

    async def _stop(self, name: str) -> None:
        process = self._processes[name]
        if process.child is not None and process.child.is_running:
            process.state = "killed"
            if await process.child.stop(STOP_SECONDS):
                _LOG.warning("%s does not end, and was killed", name)

    async def _start_chain(self, forked: trio.Event | None = None) -> None:
        folder = self._folder.chain
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        config = ChainConfig(
            name=self._config.name,
            data_dir=str(folder.path),
            port=self._ports[CHAIN],
            backend=self._config.backend,
            persist=True,
            seal=SEAL,
            preset=PRESET,
            seed=self._config.seed,
            finality_lag=FINALITY_LAG,
            genesis_patch=self._plan.genesis_patch(),
        )
        child = await self._fork(CHAIN, CHAIN_PROGRAM, attrs.asdict(config))
        if forked is not None:
            forked.set()
        await self._until_ready(CHAIN, child)

    async def _start_node(self, name: str) -> None:
        argument = {
            "name": name,
            "data_dir": str(self._folder.node(name).path),
            "log": str(self._folder.node_log(name)),
            "refused": str(self._folder.refused(name)),
            "chain": self._chain_url,
            "listen": self._listen(name),
            "bootstrap": [self._multiaddr(other) for other in self._members if other != name],
            "arbiter": ss58_from_account(self._plan.arbiter.identity.account),
            "api_port": self._ports[f"{name} api"],
            "provider": self._provider_number(name),
            "windows": self._config.windows,
            "joined": None if name not in self._joined else attrs.asdict(self._joined[name]),
        }
        child = await self._fork(name, self._config.program, argument)
        await self._until_ready(name, child)

    async def _fork(self, name: str, program: str, argument: dict[str, Any]) -> Child:
        process = self._processes[name]
        process.state, process.status = "starting", None
        folder = self._folder.chain.path if name == CHAIN else self._folder.node(name).path
        process.child = await self._family.fork(program, argument, folder / "crash.log")
        self._nursery.start_soon(self._watch, name, process, process.child)
        return process.child

    async def _until_ready(self, name: str, child: Child) -> None:
        process = self._processes[name]
        try:
            said = await child.hear("ready", START_SECONDS)
        except StartError as error:
            await child.kill()
            raise StartError(f"{name} did not start: {error}") from error
        process.sells = tuple(said.get("sells", ()))
        if process.state == "starting":  # not killed meanwhile
            process.state = "running"
        _LOG.info("%s runs as process %s", name, child.pid)

    async def _watch(self, name: str, process: _Process, child: Child) -> None:
        await child.ended.wait()
        if process.child is not child:
            return
        process.status = child.status
        if process.state != "killed":
            process.state = "ended"
            _LOG.warning("%s has ended by itself (status %s)", name, child.status)

    def _provider_number(self, name: str) -> int | None:
        """Return a node's place among those that sell what comes with the node; None where it does not."""
        joined = self._joined.get(name)
        if joined is None:
            return self._plan.provider_number(name) if self._plan.is_provider(name) else None
        sells = joined.agents is None and joined.cheat != "silent-requester"
        return BARGAIN if sells else None  # a cheater that never wins shows nothing

    # What it is.

    def _listen(self, name: str) -> str:
        return f"/ip4/127.0.0.1/tcp/{self._ports[f'{name} p2p']}"

    def _multiaddr(self, name: str) -> str:
        return f"{self._listen(name)}/p2p/{self._members[name].identity.peer}"

    @property
    def _chain_url(self) -> str:
        return f"ws://127.0.0.1:{self._ports[CHAIN]}"

    def view(self) -> TestnetView:
        """Return the testnet as it is."""
        record = self._chain_record()
        return TestnetView(
            name=self._config.name,
            data_dir=self._config.data_dir,
            pid=self._pid,
            seed=self._config.seed,
            chain=record,
            chain_state=self._processes[CHAIN].state,
            arbiter=ss58_from_account(self._plan.arbiter.identity.account),
            nodes=tuple(self._node_view(member) for member in self._members.values()),
        )

    def _chain_record(self) -> ChainRecord:
        found = ChainRecord.read(self._folder.chain) or self._last_record
        if found is None:
            raise BrokenError("the chain has not said yet where it is: try again in a moment")
        self._last_record = found  # one that is starting again has removed its own
        return found

    def _node_view(self, member: Member) -> NodeView:
        name, process = member.name, self._processes[member.name]
        is_there = process.child is not None and process.child.is_running
        return NodeView(
            name=name,
            state=process.state,
            pid=process.child.pid if process.child is not None and is_there else None,
            peer_id=member.identity.peer,
            account=ss58_from_account(member.identity.account),
            agents=process.sells,
            api=f"http://127.0.0.1:{self._ports[f'{name} api']}" if is_there else None,
            multiaddr=self._multiaddr(name),
            data_dir=str(self._folder.node(name).path),
            is_provider=self._plan.is_provider(name),
            refuses=tuple(sorted(self._cut_off_from(name))),
            cheat=self._joined[name].cheat if name in self._joined else None,
            status=process.status,
        )

    # More of them.

    async def join(self, what: Joined) -> None:
        """Start one more node; it is there after a restart, too.

        Args:
            what: why it joins; its name is given here.

        Raises:
            UsageError: there are as many as can be, or nobody cheats like that.
            StartError: it does not come up; it is not there then.
        """
        if what.cheat is not None and what.cheat not in CHEATS:
            raise UsageError(f"{what.cheat!r} is no way to cheat: there are {', '.join(CHEATS)}")
        async with self._one_at_a_time:
            spare = next((m for m in self._plan.spares if m.name not in self._members), None)
            if spare is None:
                raise UsageError(f"{len(self._joined)} nodes have joined already, and no more can")
            name = spare.name
            self._joined[name] = attrs.evolve(what, name=name)
            self._members[name] = spare
            self._processes[name] = _Process()
            try:
                await trio.to_thread.run_sync(provision_node, self._folder, spare)
                await self._start_node(name)
            except BaseException:
                for known in (self._joined, self._members, self._processes):
                    del known[name]
                raise
            if self._sides:  # it came to none of them: one more side
                self._sides.append(frozenset([name]))
                await self._write_refusals()
            self._config = attrs.evolve(self._config, joined=tuple(self._joined.values()))
            write_json(self._folder.config, self._config.to_json())

    # Faults.

    async def kill(self, name: str) -> None:
        """Kill a process: it is gone at once, and says goodbye to nobody.

        Raises:
            TestnetError: there is none of that name, or it does not run.
        """
        async with self._one_at_a_time:
            process, child = self._running(name)
            process.state = "killed"
            await child.kill()
            _LOG.info("%s was killed", name)

    async def freeze(self, name: str) -> None:
        """Stop a process where it is: its sockets stay open, and nobody answers there.

        Raises:
            TestnetError: there is none of that name, or it does not run.
        """
        async with self._one_at_a_time:
            process, child = self._running(name)
            process.state = "frozen"
            await child.send_signal(signal.SIGSTOP)
            _LOG.info("%s was frozen", name)

    async def start(self, name: str) -> None:
        """Bring back what was killed or has ended, on its own data; let what is frozen go on.

        Raises:
            TestnetError: there is none of that name, or it runs, or does not come up.
        """
        async with self._one_at_a_time:
            process = self._process(name)
            if process.state == "frozen" and process.child is not None:
                await process.child.send_signal(signal.SIGCONT)
                process.state = "running"
                await self._tell_refusals([name])
            elif process.state in ("killed", "ended"):
                await (self._start_chain() if name == CHAIN else self._start_node(name))
            else:
                raise UsageError(f"{name} is {process.state} already")

    async def partition(self, sides: list[list[str]]) -> None:
        """Cut the nodes of each side off from those of all others; those who are not named are one more side.

        Raises:
            TestnetError: the sides make no sense, or a node does not obey.
        """
        async with self._one_at_a_time:
            self._sides = groups_of(sides, list(self._members))
            await self._write_refusals()

    async def heal(self) -> None:
        """End the partition: everybody may connect to everybody.

        Raises:
            TestnetError: a node does not obey.
        """
        async with self._one_at_a_time:
            self._sides = []
            await self._write_refusals()

    def _cut_off_from(self, name: str) -> set[str]:
        own = next((side for side in self._sides if name in side), None)
        return set() if own is None else set(self._members) - own

    async def _write_refusals(self) -> None:
        for name in self._members:
            write_json(self._folder.refused(name), {"peers": self._refused_peers(name)})
        running = [n for n in self._members if self._processes[n].state == "running"]
        await self._tell_refusals(running)  # the others are told when they run

    def _refused_peers(self, name: str) -> list[str]:
        return [
            str(self._members[other].identity.peer) for other in sorted(self._cut_off_from(name))
        ]

    async def _tell_refusals(self, names: Iterable[str]) -> None:
        async with trio.open_nursery() as nursery:
            for name in names:
                if name != CHAIN and read_json(self._folder.refused(name)) is not None:
                    nursery.start_soon(self._tell_refusal, name)

    async def _tell_refusal(self, name: str) -> None:
        child = self._processes[name].child
        if child is None or not child.is_running:
            return
        await child.send_signal(signal.SIGUSR1)
        wanted = self._refused_peers(name)
        with trio.move_on_after(TELL_SECONDS):
            try:
                while await child.hear("refuses", TELL_SECONDS) != wanted:
                    pass  # of an earlier partition
            except StartError as error:
                raise TestnetError(f"{name} was not told whom to refuse: {error}") from error
            return
        raise TestnetError(f"{name} does not say that it refuses others: see its log")

    def _process(self, name: str) -> _Process:
        try:
            return self._processes[name]
        except KeyError:
            names = ", ".join(self._processes)
            raise UsageError(f"there is no node {name!r}: there are {names}") from None

    def _running(self, name: str) -> tuple[_Process, Child]:
        process = self._process(name)
        if process.child is None or process.state not in ("running", "frozen", "starting"):
            raise UsageError(f"{name} does not run: start it with `ainur testnet start {name}`")
        return process, process.child


def _module(program: str) -> str:
    return program.partition(":")[0]
