"""What options are when a command line does not give them: the environment's, else the file's, else the usual.

The file is ``AINUR_HOME/config.toml``: a table for each command, its options by their names without the dashes
(``[testnet.up]``, ``nodes = 3``). The table ``[client]`` says of all commands that ask a node or a chain which one they
ask. In the environment the same are ``AINUR_TESTNET_UP_NODES`` and ``AINUR_CLIENT_TESTNET``.

click does the rest: this translates the file into its ``default_map``, and gives options their variables.
"""

import tomllib
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from node.cli.errors import ConfigurationError

__all__ = [
    "CLIENT",
    "CLIENT_OPTIONS",
    "FILE",
    "check_known",
    "file_of",
    "given_by_hand",
    "options_of",
    "prepare",
    "read",
    "variable_of",
]

FILE: Final = "config.toml"
CLIENT: Final = "client"
CLIENT_OPTIONS: Final = ("testnet", "node", "data-dir", "chain")
_CLIENT_NEEDS: Final = {"testnet", "node", "data-dir"}
"""Options by which a command is known to ask a node."""
_PREFIX: Final = "AINUR"
_NOT_SETTINGS: Final = {"help", "version"}


def file_of(home: Path) -> Path:
    """Return where the file is, or would be."""
    return home / FILE


def read(file: Path) -> dict[str, Any]:
    """Return what is in the file; nothing where there is none.

    Raises:
        ConfigurationError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:  # no TOML, or no text
        raise ConfigurationError(f"{file} is no TOML: {error}") from error


def options_of(command: click.Command) -> dict[str, click.Option]:
    """Return what of a command can be set, by the option's long name without its dashes."""
    found = {}
    for each in command.params:
        if isinstance(each, click.Option):
            name = max(each.opts, key=len).removeprefix("--")
            if name not in _NOT_SETTINGS:
                found[name] = each
    return found


def variable_of(path: tuple[str, ...], option: str) -> str:
    """Return the environment variable of a command's option."""
    return "_".join((_PREFIX, *path, option)).upper().replace("-", "_")


def commands_below(command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Yield the sub-commands of a group, by name."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield name, found


def prepare(
    command: click.Command, path: tuple[str, ...], config: dict[str, Any], file: Path
) -> dict[str, Any]:
    """Give a command's options their variables, and return what the file says of them as click wants it.

    Args:
        command: with all below it.
        path: its name, behind those of its groups.
        config: the whole file.
        file: for what is said of it.

    Raises:
        ConfigurationError: the file names what there is not.
    """
    client = _table(config.get(CLIENT, {}), CLIENT, file)
    for key in client:
        check_known(key, CLIENT_OPTIONS, f"[{CLIENT}]", file)
    return _prepare(command, path, _table(config.get(path[0], {}), path[0], file), client, file)


def _prepare(
    command: click.Command,
    path: tuple[str, ...],
    own: dict[str, Any],
    client: dict[str, Any],
    file: Path,
) -> dict[str, Any]:
    options, below = options_of(command), dict(commands_below(command))
    where = f"[{'.'.join(path)}]"
    asks = options.keys() >= _CLIENT_NEEDS
    for name, option in options.items():
        shared = [variable_of((CLIENT,), name)] if asks and name in CLIENT_OPTIONS else []
        option.envvar = [variable_of(path, name), *shared]
    for key in own:
        check_known(key, (*below, *options), where, file)
    found: dict[str, Any] = {}
    for name, value in {
        **(client if asks else {}),
        **{k: v for k, v in own.items() if k in options},
    }.items():
        chosen = options.get(name)
        if chosen is not None and chosen.name is not None:
            found[chosen.name] = _value(chosen, name, value, where, file)
    for name, sub in below.items():
        inner = ".".join((*path, name))
        found[name] = _prepare(sub, (*path, name), _table(own.get(name, {}), inner, file), client, file)  # fmt: skip
    return found


def _table(value: Any, name: str, file: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigurationError(
            f"{file}: {name} is a table: write [{name}], and its options below"
        )
    return value


def check_known(key: str, names: Sequence[str], where: str, file: Path) -> None:
    """Refuse a name in the file that means nothing.

    Raises:
        ConfigurationError: it does not.
    """
    if key not in names:
        near = get_close_matches(key, names, n=1)
        how = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(names))}"
        raise ConfigurationError(f"{file}: {where} has no {key!r}: {how}")


def _value(option: click.Option, name: str, value: Any, where: str, file: Path) -> Any:
    if option.multiple and not isinstance(value, list):
        return [value]
    if isinstance(value, dict) or (isinstance(value, list) and not option.multiple):
        raise ConfigurationError(f"{file}: {where} {name} is one value, not {value!r}")
    if option.is_flag and not isinstance(value, bool):
        raise ConfigurationError(f"{file}: {where} {name} is true or false, not {value!r}")
    return value


def given_by_hand(name: str) -> bool:
    """Return whether the present command's parameter was given on the command line."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE
