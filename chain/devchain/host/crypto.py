"""``sp_io::crypto``: signatures are checked, never made: a dev chain has no keystore.

A transaction's signature is checked when it enters the pool and again in its block, with the same bytes.
The check is pure, so the outcome is remembered for the second time: it is the dearest thing in a block.
"""

from collections.abc import Callable
from functools import lru_cache

import ed25519_zebra
import sr25519

from chain.devchain.hashing import blake2_256
from chain.devchain.host.registry import Host, host_function, unavailable

_REMEMBERED = 8192
"""Signatures whose check is remembered."""
_BAD_RS, _BAD_V, _BAD_SIGNATURE = b"\1\0", b"\1\1", b"\1\2"
"""``Err`` of each variant of ``EcdsaVerifyError``."""
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of secp256k1's group."""


@lru_cache(_REMEMBERED)
def verify_sr25519(signature: bytes, message: bytes, public: bytes) -> bool:
    """Say whether a Schnorr signature on Ristretto (context ``substrate``) is good."""
    try:
        return bool(sr25519.verify(signature, message, public))
    except ValueError:  # structurally invalid signature or key
        return False


@lru_cache(_REMEMBERED)
def verify_ed25519(signature: bytes, message: bytes, public: bytes) -> bool:
    """Say whether a signature is good by the rules of ZIP 215, which Substrate follows."""
    try:
        return bool(ed25519_zebra.ed_verify(signature, message, public))
    except ValueError:
        return False


@lru_cache(_REMEMBERED)
def recover_secp256k1(signature: bytes, digest: bytes, *, overflowing: bool) -> bytes:
    """Recover the public key that made a signature.

    Args:
        signature: 65 bytes: r, s and the recovery id, 0 to 3.
        digest: 32 bytes.
        overflowing: reduce r and s modulo the group's order, as version 1 of the functions did.

    Returns:
        33 bytes of compressed key, or two bytes of the ``Err``.
    """
    from coincurve import PublicKey  # costs a start 30 ms

    if signature[64] > 3:
        return _BAD_V
    if overflowing:
        r, s = (int.from_bytes(signature[i : i + 32], "big") % _ORDER for i in (0, 32))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + signature[64:]
    elif any(int.from_bytes(signature[i : i + 32], "big") >= _ORDER for i in (0, 32)):
        return _BAD_RS
    try:
        key = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except Exception:  # noqa: BLE001  (coincurve raises a bare Exception when nothing is recovered)
        return _BAD_SIGNATURE
    return bytes(key.format(compressed=True))


def uncompressed(key: bytes) -> bytes:
    """Return the 64 bytes of a key's coordinates."""
    from coincurve import PublicKey

    return bytes(PublicKey(key).format(compressed=False)[1:])


def _with_arguments(
    check: Callable[[bytes, bytes, bytes], bool], key_size: int
) -> Callable[..., int]:
    size = 65 if key_size == 33 else 64

    def verify(host: Host, signature: int, message: int, public: int) -> int:
        memory = host.machine
        return check(
            memory.read_at(signature, size), memory.read(message), memory.read_at(public, key_size)
        )

    return verify


def _verify_ecdsa(overflowing: bool) -> Callable[[bytes, bytes, bytes], bool]:
    def check(signature: bytes, message: bytes, public: bytes) -> bool:
        digest = blake2_256(message)
        return recover_secp256k1(signature, digest, overflowing=overflowing) == public

    return check


# Version 1 of sr25519_verify also took signatures of before 2019, which no library here makes or checks.
host_function("crypto_sr25519_verify", 1, 2)(_with_arguments(verify_sr25519, 32))
host_function("crypto_ed25519_verify", 1)(_with_arguments(verify_ed25519, 32))
host_function("crypto_ecdsa_verify", 1)(_with_arguments(_verify_ecdsa(True), 33))
host_function("crypto_ecdsa_verify", 2)(_with_arguments(_verify_ecdsa(False), 33))


@host_function("crypto_ecdsa_verify_prehashed")
def ecdsa_verify_prehashed(host: Host, signature: int, digest: int, public: int) -> int:
    """Say whether a signature over a digest is good."""
    read = host.machine.read_at
    recovered = recover_secp256k1(read(signature, 65), read(digest, 32), overflowing=False)
    return recovered == read(public, 33)


def _recover(host: Host, signature: int, digest: int, overflowing: bool, compressed: bool) -> int:
    sig, message = host.machine.read_at(signature, 65), host.machine.read_at(digest, 32)
    if sig[64] > 26:
        sig = sig[:64] + bytes((sig[64] - 27,))
    key = recover_secp256k1(sig, message, overflowing=overflowing)
    if len(key) == len(_BAD_RS):
        return host.machine.give_span(key)
    return host.machine.give_span(b"\0" + (key if compressed else uncompressed(key)))


@host_function("crypto_secp256k1_ecdsa_recover", 1)
def recover_1(host: Host, signature: int, digest: int) -> int:
    """Recover a key, 64 bytes."""
    return _recover(host, signature, digest, True, False)


@host_function("crypto_secp256k1_ecdsa_recover", 2)
def recover_2(host: Host, signature: int, digest: int) -> int:
    """Recover a key, 64 bytes; r and s must be in range."""
    return _recover(host, signature, digest, False, False)


@host_function("crypto_secp256k1_ecdsa_recover_compressed", 1)
def recover_compressed_1(host: Host, signature: int, digest: int) -> int:
    """Recover a key, 33 bytes."""
    return _recover(host, signature, digest, True, True)


@host_function("crypto_secp256k1_ecdsa_recover_compressed", 2)
def recover_compressed_2(host: Host, signature: int, digest: int) -> int:
    """Recover a key, 33 bytes; r and s must be in range."""
    return _recover(host, signature, digest, False, True)


# Batch verification was withdrawn from Substrate; old runtimes still import it. Between start and
# finish every check's outcome counts, and here each is known at once.
class _Batch:
    good = True


def _batched(check: Callable[..., int]) -> Callable[..., int]:
    def verify(host: Host, signature: int, message: int, public: int) -> int:
        outcome = check(host, signature, message, public)
        _Batch.good = _Batch.good and bool(outcome)
        return outcome

    return verify


host_function("crypto_sr25519_batch_verify")(_batched(_with_arguments(verify_sr25519, 32)))
host_function("crypto_ed25519_batch_verify")(_batched(_with_arguments(verify_ed25519, 32)))
host_function("crypto_ecdsa_batch_verify")(_batched(_with_arguments(_verify_ecdsa(False), 33)))


@host_function("crypto_start_batch_verify")
def start_batch_verify(_host: Host) -> None:
    """Forget the outcomes so far."""
    _Batch.good = True


@host_function("crypto_finish_batch_verify")
def finish_batch_verify(_host: Host) -> int:
    """Say whether every signature since the start was good."""
    return _Batch.good


unavailable(
    "crypto",
    " ".join(
        f"{curve}_{what}"
        for curve in ("ed25519", "sr25519", "ecdsa")
        for what in ("public_keys", "generate", "sign")
    )
    + " ecdsa_sign_prehashed bls381_generate bls381_generate_proof_of_possession"
    " ecdsa_bls381_generate bandersnatch_generate bandersnatch_sign",
    "a dev chain has no keystore; sign outside the runtime",
)
