"""Where all the money of a chain is, and where it went: what must hold after anything that happens in a market.

Every planck is in an account, free or on hold, and what the chain has issued falls by exactly what its events say
was burned: fees of extrinsics, fees of payments, dust.
"""

from collections import Counter

import attrs

from chain.connection import Connection
from chain.events import Other
from chain.events.balances import DustLost
from chain.events.escrow import Ended, Paid
from chain.events.reputation import Bonded
from chain.queries import AGENTS, ESCROWS, STANDINGS
from chain.session import BlockEvent, BlockRef, Session
from market.escrow.params import Params
from market.escrow.record import TERMINAL, Escrow, Party, State
from market.identity import AccountId
from market.standing import EscrowId
from market.units import BlockNumber

__all__ = ["Books", "read_books"]


@attrs.frozen(kw_only=True)
class Books:
    """What a chain has at a finalised block, and what happened on the way to it."""

    block: BlockRef
    issued: int
    """By the chain's own count, planck."""
    free: dict[AccountId, int]
    held: dict[AccountId, int]
    escrows: dict[EscrowId, Escrow]
    bonds: dict[AccountId, int]
    deposits: dict[AccountId, int]
    """Of agents for their records."""
    paid: Counter[tuple[EscrowId, int]]
    """Payments by escrow and milestone, since the chain began to be watched."""
    ended: Counter[EscrowId]
    burned: int
    """Since then."""

    def live(self) -> dict[EscrowId, Escrow]:
        """Return the escrows that have not ended."""
        return {n: each for n, each in self.escrows.items() if each.state not in TERMINAL}

    def require_sound(self, start: "Books", params: Params) -> None:
        """Hold this to what must be true of it, and of the way from the start to it."""
        assert sum(self.free.values()) + sum(self.held.values()) == self.issued
        assert start.issued - self.issued == self.burned, "what is gone is not what was burned"
        for account, held in self.held.items():
            bound = sum(e.held(params) for e in self.escrows.values() if e.requester == account)
            staked = self.bonds.get(account, 0) + self.deposits.get(account, 0)
            assert held == bound + staked, account.hex()
        assert all(times == 1 for times in self.paid.values()), "paid twice"
        assert all(times == 1 for times in self.ended.values()), "ended twice"
        for number, escrow in self.escrows.items():
            assert escrow.paid <= escrow.price
            assert (escrow.state in TERMINAL) == (number in self.ended)
        tasks = Counter((e.requester, e.task_id) for e in self.escrows.values() if e.paid)
        assert all(times == 1 for times in tasks.values()), "one task paid to two"


async def read_books(url: str, since: Books | None = None) -> Books:
    """Read a chain's books at its finalised head.

    Args:
        url: of the chain.
        since: read before; what has happened since is added to what it says.
    """
    async with Connection(url) as connection:
        return await connection.read(lambda session: _read(session, since))


def _read(session: Session, since: Books | None) -> Books:
    final = session.finalized()
    paid, ended, burned = Counter[tuple[EscrowId, int]](), Counter[EscrowId](), 0
    if since is not None:
        paid, ended, burned = since.paid.copy(), since.ended.copy(), since.burned
        for number in range(since.block.number + 1, final.number + 1):
            [hash_] = session.block_hashes([BlockNumber(number)])
            assert hash_ is not None
            for each in session.events(hash_):
                burned += _burned(each)
                match each.event:
                    case Paid(escrow=escrow, milestone=milestone):
                        paid[escrow, milestone] += 1
                    case Ended(escrow=escrow, state=state):
                        ended[escrow] += 1
                        if state.state is State.SPLIT:
                            burned += _deposit_of(session, escrow, hash_)
    accounts = _accounts(session, final.hash)
    return Books(
        block=final,
        issued=int(session._raw("Balances", "TotalIssuance", at=final.hash)),
        free={who: free for who, (free, _) in accounts.items()},
        held={who: held for who, (_, held) in accounts.items()},
        escrows={n: each for (n,), each in session.entries(ESCROWS, at=final.hash)},
        bonds={w: each.slashable for (w,), each in session.entries(STANDINGS, at=final.hash)},
        deposits={w: each.deposit for (w,), each in session.entries(AGENTS, at=final.hash)},
        paid=paid,
        ended=ended,
        burned=burned,
    )


def _burned(each: BlockEvent) -> int:
    match each.event:
        case Paid(fee=fee):
            return fee
        case Bonded(burned=burned):
            return burned
        case DustLost(amount=amount):
            return amount
        case Other(pallet="TransactionPayment", name="TransactionFeePaid", attributes=fields):
            return int(fields["actual_fee"])
        case _:
            return 0


def _deposit_of(session: Session, number: EscrowId, at: str) -> int:
    """Return the deposit of who disputed, which is burned where both arbiters were silent."""
    escrow = session.read(ESCROWS, number, at=at)
    assert escrow is not None
    is_requesters = escrow.dispute is not None and escrow.dispute.by is Party.REQUESTER
    return escrow.dispute_deposit if is_requesters else 0


def _accounts(session: Session, at: str) -> dict[AccountId, tuple[int, int]]:
    """Return what each account has free and on hold."""
    found: dict[AccountId, tuple[int, int]] = {}
    with session._runtime(at):
        function = session._function("System", "Account")
        prefix = session._key("System", "Account", ())
        keys = session.rpc("state_getKeysPaged", prefix, 1_000, None, at)
        assert len(keys) < 1_000
        [changes] = session.rpc("state_queryStorageAt", keys, at)
        for key, stored in changes["changes"]:
            data = session._value(function, stored)["data"]
            found[AccountId(bytes.fromhex(key[-64:]))] = (data["free"], data["reserved"])
    return found
