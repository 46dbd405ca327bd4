"""Who signs extrinsics, offers and proofs: an account and a way to sign, by ed25519 or by sr25519.

A node's own key is ed25519, the one of :class:`market.identity.Identity`; sr25519 is what wallets have. The
accounts of the development phrase (``//Alice``) are marked, so that a node can refuse to use one of them on
a chain that matters: their secrets are public.
"""

from collections.abc import Callable

import attrs

from chain.errors import UsageError
from chain.payloads import MultiSignature, Scheme
from market.identity import AccountId, Identity

__all__ = ["Signer", "development_signer", "signer_from_identity", "signer_from_seed"]


@attrs.frozen
class Signer:
    """A key that signs for an account."""

    account: AccountId
    """Whose key it is: its public key."""
    scheme: Scheme
    _sign: Callable[[bytes], bytes] = attrs.field(repr=False)
    is_development: bool = False
    """Whether everybody knows the secret."""

    def sign(self, message: bytes) -> MultiSignature:
        """Sign a message as it is."""
        return MultiSignature(self.scheme, self._sign(message))


def signer_from_seed(seed: bytes, scheme: Scheme = "ed25519") -> Signer:
    """Return the signer of a secret seed.

    Args:
        seed: 32 bytes.

    Raises:
        UsageError: the seed has another length.
    """
    if len(seed) != 32:
        raise UsageError(f"a seed has 32 bytes, not {len(seed)}")
    if scheme == "ed25519":
        return signer_from_identity(Identity.from_seed(seed))
    import sr25519

    public, secret = sr25519.pair_from_seed(seed)
    pair = (bytes(public), bytes(secret))
    return Signer(AccountId(pair[0]), scheme, lambda message: bytes(sr25519.sign(pair, message)))


def signer_from_identity(identity: Identity) -> Signer:
    """Return the signer of a node's own key: the account of the key, also after it rotated to another's."""
    return Signer(AccountId(identity.key), "ed25519", identity.sign)


def development_signer(name: str, scheme: Scheme = "sr25519") -> Signer:
    """Return the account ``//name`` of the development phrase. Its secret is public.

    The derivation is the dev chain's, since substrate-interface derives no ed25519 keys.
    """
    from chain.devchain.signing import account

    known = account(name, scheme)
    return Signer(
        AccountId(known.public),
        scheme,
        lambda message: known.sign(message)[1:],
        is_development=True,
    )
