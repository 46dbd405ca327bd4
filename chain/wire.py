"""One WebSocket, and the runtime that is loaded behind it; the lowest part of a :class:`~chain.session.Session`."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from chain.library import Loaded, loaded_in, open_interface

__all__ = ["Wire"]


class Wire:
    """A connection to a node, in the thread that owns it."""

    def __init__(self, url: str, patience: float, loaded: Loaded | None = None) -> None:
        """Connect.

        Args:
            patience: seconds that the socket waits for the next bytes.
            loaded: a runtime that an earlier connection to this chain has loaded.
        """
        self._interface = open_interface(url, patience, loaded)
        self.is_sound = True
        """Whether it may be used again."""

    @property
    def loaded(self) -> Loaded | None:
        """The runtime that is loaded, once it is sure that it is loaded in whole."""
        return loaded_in(self._interface) if self._is_whole else None

    _is_whole = True

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
        self._is_whole = False
        try:
            self._interface.init_runtime(block_hash=at)
        except BaseException:
            self.is_sound = False
            raise
        self._is_whole = True
        self._interface.is_settled = True
        try:
            yield self._interface
        finally:
            self._interface.is_settled = False
