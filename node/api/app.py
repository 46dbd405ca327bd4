"""The API as one application."""

from collections.abc import Callable
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from node.api import description, directory, health, metrics, peers, tasks
from node.api.access import Access
from node.api.reasons import Reason
from node.api.shapes import error
from node.api.view import View

__all__ = ["ROUTES", "make_app"]


ROUTES: Final = [
    *health.routes,
    *directory.routes,
    *peers.routes,
    *tasks.routes,
    *metrics.routes,
    *description.routes,
]


async def _http_error(_request: Request, raised: Exception) -> Response:
    if not isinstance(raised, HTTPException):
        raise raised
    known: dict[int, Reason] = {404: "not-found", 405: "method"}
    reason = known.get(raised.status_code, "http")
    return error(raised.status_code, reason, raised.detail)


async def _fault(_request: Request, _raised: Exception) -> Response:
    # The server logs it in full; whoever asked is not told what is inside.
    return error(500, "internal", "the node failed to answer; its log says why")


def make_app(view: View, token: str, authority: Callable[[], str]) -> ASGIApp:
    """Return the application.

    Args:
        view: what it shows.
        token: that whoever asks must show.
        authority: returns ``127.0.0.1:PORT``, once it is known.
    """
    app = Starlette(
        routes=ROUTES,
        exception_handlers={HTTPException: _http_error, **tasks.HANDLERS, Exception: _fault},
    )
    app.state.view = view
    app.state.registry = metrics.registry_of(view)
    return Access(app, token, authority)
