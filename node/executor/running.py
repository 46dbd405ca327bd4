"""The seam by which a provider runs an agent.

    async with open_executor(spec, Limits(), Grants()) as running:
        output = await running.perform(value, deadline, progress=print)

An agent has a few workers; each does one task at a time, and is replaced when it has crashed, was killed or
has done enough. The first is started at once, so that an agent that does not load is known before it is
offered. Nothing that a worker does raises anything but an `ExecutorError`.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import attrs
import msgspec
import trio
from msgspec.structs import replace

from node.agents.errors import DeclarationError
from node.agents.schemas import Judge
from node.agents.specs import (
    A2AAgent,
    AgentSpec,
    CommandAgent,
    FunctionAgent,
    HttpAgent,
    McpAgent,
    Offer,
    OpenAIAgent,
    WasmAgent,
    is_reusable,
    needs_sandbox,
    new_offer,
    wants_network,
)
from node.executor import protocol
from node.executor.errors import (
    AgentRaisedError,
    CrashedError,
    ExecutorError,
    InvalidInputError,
    InvalidOutputError,
    KilledByLimitError,
    LoadError,
    RefusedAgentError,
    SandboxUnavailableError,
    TimedOutError,
    UnavailableError,
)
from node.executor.limits import Grants, Limits
from node.executor.process import WorkerProcess, start_worker
from node.executor.sandbox import find_bubblewrap

__all__ = ["Health", "Progress", "RunningAgent", "load_agents", "open_executor"]

Progress = Callable[[float, str], None]
"""Told how far a task is (0 to 1) and a note, both the agent's own words."""
_KEEPS_WORKER = frozenset({"input", "work", "raised", "cancelled"})
"""Failures of a task after which its worker is as good as before."""


@attrs.frozen
class Health:
    """How an agent is."""

    workers: int
    """Processes that are up."""
    busy: int
    performed: int
    """Tasks done well."""
    failed: int
    restarts: int
    """Workers that had to be replaced because of what happened in them."""
    last_failure: str | None


def refuse_unless_granted(spec: AgentSpec, grants: Grants) -> None:
    """Raise unless the operator allows what an agent asks for.

    Raises:
        RefusedAgentError: it wants the network.
        SandboxUnavailableError: it is foreign code, and there is no sandbox.
    """
    name = spec.offer.capability
    if wants_network(spec) and not grants.network:
        raise RefusedAgentError(f"{name} wants the network: allow it with --allow-network")
    if isinstance(spec, WasmAgent) and not _is_granted(Path(spec.file), grants):
        raise RefusedAgentError(f"{name} reads {spec.file}: allow it with --with {spec.file}")
    probe = find_bubblewrap()
    if needs_sandbox(spec) and probe.program is None and not grants.unsandboxed:
        raise SandboxUnavailableError(
            f"{name} is foreign code and has no sandbox here: {probe.trouble}."
            " Or run it without, by --allow-unsandboxed: it can then read every file that you can,"
            " use the network, and start any number of processes"
        )


def _is_granted(file: Path, grants: Grants) -> bool:
    return any(file.is_relative_to(granted) for granted in grants.files)


def _place(spec: AgentSpec) -> tuple[tuple[Path, ...], Path]:
    """Return what a spec needs to read, and the folder it starts in."""
    match spec:
        case FunctionAgent(file=str(file)):
            return (Path(file),), Path(file).parent
        case CommandAgent(folder=str(folder)) | McpAgent(folder=str(folder)):
            return (), Path(folder)
        case _:
            return (), Path("/")


def _file(file: Path) -> Path:
    if not file.is_file():
        raise LoadError(f"there is no file {file}")
    return file.absolute()


async def _describe(path: Path, limits: Limits, grants: Grants) -> protocol.Up:
    answer: protocol.Up | None = None
    fault: ExecutorError | None = None
    async with trio.open_nursery() as nursery:
        worker = start_worker(limits, grants, (path,), path.parent)
        nursery.start_soon(worker.attend)
        with trio.move_on_after(limits.start_seconds):
            try:
                await worker.say(protocol.Describe(file=str(path)))
                answer = await worker.hear()
            except ExecutorError as error:
                fault = error
        await worker.reap()
        nursery.cancel_scope.cancel()
    if isinstance(fault, CrashedError):
        raise LoadError(f"{path}: {fault}") from fault
    if fault is not None:
        raise fault
    if answer is None:
        raise LoadError(f"{path} did not load in {limits.start_seconds:.0f} s")
    return answer


async def load_agents(file: Path, limits: Limits, grants: Grants) -> tuple[AgentSpec, ...]:
    """Return the agents that a file declares; the file is run in a worker, never here.

    Raises:
        LoadError: it does not load, or declares none.
        SandboxUnavailableError: there is no sandbox, and none is not allowed.
    """
    path = _file(file)
    probe = find_bubblewrap()
    if probe.program is None and not grants.unsandboxed:
        raise SandboxUnavailableError(
            f"{file} is foreign code and has no sandbox here: {probe.trouble}; or --allow-unsandboxed"
        )
    answer = await _describe(path, limits, grants)
    match answer:
        case protocol.Described(specs=specs):
            return tuple(_anchored(spec, path) for spec in specs)
        case protocol.Failed(message=message):
            raise LoadError(message)
        case _:
            raise LoadError(f"{file}: its worker answers something else")


def _anchored(spec: AgentSpec, declared_in: Path) -> AgentSpec:
    """Bind a spec that a foreign file has declared to that file, and check what it offers.

    It may name no other code to load than its own, and what else it names is not granted by that.
    """
    folder, offer = declared_in.parent, spec.offer
    try:
        new_offer(offer.capability, offer.price, version=offer.version)
    except DeclarationError as error:
        raise LoadError(f"{declared_in}: {error}") from error
    match spec:
        case FunctionAgent():
            return replace(spec, file=str(declared_in), module=None)
        case WasmAgent():
            return replace(spec, file=str(folder / spec.file))
        case CommandAgent() | McpAgent():
            return replace(spec, folder=str(folder))
        case HttpAgent() | OpenAIAgent() | A2AAgent():
            return spec


@contextlib.asynccontextmanager
async def open_executor(
    spec: AgentSpec, limits: Limits | None = None, grants: Grants | None = None
) -> AsyncIterator["RunningAgent"]:
    """Run an agent for as long as the context lasts; its processes are gone afterwards.

    Raises:
        RefusedAgentError: the operator has not allowed what it asks for.
        LoadError: it does not load.
        UnavailableError: the service behind it does not answer.
    """
    limits, grants = limits or Limits(), grants or Grants()
    refuse_unless_granted(spec, grants)
    fault: Exception | None = None
    async with trio.open_nursery() as nursery:
        running = RunningAgent(spec, limits, grants, nursery)
        try:
            await running.start()
            yield running
        except Exception as error:  # noqa: BLE001  (raised again below, where no nursery wraps it)
            fault = error
        finally:
            await running.close()
            nursery.cancel_scope.cancel()
    if fault is not None:
        raise fault


class RunningAgent:
    """An agent that takes tasks. Made by `open_executor`."""

    def __init__(
        self, spec: AgentSpec, limits: Limits, grants: Grants, nursery: trio.Nursery
    ) -> None:
        self.spec = spec
        self.offer: Offer = spec.offer
        self._limits, self._grants, self._nursery = limits, grants, nursery
        self._free = trio.Semaphore(limits.workers)
        self._idle: list[WorkerProcess] = []
        self._all: set[WorkerProcess] = set()
        self._performed = self._failed = self._restarts = 0
        self._last_failure: str | None = None
        self._judge_input = self._judge_output = Judge(None, "")

    async def start(self) -> None:
        """Start the first worker, and take the schemas that it tells."""
        self._idle.append(await self._start_worker())
        name = self.offer.capability
        try:
            self._judge_input = Judge(self.offer.input_schema, f"the input of {name}")
            self._judge_output = Judge(self.offer.output_schema, f"the output of {name}")
        except DeclarationError as error:
            raise LoadError(str(error)) from error

    async def close(self) -> None:
        """End all workers, tasks in them included."""
        with trio.CancelScope(shield=True):
            for worker in list(self._all):
                await self._retire(worker)

    def health(self) -> Health:
        """Return how the agent is, without asking it."""
        return Health(
            workers=sum(worker.is_alive for worker in self._all),
            busy=self._limits.workers - self._free.value,
            performed=self._performed,
            failed=self._failed,
            restarts=self._restarts,
            last_failure=self._last_failure,
        )

    async def perform(
        self, given: Any, deadline: float, progress: Progress | None = None
    ) -> Any:  # fmt: skip
        """Do a task.

        Args:
            given: the input, JSON data.
            deadline: on trio's clock, seconds; what is not done by then is stopped.
            progress: called as the agent reports, from this task.

        Returns:
            The output, JSON data that fits the capability's schema.

        Raises:
            InvalidInputError: the requester's fault.
            FailedTaskError: the agent's, one of its kinds; `TimedOutError` for the deadline.
            UnavailableError: the service behind the agent; or no worker could be started.
        """
        try:
            output = await self._perform(given, deadline, progress)
        except InvalidInputError:
            raise
        except ExecutorError as error:
            self._failed += 1
            self._last_failure = f"{type(error).__name__}: {error}"
            raise
        self._performed += 1
        return output

    async def _perform(self, given: Any, deadline: float, progress: Progress | None) -> Any:
        encoded = self._encode_input(given)
        late = TimedOutError(f"{self.offer.capability} was not done at its deadline")
        with trio.move_on_at(deadline):
            async with self._free:
                worker = await self._take_worker()
                try:
                    return await self._converse(worker, encoded, deadline, progress)
                except (CrashedError, KilledByLimitError):
                    self._restarts += 1
                    raise
                finally:
                    await self._give_back(worker)
        raise late

    def _encode_input(self, given: Any) -> bytes:
        try:
            encoded = msgspec.json.encode(given)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInputError(f"the input is no JSON: {error}") from error
        if len(encoded) > self._limits.input_bytes:
            raise InvalidInputError(
                f"the input has {len(encoded)} bytes, of {self._limits.input_bytes} at most"
            )
        if (fault := self._judge_input.fault(given)) is not None:
            raise InvalidInputError(f"the input does not fit {self.offer.capability}: {fault}")
        return encoded

    async def _converse(
        self, worker: WorkerProcess, encoded: bytes, deadline: float, progress: Progress | None
    ) -> Any:
        seconds = max(0.0, deadline - trio.current_time())
        worker.begin_task()
        answer: protocol.Up | None = None
        try:
            await worker.say(protocol.Perform(input=encoded, seconds=seconds))
            answer = await self._answer(worker, progress)
        finally:
            if answer is None and worker.is_alive:
                await self._stop(worker)
        return self._result(worker, answer)

    async def _answer(self, worker: WorkerProcess, progress: Progress | None) -> protocol.Up:
        for _ in range(self._limits.progress_reports):
            message = await worker.hear(self._limits.output_bytes)
            if not isinstance(message, protocol.Progress):
                return message
            if progress is not None:
                progress(message.done, message.note)
        raise worker.kill(KilledByLimitError("progress", "it reports progress without end"))

    async def _stop(self, worker: WorkerProcess) -> None:
        """Let a worker stop by itself, for a moment; then kill it."""
        with (
            trio.CancelScope(shield=True),
            trio.move_on_after(self._limits.grace_seconds),
            contextlib.suppress(ExecutorError),
        ):
            await worker.say(protocol.Cancel())
            if isinstance(await self._answer(worker, None), protocol.Done | protocol.Failed):
                return
        worker.kill(TimedOutError("it did not stop when it was told to"))

    def _result(self, worker: WorkerProcess, answer: protocol.Up) -> Any:
        match answer:
            case protocol.Done(output=encoded):
                return self._decode_output(encoded)
            case protocol.Failed():
                error = self._error(answer)
                if answer.kind not in _KEEPS_WORKER:
                    worker.kill(error)
                raise error
            case _:
                raise worker.kill(CrashedError("the worker answers something else", None))

    def _error(self, failure: protocol.Failed) -> ExecutorError:
        match failure.kind:
            case "input":
                return InvalidInputError(failure.message)
            case "work":
                return AgentRaisedError(failure.message, is_deliberate=True)
            case "raised":
                return AgentRaisedError(failure.message)
            case "cancelled":
                return AgentRaisedError("the agent cancelled itself")
            case "output":
                return InvalidOutputError(failure.message)
            case "limit":
                return KilledByLimitError(failure.limit, failure.message)
            case "unavailable":
                return UnavailableError(failure.message)
            case "load":
                return LoadError(failure.message)

    def _decode_output(self, encoded: bytes) -> Any:
        try:
            output = msgspec.json.decode(encoded)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise InvalidOutputError(f"the output is no JSON: {error}") from error
        if (fault := self._judge_output.fault(output)) is not None:
            raise InvalidOutputError(f"the output does not fit {self.offer.capability}: {fault}")
        return output

    async def _take_worker(self) -> WorkerProcess:
        while self._idle:
            worker = self._idle.pop()
            if await self._answers(worker):
                return worker
            await self._retire(worker)
        return await self._start_worker()

    async def _answers(self, worker: WorkerProcess) -> bool:
        """Say whether a worker that was idle is there still, and has nothing unread to say."""
        with trio.move_on_after(self._limits.grace_seconds), contextlib.suppress(ExecutorError):
            await worker.say(protocol.Ping())
            return isinstance(await worker.hear(), protocol.Pong)
        return False

    async def _give_back(self, worker: WorkerProcess) -> None:
        is_fresh = is_reusable(self.spec) and worker.tasks < self._limits.tasks_per_worker
        if worker.is_alive and is_fresh:
            self._idle.append(worker)
        else:
            with trio.CancelScope(shield=True):
                await self._retire(worker)

    async def _retire(self, worker: WorkerProcess) -> None:
        self._all.discard(worker)
        await worker.reap()

    async def _start_worker(self) -> WorkerProcess:
        files, cwd = _place(self.spec)
        worker = start_worker(self._limits, self._grants, files, cwd)
        self._all.add(worker)
        self._nursery.start_soon(worker.attend)
        is_up = False
        try:
            with trio.fail_after(self._limits.start_seconds):
                opening = protocol.Open(spec=self.spec, output_bytes=self._limits.output_bytes)
                await worker.say(opening)
                self.offer = self._opened(await worker.hear())
            is_up = True
        except trio.TooSlowError as error:
            raise LoadError(f"did not load in {self._limits.start_seconds:.0f} s") from error
        except CrashedError as error:
            raise LoadError(str(error)) from error
        finally:
            if not is_up:
                with trio.CancelScope(shield=True):
                    await self._retire(worker)
        return worker

    def _opened(self, answer: protocol.Up) -> Offer:
        match answer:
            case protocol.Opened(offer=told):
                # What was declared stands; a worker only fills in what was left open.
                offer = self.spec.offer
                return replace(
                    offer,
                    description=offer.description or told.description[:512],
                    input_schema=offer.input_schema or told.input_schema,
                    output_schema=offer.output_schema or told.output_schema,
                )
            case protocol.Failed():
                raise self._error(answer)
            case _:
                raise LoadError("the worker answers something else")
