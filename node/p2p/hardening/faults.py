"""One line in the log for each fault of a peer, and never a flood of them.

What stock does: some faults are logged with a traceback, some at debug, some not at all, and each
as often as the peer likes, so that whoever sends rubbish also fills the disk.
"""

import logging
import time
from collections import OrderedDict
from contextvars import ContextVar
from typing import Final

from libp2p.network.stream.exceptions import StreamError

__all__ = ["FaultLog", "LibraryLog", "faults", "served"]

LOG: Final = logging.getLogger("ainur.p2p")
QUIET_SECONDS: Final = 10.0
"""The same fault of the same peer is not told again within this time."""
REMEMBERED: Final = 4_096
"""Faults whose time of telling is remembered."""
DETAIL_CHARACTERS: Final = 200


class FaultLog:
    """Says each fault once in a while, with how often it came meanwhile."""

    def __init__(self, log: logging.Logger = LOG) -> None:
        self._log = log
        self._told: OrderedDict[tuple[str, str, str], list[float]] = OrderedDict()
        self.total = 0
        """Faults counted, told or not."""

    def report(self, layer: str, who: object, fault: str, detail: object = "") -> None:
        """Tell a fault.

        Args:
            layer: where it was seen: ``tcp``, ``noise``, ``yamux``, ``gossip``…
            who: a PeerId, or an address while there is none.
            fault: what it is, one stable word or two.
            detail: particulars; shortened, and never a second line.
        """
        self.total += 1
        now = time.monotonic()
        key = (layer, str(who), fault)
        told = self._told.pop(key, None)
        if told is not None and now - told[0] < QUIET_SECONDS:
            told[1] += 1
            self._told[key] = told
            return
        self._told[key] = [now, 0]
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        more = f" ({int(told[1])} more since)" if told is not None and told[1] else ""
        shown = " ".join(repr(detail).split()) if isinstance(detail, BaseException) else str(detail)
        shown = "".join(c if c.isprintable() else " " for c in shown[:DETAIL_CHARACTERS])
        self._log.warning("fault layer=%s peer=%s what=%s%s: %s", *key, more, shown)


faults: Final = FaultLog()
"""The process's own."""

served: Final[ContextVar[str]] = ContextVar("served", default="-")
"""Whose stream a task serves: the library's lines do not say."""


RAISED_TO_US: Final = frozenset(
    {
        "libp2p.host.basic_host",
        "libp2p.network.swarm",
        "libp2p.protocol_muxer.multiselect_client",
        "libp2p.transport.tcp.tcp",
    }
)
"""Loggers of what is raised to the caller besides, who knows whether it is a fault."""
NO_FAULTS: Final = (
    "Failed to open stream",
    "Error getting providers",
    "Error sending ADD_PROVIDER",
)
"""How lines begin that only say that somebody we asked is not there any more."""


class LibraryLog(logging.Handler):
    """Turns the library's warnings into fault lines: no traceback, no flood."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell one record as a fault, unless it only says that a peer went away."""
        error = record.exc_info[1] if record.exc_info else None
        told = (*record.args, error) if isinstance(record.args, tuple) else (error,)
        if record.name in RAISED_TO_US or any(isinstance(a, StreamError) for a in told):
            return
        try:
            message = record.getMessage()
        except (
            TypeError,
            ValueError,
        ):  # its arguments do not fit: what leaves here ends the caller
            message = str(record.msg)
        if message.startswith(NO_FAULTS):
            return
        layer = record.name.removeprefix("libp2p.").replace(".", "-")
        detail = message + (f" ({error!r})" if error is not None else "")
        faults.report(layer, served.get(), record.funcName or "library", detail)
