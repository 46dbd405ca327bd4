"""Signing for tests: the well-known accounts, and extrinsics made by names.

::

    alice = account("Alice")
    chain.submit(signed(chain, alice, "Balances", "transfer_allow_death",
                        {"dest": account("Bob").public, "value": 10**12}))

The accounts are those of the development phrase that every Substrate tool knows. Their secrets are public:
never use them for anything of value.

Source: Polkadot specification, section 7 (extrinsic version 4); ``sp-core``, derivation of hard junctions.
"""

import struct
from collections.abc import Mapping
from typing import Any, Literal

import attrs
import ed25519_zebra
import sr25519

from chain.devchain.chain import DevChain
from chain.devchain.errors import UsageError
from chain.devchain.hashing import blake2_256
from chain.devchain.scale import encode_compact, encode_vec

__all__ = ["Account", "account", "signed"]

_DEV_SEED = bytes.fromhex("fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e")
"""Of ``bottom drive obey lake curtain smoke basket hold race lonely fit walk``."""
_LONG_PAYLOAD = 256
"""Bytes above which a payload's hash is signed instead of itself."""

Scheme = Literal["sr25519", "ed25519"]


@attrs.frozen
class Account:
    """A key pair that signs."""

    public: bytes
    """The account's id, too."""
    scheme: Scheme
    secret: bytes = attrs.field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Return a ``MultiSignature``: the scheme's number, then 64 bytes."""
        if self.scheme == "ed25519":
            return b"\0" + bytes(ed25519_zebra.ed_sign(self.secret, message))
        return b"\1" + bytes(sr25519.sign((self.public, self.secret), message))


def account(name: str, scheme: Scheme = "sr25519") -> Account:
    """Return the account ``//name`` of the development phrase.

    Args:
        name: such as ``Alice``; at most 31 bytes.
    """
    junction = encode_vec(name.encode()).ljust(32, b"\0")
    if len(junction) > 32:
        raise UsageError("a name is at most 31 bytes")
    if scheme == "ed25519":
        seed = blake2_256(encode_vec(b"Ed25519HDKD") + _DEV_SEED + junction)
        secret, public = ed25519_zebra.ed_from_seed(seed)
    else:
        root_public, root_secret = sr25519.pair_from_seed(_DEV_SEED)
        _, public, secret = sr25519.hard_derive_keypair((junction, root_public, root_secret), b"")
    return Account(bytes(public), scheme, bytes(secret))


def signed(
    chain: DevChain,
    signer: Account,
    pallet: str,
    call: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    nonce: int | None = None,
    tip: int = 0,
) -> bytes:
    """Return a signed, immortal extrinsic.

    Args:
        arguments: by name, as scalecodec takes them; bytes may be given as bytes.
        nonce: the next one that neither the chain nor the pool has used, unless given.
        tip: in the smallest unit.

    Raises:
        UsageError: there is no such call, or the runtime has a transaction extension that is unknown here
            and adds bytes.
    """
    metadata = chain.metadata()
    encoded = metadata.encode_call(pallet, call, arguments or {})
    if nonce is None:
        nonce = _next_nonce(chain, signer.public)
    version, genesis = chain.runtime().version, chain.genesis.hash
    extra = {
        "CheckMortality": b"\0",
        "CheckNonce": encode_compact(nonce),
        "ChargeTransactionPayment": encode_compact(tip),
        "ChargeAssetTxPayment": encode_compact(tip) + b"\0",
        "CheckMetadataHash": b"\0",
    }
    implied = {
        "CheckSpecVersion": struct.pack("<I", version.spec_version),
        "CheckTxVersion": struct.pack("<I", version.transaction_version),
        "CheckGenesis": genesis,
        "CheckMortality": genesis,
        "CheckMetadataHash": b"\0",
    }
    extensions = metadata.transaction_extensions()
    unknown = [name for name, adds in extensions if adds and name not in extra]
    if unknown:
        raise UsageError(f"transaction extensions unknown here: {', '.join(unknown)}")
    explicit = b"".join(extra.get(name, b"") for name, _ in extensions)
    payload = encoded + explicit + b"".join(implied.get(name, b"") for name, _ in extensions)
    if len(payload) > _LONG_PAYLOAD:
        payload = blake2_256(payload)
    signature = signer.sign(payload)
    return encode_vec(b"\x84\0" + signer.public + signature + explicit + encoded)


def _next_nonce(chain: DevChain, public: bytes) -> int:
    (nonce,) = struct.unpack("<I", chain.call("AccountNonceApi_account_nonce", public))
    while chain.pool_provides(public + struct.pack("<I", nonce)):
        nonce += 1
    return int(nonce)
