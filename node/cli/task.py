"""``ainur task``: the tasks of a node."""

import sys
from pathlib import Path
from typing import Any

import click

from market.units import format_amount
from node.api.client import ApiError, connect
from node.cli.api import data_dir_option, show_table, without_version
from node.cli.output import guarded, json_option, print_json
from node.process.datadir import DataDir

__all__ = ["group"]


@click.group()
def group() -> None:
    """The tasks of a node: list and show them, get results, cancel."""


@group.command("list")
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True)
@data_dir_option
@json_option
@guarded(ApiError)
def list_(folder: DataDir, as_json: bool, limit: int) -> None:
    """List tasks, the newest first."""
    answer = connect(folder).get("/v1/tasks", limit=limit)
    if as_json:
        print_json(without_version(answer))
        return
    if not answer["tasks"]:
        click.echo("no tasks; `ainur submit` makes one")
        return
    show_table(
        ["task", "capability", "budget", "provider", "how it stands"],
        [
            [
                each["id"],
                each["capability"],
                format_amount(int(each["budget"])),
                (each["provider"] or "")[:10],
                each["ended"] or each["phase"],
            ]
            for each in answer["tasks"]
        ],
    )


@group.command()
@click.argument("task")
@click.option("--watch", is_flag=True, help="Go on showing steps until it has ended.")
@data_dir_option
@json_option
@guarded(ApiError)
def show(folder: DataDir, as_json: bool, task: str, watch: bool) -> None:
    """Show what has become of a TASK, step by step."""
    client = connect(folder)
    if watch and not as_json:
        from node.cli.submit import wait_for_end

        wait_for_end(client, task, shown=True)
    answer = client.get(f"/v1/tasks/{task}")
    if as_json:
        print_json(without_version(answer))
        return
    if not watch:
        from node.cli.life import line_of

        for event in answer["events"]:
            click.echo(line_of(event))
    _describe(answer["task"])


def _describe(task: dict[str, Any]) -> None:
    for label, value in (
        ("task", task["id"]),
        ("capability", f"{task['capability']} version {task['capability_version']}"),
        ("budget", format_amount(int(task["budget"]))),
        ("provider", task["provider"] or "none yet"),
        ("price", "none yet" if task["price"] is None else format_amount(int(task["price"]))),
        ("escrow", "none" if task["escrow"] is None else str(task["escrow"])),
        ("stands", task["ended"] or task["phase"]),
    ):
        click.echo(f"{label + ':':12}{value}")


@group.command()
@click.argument("task")
@click.option("--dry-run", is_flag=True, help="Say how it stands, and cancel nothing.")
@data_dir_option
@json_option
@guarded(ApiError)
def cancel(folder: DataDir, as_json: bool, task: str, dry_run: bool) -> None:
    """Want a TASK no more: what nobody is bound to is withdrawn, what somebody is bound to is asked back."""
    client = connect(folder)
    answer = client.get(f"/v1/tasks/{task}") if dry_run else client.post(f"/v1/tasks/{task}/cancel")
    if as_json:
        print_json({"task": answer["task"], "dry_run": dry_run})
        return
    _describe(answer["task"])


@group.command()
@click.argument("task")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file to write."
)
@data_dir_option
@guarded(ApiError)
def result(folder: DataDir, task: str, output: Path | None) -> None:
    """Write the result of a TASK, JSON as it was delivered."""
    data = connect(folder).bytes_of(f"/v1/tasks/{task}/result")
    if output is None:
        sys.stdout.buffer.write(data + b"\n")
    else:
        output.write_bytes(data)


@group.command()
@click.argument("task")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@data_dir_option
@guarded(ApiError)
def auction(folder: DataDir, task: str, file: Path) -> None:
    """Write the auction of a TASK to FILE, for `ainur auction verify` and `explain`."""
    file.write_bytes(connect(folder).bytes_of(f"/v1/tasks/{task}/auction"))
