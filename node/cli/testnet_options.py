"""What the commands of ``ainur testnet`` share: which testnet is meant, and how one is shown."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.api import show_table
from node.cli.output import guarded
from node.testnet.config import NodeView, TestnetView
from node.testnet.errors import BrokenError, TestnetError
from node.testnet.home import DEFAULT_NAME, Folder, folder_of, running_folder

if TYPE_CHECKING:
    from node.testnet.money import Funds

__all__ = ["funds_of", "new_testnet", "running_testnet", "show_testnet", "testnet_json"]

Option = Callable[[Callable[..., None]], Callable[..., None]]
_DATA_DIR: Option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="The testnet's folder, instead of one below AINUR_HOME.",
)


def _with_folder(
    command: Callable[..., None], pick: Callable[[str | None, Path | None], Folder], name: Option
) -> Callable[..., None]:
    @name
    @_DATA_DIR
    def run(name: str | None, data_dir: Path | None, **options: Any) -> None:
        command(folder=pick(name, data_dir), **options)

    run.__doc__, run.__name__ = command.__doc__, command.__name__
    run.__click_params__ = [*getattr(command, "__click_params__", []), *run.__click_params__]  # type: ignore[attr-defined]  # click's own attribute
    return guarded(TestnetError)(run)


def new_testnet(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that name a testnet, which need not run; the command is given its folder."""
    name = click.option(
        "--name", default=DEFAULT_NAME, show_default=True, help="Which of several testnets."
    )
    return _with_folder(command, lambda n, path: folder_of(n or DEFAULT_NAME, path), name)


def running_testnet(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that name a testnet, by default the only one that runs; the command is given its folder."""
    name = click.option("--name", help="Which testnet; the only one that runs unless given.")

    def pick(name: str | None, path: Path | None) -> Folder:
        return running_folder(name) if path is None else folder_of(name or DEFAULT_NAME, path)

    return _with_folder(command, pick, name)


def funds_of(view: TestnetView) -> "dict[str, Funds]":
    """Return what the nodes have, by account; nothing while the chain does not answer, which is said on stderr."""
    if view.chain_state != "running":
        return {}
    from node.testnet.money import read_funds

    try:
        return read_funds(view.chain.url, [node.account for node in view.nodes])
    except BrokenError as error:
        click.echo(f"Warning: {error}", err=True)
        return {}


def testnet_json(view: TestnetView, funds: "dict[str, Funds]") -> dict[str, Any]:
    """Return a testnet with what its nodes have (planck; null where the chain does not say)."""
    value = view.to_json()
    for node in value["nodes"]:
        has = funds.get(node["account"])
        node["balance"], node["bond"] = (None, None) if has is None else (has.free, has.bond)
    return value


def show_testnet(view: TestnetView, funds: "dict[str, Funds]", *, wide: bool) -> None:
    """Show a testnet: the chain, and a table of its nodes."""
    for label, value in (
        ("testnet", f"{view.name} ({len(view.nodes)} nodes, supervisor {view.pid})"),
        ("chain", f"{view.chain.url} ({view.chain.backend}, {view.chain_state})"),
        ("polkadot.js", view.chain.apps),
        ("arbiter", view.arbiter),
        ("seed", view.seed),
        ("folder", view.data_dir),
    ):
        click.echo(f"{label + ':':13}{value}")
    click.echo()
    columns = ["NODE", "STATE", "PEER", "ACCOUNT", "BALANCE", "BOND", "API", "AGENTS"]
    show_table(columns, [_row(node, funds, wide=wide) for node in view.nodes])


def _row(node: NodeView, funds: "dict[str, Funds]", *, wide: bool) -> list[str]:
    from market.units import format_amount

    has = funds.get(node.account)
    state: str = node.state
    if node.cheat is not None:
        state += f", {node.cheat}"
    if node.refuses:
        state += f", cut off from {','.join(node.refuses)}"
    return [
        node.name,
        state if node.status is None else f"{state} ({node.status})",
        node.peer_id if wide else f"…{node.peer_id[-8:]}",
        node.account if wide else f"{node.account[:6]}…{node.account[-4:]}",
        "?" if has is None else format_amount(has.free),
        "?" if has is None else format_amount(has.bond),
        node.api or "-",
        _agents(node, wide=wide),
    ]


def _agents(node: NodeView, *, wide: bool) -> str:
    text = " ".join(node.agents) or "-"
    room = shutil.get_terminal_size((160, 24)).columns
    if wide or len(text) + 100 <= room:
        return text
    return f"{len(node.agents)}" if node.agents else "-"
