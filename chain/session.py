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

import functools
import hashlib
from collections.abc import Callable
from typing import Any, Final

import attrs

from chain.calls import Call
from chain.eras import Era
from chain.errors import DispatchError, HistoryError, MismatchError
from chain.events import Event, Other, read_event
from chain.events.known import KNOWN
from chain.library import CODING, LibraryKeypair, Loaded
from chain.outcome import refusal_in
from chain.signing import Signer
from chain.storage import Storage
from chain.units import Nonce
from market.hashing import GenesisHash
from market.identity import AccountId, ss58_from_account
from market.units import BlockNumber

__all__ = ["BlockEvent", "BlockRef", "Session", "extrinsic_hash"]

RATE_BLOCKS: Final = 20
REMEMBERED_BODIES: Final = 512
"""Blocks of which the extrinsics' hashes are remembered, for all that look for theirs in them."""
REMEMBERED_EVENTS: Final = 64


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


class Session(Storage):
    """One WebSocket, the runtime behind it, and what has been read and never changes."""

    def __init__(self, url: str, patience: float, loaded: Loaded | None = None) -> None:
        """Connect.

        Args:
            patience: seconds that the socket waits for the next bytes.
            loaded: a runtime that an earlier session on this chain has loaded.
        """
        super().__init__(url, patience, loaded)
        try:
            self.genesis = GenesisHash(bytes.fromhex(self.rpc("chain_getBlockHash", 0)[2:]))
        except BaseException:
            self.close()
            raise
        self._extrinsic_hashes = functools.lru_cache(REMEMBERED_BODIES)(self._read_body)
        self._events = functools.lru_cache(REMEMBERED_EVENTS)(self._read_events)

    # -- blocks -----------------------------------------------------------------------------------

    def finalized(self) -> BlockRef:
        """Return the last finalised block."""
        return self.block(self.rpc("chain_getFinalizedHead"))

    def head(self) -> BlockRef:
        """Return the best block."""
        return self.block(self.rpc("chain_getBlockHash"))

    def block(self, hash_: str) -> BlockRef:
        """Return the block of a hash.

        Raises:
            HistoryError: the node does not know it.
        """
        number, _ = self._interface.header(hash_)
        return BlockRef(BlockNumber(number), hash_)

    def parent(self, hash_: str) -> str:
        """Return the hash of a block's parent.

        Raises:
            HistoryError: the node does not know the block.
        """
        parent: str = self._interface.header(hash_)[1]
        return parent

    def block_hashes(self, numbers: list[BlockNumber]) -> list[str | None]:
        """Return the hashes of heights on the best chain; None where a jump left a height without block."""
        found: list[str | None] = self.rpc("chain_getBlockHash", numbers) if numbers else []
        return found

    def extrinsic_hashes(self, block: str) -> tuple[bytes, ...]:
        """Return the hashes of a block's extrinsics.

        Raises:
            HistoryError: the node keeps the block no more.
        """
        return self._extrinsic_hashes(block)

    def _read_body(self, block: str) -> tuple[bytes, ...]:
        return tuple(extrinsic_hash(raw) for raw in self._extrinsics(block))

    def _extrinsics(self, block: str) -> list[bytes]:
        answer = self.rpc("chain_getBlock", block)
        if answer is None:
            raise HistoryError(f"the node keeps block {block} no more: ask one that keeps history")
        self._interface.remember_header(block, answer["block"]["header"])
        return [bytes.fromhex(raw[2:]) for raw in answer["block"]["extrinsics"]]

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
        with CODING, self._runtime(None) as interface:
            found = interface.get_constant(pallet, name)
            if found is None:
                raise MismatchError(
                    f"the runtime has no constant {pallet}.{name}: compare versions"
                )
            return found.value

    def millis_per_block(self, head: BlockRef) -> float | None:
        """Return how long the last blocks took; None where there are too few."""
        first = BlockNumber(max(1, head.number - RATE_BLOCKS))
        [start] = self.block_hashes([first])
        if start is None or first >= head.number:
            return None
        moments = [self._raw("Timestamp", "Now", at=hash_) for hash_ in (start, head.hash)]
        return float(moments[1] - moments[0]) / (head.number - first)

    def events(self, block: str) -> tuple[BlockEvent, ...]:
        """Return what a block reported, in its order.

        Raises:
            MismatchError: an event of ours is not as we know it.
        """
        return self._events(block)

    def _read_events(self, block: str) -> tuple[BlockEvent, ...]:
        found = []
        for record in self._raw("System", "Events", at=block) or []:
            event = read_event(record["module_id"], record["event_id"], record["attributes"], KNOWN)
            found.append(BlockEvent(record["extrinsic_idx"], event))
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

    def sign(self, call: Call, signer: Signer, nonce: Nonce, era: Era, birth: str) -> bytes:
        """Return a signed extrinsic.

        Args:
            birth: the hash of the block in which the era begins.

        Raises:
            MismatchError: the runtime has no such call, or takes other arguments.
        """
        with CODING, self._runtime(None) as interface:
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
            interface.known_hashes = {0: f"0x{self.genesis.hex()}", era.birth: birth}
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

    def refusal(self, events: list[BlockEvent], call: Call, block: str) -> DispatchError | None:
        """Return why an extrinsic of a block was refused, given its events; None where it was carried out."""
        with self._runtime(block) as interface:
            return refusal_in([each.event for each in events], call.name, interface.metadata)


def extrinsic_hash(raw: bytes) -> bytes:
    """Return BLAKE2b-256 of a whole extrinsic, by which the chain knows it."""
    return hashlib.blake2b(raw, digest_size=32).digest()
