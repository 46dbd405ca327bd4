"""The seam by which a provider runs an agent.

    async with open_executor(spec, Limits(), Grants()) as running:
        output = await running.perform(value, deadline, progress=print)

An agent has a few workers; each does one task at a time, and is replaced when it has crashed, was killed or
has done enough. The first is started at once, so that an agent that does not load is known before it is
offered. Nothing that a worker does raises anything but an `ExecutorError`.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import attrs
import msgspec
import trio
from msgspec.structs import replace

from node.agents.errors import DeclarationError
from node.agents.schemas import Judge
from node.agents.specs import AgentSpec, Offer, has_session, is_reusable
from node.executor import protocol
from node.executor.errors import (
    AgentRaisedError,
    CrashedError,
    ExecutorError,
    InvalidInputError,
    InvalidOutputError,
    KilledByLimitError,
    LoadError,
    TimedOutError,
    UnavailableError,
)
from node.executor.limits import Grants, Limits
from node.executor.permission import place_of, refuse_unless_granted
from node.executor.process import WorkerProcess, start_worker
from node.executor.usage import memory_of, tree_of

__all__ = [
    "Health",
    "Progress",
    "RunningAgent",
    "Starting",
    "open_executor",
    "open_executors",
]

Progress = Callable[[float, str], None]
"""Told how far a task is (0 to 1) and a note, both the agent's own words."""
_KEEPS_WORKER = frozenset({"input", "work", "raised", "cancelled"})
"""Failures of a task after which its worker is as good as before."""

_ANSWER_SECONDS = 5.0
"""For an idle worker to say that it is there; one that has ended is noticed at once."""


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
    async with open_executors([spec], limits, grants) as starting:
        [running] = await starting.wait()
        yield running


@contextlib.asynccontextmanager
async def open_executors(
    specs: Sequence[AgentSpec], limits: Limits | None = None, grants: Grants | None = None
) -> AsyncIterator["Starting"]:
    """Run agents for as long as the context lasts, and start all of them at once, beside whoever opened it.

    Raises:
        RefusedAgentError: the operator has not allowed what one of them asks for.
    """
    limits, grants = limits or Limits(), grants or Grants()
    for spec in specs:
        refuse_unless_granted(spec, grants)
    fault: Exception | None = None
    async with trio.open_nursery() as nursery:
        starting = Starting([RunningAgent(spec, limits, grants, nursery) for spec in specs])
        starting.begin(nursery)
        try:
            yield starting
        except Exception as error:  # noqa: BLE001  (raised again below, where no nursery wraps it)
            fault = error
        finally:
            await starting.stop()
            for agent in starting.agents:
                await agent.close()
            nursery.cancel_scope.cancel()
    if fault is not None:
        raise fault


class Starting:
    """Agents that are being started. Made by `open_executors`."""

    def __init__(self, agents: Sequence["RunningAgent"]) -> None:
        self.agents = tuple(agents)
        self._fault: ExecutorError | None = None
        self._scope = trio.CancelScope()
        self._is_over = trio.Event()

    def begin(self, nursery: trio.Nursery) -> None:
        """Start all of them, beside whoever asks."""
        nursery.start_soon(self._start_all)

    async def wait(self) -> tuple["RunningAgent", ...]:
        """Return them in order once each has a worker.

        Raises:
            LoadError: one does not load.
            UnavailableError: the service behind one does not answer.
        """
        await self._is_over.wait()
        if self._fault is not None:
            raise self._fault
        return self.agents

    async def stop(self) -> None:
        """Start none any more."""
        self._scope.cancel()
        with trio.CancelScope(shield=True):  # a worker that is half started is ended first
            await self._is_over.wait()

    async def _start_all(self) -> None:
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    for agent in self.agents:
                        nursery.start_soon(self._start, agent)
        finally:
            self._is_over.set()

    async def _start(self, agent: "RunningAgent") -> None:
        try:
            await agent.start()
        except ExecutorError as error:
            self._fault = self._fault or error
            self._scope.cancel()


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
        self._is_closed = False
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
        self._is_closed = True
        with trio.CancelScope(shield=True):
            for worker in list(self._all):
                await self._retire(worker)

    async def warm_up(self) -> None:
        """Have a worker ready, so that the next task does not wait for one to start."""
        async with self._free:
            if not self._idle and not self._is_closed:
                self._idle.append(await self._start_worker())

    def memory_bytes(self) -> int:
        """Return the memory that its workers hold now."""
        processes = [pid for worker in self._all for pid in tree_of(worker.pid)]
        return memory_of(processes, enough=0)

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
                is_well = answer.kind == "unavailable" and not has_session(self.spec)
                if answer.kind not in _KEEPS_WORKER and not is_well:
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
        with trio.move_on_after(_ANSWER_SECONDS), contextlib.suppress(ExecutorError):
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
            if not self._is_closed:
                self._nursery.start_soon(self._refill)

    async def _refill(self) -> None:
        """Replace a worker before the next task waits for it; what goes wrong that task meets itself."""
        try:
            await self.warm_up()
        except ExecutorError as error:
            self._last_failure = f"{type(error).__name__}: {error}"

    async def _retire(self, worker: WorkerProcess) -> None:
        self._all.discard(worker)
        await worker.reap()

    async def _start_worker(self) -> WorkerProcess:
        files, cwd = place_of(self.spec)
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
