"""An agent's operator key on chain: registered, and replaced with a delay.

The agent's account, or its cold account, announces a key; from a block on that key signs for the agent, and
the old one never again. All that is asked here is idempotent: what the chain says is read first, so that
a rotation that was cut off is taken up by asking for it again.
"""

from typing import Final

import attrs

from chain.calls.registry import Register, RotateOperator
from chain.client import Chain
from chain.errors import RegistryError
from chain.payloads import MultiSignature, operator_payload
from chain.signing import Signer
from chain.units import Roles
from market.hashing import Hash
from market.identity import AccountId, Identity, PublicKey, ss58_from_account
from market.units import BlockNumber
from node.keystore.errors import RotationError

__all__ = ["Rotation", "register_agent", "rotate_operator"]

NOTHING_SAID: Final = Hash(bytes(32))
"""Stands for a document that the agent has not published yet."""


@attrs.frozen
class Rotation:
    """What the registry says of a key."""

    agent: AccountId
    old_key: PublicKey
    new_key: PublicKey
    effective_at: BlockNumber
    """The first block at which the new key signs."""
    now: BlockNumber
    """The finalised block of which this is the answer."""

    @property
    def is_effective(self) -> bool:
        """Whether the old key signs no more."""
        return self.now >= self.effective_at


async def register_agent(chain: Chain, signer: Signer, cold: AccountId | None) -> bool:
    """Make an account an agent; its own key becomes its operator key.

    Args:
        chain: connected.
        signer: of the account, which pays the deposit.
        cold: may rotate at once, cancel and flag; cannot be changed later.

    Returns:
        Whether it was not one before.

    Raises:
        RotationError: it is one already, with another cold account.
        ChainError: the chain refused, or was not reached.
    """
    known = await chain.queries.agent(signer.account)
    if known is None:
        call = Register(cold, None, NOTHING_SAID, NOTHING_SAID, Roles.NONE)
        await chain.submit(f"register {signer.account.hex()}", call, signer)
        return True
    if known.cold != cold:
        has = "no cold account" if known.cold is None else ss58_from_account(known.cold)
        raise RotationError(f"the agent is registered, with {has}; that cannot be changed")
    return False


async def rotate_operator(chain: Chain, agent: AccountId, new: Identity, by: Signer) -> Rotation:
    """Announce a new operator key, unless that was done, and say when it signs.

    Args:
        chain: connected.
        agent: whose key is replaced.
        new: holds the new key, which proves that by a signature.
        by: the agent's account, after whose announcement the delay runs; or its cold account.

    Raises:
        RotationError: the registry's state does not allow it; the message says what would.
        ChainError: the chain refused, or was not reached.
    """
    before = await _read(chain, agent, new.key)
    if isinstance(before, Rotation):
        return before
    owner = await chain.queries.key_owner(AccountId(new.key))
    if owner is not None:
        raise RotationError(
            f"the key {new.key.hex()} was an agent's before, and is never accepted again: make another"
        )
    proof = MultiSignature(
        "ed25519", new.sign(operator_payload(await chain.genesis(), agent, AccountId(new.key)))
    )
    call = RotateOperator(agent, AccountId(new.key), proof)
    try:
        await chain.submit(f"rotate {agent.hex()} {new.key.hex()}", call, by)
    except RegistryError as refused:
        # An earlier run's extrinsic may have come first; then the chain already says what we want.
        found = await _read(chain, agent, new.key)
        if isinstance(found, Rotation):
            return found
        raise RotationError(_advice(refused, before)) from refused
    after = await _read(chain, agent, new.key)
    if isinstance(after, Rotation):
        return after
    raise RotationError("the rotation was carried out, and replaced by another since: look again")


async def _read(chain: Chain, agent: AccountId, key: PublicKey) -> Rotation | BlockNumber | None:
    """Return the rotation to a key; else the block at which another takes effect, or None."""
    now = (await chain.finalized()).number
    record = await chain.queries.agent(agent)
    if record is None:
        raise RotationError(
            f"{ss58_from_account(agent)} is not registered on this chain, so its only key is its own:"
            " run `ainur keys register` first"
        )
    # The record's own field is of the last write: what blocks have brought since is not in it.
    old, pending = PublicKey(record.operator), record.pending
    if pending is not None and PublicKey(pending.key) == key:
        return Rotation(agent, old, key, pending.effective_at, now)
    if PublicKey(record.operator_at(now)) == key:
        return Rotation(agent, old, key, BlockNumber(0), now)
    if pending is None or now >= pending.effective_at:
        return None
    return pending.effective_at


def _advice(refused: RegistryError, pending: BlockNumber | None) -> str:
    if refused.variant == "RotationPending" and pending is not None:
        return (
            f"another key takes effect at block {pending}: wait for it, or sign with the cold key,"
            " which replaces it"
        )
    return str(refused)
