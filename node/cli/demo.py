"""``ainur demo``: the program shows what it does, on a chain of its own."""

import logging
import os
import sys
from typing import Any, Never

import attrs
import click

from node.chainhost.backend import BACKENDS
from node.chainhost.errors import ChainHostError
from node.cli.output import failure, json_option, print_json

__all__ = ["group"]


@click.command("demo")
@click.option("--keep", is_flag=True, help="Leave the chain running, and say how to stop it.")
@click.option(
    "--backend",
    type=click.Choice(list(BACKENDS)),
    default="embedded",
    show_default=True,
    help="The runtime in this program, or the Substrate node.",
)
@json_option
def group(*, keep: bool, backend: str, as_json: bool) -> None:
    """Show step by step what happens, on a chain of its own.

    Three accounts; an escrow that is paid, one that expires and one that is disputed; a bond that is slashed.
    Every number that is shown is read from the chain.
    """
    import trio

    from chain.errors import ChainError
    from node.demo.facts import Told
    from node.demo.run import InterruptedDemoError, Result, run_demo
    from node.demo.text import Teller

    # The chain runs in this process: what it logs is no part of the story, and what fails comes as an error.
    logging.getLogger().addHandler(logging.NullHandler())
    teller = Teller()

    def tell(what: Told) -> None:
        if not as_json:
            teller.tell(what)
            sys.stdout.flush()

    def finish(result: Result) -> None:
        if as_json:
            print_json(_to_json(result, keep=keep))
        else:
            teller.finish(result, keep=keep)

    async def run() -> None:
        await run_demo(backend, tell, finish, keep=keep)

    try:
        trio.run(run)
    except* InterruptedDemoError as group_:
        _end(group_)
    except* (BrokenPipeError, SystemExit):  # rich makes the one into the other
        # Whoever read has gone, as `head` does. What is still buffered would complain at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except* (ChainHostError, ChainError) as group_:
        raise failure(_first(group_)) from group_


def _end(interrupted: BaseExceptionGroup[Any]) -> Never:
    error = _first(interrupted)
    click.echo(f"\n{error}", err=True)
    sys.exit(128 + error.number)


def _first(group_: BaseExceptionGroup[Any]) -> Any:
    first = group_.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _to_json(result: Any, *, keep: bool) -> dict[str, Any]:
    record = result.record
    return {
        "chain": {
            "url": record.url, "apps": record.apps, "genesis": record.genesis, "runtime": record.runtime,
            "backend": record.backend, "kept": keep, "name": record.name if keep else None,
        },
        "steps": [{"chapter": chapter, **step.to_json()} for chapter, step in result.steps],
        "snapshots": [attrs.asdict(each) for each in result.snapshots],
        "meaning": result.meaning,
    }  # fmt: skip
