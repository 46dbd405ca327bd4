"""Who may connect, and who may change the chain by hand.

A WebSocket has no CORS: any web page that a developer opens can connect to a server on loopback. So:

- ``Host`` must name loopback (or what was allowed), else a page could reach us under a name of its own that
  resolves to 127.0.0.1.
- ``Origin``, which every browser sends and no other client does, must be absent, loopback, polkadot.js Apps,
  or allowed by name.
- ``dev_*`` and ``engine_*`` are served only to clients without an Origin or with one on loopback.
"""

from urllib.parse import urlsplit

import attrs

__all__ = ["POLKADOT_JS", "Access", "Refused"]

POLKADOT_JS = "https://polkadot.js.org"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Refused(Exception):  # noqa: N818  (an answer, not a fault)
    """A client is not let in; the text says why."""


def _host(authority: str) -> str:
    """Return the host of ``host:port``, without brackets, in lower case."""
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


@attrs.frozen
class Access:
    """What is let in beyond loopback."""

    origins: frozenset[str] = frozenset({POLKADOT_JS})
    """Origins, such as ``https://polkadot.js.org``; ``*`` for all."""
    hosts: frozenset[str] = frozenset()
    """Names under which the server may be addressed, without port."""

    def check(self, host: str | None, origin: str | None) -> bool:
        """Say whether a client may use ``dev_*`` and ``engine_*``.

        Raises:
            Refused: it may not connect at all.
        """
        # HTTP/1.1 demands a Host; whoever leaves it out is no browser.
        if host is not None and _host(host) not in LOOPBACK | self.hosts:
            raise Refused(f"the host {host!r} is not one that this server answers for")
        if origin is None:
            return True
        if is_loopback(origin):
            return True
        if "*" in self.origins or origin in self.origins:
            return False
        raise Refused(f"the origin {origin!r} is not allowed; see --allow-origin")


def is_loopback(origin: str) -> bool:
    """Whether a web page of this origin was served by this machine."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.hostname in LOOPBACK
