"""Who may ask: whoever shows the token, and no web page of somebody else.

A page that the user visits can send requests to loopback, and a name of its own can point there. So the ``Host``
must be ours, a request that names an ``Origin`` must come from our own pages, and all but the three open paths need
the token, which is in a file that only the owner can read. No cookie is ever looked at.
"""

import logging
import secrets
from collections.abc import Callable
from typing import Final

import trio
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from node.api.reasons import Reason

__all__ = ["OPEN", "Access"]

_LOG: Final = logging.getLogger("ainur.api")

OPEN: Final = frozenset({"/livez", "/readyz", "/metrics"})
"""Nothing in them is secret, and what asks for them often cannot show a token."""
HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)


class Access:
    """Middleware in front of everything."""

    def __init__(self, app: ASGIApp, token: str, authority: Callable[[], str]) -> None:
        """Guard an application.

        Args:
            app: what is behind.
            token: that must be shown.
            authority: returns ``127.0.0.1:PORT``, once it is known.
        """
        self._app, self._token, self._authority = app, token.encode(), authority

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})  # there are none here; the server answers 403
            return
        refusal = self._refuse(scope)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            try:
                await send(message)
            except trio.BusyResourceError:
                # The server itself has begun to refuse what still comes, and does not wait for our answer.
                _LOG.debug("%s: refused by the server before it was answered", scope["path"])

        await (refusal or self._app)(scope, receive, guarded)

    def _refuse(self, scope: Scope) -> JSONResponse | None:
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        ours = self._names()
        host = headers.get(b"host", [])
        if len(host) != 1 or host[0].decode("latin-1").lower() not in ours:
            return _refusal(403, "host", f"this is {self._authority()}, by that name alone")
        origins = {f"http://{name}" for name in ours}
        if any(
            each.decode("latin-1").lower() not in origins for each in headers.get(b"origin", [])
        ):
            return _refusal(403, "origin", "no page of another origin may ask")
        if scope["path"] in OPEN:
            return None
        shown = headers.get(b"authorization", [])
        if len(shown) != 1 or not secrets.compare_digest(shown[0], b"Bearer " + self._token):
            return _refusal(
                401, "token", "show the token from the node's folder: `Authorization: Bearer …`"
            )
        return None

    def _names(self) -> set[str]:
        port = self._authority().rpartition(":")[2]
        return {f"127.0.0.1:{port}", f"localhost:{port}"}


def _refusal(status: int, reason: Reason, message: str) -> JSONResponse:
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(
        {"version": 1, "error": {"reason": reason, "message": message}}, status, headers=headers
    )
