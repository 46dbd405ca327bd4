"""``ainur agent``: look at agents, and try them, before they are offered."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from node.agents.builtin import builtin_agents
from node.agents.errors import AgentError
from node.agents.specs import AgentSpec, FunctionAgent, OpenAIAgent, wants_network
from node.chainhost.home import home
from node.cli.output import failure, json_option, print_json
from node.executor.errors import ExecutorError, FailedTaskError, InvalidInputError
from node.executor.limits import Grants, Limits

__all__ = ["granting", "group"]

FAILED, REFUSED = 1, 2
"""Exit codes: the agent failed; it cannot be run, or was given what it does not take."""


@click.group()
def group() -> None:
    """Look at agents and try them before they are offered."""


def granting(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options by which an operator allows an agent more than computing."""

    @click.option(
        "--allow-network", is_flag=True, help="The network, with all that listens on loopback."
    )
    @click.option("--env", multiple=True, metavar="NAME", help="Show it this variable.")
    @click.option(
        "--with",
        "files",
        multiple=True,
        type=click.Path(exists=True, path_type=Path),
        help="Let it read this file or folder.",
    )
    @click.option(
        "--allow-unsandboxed",
        is_flag=True,
        help="Run foreign code where bubblewrap is missing: it can then read every file that you can,"
        " use the network, and start any number of processes.",
    )
    def run(
        allow_network: bool,
        env: tuple[str, ...],
        files: tuple[Path, ...],
        allow_unsandboxed: bool,
        **options: Any,
    ) -> None:
        grants = Grants(
            network=allow_network,
            environment=env,
            files=tuple(file.absolute() for file in files),
            hidden=(home(),),
            unsandboxed=allow_unsandboxed,
        )
        try:
            command(grants=grants, **options)
        except (ExecutorError, AgentError) as error:
            status = FAILED if isinstance(error, FailedTaskError) else REFUSED
            raise failure(error, status) from error

    run.__doc__, run.__name__ = command.__doc__, command.__name__
    run.__click_params__ = [*getattr(command, "__click_params__", []), *run.__click_params__]  # type: ignore[attr-defined]  # click's own attribute
    return run


def _name(spec: AgentSpec) -> str:
    return spec.name if isinstance(spec, FunctionAgent) else type(spec).__name__


def _row(spec: AgentSpec) -> dict[str, Any]:
    tag = spec.__struct_config__.tag
    key = getattr(spec, "key_env", None)
    return {
        "name": _name(spec),
        "kind": tag,
        "capability": spec.offer.capability,
        "version": spec.offer.version,
        "price": str(spec.offer.price),
        "description": spec.offer.description,
        "wants_network": wants_network(spec),
        "wants_environment": [key] if key else [],
        "input_schema": spec.offer.input_schema,
        "output_schema": spec.offer.output_schema,
    }


def _show(spec: AgentSpec) -> None:
    row = _row(spec)
    click.echo(f"{spec.offer.capability} (version {spec.offer.version})")
    wants = [*(["the network"] if row["wants_network"] else []), *row["wants_environment"]]
    if isinstance(spec, OpenAIAgent):
        click.echo(f"  model        {_safe(spec.model)}")
    for label, text in (
        ("agent", f"{row['name']}, a {row['kind']}"),
        ("price", spec.offer.price_text),
        ("does", spec.offer.description or "(no description)"),
        ("wants", ", ".join(wants) or "nothing but to compute"),
        ("input", _schema_text(spec.offer.input_schema)),
        ("output", _schema_text(spec.offer.output_schema)),
    ):
        click.echo(f"  {label:13}{_safe(text)}")


def _safe(text: str) -> str:
    """Return a foreign file's words with nothing in them that moves a terminal's cursor."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _schema_text(schema: dict[str, Any] | None) -> str:
    return "any JSON" if schema is None else json.dumps(schema)


@group.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the agents that come with the node."""
    specs = builtin_agents()
    if as_json:
        print_json({"agents": [_row(spec) for spec in specs]})
        return
    for spec in specs:
        offer = spec.offer
        click.echo(
            f"{offer.capability:16} {_name(spec):10} {offer.price_text:>12}  {offer.description}"
        )


@group.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@granting
@json_option
def check(*, file: Path, grants: Grants, as_json: bool) -> None:
    """Load FILE in a sandboxed worker and say what it offers; exit code 2 when it does not load."""
    import trio

    from node.executor.loading import load_agents
    from node.executor.sandbox import confinement

    specs = trio.run(load_agents, file, Limits(), grants)
    held = confinement(Limits(), grants)
    if as_json:
        print_json(
            {
                "agents": [_row(spec) for spec in specs],
                "sandboxed": held.is_sandboxed,
                "held": list(held.held),
                "open": list(held.open),
            }
        )
        return
    for spec in specs:
        _show(spec)
    click.echo("sandbox: " + ("bubblewrap" if held.is_sandboxed else "NONE"))
    for line in held.held:
        click.echo(f"  held         {line}")
    for line in held.open:
        click.echo(f"  left open    {line}")


@group.command("try")
@click.argument("agent")
@click.option("--input", "text", metavar="JSON|@FILE|-", help="The input.")
@click.option(
    "--field", "fields", multiple=True, metavar="NAME=VALUE|NAME=@FILE", help="One field of it."
)
@click.option("--name", help="Which one, where the file declares several.")
@click.option(
    "--deadline",
    type=click.FloatRange(0.01, 86_400),
    default=30.0,
    show_default=True,
    help="Seconds.",
)
@granting
@json_option
def try_(
    *,
    agent: str,
    text: str | None,
    fields: tuple[str, ...],
    name: str | None,
    deadline: float,
    grants: Grants,
    as_json: bool,
) -> None:
    """Give one task to AGENT: a FILE.py, or the name of one that comes with the node.

    The output is printed as JSON. Exit code 1 when the agent fails, 2 when it cannot be run or the
    input is not what it takes.
    """
    import trio

    spec = _find(agent, name, grants)
    output = trio.run(_try, spec, text, fields, deadline, grants)
    if as_json:
        print_json({"capability": spec.offer.capability, "output": output})
    else:
        click.echo(msgspec.json.format(msgspec.json.encode(output)).decode())


def _find(agent: str, name: str | None, grants: Grants) -> AgentSpec:
    import trio

    from node.executor.loading import load_agents

    if Path(agent).suffix == ".py":
        specs = trio.run(load_agents, Path(agent), Limits(), grants)
        if name is None and len(specs) == 1:
            return specs[0]
        wanted = name
    else:
        specs, wanted = builtin_agents(), agent
    found = [spec for spec in specs if wanted in (_name(spec), spec.offer.capability)]
    if not found:
        names = ", ".join(f"{_name(spec)} ({spec.offer.capability})" for spec in specs)
        raise click.UsageError(f"which one? {names}")
    return found[0]


async def _try(
    spec: AgentSpec, text: str | None, fields: tuple[str, ...], deadline: float, grants: Grants
) -> Any:
    import trio

    from node.agents.inputs import build_input
    from node.executor.running import open_executor

    async with open_executor(spec, Limits(), grants) as running:
        given = build_input(text, fields, running.offer.input_schema, _read)
        return await running.perform(given, trio.current_time() + deadline, _tell)


def _tell(done: float, note: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"{done:4.0%} {_safe(note)}", err=True)


def _read(where: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if where == "-" else Path(where).read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{where} cannot be read: {error.strerror}") from error
