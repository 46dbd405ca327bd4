"""``ainur config``: what options are when they are not given."""

import enum
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import click
from click.core import ParameterSource

from node.chainhost.home import home
from node.cli.configuration import (
    CLIENT,
    CLIENT_OPTIONS,
    check_known,
    file_of,
    options_of,
    prepare,
    read,
    variable_of,
)
from node.cli.output import json_option, print_json

__all__ = ["group"]


@attrs.frozen
class _Setting:
    """One option of one command."""

    path: tuple[str, ...]
    name: str
    value: Any
    origin: str
    """``environment``, ``file`` or ``default``."""
    variable: str
    wrong: str | None = None
    """Why it is none, if it is none."""
    is_shared: bool = False
    """It is what the table of all clients says."""

    def to_json(self) -> dict[str, Any]:
        """Return what is shown."""
        return {**attrs.asdict(self), "path": " ".join(self.path)}


@click.group()
def group() -> None:
    """What options are when they are not given: environment, file, or as usual."""


@group.command()
@click.argument("command", nargs=-1)
@click.option("--origin", is_flag=True, help="Say of each where it comes from.")
@json_option
@click.pass_context
def show(context: click.Context, command: tuple[str, ...], origin: bool, as_json: bool) -> None:
    """Show what is set: by the environment, or by AINUR_HOME/config.toml; of a COMMAND (testnet up) all options.

    What a command line gives goes before both. What is shown is itself such a file. Exit code 1 when a value is none.
    """
    where = file_of(home())
    config = read(where)
    root = context.find_root().command
    found = [
        each
        for each in _settings(root, config, where)
        if (each.path == command if command else each.origin != "default" and not each.is_shared)
    ]
    if command and not found:
        raise click.BadParameter(f"{' '.join(command)!r} has no options", param_hint="COMMAND")
    of_home = "environment" if os.environ.get("AINUR_HOME") else "default"
    if as_json:
        told = {"path": str(home()), "origin": of_home}
        shown = {"home": told, "file": str(where), "is_there": where.exists()}
        print_json({**shown, "settings": [each.to_json() for each in found]})
    else:
        click.echo(f"# AINUR_HOME is {home()} ({of_home})")
        click.echo(f"# {where}" + ("" if where.exists() else ", which is not there"))
        _show(found, origin=origin, file=where)
    if any(each.wrong for each in found):
        raise click.exceptions.Exit(1)


def _settings(root: click.Command, config: dict[str, Any], file: Path) -> Iterator[_Setting]:
    assert isinstance(root, click.Group)  # noqa: S101  (of our own)
    context = click.Context(root, info_name="ainur")
    names = root.list_commands(context)
    for name in config:
        check_known(name, (*names, CLIENT), "it", file)
    yield from _of_all(config)
    for name in names:
        command = root.get_command(context, name)
        if command is not None:
            context.default_map = {name: prepare(command, (name,), config, file)}
            yield from _below(command, click.Context(command, context, name), (name,), config)


def _of_all(config: dict[str, Any]) -> Iterator[_Setting]:
    """Yield what is set for all commands that ask a node or a chain."""
    shared = config.get(CLIENT, {})
    for name in CLIENT_OPTIONS:
        variable = variable_of((CLIENT,), name)
        if variable in os.environ:
            yield _Setting((CLIENT,), name, os.environ[variable], "environment", variable)
        elif name in shared:
            yield _Setting((CLIENT,), name, _plain(shared[name]), "file", variable)


def _below(
    command: click.Command, context: click.Context, path: tuple[str, ...], config: dict[str, Any]
) -> Iterator[_Setting]:
    for name, option in options_of(command).items():
        value, source = option.consume_value(context, {})
        if isinstance(value, enum.Enum):  # how click says that there is none
            value = None
        wrong = None
        try:
            value = option.type_cast_value(context, value)
        except click.BadParameter as error:
            wrong = error.format_message()
        origin = {ParameterSource.ENVIRONMENT: "environment", ParameterSource.DEFAULT_MAP: "file"}
        yield _Setting(
            path,
            name,
            _plain(value),
            origin.get(source, "default"),
            variable_of(path, name),
            wrong,
            _is_shared(path, name, source, config),
        )
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            sub = command.get_command(context, name)
            if sub is not None:
                yield from _below(sub, click.Context(sub, context, name), (*path, name), config)


def _is_shared(
    path: tuple[str, ...], name: str, source: ParameterSource, config: dict[str, Any]
) -> bool:
    """Return whether a value is not the command's own, but that of all clients."""
    if source is ParameterSource.ENVIRONMENT:
        return variable_of(path, name) not in os.environ
    own: Any = config
    for part in path:
        own = own.get(part, {})
    return source is ParameterSource.DEFAULT_MAP and name not in own


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _show(found: list[_Setting], *, origin: bool, file: Path) -> None:
    path: tuple[str, ...] = ()
    for each in found:
        if each.path != path:
            path = each.path
            click.echo(f"\n[{'.'.join(path)}]")
        text = f"{each.name} = {json.dumps(each.value)}"
        if each.value is None:
            text = f"# {each.name} is not set"
        sources = {"environment": each.variable, "file": str(file), "default": each.variable}
        if origin:
            told = f"{each.origin} {sources[each.origin]}"
            text = f"{text:40} # {f'default, else {each.variable}' if each.origin == 'default' else told}"
        click.echo(text)
        if each.wrong is not None:
            click.echo(f"#   WRONG: {each.wrong}")
