"""Who is in a testnet: names, keys, money and agents, all from its size and its seed."""

import hashlib
from typing import Any, Final

import attrs

from market.identity import AccountId, Identity, account_from_ss58
from market.units import AINU, Planck
from node.genesis import genesis_patch
from node.keystore.development import NAMES as DEVELOPMENT_NAMES
from node.keystore.development import development_seed
from node.testnet.errors import UsageError
from node.testnet.home import FIRST

__all__ = [
    "BOND",
    "ENDOWMENT",
    "MAX_JOINED",
    "MAX_NODES",
    "Member",
    "Plan",
    "groups_of",
    "node_names",
]

MAX_NODES: Final = 100
MAX_JOINED: Final = 16
"""Nodes that may join later; they are endowed and bonded from the first block on, too."""
ENDOWMENT: Final = Planck(10_000 * AINU)
"""What each node and the arbiter begin with; a provider's bond is held of it."""
BOND: Final = Planck(1_000 * AINU)
DEVELOPMENT_FUNDS: Final = Planck(1_000_000 * AINU)
"""What the accounts begin with whose secrets every Substrate tool knows, and the treasury."""
_PERSON: Final = b"ainur testnet"
_SR25519: Final = (
    "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
    "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
    "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y",
    "5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy",
    "5HGjWAeFDfFCWPsjFQdVV2Msvz2XtMktvgocEZcCj68kUMaw",
    "5CiPPseXPECbkjWCa6MnjNokrgYjMqmKndv2rSnekmSK2DjL",
)
"""//Alice to //Ferdie as polkadot.js has them."""
TREASURY: Final = AccountId(b"modl" + b"ainu/trs" + bytes(20))
"""Source: ``sp_runtime::traits::AccountIdConversion``; the ``PalletId`` of the runtime's configuration."""


def _well_known() -> list[AccountId]:
    ed25519 = [Identity.from_seed(development_seed(name)).account for name in DEVELOPMENT_NAMES[:6]]
    return [*ed25519, *map(account_from_ss58, _SR25519)]


def node_names(count: int) -> list[str]:
    """Return the nodes' names, ``n1`` first."""
    return [f"n{i}" for i in range(1, count + 1)]


@attrs.frozen
class Member:
    """Who has a key and an account."""

    name: str
    seed: bytes = attrs.field(repr=False)
    identity: Identity


@attrs.frozen
class Plan:
    """A testnet on paper."""

    size: int
    seed: str

    def __attrs_post_init__(self) -> None:
        """Refuse a size that is none.

        Raises:
            UsageError: it is.
        """
        if not 1 <= self.size <= MAX_NODES:
            raise UsageError(f"a testnet has 1 to {MAX_NODES} nodes, not {self.size}")

    def _member(self, name: str) -> Member:
        text = f"{self.seed}/{name}".encode()
        seed = hashlib.blake2b(text, digest_size=32, person=_PERSON).digest()
        return Member(name, seed, Identity.from_seed(seed))

    @property
    def nodes(self) -> tuple[Member, ...]:
        """The nodes, in order."""
        return tuple(self._member(name) for name in node_names(self.size))

    @property
    def spares(self) -> tuple[Member, ...]:
        """The nodes that may join later, in order."""
        names = node_names(self.size + MAX_JOINED)[self.size :]
        return tuple(self._member(name) for name in names)

    @property
    def arbiter(self) -> Member:
        """Who rules in disputes."""
        return self._member("arbiter")

    def is_provider(self, name: str) -> bool:
        """Return whether a node sells: all but the first, which buys; a single node does both."""
        return name != FIRST or self.size == 1

    def provider_number(self, name: str) -> int:
        """Return a provider's place among the providers, from 0."""
        return max(int(name.removeprefix("n")) - 2, 0)

    def genesis_patch(self) -> dict[str, Any]:
        """Return what makes the preset's first block ours: all endowed, the providers registered and bonded."""
        nodes = (*self.nodes, *self.spares)
        funds = dict.fromkeys([*_well_known(), TREASURY], DEVELOPMENT_FUNDS)
        funds |= {m.identity.account: ENDOWMENT for m in (*nodes, self.arbiter)}
        bonds = {m.identity.account: BOND for m in nodes if self.is_provider(m.name)}
        return genesis_patch(funds, bonds, [self.arbiter.identity.account])


def groups_of(sides: list[list[str]], names: list[str]) -> list[frozenset[str]]:
    """Return the sides of a partition; those who are not named are one more side.

    Args:
        sides: names of nodes.
        names: of all nodes.

    Raises:
        UsageError: a node is named twice, or unknown, or all are on one side.
    """
    named = [name for side in sides for name in side]
    for name in named:
        if name not in names:
            raise UsageError(f"there is no node {name!r}: the nodes are {', '.join(names)}")
        if named.count(name) > 1:
            raise UsageError(f"{name} is on two sides of the partition: name it once")
    groups = [frozenset(side) for side in (*sides, [n for n in names if n not in named]) if side]
    if len(groups) < 2:
        raise UsageError("all nodes are on one side: a partition has two, such as n1,n2|n3,n4")
    return groups
