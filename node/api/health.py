"""``/livez``: it runs. ``/readyz``: it can do its work. ``/v1/status``: what it is."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from market.identity import ss58_from_account
from node.api.shapes import answer
from node.api.view import View

__all__ = ["routes"]


async def livez(_request: Request) -> JSONResponse:
    """Answer, which is all that is asked."""
    return answer({"live": True})


async def readyz(request: Request) -> JSONResponse:
    """Say whether the node can do its work, and if not, why."""
    view: View = request.app.state.view
    # A first node has nobody to be connected to, and is ready nevertheless.
    checks = {"listening": bool(view.network.multiaddrs), "chain": view.head.is_current()}
    ready = all(checks.values())
    response = answer({"ready": ready, "checks": checks})
    response.status_code = 200 if ready else 503
    return response


async def status(request: Request) -> JSONResponse:
    """Say what the node is."""
    view: View = request.app.state.view
    now = view.head.now()
    return answer(
        {
            "software": view.software,
            "peer_id": view.network.peer_id,
            "account": ss58_from_account(view.account),
            "multiaddrs": list(view.network.multiaddrs),
            "peers": len(view.network.peers()),
            "agents": len(view.directory.directory),
            "announces": [each.name for each in view.directory.announcer.capabilities],
            "ttl": view.directory.announcer.pace.ttl,
            "chain": {
                "url": view.head.chain_url,
                "genesis": f"0x{view.head.genesis.hex()}",
                "head": now.block,
                "current": view.head.is_current(),
                "development": view.head.is_dev_chain,
            },
        }
    )


routes = [Route("/livez", livez), Route("/readyz", readyz), Route("/v1/status", status)]
