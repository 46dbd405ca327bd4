"""What the worker thread owns: substrate-interface, and our reading of what it says.

Everything here is synchronous and belongs to one thread at a time; :mod:`chain.connection` sees to both. What
substrate-interface 1.8.1 does and we do not want is undone here, each by name (and what it does to a single call, in
:mod:`chain.library`):

- it waits for an answer without end while others arrive: :meth:`Session.abort` wakes it from outside;
- closing waits for the other side's closing handshake: the socket is shut down instead;
- a failure half-way through loading a runtime leaves it believing that it has it: then :attr:`is_sound` turns
  false, and the connection makes a new session;
- ``query_map`` leaves out what it cannot decode: :meth:`Session.entries` reads and decodes by itself, and raises;
- ``receipt.error_message`` is None for whatever is no pallet's error: :mod:`chain.outcome` reads the event;
- its nonce does not know the pool, and its eras are immortal unless told: both are arguments here.
"""

import hashlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

import attrs

from chain.calls import Call
from chain.eras import Era
from chain.errors import DispatchError, HistoryError, MismatchError
from chain.events import Event, Other, read_event
from chain.events.known import KNOWN
from chain.library import LibraryKeypair, open_interface
from chain.outcome import refusal_in
from chain.queries import Item
from chain.signing import Signer
from chain.units import Nonce
from chain.values import decode, encode
from market.hashing import GenesisHash
from market.identity import AccountId, ss58_from_account
from market.units import BlockNumber

__all__ = ["BlockEvent", "BlockRef", "Session", "extrinsic_hash"]

V = TypeVar("V")
PAGE: Final = 500
_CONCAT: Final = {"Blake2_128Concat": 16, "Twox64Concat": 8, "Identity": 0}
"""Bytes of hash before the key itself."""
RATE_BLOCKS: Final = 20


@attrs.frozen
class BlockRef:
    """A block: its height and its hash."""

    number: BlockNumber
    hash: str


@attrs.frozen
class BlockEvent:
    """An event, and which of the block's extrinsics it belongs to; None outside of all."""

    extrinsic: int | None
    event: Event | Other


class Session:
    """One WebSocket and the runtime behind it."""

    def __init__(self, url: str, patience: float) -> None:
        """Connect.

        Args:
            patience: seconds that the socket waits for the next bytes.
        """
        self._interface = open_interface(url, patience)
        self.is_sound = True
        try:
            self.genesis = GenesisHash(bytes.fromhex(self.rpc("chain_getBlockHash", 0)[2:]))
        except BaseException:
            self.close()
            raise

    def abort(self) -> None:
        """Wake whoever waits for the socket, from any thread; the session is of no use afterwards.

        Closing a socket under a thread that reads from it wakes nobody; shutting it down does.
        """
        self.is_sound = False
        stream = self._interface.websocket.sock
        if stream is not None:
            with suppress(OSError):  # it is gone already
                stream.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket, in the thread that owns the session."""
        self.is_sound = False
        self._interface.websocket.shutdown()

    def rpc(self, method: str, *params: Any) -> Any:
        """Return what a method answers.

        Raises:
            NodeError: it answers with an error.
        """
        return self._interface.rpc_request(method, list(params))["result"]

    @contextmanager
    def _runtime(self, at: str | None) -> Iterator[Any]:
        """Load the runtime of a block, and put what goes wrong with its types into our words."""
        try:
            self._interface.init_runtime(block_hash=at)
        except BaseException:
            self.is_sound = False
            raise
        yield self._interface

    # -- blocks -----------------------------------------------------------------------------------

    def finalized(self) -> BlockRef:
        """Return the last finalised block."""
        return self._block(self.rpc("chain_getFinalizedHead"))

    def head(self) -> BlockRef:
        """Return the best block."""
        return self._block(self.rpc("chain_getBlockHash"))

    def _block(self, hash_: str) -> BlockRef:
        return BlockRef(BlockNumber(int(self.rpc("chain_getHeader", hash_)["number"], 16)), hash_)

    def block_hashes(self, numbers: list[BlockNumber]) -> list[str | None]:
        """Return the hashes of heights on the best chain; None where a jump left a height without block."""
        found: list[str | None] = self.rpc("chain_getBlockHash", numbers) if numbers else []
        return found

    def extrinsic_hashes(self, block: str) -> list[bytes]:
        """Return the hashes of a block's extrinsics.

        Raises:
            HistoryError: the node keeps the block no more.
        """
        return [extrinsic_hash(raw) for raw in self._extrinsics(block)]

    def _extrinsics(self, block: str) -> list[bytes]:
        answer = self.rpc("chain_getBlock", block)
        if answer is None:
            raise HistoryError(f"the node keeps block {block} no more: ask one that keeps history")
        return [bytes.fromhex(raw[2:]) for raw in answer["block"]["extrinsics"]]

    def millis_per_block(self, head: BlockRef) -> float | None:
        """Return how long the last blocks took; None where there are too few."""
        first = BlockNumber(max(1, head.number - RATE_BLOCKS))
        [start] = self.block_hashes([first])
        if start is None or first >= head.number:
            return None
        moments = [self._raw("Timestamp", "Now", at=hash_) for hash_ in (start, head.hash)]
        return float(moments[1] - moments[0]) / (head.number - first)

    def remarks(self, block: str) -> list[bytes]:
        """Return what a block's extrinsics post by ``remark_with_event``, in their order.

        Raises:
            HistoryError: the node keeps the block no more.
            MismatchError: an extrinsic cannot be decoded.
        """
        found = []
        for raw in self._extrinsics(block):
            with self._runtime(block) as interface:
                extrinsic = self._decoded("Extrinsic", f"0x{raw.hex()}", interface.metadata)
            call = extrinsic["call"]
            if (call["call_module"], call["call_function"]) == ("System", "remark_with_event"):
                [remark] = call["call_args"]
                # The library gives text where bytes are UTF-8, else hex behind 0x; the remark itself comes last.
                text: str = remark["value"]
                plain = text.encode()
                found.append(plain if raw.endswith(plain) else bytes.fromhex(text[2:]))
        return found

    def constant(self, pallet: str, name: str) -> Any:
        """Return a constant of the runtime.

        Raises:
            MismatchError: it has none of that name.
        """
        with self._runtime(None) as interface:
            found = interface.get_constant(pallet, name)
            if found is None:
                raise MismatchError(
                    f"the runtime has no constant {pallet}.{name}: compare versions"
                )
            return found.value

    def events(self, block: str) -> list[BlockEvent]:
        """Return what a block reported, in its order.

        Raises:
            MismatchError: an event of ours is not as we know it.
        """
        found = []
        for record in self._raw("System", "Events", at=block) or []:
            event = read_event(record["module_id"], record["event_id"], record["attributes"], KNOWN)
            found.append(BlockEvent(record["extrinsic_idx"], event))
        return found

    # -- storage ----------------------------------------------------------------------------------

    def _function(self, pallet: str, name: str) -> Any:
        found = self._interface.metadata.get_metadata_pallet(pallet)
        function = found and found.get_storage_function(name)
        if not function:
            raise MismatchError(f"the runtime stores no {pallet}.{name}: compare the versions")
        return function

    def _decoded(self, kind: str, raw: str, metadata: Any = None) -> Any:
        from scalecodec.base import ScaleBytes

        try:
            scale = self._interface.runtime_config.create_scale_object(
                kind, ScaleBytes(raw), metadata=metadata
            )
            return scale.decode()
        except Exception as error:
            raise MismatchError(f"{raw[:80]} is no {kind}: {error}") from error

    def _value(self, function: Any, stored: str | None) -> Any:
        if stored is None:
            if function.value["modifier"] != "Default":
                return None
            stored = function.value_object["default"].value_object.hex()
            stored = stored if stored.startswith("0x") else f"0x{stored}"
        return self._decoded(function.get_value_type_string(), stored)

    def _key(self, pallet: str, name: str, keys: tuple[Any, ...]) -> str:
        from substrateinterface.storage import StorageKey

        key = StorageKey.create_from_storage_function(
            pallet,
            name,
            [encode(each) for each in keys],
            runtime_config=self._interface.runtime_config,
            metadata=self._interface.metadata,
        )
        return f"0x{bytes(key.data).hex()}"

    def _raw(self, pallet: str, name: str, *keys: Any, at: str) -> Any:
        with self._runtime(at):
            function = self._function(pallet, name)
            stored = self.rpc("state_getStorage", self._key(pallet, name, keys), at)
            return self._value(function, stored)

    def read(self, item: Item[V], *keys: Any, at: str | None = None) -> V | None:
        """Return an item's value at a block, the finalised one if None; None where nothing is stored."""
        at = at or self.rpc("chain_getFinalizedHead")
        raw = self._raw(item.pallet, item.name, *keys, at=at)
        found: V | None = None if raw is None else decode(item.value, raw)
        return found

    def entries(
        self, item: Item[V], *keys: Any, at: str | None = None
    ) -> list[tuple[tuple[Any, ...], V]]:
        """Return all entries of a map at a block, or those below its first keys, with their keys.

        Raises:
            MismatchError: one of them cannot be decoded; nothing is left out in silence.
        """
        at = at or self.rpc("chain_getFinalizedHead")
        with self._runtime(at):
            function = self._function(item.pallet, item.name)
            prefix, whole = (
                self._key(item.pallet, item.name, keys),
                self._key(item.pallet, item.name, ()),
            )
            found, start = [], None
            while True:
                page = self.rpc("state_getKeysPaged", prefix, PAGE, start, at)
                if page:
                    [changes] = self.rpc("state_queryStorageAt", page, at)
                    for key, stored in changes["changes"]:
                        read_keys = self._read_keys(item, function, key[len(whole) :])
                        found.append((read_keys, decode(item.value, self._value(function, stored))))
                if len(page) < PAGE:
                    return found
                start = page[-1]

    def _read_keys(self, item: Item[Any], function: Any, rest: str) -> tuple[Any, ...]:
        from scalecodec.base import ScaleBytes

        found = []
        data = bytes.fromhex(rest)
        kinds, hashers = function.get_params_type_string(), function.get_param_hashers()
        for hint, kind, hasher in zip(item.keys, kinds, hashers, strict=True):
            data = data[_CONCAT[hasher] :]
            scale = self._interface.runtime_config.create_scale_object(kind, ScaleBytes(data))
            found.append(decode(hint, scale.decode(check_remaining=False)))
            data = data[scale.data.offset :]
        return tuple(found)

    # -- accounts and extrinsics --------------------------------------------------------------------

    def nonce_at(self, account: AccountId, block: str) -> Nonce:
        """Return how many extrinsics of an account a block's state counts."""
        return Nonce(self._raw("System", "Account", account, at=block)["nonce"])

    def free_balance(self, account: AccountId, block: str | None = None) -> int:
        """Return what an account may spend, in planck, holds not counted."""
        at = block or self.rpc("chain_getFinalizedHead")
        return int(self._raw("System", "Account", account, at=at)["data"]["free"])

    def next_index(self, account: AccountId) -> Nonce:
        """Return the next nonce as the node sees it, its pool counted."""
        return Nonce(self.rpc("system_accountNextIndex", ss58_from_account(account)))

    def sign(self, call: Call, signer: Signer, nonce: Nonce, era: Era) -> bytes:
        """Return a signed extrinsic.

        Raises:
            MismatchError: the runtime has no such call, or takes other arguments.
        """
        with self._runtime(None) as interface:
            try:
                scale = interface.runtime_config.create_scale_object(
                    "Call", metadata=interface.metadata
                )
                scale.encode(
                    {
                        "call_module": call.pallet,
                        "call_function": call.function(),
                        "call_args": call.arguments(),
                    }
                )
            except Exception as error:
                raise MismatchError(f"{call.name} cannot be encoded: {error}") from error
            mortality = {"period": era.period, "current": era.birth}
            extrinsic = interface.create_signed_extrinsic(
                scale, LibraryKeypair(signer), era=mortality, nonce=nonce
            )
        return bytes(extrinsic.data.data)

    def submit(self, raw: bytes) -> None:
        """Put an extrinsic into the node's pool.

        Raises:
            NodeError: the pool does not take it.
        """
        self.rpc("author_submitExtrinsic", f"0x{raw.hex()}")

    def subscribe_finalized(self, heard: Callable[[Any, int, str], None]) -> None:
        """Call ``heard`` for every finalised head until the connection ends. It blocks."""
        self._interface.rpc_request("chain_subscribeFinalizedHeads", [], result_handler=heard)

    def metadata(self) -> Any:
        """Return the SCALE library's metadata of the runtime at the head."""
        with self._runtime(None) as interface:
            return interface.metadata

    def refusal(self, events: list[BlockEvent], call: Call) -> DispatchError | None:
        """Return why an extrinsic was refused, given its events; None where it was carried out."""
        with self._runtime(None) as interface:
            return refusal_in([each.event for each in events], call.name, interface.metadata)


def extrinsic_hash(raw: bytes) -> bytes:
    """Return BLAKE2b-256 of a whole extrinsic, by which the chain knows it."""
    return hashlib.blake2b(raw, digest_size=32).digest()
