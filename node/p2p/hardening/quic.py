"""QUIC connections that are over as soon as their peer has said so.

What stock does (``libp2p.transport.quic``): a connection that its peer has closed stays open here until
aioquic has drained it, a second and more on a fresh path. Meanwhile streams are opened on it that nobody
serves, also where another connection to the same peer would carry them: gossip chose the dead one and
fell silent.
"""

from typing import Final

from aioquic.quic.connection import QuicConnectionState
from libp2p.transport.quic.connection import QUICConnection

__all__ = ["STOCK_PROCESS", "install"]

STOCK_PROCESS: Final = QUICConnection._process_quic_events_batched  # noqa: SLF001
"""The library's own, for the test that shows what is wrong with it."""


async def _process(self: QUICConnection) -> bool:
    any_seen = await STOCK_PROCESS(self)
    inner = self._quic
    # aioquic itself tells of the end only after it has drained.
    closed_by_peer = inner._state is QuicConnectionState.DRAINING  # noqa: SLF001
    if closed_by_peer and inner._close_event is not None and not self.is_closed:  # noqa: SLF001
        await self._handle_connection_terminated(inner._close_event)  # noqa: SLF001
    return any_seen


def install() -> None:
    """End connections so from now on: the library makes them by name in two places."""
    QUICConnection._process_quic_events_batched = _process  # type: ignore[method-assign]  # noqa: SLF001
