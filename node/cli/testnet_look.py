"""``ainur testnet status|logs``: what a testnet says of itself."""

import json
from pathlib import Path

import click

from node.cli.chain_options import lines_option
from node.cli.output import failure, json_option, print_json
from node.cli.testnet_options import funds_of, running_testnet, show_testnet, testnet_json
from node.cli.testnet_process import wide_option
from node.testnet.errors import UsageError
from node.testnet.home import DEFAULT_NAME, Folder, folder_of, running_names

__all__ = ["logs", "status"]

NOT_RUNNING = 3
"""Exit code of ``status`` for a testnet that does not run, as init scripts have it."""
STAMP = len("2026-01-01 00:00:00,000")


@click.command()
@click.option("--name", help="Which testnet; the only one that runs unless given.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="The testnet's folder, instead of one below AINUR_HOME.",
)
@wide_option
@json_option
@click.pass_context
def status(
    context: click.Context, name: str | None, data_dir: Path | None, as_json: bool, wide: bool
) -> None:
    """Show a testnet's processes and accounts; exit code 3 when it does not run."""
    _status(context, name=name, data_dir=data_dir, as_json=as_json, wide=wide)


def _status(
    context: click.Context, name: str | None, data_dir: Path | None, *, as_json: bool, wide: bool
) -> None:
    from node.testnet.control import find
    from node.testnet.errors import TestnetError

    names = running_names() if name is None and data_dir is None else []
    try:
        if len(names) > 1:
            raise UsageError(f"several testnets run: choose one with --name ({', '.join(names)})")
        folder = folder_of(name or (names[0] if names else DEFAULT_NAME), data_dir)
        view = find(folder)
    except TestnetError as error:
        raise failure(error) from error
    if view is None:
        if as_json:
            print_json({"running": False, "name": folder.name, "data_dir": str(folder.path)})
        else:
            click.echo(f"the testnet {folder.name!r} does not run ({folder.path})")
        context.exit(NOT_RUNNING)
    funds = funds_of(view)
    if as_json:
        print_json({"running": True, **testnet_json(view, funds)})
    else:
        show_testnet(view, funds, wide=wide)


def _sources(folder: Folder, chosen: tuple[str, ...]) -> dict[str, Path]:
    found = {
        "testnet": folder.log,
        "chain": folder.chain.log,
        **{name: folder.node_log(name) for name in folder.node_names()},
    }
    for name in chosen:
        if name not in found:
            raise UsageError(f"there is no {name!r}: there are {', '.join(found)}")
    return {name: found[name] for name in chosen} if chosen else found


def _merged(sources: dict[str, Path], count: int) -> list[tuple[str, str]]:
    """Return the last lines of several logs in the order of their time; a line without one follows its own."""
    from node.chainhost.logs import last_lines

    stamped: list[tuple[str, str, str]] = []
    for name, path in sources.items():
        stamp = ""
        for line in last_lines(path, count):
            stamp = line[:STAMP] if line[:4].isdigit() else stamp
            stamped.append((stamp, name, line))
    stamped.sort(key=lambda each: each[0])
    return [(name, line) for _, name, line in stamped[-count:]] if count else []


@click.command()
@click.argument("names", nargs=-1, metavar="[NODE]...")
@lines_option
@click.option("--follow", "-f", is_flag=True, help="Go on until Ctrl-C, or until all have ended.")
@running_testnet
@json_option
def logs(folder: Folder, as_json: bool, names: tuple[str, ...], lines: int, follow: bool) -> None:
    """Show what all processes, or some, have logged: NODE is one, or `chain`, or `testnet`."""
    from node.chainhost.logs import follow_many

    sources = _sources(folder, names)
    shown = _merged(sources, lines)
    if as_json and not follow:
        said = [{"source": name, "line": line} for name, line in shown]
        print_json({"name": folder.name, "lines": said})
        return
    width = max(map(len, sources))

    def show(name: str, line: str) -> None:
        value = {"version": 1, "source": name, "line": line}
        click.echo(json.dumps(value) if as_json else f"{name:{width}} | {line}")

    for name, line in shown:
        show(name, line)
    if follow:
        for name, line in follow_many(sources, folder.is_running):
            show(name, line)
