"""``ainur demo``: the program shows what it does: in a whole market, or on its chain alone."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Never

import attrs
import click

from node.chainhost.backend import BACKENDS
from node.chainhost.errors import ChainHostError
from node.cli.output import failure, json_option, print_json
from node.cli.windows import parse_windows

__all__ = ["group"]


@click.group("demo", invoke_without_command=True)
@click.option("--keep", is_flag=True, help="Leave the market running, and say how to stop it.")
@click.option(
    "--windows",
    metavar="COMMIT,REVEAL,ACCEPT",
    callback=parse_windows,
    help="Blocks that the phases of its auctions take at most, for a busy machine; as `ainur testnet up` unless given.",
)
@json_option
@click.pass_context
def group(
    context: click.Context, *, keep: bool, windows: tuple[int, int, int] | None, as_json: bool
) -> None:
    """Show a market at work, step by step; or its chain alone.

    Five nodes that bid for tasks on real files, do them and are paid, and a chain, each a process of its own on this
    machine. Every number that is shown is read from them.
    """
    if context.invoked_subcommand is not None:
        if keep or windows is not None or as_json:
            raise click.UsageError("options stand behind the sub-command")
        return
    from node.cli.testnet_process import require_extras

    require_extras()
    import trio

    from chain.errors import ChainError
    from market.errors import MarketError
    from node.api.client import ApiError
    from node.demo.errors import DemoError
    from node.demo.interrupts import InterruptedDemoError
    from node.demo.market.run import run_demo
    from node.demo.market.shape import to_json
    from node.demo.market.text import Teller
    from node.testnet.errors import TestnetError

    tell, finish = _telling(Teller(), to_json, keep=keep, as_json=as_json)

    async def run() -> None:
        await run_demo(tell, finish, keep=keep, windows=windows)

    with _ending(InterruptedDemoError, TestnetError, ApiError, ChainError, MarketError, DemoError):
        trio.run(run)


@group.command("chain")
@click.option("--keep", is_flag=True, help="Leave the chain running, and say how to stop it.")
@click.option(
    "--backend",
    type=click.Choice(list(BACKENDS)),
    default="embedded",
    show_default=True,
    help="The runtime in this program, or the Substrate node.",
)
@json_option
def chain(*, keep: bool, backend: str, as_json: bool) -> None:
    """Show step by step what the chain does by itself.

    Three accounts; an escrow that is paid, one that expires and one that is disputed; a bond that is slashed.
    Every number that is shown is read from the chain.
    """
    import trio

    from chain.errors import ChainError
    from node.demo.chain.run import run_demo
    from node.demo.chain.text import Teller
    from node.demo.interrupts import InterruptedDemoError

    tell, finish = _telling(Teller(), _to_json, keep=keep, as_json=as_json)

    async def run() -> None:
        await run_demo(backend, tell, finish, keep=keep)

    with _ending(InterruptedDemoError, ChainHostError, ChainError):
        trio.run(run)


def _telling(
    teller: Any, to_json: Callable[..., dict[str, Any]], *, keep: bool, as_json: bool
) -> tuple[Callable[[Any], None], Callable[[Any], None]]:
    """Return what tells each step of a story while it happens, and what tells its end."""

    def tell(what: Any) -> None:
        if not as_json:
            teller.tell(what)
            sys.stdout.flush()

    def finish(result: Any) -> None:
        if as_json:
            print_json(to_json(result, keep=keep))
        else:
            teller.finish(result, keep=keep)

    return tell, finish


@contextmanager
def _ending(interrupted: type[Exception], *errors: type[Exception]) -> Iterator[None]:
    """End the command as what ended the story says."""
    # What runs in this process logs, which is no part of the story; what fails comes as an error.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        yield
    except BaseException as error:
        from node.chainhost.daemon import first_of

        group_ = error if isinstance(error, BaseExceptionGroup) else BaseExceptionGroup("", [error])
        if found := _wholly(group_, interrupted):
            _end(found)
        if _wholly(group_, BrokenPipeError, SystemExit):  # rich makes the one into the other
            # Whoever read has gone, as `head` does. What is still buffered would complain at the very end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        if found := _wholly(group_, *errors):
            raise failure(first_of(found)) from error
        raise


def _wholly(
    group_: BaseExceptionGroup[Any], *kinds: type[BaseException]
) -> BaseExceptionGroup[Any] | None:
    """Return a group if nothing but such exceptions is in it."""
    found, rest = group_.split(kinds)
    return found if rest is None else None


def _end(interrupted: BaseExceptionGroup[Any]) -> Never:
    from node.chainhost.daemon import first_of

    error = first_of(interrupted)
    click.echo(f"\n{error}", err=True)
    sys.exit(128 + error.number)


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
