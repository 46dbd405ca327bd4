"""``/v1/agents``, ``/v1/find`` and ``/v1/why-not-found``: who could do it."""

import itertools
from typing import Any, Final

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from market.errors import UsageError as MarketUsageError
from market.identity import AccountId, PeerId, account_from_ss58, key_from_peer_id
from market.units import parse_amount
from node.api.shapes import absence, agent, answer, error, match
from node.api.view import View
from routing.directory.query import MAX_RESULTS, ByName, ByPrefix, ByText, Filter, Query
from routing.directory.why import why_not_found
from routing.errors import UsageError

__all__ = ["routes"]

KINDS: Final = ("capability", "prefix", "text")
GATES: Final = ("version", "max_price", "free_slot")


async def agents(request: Request) -> JSONResponse:
    """List the agents that are known, those with most evidence of settled work first."""
    view: View = request.app.state.view
    try:
        _only(request.query_params, "limit")
        limit = _number(request.query_params, "limit", MAX_RESULTS)
    except UsageError as wrong:
        return error(400, "usage", str(wrong))
    now = view.head.now()
    book = view.directory.directory
    listed = itertools.islice(book.entries(now), max(0, limit))
    return answer(
        {"agents": [agent(each, now, view.account) for each in listed], "known": len(book)}
    )


async def find(request: Request) -> JSONResponse:
    """Return the agents that could do it, best first."""
    view: View = request.app.state.view
    try:
        query = _query(request.query_params)
    except (UsageError, MarketUsageError) as wrong:
        return error(400, "usage", str(wrong))
    now = view.head.now()
    found = view.directory.directory.find(query, now)
    return answer({"matches": [match(each, now, view.account) for each in found]})


async def why(request: Request) -> JSONResponse:
    """Say why agents are missing."""
    view: View = request.app.state.view
    try:
        who = request.query_params.get("agent")
        missed = None if who is None else _agent(who)
        query = _query(request.query_params, "agent")
    except (UsageError, MarketUsageError) as wrong:
        return error(400, "usage", str(wrong))
    told = why_not_found(view.directory.directory, query, view.head.now(), missed)
    return answer({"absences": [absence(each) for each in told]})


def _query(params: QueryParams, *others: str) -> Query:
    """Return what was asked for.

    Raises:
        UsageError: it is no query.
    """
    _only(params, *KINDS, *GATES, "limit", "least", *others)
    named = [kind for kind in KINDS if kind in params]
    if len(named) != 1:
        raise UsageError(f"ask by one of {', '.join(KINDS)}")
    options: dict[str, Any] = {"filter": _filter(params), "limit": _number(params, "limit", 20)}
    if named[0] == "capability":
        return ByName(params["capability"], **options)
    if named[0] == "prefix":
        return ByPrefix(params["prefix"], **options)
    if "least" in params:
        options["least"] = _fraction(params["least"])
    return ByText(params["text"], **options)


def _filter(params: QueryParams) -> Filter:
    price = params.get("max_price")
    return Filter(
        version=_number(params, "version", 0) if "version" in params else None,
        max_price=None if price is None else parse_amount(price),
        free_slot=params.get("free_slot") == "true",
    )


def _only(params: QueryParams, *allowed: str) -> None:
    for name in params:
        if name not in allowed:
            raise UsageError(f"{name!r} is no parameter; those are {', '.join(allowed)}")
        if len(params.getlist(name)) > 1:
            raise UsageError(f"{name!r} is given twice")


def _number(params: QueryParams, name: str, default: int) -> int:
    text = params.get(name, str(default))
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise UsageError(f"{name} is a whole number, not {text!r}")
    return int(text)


def _fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 2.0
    if not -1.0 <= value <= 1.0:
        raise UsageError(f"least is a number from -1 to 1, not {text!r}")
    return value


def _agent(text: str) -> AccountId | PeerId:
    """Return an agent as people name it: by account or by peer.

    Raises:
        UsageError: it is neither.
    """
    try:
        if text.startswith("12D3"):
            key_from_peer_id(text)
            return PeerId(text)
        return account_from_ss58(text)
    except MarketUsageError as wrong:
        raise UsageError(f"name an agent by account (5…) or PeerId (12D3KooW…): {wrong}") from wrong


routes = [Route("/v1/agents", agents), Route("/v1/find", find), Route("/v1/why-not-found", why)]
