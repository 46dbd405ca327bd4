"""``ainur submit``: have a task done."""

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any, Final

import click

from node.api.client import ApiError, Client, connect
from node.cli.api import data_dir_option
from node.cli.output import guarded, json_option, print_json
from node.process.datadir import DataDir

__all__ = ["group", "parse_duration", "wait_for_end"]

_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)")
_MILLIS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}


def parse_duration(text: str) -> int:
    """Read a time as a person writes it; return milliseconds, rounded up.

    Raises:
        BadParameter: it is none.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise click.BadParameter(f"{text!r} is no time: write 30s, 500ms, 2m or 1h")
    millis = -(-int(float(match[1]) * 1_000) * _MILLIS[match[2]] // 1_000)
    if millis == 0:
        raise click.BadParameter("a deadline is later than at once")
    return millis


def _read(text: str) -> Any:
    """Return an input: JSON itself, ``@FILE``, or ``-`` for standard input."""
    if text == "-":
        text = sys.stdin.read()
    elif text.startswith("@"):
        try:
            text = Path(text[1:]).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise click.BadParameter(f"{text[1:]} cannot be read: {error}") from error
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"the input is JSON, @FILE or -: {error}") from error


def _command(text: str) -> list[str]:
    """Return a program and its arguments; one with a slash is found from here, wherever the node runs."""
    try:
        command = shlex.split(text)
    except ValueError as error:
        raise click.BadParameter(f"--check {text!r}: {error}") from error
    if not command:
        raise click.BadParameter("--check names a program")
    if "/" in command[0]:
        command[0] = str(Path(command[0]).absolute())
    return command


def _tasks(file: Path, default: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if line.strip():
            try:
                own = json.loads(line)
            except ValueError as error:
                raise click.BadParameter(f"{file}:{number}: {error}") from error
            if not isinstance(own, dict):
                raise click.BadParameter(f"{file}:{number}: a task is an object")
            if "deadline" in own:
                own["deadline_ms"] = parse_duration(own.pop("deadline"))
            found.append({**default, **own})
    if not found:
        raise click.BadParameter(f"{file} has no tasks")
    return found


@click.command()
@click.argument("capability", required=False)
@click.option("--input", "given", metavar="JSON|@FILE|-", help="What is to be worked on.")
@click.option("--budget", metavar="AMOUNT", help="The most its provider is paid: '1 AINU'.")
@click.option(
    "--deadline",
    default="30s",
    show_default=True,
    help="From the opening of its escrow to the result on chain: 500ms, 30s, 2m, 1h.",
)
@click.option("--version", type=click.IntRange(0, 65_535), default=1, show_default=True,
              help="Of the capability.")  # fmt: skip
@click.option("--mode", type=click.Choice(["auction"]), default="auction", show_default=True,
              help="How its provider is found.")  # fmt: skip
@click.option(
    "--output-schema",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A JSON-Schema that the result must fit; one that does not is disputed.",
)
@click.option(
    "--check",
    metavar="COMMAND",
    help="A program of yours that is given {input, output} and says whether the result is good.",
)
@click.option("--replicas", type=click.IntRange(1, 7), metavar="K",
              help="Have K providers do it, each paid by itself; what most of them say is the result.")  # fmt: skip
@click.option(
    "--tasks",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Many tasks, one object a line, all or none, cleared together; what a line leaves out is taken from the options.",
)
@click.option(
    "--wait", is_flag=True, help="Return once they have ended; exit code 2 if one was not paid."
)
@click.option(
    "--watch", is_flag=True, help="Show each step as it happens, wait, and show the result."
)
@click.option("--dry-run", is_flag=True, help="Say what would be submitted, and submit nothing.")
@data_dir_option
@json_option
@guarded(ApiError)
def group(
    folder: DataDir,
    as_json: bool,
    capability: str | None,
    given: str | None,
    budget: str | None,
    deadline: str,
    version: int,
    mode: str,
    output_schema: Path | None,
    check: str | None,
    replicas: int | None,
    file: Path | None,
    wait: bool,
    watch: bool,
    dry_run: bool,
) -> None:
    """Have a task done by whoever does it best for its price."""
    del mode  # there is one so far
    wanted: dict[str, Any] = {"deadline_ms": parse_duration(deadline), "version": version}
    if output_schema is not None:
        wanted["output_schema"] = _read(f"@{output_schema}")
    if check is not None:
        wanted["check_command"] = _command(check)
    named = {"capability": capability, "budget": budget, "replicas": replicas}
    wanted |= {name: value for name, value in named.items() if value is not None}
    if given is not None:
        wanted["input"] = _read(given)
    tasks = [wanted] if file is None else _tasks(file, wanted)
    for task in tasks:
        missing = [name for name in ("capability", "input", "budget") if name not in task]
        if missing:
            raise click.UsageError(f"a task needs {', '.join(missing)}; see ainur submit --help")
    if dry_run:
        print_json({"would_submit": tasks})
        return
    client = connect(folder)
    submitted = client.post("/v1/tasks", tasks)["tasks"]
    if not (wait or watch):
        _show(submitted, as_json=as_json)
        return
    ended = [wait_for_end(client, task["id"], shown=watch and not as_json) for task in submitted]
    _show(ended, as_json=as_json)
    if watch and not as_json:
        for task in filter(_is_paid, ended):
            _show_result(client, task["id"])
    if not all(map(_is_paid, ended)):
        raise click.exceptions.Exit(2)


def wait_for_end(client: Client, task: str, *, shown: bool) -> dict[str, Any]:
    """Return a task once it has ended; on the way show its steps on standard error.

    Raises:
        ApiError: the node stops first.
    """
    from node.cli.life import line_of

    for event in client.events("/v1/events", task=task):
        if shown and event["kind"] != "stream-ended":
            click.echo(line_of(event), err=True)
        if event["kind"] == "ended":
            break
        if event["kind"] == "stream-ended":
            raise ApiError(
                f"the node is being stopped; the task goes on when it runs again: ainur task show {task}"
            )
    found: dict[str, Any] = client.get(f"/v1/tasks/{task}")["task"]
    return found


def _is_paid(task: dict[str, Any]) -> bool:
    return str(task["ended"]).startswith("released")


def _show_result(client: Client, task: str) -> None:
    from node.cli.results import preview

    try:
        found = client.bytes_of(f"/v1/tasks/{task}/result")
    except ApiError as error:
        click.echo(f"Its result is not here: {error}", err=True)
        return
    shown = preview(json.loads(found))
    click.echo(shown)
    if "…" in shown:
        click.echo(f"All of it: ainur task result {task}", err=True)


def _show(tasks: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({"tasks": tasks})
        return
    for task in tasks:
        click.echo(f"{task['id']}  {task['ended'] or task['phase']}")
