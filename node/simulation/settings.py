"""The chain on which a simulation begins: accounts with money, providers with bonds, an arbiter."""

from random import Random

from market.escrow.params import CI
from market.hashing import GenesisHash, digest
from market.identity import AccountId, Identity
from market.ledger import Ledger
from market.reputation import bond
from market.reputation.book import Book, Chain
from market.reputation.params import CI as REPUTATION
from market.units import AINU, BlockNumber, Planck
from node.simulation.mirrored import Mirrored
from node.simulation.plan import Scenario
from node.simulation.planted import Bug
from node.simulation.tasks import Setting

__all__ = ["ARBITER", "BOND", "FIRST_BLOCK", "FREE", "identities", "mirrored"]

GENESIS = GenesisHash(digest("leaf", b"simulated chain"))
FREE = Planck(1_000 * AINU)
BOND = Planck(400 * AINU)
TREASURY = AccountId(digest("leaf", b"treasury"))
FIRST_BLOCK = BlockNumber(4)
"""By then everybody is registered and bonded."""
DEPOSIT = Planck(AINU // 1000)


def identities(kind: str, count: int) -> tuple[Identity, ...]:
    """Return the same accounts each time."""
    return tuple(Identity.from_seed(digest("leaf", f"{kind} {n}".encode())) for n in range(count))


ARBITER = identities("arbiter", 1)[0].account


def mirrored(scenario: Scenario, rng: Random, bug: Bug | None = None) -> Setting:
    """Return a chain that is the mirror of the pallets' rules."""
    del rng
    requesters = identities("requester", len(scenario.requesters))
    providers = identities("provider", len(scenario.providers))
    people = [i.account for i in (*requesters, *providers)] + [ARBITER, TREASURY]
    free = dict.fromkeys(people, FREE)
    ledger = Ledger(
        treasury=TREASURY,
        existential_deposit=DEPOSIT,
        issued=Planck(sum(free.values())),
        free=free,
    )
    book = Book(ledger=ledger)
    at = Chain(now=BlockNumber(2), params=REPUTATION, genesis=GENESIS)
    for provider in providers:
        book = bond.bond(book, provider.account, BOND, at)
    chain = Mirrored(
        book,
        genesis=GENESIS,
        now=FIRST_BLOCK,
        params=CI,
        reputation=REPUTATION,
        registered=frozenset(p.account for p in providers),
        arbiters=frozenset({ARBITER}),
    )
    backend = bug.backend(chain) if bug is not None else chain
    return Setting(backend, requesters, providers, ARBITER)
