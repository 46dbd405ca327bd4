"""What an agent asks of its operator, held to what the operator allows."""

import os
from pathlib import Path

from node.agents.specs import (
    AgentSpec,
    CommandAgent,
    FunctionAgent,
    McpAgent,
    WasmAgent,
    needs_sandbox,
    wants_network,
)
from node.executor.errors import RefusedAgentError, SandboxUnavailableError
from node.executor.limits import Grants
from node.executor.sandbox import find_bubblewrap

__all__ = ["place_of", "refuse_foreign_code", "refuse_unless_granted"]


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
    if needs_sandbox(spec):
        refuse_foreign_code(name, grants)


def refuse_foreign_code(name: str, grants: Grants) -> None:
    """Raise where foreign code would run without a sandbox, and that is not allowed.

    Raises:
        SandboxUnavailableError: it is so.
    """
    probe = find_bubblewrap()
    if probe.program is None and not grants.unsandboxed:
        raise SandboxUnavailableError(
            f"{name} is foreign code and has no sandbox here: {probe.trouble}."
            " Or run it without, by --allow-unsandboxed: it can then read every file that you can,"
            " use the network, and start any number of processes"
        )


def _is_granted(file: Path, grants: Grants) -> bool:
    # As it would be opened: `granted/../other` is not inside `granted`.
    path = Path(os.path.normpath(file))
    return any(path.is_relative_to(granted) for granted in grants.files)


def place_of(spec: AgentSpec) -> tuple[tuple[Path, ...], Path]:
    """Return what a spec needs to read, and the folder it starts in."""
    match spec:
        case FunctionAgent(file=str(file)):
            return (Path(file),), Path(file).parent
        case CommandAgent(folder=str(folder)) | McpAgent(folder=str(folder)):
            return (), Path(folder)
        case _:
            return (), Path("/")
