"""Inputs and results too large for a message: by hash, in pieces, and only for whom they are meant.

A holder keeps blobs as files named by their hash and serves pieces of up to 512 KiB. Whoever asks
must have been granted the blob (the awarded provider its input, the requester its result); others
learn no more than that there is nothing for them. A fetch that breaks off goes on where it stopped,
from the same holder or another; what does not hash to its name is thrown away.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import msgspec
import trio
from msgspec import Meta

from market.errors import DecodeError
from market.hashing import Hash
from market.identity import PeerId
from market.messages import Blob
from market.messages.fields import MAX_BLOB_BYTES
from node.p2p.errors import AnswerError, BlobError, NetworkUsageError, RequestError
from node.p2p.hardening.buckets import TokenBucket
from node.p2p.network import Network

__all__ = ["PROTOCOL", "Blobs"]

PROTOCOL: Final = "/ainur/blob/1.0.0"
PIECE_BYTES: Final = 512 * 1024
PEER_BURST_BYTES: Final = 4 * MAX_BLOB_BYTES
PEER_BYTES_PER_SECOND: Final = 4 * 1024 * 1024
"""What one peer is served beyond its first four blobs."""
STORE_BYTES: Final = 2 * 1024**3
TRIES: Final = 5
"""Of one piece, before a holder is given up."""

HERE, ABSENT, LATER = b"\x00", b"\x01", b"\x02"


class _Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hash: Annotated[bytes, Meta(min_length=32, max_length=32)]
    offset: Annotated[int, Meta(ge=0, le=MAX_BLOB_BYTES)]
    length: Annotated[int, Meta(ge=1, le=PIECE_BYTES)]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Request)


def _decode_request_untrusted(data: bytes) -> _Request:
    try:
        return _DECODER.decode(data)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise DecodeError(f"not a request for a piece: {error}") from error


class Blobs:
    """Keeps blobs in a folder, serves them and fetches them.

    Args:
        network: by which.
        folder: of the files; made when missing.
        store_bytes: above which the oldest blobs that nobody is granted are dropped.
    """

    def __init__(self, network: Network, folder: Path, store_bytes: int = STORE_BYTES) -> None:
        self._network = network
        self._folder = folder
        self._store_bytes = store_bytes
        self._granted: dict[Hash, set[PeerId]] = {}
        self._rates: dict[PeerId, TokenBucket] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        network.serve(PROTOCOL, self._serve, concurrent=16)
        network.on_disconnected(self._forget)

    def _path(self, name: bytes) -> Path:
        return self._folder / name.hex()

    # Keeping.

    async def put(self, data: bytes, media_type: str) -> Blob:
        """Keep bytes and return what a message says of them.

        Raises:
            NetworkUsageError: they are more than a blob may have.
        """
        if len(data) > MAX_BLOB_BYTES:
            raise NetworkUsageError(
                f"{len(data)} bytes where a blob has at most {MAX_BLOB_BYTES}: split it"
            )
        name = Hash(hashlib.blake2b(data, digest_size=32).digest())
        await trio.to_thread.run_sync(_write, self._path(name), data)
        await trio.to_thread.run_sync(self._make_room, name)
        return Blob(hash=name, size=len(data), media_type=media_type)

    async def get(self, blob: Blob) -> bytes:
        """Return the bytes of a blob that is here.

        Raises:
            BlobError: it is not.
        """
        try:
            return await trio.to_thread.run_sync(self._path(blob.hash).read_bytes)
        except FileNotFoundError as error:
            raise BlobError(f"{blob.hash.hex()[:16]} is not here: fetch it first") from error

    def has(self, blob: Blob) -> bool:
        """Return whether a blob is here, whole."""
        return self._path(blob.hash).exists()

    def drop(self, blob: Blob) -> None:
        """Forget a blob."""
        self._granted.pop(blob.hash, None)
        self._path(blob.hash).unlink(missing_ok=True)

    def _make_room(self, new: Hash) -> None:
        files = []
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another task has just kept what it named
                found = path.stat()
                files.append((found.st_mtime, found.st_size, path))
        kept = {self._path(name) for name in self._granted} | {self._path(new)}
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self._store_bytes:
                return
            if path not in kept:
                path.unlink(missing_ok=True)
                total -= size

    # Serving.

    def grant(self, blob: Blob, peer: PeerId) -> None:
        """Let a peer have a blob."""
        self._granted.setdefault(blob.hash, set()).add(peer)

    def revoke(self, blob: Blob, peer: PeerId) -> None:
        """Let a peer have a blob no more."""
        peers = self._granted.get(blob.hash, set())
        peers.discard(peer)
        if not peers:
            self._granted.pop(blob.hash, None)

    async def _serve(self, peer: PeerId, data: bytes) -> bytes:
        asked = _decode_request_untrusted(data)
        if peer not in self._granted.get(Hash(asked.hash), ()):
            return ABSENT
        rate = self._rates.get(peer)
        if rate is None:
            rate = self._rates[peer] = TokenBucket(PEER_BYTES_PER_SECOND, PEER_BURST_BYTES)
        if not rate.take(asked.length):
            return LATER
        try:
            piece = await trio.to_thread.run_sync(
                _read, self._path(asked.hash), asked.offset, asked.length
            )
        except FileNotFoundError:
            return ABSENT
        return HERE + piece

    async def _forget(self, peer: PeerId) -> None:
        if peer in self._rates and self._rates[peer].take(PEER_BURST_BYTES):
            del self._rates[peer]  # it had used nothing; otherwise reconnecting would refill it

    # Fetching.

    async def fetch(
        self, blob: Blob, peer: PeerId, progress: Callable[[int], None] | None = None
    ) -> bytes:
        """Return a blob's bytes, from here or from a peer, going on where a fetch broke off.

        Args:
            blob: which.
            peer: who has it and has granted it to us.
            progress: told the bytes that are here, after each piece.

        Raises:
            BlobError: the peer does not have it for us, or what it sent is something else.
            RequestError: it broke off too often; fetch again to go on.
            UnreachableError: it cannot be dialled.
        """
        if self.has(blob):
            return await self.get(blob)
        part = self._path(blob.hash).with_suffix(".part")
        have = part.stat().st_size if part.exists() else 0
        while have < blob.size:
            length = min(PIECE_BYTES, blob.size - have)
            piece = await self._piece(peer, _Request(blob.hash, have, length))
            await trio.to_thread.run_sync(_append, part, have, piece)
            have += len(piece)
            if progress is not None:
                progress(have)
        data = await trio.to_thread.run_sync(part.read_bytes) if blob.size else b""
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        if len(data) != blob.size or hashlib.blake2b(data, digest_size=32).digest() != blob.hash:
            raise BlobError(f"what {peer} sent is not {blob.hash.hex()[:16]}: do not ask it again")
        await self.put(data, blob.media_type)
        return data

    async def _piece(self, peer: PeerId, wanted: _Request) -> bytes:
        for attempt in range(TRIES):
            try:
                answer = await self._network.request(peer, PROTOCOL, _ENCODER.encode(wanted), 30.0)
            except AnswerError:
                raise
            except RequestError:
                if attempt == TRIES - 1:
                    raise
                await trio.sleep(0.2 * 2**attempt)
                continue
            if answer[:1] == HERE and 0 < len(answer) - 1 <= wanted.length:
                return answer[1:]
            if answer[:1] != LATER:
                raise BlobError(f"{peer} has no {wanted.hash.hex()[:16]} for us")
            await trio.sleep(min(2.0**attempt, 8.0))
        raise BlobError(f"{peer} serves others first: fetch again later")


def _write(path: Path, data: bytes) -> None:
    # A name of its own: tasks of one input keep it at the same time, each in a thread.
    handle, new = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            # A result is promised on chain once it is kept: it survives a power cut.
            os.fsync(file.fileno())
        Path(new).replace(path)
    except BaseException:
        Path(new).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def _append(path: Path, offset: int, piece: bytes) -> None:
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.seek(offset)
        file.write(piece)
