"""Which agents a file declares. The file is foreign code: it is run in a worker, never here."""

from pathlib import Path

import trio
from msgspec.structs import replace

from node.agents.errors import DeclarationError
from node.agents.specs import (
    A2AAgent,
    AgentSpec,
    CommandAgent,
    FunctionAgent,
    HttpAgent,
    McpAgent,
    OpenAIAgent,
    WasmAgent,
    new_offer,
)
from node.executor import protocol
from node.executor.errors import CrashedError, ExecutorError, LoadError
from node.executor.limits import Grants, Limits
from node.executor.permission import refuse_foreign_code
from node.executor.process import start_worker

__all__ = ["load_agents"]


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
        try:
            with trio.move_on_after(limits.start_seconds):
                await worker.say(protocol.Describe(file=str(path)))
                answer = await worker.hear()
        except ExecutorError as error:
            fault = error
        finally:  # a caller that has lost patience leaves no worker behind
            with trio.CancelScope(shield=True):
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
    refuse_foreign_code(str(file), grants)
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
