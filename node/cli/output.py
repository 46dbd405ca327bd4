"""What all commands share: JSON or text, and how an error ends them."""

import functools
import json
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import click

from node.cli.errors import CommandError

__all__ = ["failure", "guarded", "json_option", "print_json"]

P = ParamSpec("P")
R = TypeVar("R")

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."
)


def print_json(value: dict[str, Any], version: int = 1) -> None:
    """Print one JSON object on one line, with the version of its shape."""
    click.echo(json.dumps({"version": version, **value}))


def failure(error: Exception, exit_code: int = 1) -> CommandError:
    """Return what ends a command because of an error."""
    from node.explain.codes import code_of

    return CommandError(str(error), code_of(error), exit_code)


def guarded(*errors: type[Exception]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """End a command with exit code 1, the error's code and its message, where it raises one of these."""

    def decorate(command: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(command)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return command(*args, **kwargs)
            except click.ClickException:
                raise  # it has its own code and exit code
            except errors as error:
                raise failure(error) from error

        return run

    return decorate
