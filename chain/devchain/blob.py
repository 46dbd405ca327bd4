"""Reading a runtime blob: its compression frame, and the sections that describe it.

A runtime is WebAssembly, plain or in the frame of ``sp-maybe-compressed-blob`` (eight magic bytes,
then zstd). It says what it is in two custom sections, which are read here without running it.
"""

import hashlib
import struct

import attrs
import zstandard

from chain.devchain.errors import BlobError
from chain.devchain.scale import decode_compact, decode_vec, encode_compact

__all__ = [
    "RuntimeBlob",
    "compress",
    "custom_section",
    "decompress",
    "read_blob",
    "version_of",
]

_MAGIC = bytes.fromhex("52bc537646db8e05")
_WASM = b"\0asm\1\0\0\0"
MAX_BYTES = 50 * 1024 * 1024
"""The node's own limit for a decompressed runtime (``CODE_BLOB_BOMB_LIMIT``)."""

API_NAMES = (
    "AccountNonceApi", "AuraApi", "BabeApi", "Benchmark", "BlockBuilder", "Core", "GenesisBuilder",
    "GrandpaApi", "Metadata", "OffchainWorkerApi", "SessionKeys", "TaggedTransactionQueue",
    "TransactionPaymentApi", "TransactionPaymentCallApi", "TryRuntime",
)  # fmt: skip
_NAME_OF_API = {hashlib.blake2b(n.encode(), digest_size=8).digest(): n for n in API_NAMES}


@attrs.frozen
class RuntimeBlob:
    """What a runtime says of itself."""

    spec_name: str
    impl_name: str
    authoring_version: int
    spec_version: int
    impl_version: int
    transaction_version: int
    system_version: int
    apis: tuple[tuple[str, int], ...]
    """Name (or hex id, where the name is not a known one) and version of each runtime API."""
    size: int
    """Bytes of the blob as given."""
    raw_size: int
    """Bytes of the WebAssembly in it."""
    raw_sha256: str
    """Hex SHA-256 of the WebAssembly in it."""
    code_hash: str
    """Hex BLAKE2b-256 of the blob as given: what the chain shows as the hash of ``:code``."""


def decompress(blob: bytes) -> bytes:
    """Return the WebAssembly in a blob, compressed or not.

    Raises:
        BlobError: it is neither, or larger than 50 MiB when unpacked.
    """
    if blob.startswith(_MAGIC):
        try:
            wasm = zstandard.ZstdDecompressor().decompressobj().decompress(blob[8 : 8 + MAX_BYTES])
        except zstandard.ZstdError as error:
            raise BlobError(f"the compressed runtime is damaged: {error}") from error
        if len(wasm) > MAX_BYTES:
            raise BlobError(f"the runtime unpacks to more than {MAX_BYTES} bytes")
    else:
        wasm = blob
    if not wasm.startswith(_WASM):
        raise BlobError("not a runtime: expected WebAssembly, plain or in Substrate's zstd frame")
    return wasm


def compress(wasm: bytes) -> bytes:
    """Return WebAssembly in the frame of ``sp-maybe-compressed-blob``.

    The bytes depend on zstandard's version, which is therefore pinned.
    """
    packer = zstandard.ZstdCompressor(level=22, write_content_size=True, threads=0)
    return _MAGIC + packer.compress(wasm)


def custom_section(wasm: bytes, name: str) -> bytes | None:
    """Return the contents of the first custom section of that name, or None.

    Raises:
        BlobError: the module's sections are cut short.
    """

    def leb128(at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            byte = wasm[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value, at

    at = len(_WASM)
    try:
        while at < len(wasm):
            kind = wasm[at]
            length, start = leb128(at + 1)
            at = start + length
            if at > len(wasm):
                raise BlobError("the WebAssembly module is cut short")
            if kind == 0:
                n, start = leb128(start)
                if wasm[start : start + n] == name.encode():
                    return wasm[start + n : at]
    except IndexError:
        raise BlobError("the WebAssembly module is cut short") from None
    return None


def read_blob(blob: bytes) -> RuntimeBlob:
    """Read what a runtime blob says of itself.

    Raises:
        BlobError: it is not a FRAME runtime, or its description is damaged.
    """
    wasm = decompress(blob)
    section, apis_section = (custom_section(wasm, s) for s in ("runtime_version", "runtime_apis"))
    if section is None:
        raise BlobError("the WebAssembly has no section runtime_version: not a FRAME runtime")
    try:
        spec, at = decode_vec(section)
        impl, at = decode_vec(section, at)
        authoring, spec_version, impl_version = struct.unpack_from("<III", section, at)
        count, at = decode_compact(section, at + 12)
        if apis_section is None:
            apis_section = section[at : at + 12 * count]
        transaction_version, system_version = struct.unpack_from("<IB", section, at + 12 * count)
        apis = tuple(
            (_NAME_OF_API.get(key, "0x" + key.hex()), version)
            for key, version in struct.iter_unpack("<8sI", apis_section)
        )
        return RuntimeBlob(
            spec_name=spec.decode(),
            impl_name=impl.decode(),
            authoring_version=authoring,
            spec_version=spec_version,
            impl_version=impl_version,
            transaction_version=transaction_version,
            system_version=system_version,
            apis=tuple(sorted(apis)),
            size=len(blob),
            raw_size=len(wasm),
            raw_sha256=hashlib.sha256(wasm).hexdigest(),
            code_hash=hashlib.blake2b(blob, digest_size=32).hexdigest(),
        )
    except (ValueError, struct.error) as error:
        raise BlobError(f"the runtime's description is damaged: {error}") from error


def version_of(blob: bytes) -> bytes | None:
    """Return the ``RuntimeVersion`` that a blob embeds, SCALE-encoded, or None if it embeds none.

    The linker puts the list of APIs into a section of its own; a host puts the two together.

    Raises:
        BlobError: it is not a runtime, or its description is damaged.
    """
    wasm = decompress(blob)
    section, apis = (custom_section(wasm, s) for s in ("runtime_version", "runtime_apis"))
    if section is None or apis is None:
        return section
    try:
        _, at = decode_vec(section)
        _, at = decode_vec(section, at)
        count, behind = decode_compact(section, at + 12)
    except ValueError as error:
        raise BlobError(f"the runtime's description is damaged: {error}") from error
    rest = section[behind + 12 * count :]
    return section[: at + 12] + encode_compact(len(apis) // 12) + apis + rest
