"""What keys sign besides extrinsics: offers, which are :mod:`market.offer`'s, and proofs of new operator keys."""

import hashlib
from typing import Any, Literal

import attrs

from chain.errors import UsageError
from market.hashing import HASH_BYTES, GenesisHash, domain
from market.identity import SIGNATURE_BYTES, AccountId

__all__ = ["MultiSignature", "Scheme", "operator_payload"]

Scheme = Literal["ed25519", "sr25519"]


@attrs.frozen
class MultiSignature:
    """A signature, and by which scheme."""

    scheme: Scheme
    signature: bytes = attrs.field(repr=False)
    """64 bytes."""

    SHAPE = "MultiSignature"

    @signature.validator
    def _has_its_length(self, _attribute: object, value: bytes) -> None:
        if len(value) != SIGNATURE_BYTES:
            raise UsageError(f"a signature has {SIGNATURE_BYTES} bytes, not {len(value)}")

    def to_wire(self) -> Any:
        """Return it as the SCALE library takes it."""
        return {self.scheme.capitalize(): f"0x{self.signature.hex()}"}


def operator_payload(genesis: GenesisHash, agent: AccountId, new_key: AccountId) -> bytes:
    """Return what a new operator key signs to prove that its owner holds it.

    Raises:
        UsageError: one of them has not 32 bytes.

    Source: ``operator_payload`` in ``pallets/registry/src/types.rs``.
    """
    for value in (genesis, agent, new_key):
        if len(value) != HASH_BYTES:
            raise UsageError(f"accounts and hashes have {HASH_BYTES} bytes, not {len(value)}")
    body = hashlib.blake2b(genesis + agent + new_key, digest_size=HASH_BYTES).digest()
    return domain("operator") + body
