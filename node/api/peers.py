"""``/v1/peers``: who we are connected to."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from node.api.shapes import answer, peer
from node.api.view import View

__all__ = ["routes"]


async def peers(request: Request) -> JSONResponse:
    """List the connected peers, by PeerId."""
    view: View = request.app.state.view
    return answer({"peers": [peer(each) for each in view.network.peers()]})


routes = [Route("/v1/peers", peers)]
