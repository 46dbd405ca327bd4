"""substrate-interface 1.8.1, with what it does and we do not want undone, each by name.

- it logs every payload at DEBUG on the root logger, and thereby configures logging: ``rpc_request`` is ours;
- it reconnects on its own when a send fails, so that one call may be sent twice: switched off;
- a node's error comes as text: :class:`~chain.errors.NodeError` keeps method, code and data;
- for every block it asks for the header and the runtime's version, again and again: ``init_runtime`` remembers;
- for every signature it asks for the hash of genesis and of the era's first block: :attr:`known_hashes`;
- every connection decodes the metadata, which takes most of a second: :class:`Loaded` goes from one to the next, and what
  was decoded once is not decoded again (:func:`load_metadata`);
- its types are classes that all connections of the process share, and whoever used one last has put its own runtime into
  it: :data:`CODING` is held by whoever loads, encodes or decodes.

What it does wrong above the single call is undone in :mod:`chain.session`.
"""

import functools
import threading
import time
from collections import OrderedDict
from typing import Any, Final

import attrs

from chain.errors import HistoryError, NodeError
from chain.signing import Signer

__all__ = ["CODING", "LibraryKeypair", "Loaded", "load_metadata", "loaded_in", "open_interface"]

CODING: Final = threading.RLock()
"""One thread of the process at a time uses the SCALE library's types."""

REMEMBERED: Final = 1_024
"""Blocks whose header and version are remembered: what a block's hash stands for never changes."""

DECODED: Final = 4
"""Runtimes whose decoded metadata is kept: of the chains that a process speaks to, before and after an upgrade."""

HEAD_SECONDS: Final = 0.5
"""For which the runtime's version at the head is taken to be the same: a new one comes once in weeks."""


@attrs.frozen
class LibraryKeypair:
    """What substrate-interface wants of a key pair, asked of a :class:`Signer`."""

    signer: Signer

    @property
    def public_key(self) -> bytes:
        """Return the account."""
        return bytes(self.signer.account)

    @property
    def crypto_type(self) -> int:
        """Return the number by which the library knows the scheme."""
        return 0 if self.signer.scheme == "ed25519" else 1

    def sign(self, payload: Any) -> bytes:
        """Return a signature over the library's payload."""
        return self.signer.sign(bytes(payload.data)).signature


@attrs.frozen
class Loaded:
    """A runtime's metadata and types, decoded."""

    runtime_config: Any
    metadata: Any
    runtime_version: int
    transaction_version: int
    config: dict[str, Any]


def loaded_in(interface: Any) -> Loaded | None:
    """Return what an interface has loaded, for the next one on the same chain; None where it has nothing."""
    if interface.runtime_version is None or interface.metadata is None:
        return None
    return Loaded(
        interface.runtime_config,
        interface.metadata,
        interface.runtime_version,
        interface.transaction_version,
        interface.config,
    )


def open_interface(url: str, patience: float, loaded: Loaded | None = None) -> Any:
    """Connect; what is returned has no types.

    Args:
        patience: seconds that the socket waits for the next bytes.
        loaded: by an interface that is not used any more.
    """
    with CODING:
        interface = _quiet_class()(
            url=url,
            ss58_format=42,
            # JSON is decoded, and so checked, anyway; the check by itself, in Python, costs more than the rest.
            ws_options={
                "timeout": patience,
                "enable_multithread": True,
                "skip_utf8_validation": True,
            },
            auto_reconnect=False,
            auto_discover=False,
        )
    if loaded is not None:
        # Only now: the library's constructor clears the types that it is given.
        interface.runtime_config = loaded.runtime_config
        interface.config = loaded.config
        interface.metadata = loaded.metadata
        interface.runtime_version = loaded.runtime_version
        interface.transaction_version = loaded.transaction_version
    return interface


def load_metadata(url: str, patience: float) -> None:
    """Decode the metadata at the head of a chain, for all connections of this process and of those forked from it.

    Raises:
        WebSocketException: the chain does not answer.
        OSError: as above.
    """
    interface = open_interface(url, patience)
    try:
        interface.init_runtime()
    finally:
        interface.close()


_decoded: Final[OrderedDict[str, Any]] = OrderedDict()
"""By the metadata itself, in hex."""


def _decode(interface: Any, metadata: str) -> Any:
    from scalecodec.base import ScaleBytes

    with CODING:
        if metadata not in _decoded:
            told = interface.runtime_config.create_scale_object(
                "MetadataVersioned", data=ScaleBytes(metadata)
            )
            told.decode()
            _decoded[metadata] = told
            if len(_decoded) > DECODED:
                _decoded.popitem(last=False)
        return _decoded[metadata]


@functools.cache
def _quiet_class() -> Any:
    from substrateinterface import SubstrateInterface
    from substrateinterface.exceptions import SubstrateRequestException
    from websocket import WebSocketPayloadException

    class Quiet(SubstrateInterface):  # type: ignore[misc]  # the library has no types
        """The library's interface, as the head of this module says."""

        def __init__(self, **options: Any) -> None:
            self.known_hashes: dict[int, str] = {}
            """Of heights that are final."""
            self.is_settled = False
            """Whether the runtime is loaded that whoever asks for the head's means."""
            self._headers: OrderedDict[str, tuple[int, str]] = OrderedDict()
            self._version_of = functools.lru_cache(REMEMBERED)(self._version)
            self._last_head_version, self._head_version_at = 0, float("-inf")
            super().__init__(**options)

        def rpc_request(self, method: str, params: Any, result_handler: Any = None) -> Any:
            number = self.request_id
            self.request_id += 1
            payload = {"jsonrpc": "2.0", "method": method, "params": params or [], "id": number}
            try:
                return self.transport.rpc_request(payload, result_handler=result_handler)
            except ValueError as error:  # raised by the decoding of text or of JSON
                raise WebSocketPayloadException(f"no JSON came: {error}") from error
            except SubstrateRequestException as error:
                body = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
                message = str(body.get("message", error))
                raise NodeError(method, body.get("code", 0), message, body.get("data")) from error

        def header(self, block: str) -> tuple[int, str]:
            """Return a block's number and its parent's hash."""
            if block not in self._headers:
                found = self.rpc_request("chain_getHeader", [block])["result"]
                if found is None:
                    raise HistoryError(f"the node does not know block {block}: ask one that does")
                self.remember_header(block, found)
            return self._headers[block]

        def remember_header(self, block: str, header: Any) -> None:
            """Keep what a header says, wherever it came from."""
            self._headers[block] = int(header["number"], 16), header["parentHash"]
            if len(self._headers) > REMEMBERED:
                self._headers.popitem(last=False)

        def _version(self, *block: str) -> int:
            found = self.rpc_request("state_getRuntimeVersion", list(block))["result"]
            return int(found["specVersion"])

        def _head_version(self) -> int:
            """Return the version at the head, as of a moment ago."""
            now = time.monotonic()
            if now > self._head_version_at + HEAD_SECONDS:
                self._last_head_version, self._head_version_at = self._version(), now
            return self._last_head_version

        def init_runtime(self, block_hash: str | None = None, block_id: int | None = None) -> None:
            if block_hash is None:
                if self.is_settled:
                    return
                version = self._head_version()
            else:
                # As the library has it: what a block did, the runtime of its parent did.
                number, parent = self.header(block_hash)
                version = self._version_of(parent if number else block_hash)
            if version != self.runtime_version:
                with CODING:
                    super().init_runtime(block_hash=block_hash, block_id=block_id)

        def get_block_metadata(
            self, block_hash: str | None = None, decode: bool = True
        ) -> Any:  # the library's signature
            if not decode:
                return super().get_block_metadata(block_hash, decode)
            given = [] if block_hash is None else [block_hash]
            return _decode(self, self.rpc_request("state_getMetadata", given)["result"])

        def get_block_hash(self, block_id: int | None = None) -> str:
            known = None if block_id is None else self.known_hashes.get(block_id)
            return known or super().get_block_hash(block_id)

    return Quiet
