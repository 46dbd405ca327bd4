"""What the commands that ask a chain share: which chain is meant and whose account, and the way to it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
import click

from chain.errors import ChainError
from market.errors import UsageError
from market.identity import AccountId, account_from_ss58
from node.api.client import ApiError, RefusedError, connect
from node.cli.api import Picked, pick_option
from node.cli.configuration import given_by_hand
from node.cli.output import guarded
from node.testnet.errors import TestnetError

if TYPE_CHECKING:
    from chain.client import Chain

__all__ = ["ERRORS", "Place", "on_chain", "place_option"]

R = TypeVar("R")
ERRORS: Final = (ChainError, UsageError, ApiError, TestnetError)
READ_SECONDS: Final = 15.0
"""For a chain that does not answer."""


@attrs.frozen
class Place:
    """A chain, and the account from which it is looked at."""

    url: str
    own: str | None = None
    """The node's account; None where no node was named."""
    names: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Accounts of a testnet by the names of its nodes, and its arbiter's."""
    picked: Picked | None = None

    def account(self, named: str | None) -> AccountId | None:
        """Return an account as a person names it: SS58, or a testnet's ``n2``; the node's own if None.

        Raises:
            UsageError: it is none.
        """
        text = self.own if named is None else self.names.get(named, named)
        if text is None:
            return None
        try:
            return account_from_ss58(text)
        except UsageError as error:
            names = f", or one of {', '.join(self.names)}" if self.names else ""
            raise UsageError(f"{text!r} is no account: write its address (5…){names}") from error

    def sure_account(self, named: str | None) -> AccountId:
        """Return an account, which has to be known.

        Raises:
            UsageError: there is no node whose account could be meant.
        """
        found = self.account(named)
        if found is None:
            raise UsageError("whose? Name an account, or a node by --testnet or --data-dir")
        return found


def place_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a chain or a node on it; the command is given the :class:`Place`."""

    @click.option(
        "--chain",
        "url",
        metavar="URL",
        help="A chain by its address (ws://127.0.0.1:9944), instead of a node's.",
    )
    def run(url: str | None, pick: Callable[[], Picked], **options: Any) -> None:
        names_node = any(given_by_hand(name) for name in ("data_dir", "testnet", "node"))
        is_chain = url is not None and (given_by_hand("url") or not names_node)
        command(place=Place(url) if url is not None and is_chain else _of_node(pick()), **options)

    run.__doc__, run.__name__ = command.__doc__, command.__name__
    own: list[click.Parameter] = run.__click_params__  # type: ignore[attr-defined]  # click's own attribute
    run.__click_params__ = [*getattr(command, "__click_params__", []), *own]  # type: ignore[attr-defined]
    return guarded(*ERRORS)(pick_option(run))


def _of_node(picked: Picked) -> Place:
    """Return the chain of a node; a testnet's supervisor is asked, since the node itself may be dead.

    Raises:
        ApiError: the node does not answer, or has no chain.
        TestnetError: the testnet does not answer.
    """
    if picked.testnet is not None and picked.name is not None:
        from node.testnet.client import order

        view = order(picked.testnet, "status")
        names = {**{node.name: node.account for node in view.nodes}, "arbiter": view.arbiter}
        return Place(view.chain.url, names[picked.name], names, picked)
    status = connect(picked.folder).get("/v1/status")
    url = status["chain"]["url"]
    if url is None:
        raise RefusedError(
            "no-chain",
            f"the node on {picked.folder.path} is on no chain: start it with --chain URL",
        )
    return Place(url, status["account"], picked=picked)


def on_chain(url: str, work: "Callable[[Chain], Awaitable[R]]") -> R:
    """Connect to a chain, work, and return what came of it.

    Raises:
        ChainError: it does not answer, or refuses.
    """
    import trio

    from chain.client import open_chain
    from chain.connection import Patience
    from chain.stored import MemoryStore

    async def run() -> R:
        # One command's: whoever repeats it finds what it did on the chain.
        patience = Patience(read=READ_SECONDS)
        async with open_chain(url, MemoryStore(), patience=patience) as chain:
            return await work(chain)

    return trio.run(run)
