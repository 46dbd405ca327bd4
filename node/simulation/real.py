"""The runtime itself, on a dev chain in memory, as a backend of a simulation."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import ed25519_zebra

from chain.calls import Call
from chain.calls.frame import Sudo
from chain.devchain.chain import DevChain
from chain.devchain.signing import Account, account, signed
from chain.events import Other
from chain.looks import account_facts
from chain.outcome import refusal_in
from chain.queries import AGENTS, ESCROWS, NEXT_ESCROW, REPUTATION, STANDINGS, TASKS, Item
from chain.values import decode
from market.auction.facts import AccountFacts
from market.errors import RefusedError
from market.escrow.record import Escrow
from market.hashing import GenesisHash, TaskId
from market.identity import AccountId, ss58_from_account
from market.settlement.effects import Found
from market.standing import EscrowId
from market.units import BlockNumber, Planck
from node.simulation.chain import Signed
from node.translate import chain_call

__all__ = ["ROOT", "RealChain", "account_of_seed"]

_TIP = 10**9
"""Planck by which the tips of a block's extrinsics differ: a pool takes the larger tip first."""


def account_of_seed(seed: bytes) -> Account:
    """Return the key pair of a seed, as the dev chain signs with it."""
    secret, public = ed25519_zebra.ed_from_seed(seed)
    return Account(bytes(public), "ed25519", bytes(secret))


ROOT: Final = account("Alice")
"""Signs what only the chain's root may."""


class RealChain:
    """Blocks of a dev chain; the chain behind it signs, orders and forks as it is told."""

    def __init__(self, chain: DevChain, accounts: Mapping[AccountId, Account]) -> None:
        """Take over a chain.

        Args:
            chain: whose finality lags behind all that is ever undone.
            accounts: who signs.
        """
        self._chain = chain
        self._accounts = accounts
        self.genesis = GenesisHash(chain.genesis.hash)
        self._escrows: dict[bytes, dict[EscrowId, Escrow]] = {}

    @property
    def head(self) -> BlockNumber:
        """Return the best block."""
        return BlockNumber(self._chain.head.number)

    def build(self, calls: Sequence[Signed]) -> list[RefusedError | None]:
        """Make a block on the best one, of these calls in this order."""
        chain = self._chain
        for waiting in [*chain.pending(), *chain.future()]:
            chain.drop(waiting.hash)
        raws = []
        for at, each in enumerate(calls):
            raw = self._sign(each, _TIP * (len(calls) - at))
            chain.submit(raw)
            raws.append(raw)
        block = chain.build()
        events = chain.events()
        metadata = chain.metadata()._metadata  # noqa: SLF001  # the form that refusals are read with
        results: list[RefusedError | None] = []
        for raw, each in zip(raws, calls, strict=True):
            index = block.extrinsics.index(raw)
            mine = [Other(e.pallet, e.name, e.attributes) for e in events if e.extrinsic == index]
            refusal = refusal_in([*mine], each.key, metadata)
            results.append(
                None
                if refusal is None
                else RefusedError(refusal.pallet.lower(), refusal.variant, each.key)
            )
        return results

    def _sign(self, each: Signed, tip: int) -> bytes:
        call: Call = chain_call(each.what)
        signer = ROOT if each.by is None else self._accounts[each.by]
        call = Sudo(call) if each.by is None else call
        return signed(self._chain, signer, call.pallet, call.function(), call.arguments(), tip=tip)

    def rewind(self, to: BlockNumber) -> None:
        """Make an earlier block the best one."""
        target = self._chain.block_hash(to)
        if target is None:
            raise LookupError(f"no block {to}")
        self._chain.set_head(target)

    def _read(self, item: Item[Any], *keys: Any, at: BlockNumber) -> Any:
        shown = [ss58_from_account(k) if i is AccountId else k for k, i in zip(keys, item.keys, strict=True)]  # fmt: skip
        shown = [f"0x{k.hex()}" if isinstance(k, bytes) else k for k in shown]
        raw = self._chain.query(item.pallet, item.name, *shown, at=at)
        return None if raw is None else decode(item.value, raw)

    def found(self, requester: AccountId, task: TaskId, at: BlockNumber) -> Found | None:
        """Return the last escrow at a task."""
        entry = self._read(TASKS, requester, task, at=at)
        if entry is None:
            return None
        number = EscrowId(entry.escrow)
        return Found(number, self.escrows(at)[number])

    def escrows(self, at: BlockNumber) -> dict[EscrowId, Escrow]:
        """Return all escrows."""
        hash_ = self._chain.block_hash(at) or b""
        if hash_ not in self._escrows:
            count = self._read(NEXT_ESCROW, at=at) or 0
            records = {n: self._read(ESCROWS, n, at=at) for n in range(count)}
            self._escrows[hash_] = {
                EscrowId(n): r for n, r in records.items() if isinstance(r, Escrow)
            }
        return self._escrows[hash_]

    def account(self, who: AccountId, at: BlockNumber) -> AccountFacts:
        """Return what an auction asks about an account."""
        data = self._chain.query("System", "Account", ss58_from_account(who), at=at)["data"]
        params = self._read(REPUTATION, at=at)
        # A hold is counted apart from what is free, so only the deposit must stay.
        spendable = max(data["free"] - max(data["frozen"], 10**9), 0)
        return account_facts(
            who,
            self._read(AGENTS, who, at=at),
            self._read(STANDINGS, who, at=at),
            params,
            Planck(spendable),
            at,
        )

    def score(self, who: AccountId, at: BlockNumber) -> int:
        """Return a score, milli-points."""
        return int(self._read(STANDINGS, who, at=at).score)

    def audit(self) -> list[str]:
        """Return nothing: the pallets check themselves, by ``try_state`` in their own tests."""
        return []
