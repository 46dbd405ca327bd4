"""The chain on which a simulation begins: accounts with money, providers with bonds, an arbiter."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from chain.devchain.chain import DevChain
from market.escrow.params import CI
from market.hashing import GenesisHash, digest
from market.identity import AccountId, Identity
from market.ledger import Ledger
from market.reputation import bond
from market.reputation.book import Book, Chain
from market.reputation.params import CI as REPUTATION
from market.units import AINU, BlockNumber, Planck
from node.genesis import genesis_patch
from node.simulation.mirrored import Mirrored
from node.simulation.plan import Scenario
from node.simulation.planted import Bug
from node.simulation.real import ROOT, RealChain, account_of_seed
from node.simulation.tasks import Setting

__all__ = ["ARBITER", "BOND", "FIRST_BLOCK", "FREE", "identities", "mirrored", "real"]

GENESIS = GenesisHash(digest("leaf", b"simulated chain"))
FREE = Planck(1_000 * AINU)
ROOT_FREE = Planck(1_000_000 * AINU)
BOND = Planck(400 * AINU)
TREASURY = AccountId(digest("leaf", b"treasury"))
FIRST_BLOCK = BlockNumber(4)
"""By then everybody is registered and bonded."""
DEPOSIT = Planck(AINU // 1000)
_OPEN_BLOCKS = 8
"""Blocks of the dev chain that can be undone; simulations undo fewer."""


def seed_of(kind: str, number: int) -> bytes:
    """Return the seed of an account; the same each time."""
    return digest("leaf", f"{kind} {number}".encode())


def identities(kind: str, count: int) -> tuple[Identity, ...]:
    """Return so many accounts of a kind."""
    return tuple(Identity.from_seed(seed_of(kind, n)) for n in range(count))


ARBITER = identities("arbiter", 1)[0].account


def people(scenario: Scenario) -> tuple[tuple[Identity, ...], tuple[Identity, ...]]:
    """Return the requesters and providers of a scenario."""
    requesters = identities("requester", len(scenario.requesters))
    return requesters, identities("provider", len(scenario.providers))


def mirrored(
    scenario: Scenario, rng: Random, bug: Bug | None = None, genesis: GenesisHash = GENESIS
) -> Setting:
    """Return a chain that is the mirror of the pallets' rules.

    Args:
        scenario: how many accounts there are.
        rng: not needed; accounts are the same each time.
        bug: what is wrong with the chain.
        genesis: hash of block 0; ids of auctions depend on it, and with them who wins ties.
    """
    del rng
    requesters, providers = people(scenario)
    free = dict.fromkeys([*(i.account for i in (*requesters, *providers)), ARBITER, TREASURY], FREE)
    ledger = Ledger(
        treasury=TREASURY,
        existential_deposit=DEPOSIT,
        issued=Planck(sum(free.values())),
        free=free,
    )
    book = Book(ledger=ledger)
    at = Chain(now=BlockNumber(0), params=REPUTATION, genesis=genesis)
    for provider in providers:
        book = bond.bond(book, provider.account, BOND, at)
    kind = Mirrored if bug is None else bug.chain
    chain = kind(
        book,
        genesis=genesis,
        now=FIRST_BLOCK,
        params=CI,
        reputation=REPUTATION,
        registered=frozenset(p.account for p in providers),
        arbiters=frozenset({ARBITER}),
    )
    return Setting(chain, requesters, providers, ARBITER)


@contextmanager
def real(runtime: bytes) -> Iterator[Callable[[Scenario, Random], Setting]]:
    """Give settings in which the runtime itself, on a dev chain in memory, carries out the calls."""
    chains: list[DevChain] = []
    clock = itertools.count(1_700_000_000_000, 1_000)

    def make(scenario: Scenario, rng: Random) -> Setting:
        del rng
        requesters, providers = people(scenario)
        everybody = [i.account for i in (*requesters, *providers)]
        chain = DevChain.open(
            runtime,
            preset="ci",
            genesis_patch=genesis_patch(
                {
                    AccountId(ROOT.public): ROOT_FREE,
                    **dict.fromkeys([*everybody, ARBITER, TREASURY], FREE),
                },
                {p.account: BOND for p in providers},
                [ARBITER],
            ),
            clock=lambda: next(clock),
            finality_lag=_OPEN_BLOCKS,
        )
        chains.append(chain)
        for _ in range(FIRST_BLOCK):
            chain.build()
        seeds = [("requester", n) for n in range(len(requesters))]
        seeds += [("provider", n) for n in range(len(providers))] + [("arbiter", 0)]
        signers = [account_of_seed(seed_of(kind, n)) for kind, n in seeds]
        backend = RealChain(chain, {AccountId(s.public): s for s in signers})
        return Setting(backend, requesters, providers, ARBITER)

    try:
        yield make
    finally:
        for chain in chains:
            chain.close()
