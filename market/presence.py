"""Announcements, beyond their form: whose peer it is that one names.

An agent's transport key may be another than its operator key, and both are public. Without a proof anybody
could announce itself under the PeerId of somebody else, and have its calls go there.
"""

from market.envelope import Opened
from market.errors import EnvelopeError
from market.hashing import GenesisHash, digest, domain
from market.identity import AccountId, Identity, PublicKey, Signature, is_valid_signature
from market.messages import Announcement

__all__ = ["prove_transport", "require_own_transport", "transport_payload"]


def transport_payload(genesis: GenesisHash, account: AccountId) -> bytes:
    """Return what a transport key signs to say that it serves an account."""
    return domain("transport") + digest("transport", genesis + account)


def prove_transport(
    transport: Identity, *, genesis: GenesisHash, account: AccountId, operator: PublicKey
) -> Signature | None:
    """Return the proof that an announcement carries; None where the operator key is the transport key."""
    if transport.key == operator:
        return None
    return transport.sign(transport_payload(genesis, account))


def require_own_transport(message: Opened[Announcement], *, genesis: GenesisHash) -> None:
    """Refuse an announcement that names a peer which never said that it serves the sender.

    Args:
        message: one whose envelope holds.
        genesis: of our chain.

    Raises:
        EnvelopeError: ``transport``.
    """
    proof, key = message.body.transport_proof, message.body.transport_key
    if proof is None:
        proven = key == message.key
    else:
        proven = is_valid_signature(key, transport_payload(genesis, message.sender), proof)
    if not proven:
        raise EnvelopeError("transport", "it names the peer of somebody else: drop it")
