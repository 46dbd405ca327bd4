"""``/v1/tasks`` and ``/v1/events``: what users of this node want done, and the life of it.

Events come as a stream of server-sent events. Each has an id; a client that was cut off names the last one in
``Last-Event-ID`` and misses nothing. The last event of a stream, ``stream-ended``, says that the node is being stopped.
"""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
import trio
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from chain.errors import ChainError
from market.errors import MarketError, UsageError
from market.identity import ss58_from_account
from market.messages.fields import MAX_BLOB_BYTES
from market.settlement import requester as buying
from market.units import parse_amount
from node.api.reasons import Reason
from node.api.shapes import answer, error
from node.api.view import View
from node.database import DatabaseError
from node.p2p.errors import BlobError, NetworkUsageError
from node.trade.intake import NewTask
from node.trade.life import LifeEvent, Stream
from node.trade.running import StoppingError
from node.trade.tasks import Kept
from node.trading import Trading

__all__ = ["MAX_BATCH", "Wanted", "routes"]

ALIVE_SECONDS: Final = 10.0
"""Between two signs of life on a stream on which nothing happens."""
MAX_BODY: Final = MAX_BLOB_BYTES + 64 * 1024
MAX_BATCH: Final = 1_000


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a submission."""

    capability: str
    input: msgspec.Raw
    budget: str
    """``"0.5 AINU"`` or ``"20000 planck"``."""
    deadline_ms: Annotated[int, Meta(gt=0)]
    version: int = 1
    output_schema: dict[str, Any] | None = None
    check: str | None = None
    check_command: tuple[str, ...] = ()
    replicas: int = 1


_Batch = Annotated[list[Wanted], Meta(min_length=1, max_length=MAX_BATCH)]
_WANTED: Final = msgspec.json.Decoder(Wanted | _Batch)


class _RefusedError(Exception):
    def __init__(self, status: int, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.response = error(status, reason, message)


def _trading(request: Request) -> Trading:
    view: View = request.app.state.view
    if view.trading is None:
        raise _RefusedError(409, "no-chain", "this node trades nothing: start it with --chain URL")
    return view.trading


def _task(request: Request) -> bytes:
    text: str = request.path_params["task"]
    try:
        task = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        task = b""
    if len(task) != 32:
        raise _RefusedError(404, "not-found", f"{text!r} is no task: 64 hexadecimal digits")
    return task


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise _RefusedError(413, "too-large", f"a task has at most {MAX_BODY} bytes")
    return bytes(body)


async def submit(request: Request) -> Response:
    """Take a task in, or an array of them: all or none, called for together."""
    trading = _trading(request)
    try:
        wanted = _WANTED.decode(await _body(request))
        batch = wanted if isinstance(wanted, list) else [wanted]
        names = await trading.requester.submit_all([_new(each) for each in batch])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as wrong:
        return error(400, "usage", f"that is no task: {wrong}")
    except NetworkUsageError as wrong:
        return error(413, "too-large", str(wrong))
    kept = [trading.requester.task(name) for name in names]
    shown = [None if each is None else _shown(each, trading) for each in kept]
    told = {"tasks": shown} if isinstance(wanted, list) else {"task": shown[0]}
    return JSONResponse({"version": 1, **told}, status_code=201)


def _new(wanted: Wanted) -> NewTask:
    return NewTask(
        capability=wanted.capability,
        given=bytes(wanted.input),
        budget=parse_amount(wanted.budget),
        deadline_ms=wanted.deadline_ms,
        version=wanted.version,
        output_schema=wanted.output_schema,
        check=wanted.check,
        check_command=wanted.check_command,
        replicas=wanted.replicas,
    )


async def tasks(request: Request) -> Response:
    """List tasks, the newest first."""
    trading = _trading(request)
    text = request.query_params.get("limit", "100")
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) <= 1_000:
        return error(400, "usage", f"limit is a number from 1 to 1000, not {text!r}")
    return answer({"tasks": [_shown(kept, trading) for kept in trading.requester.tasks(int(text))]})


async def task(request: Request) -> Response:
    """Show a task and what has become of it."""
    trading = _trading(request)
    name = _task(request)
    kept = trading.requester.task(name)
    if kept is None:
        return error(404, "not-found", "there is no such task at this node")
    events = [event.as_json() for event in trading.life.past(name)]
    return answer({"task": _shown(kept, trading), "events": events})


async def cancel(request: Request) -> Response:
    """Want a task no more."""
    trading = _trading(request)
    name = _task(request)
    await trading.requester.cancel(name)
    kept = trading.requester.task(name)
    return answer({"task": None if kept is None else _shown(kept, trading)})


async def result(request: Request) -> Response:
    """Return a task's result, as it was delivered."""
    trading = _trading(request)
    try:
        data = await trading.requester.result(_task(request))
    except (BlobError, UsageError) as wrong:
        return error(404, "no-result", str(wrong))
    return Response(data, media_type="application/json")


async def auction(request: Request) -> Response:
    """Return the file of a task's auction, which ``ainur auction verify`` computes again."""
    trading = _trading(request)
    try:
        data = await trading.requester.auction_file(_task(request))
    except (UsageError, ChainError) as wrong:
        return error(404, "no-transcript", str(wrong))
    return Response(data, media_type="application/octet-stream")


async def events(request: Request) -> Response:
    """Stream the life of tasks."""
    trading = _trading(request)
    named = request.query_params.get("task")
    after = request.headers.get("last-event-id") or request.query_params.get("after", "0")
    if not after.isascii() or not after.isdecimal() or len(after) > 18:
        return error(400, "usage", f"an event's id is a whole number, not {after!r}")
    try:
        wanted = None if named is None else bytes.fromhex(named.removeprefix("0x"))
    except ValueError:
        return error(400, "usage", f"{named!r} is no task: 64 hexadecimal digits")
    stream = trading.life.stream(wanted, int(after))
    return StreamingResponse(_told(stream), media_type="text/event-stream")


async def _told(stream: Stream) -> AsyncIterator[bytes]:
    while True:
        event: LifeEvent | None = None
        with trio.move_on_after(ALIVE_SECONDS):
            try:
                event = await anext(stream)
            except StopAsyncIteration:
                return
        if event is None:
            yield b": alive\n\n"
        else:
            data = json.dumps(event.as_json(), separators=(",", ":"))
            yield f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n".encode()


def _shown(kept: Kept, trading: Trading) -> dict[str, Any]:
    """Return a task as it is shown."""
    spec, bought = kept.spec, trading.requester.purchase(kept.id)
    return {
        "id": f"0x{kept.id.hex()}",
        "capability": spec.capability,
        "capability_version": spec.version,
        "budget": str(spec.budget),
        "deadline_ms": spec.deadline_ms,
        "submitted_ms": kept.submitted_ms,
        "auction": None if kept.auction is None else f"0x{kept.auction.hex()}",
        "is_cancelled": kept.is_cancelled,
        "phase": _phase(kept, bought),
        "provider": None if bought is None else ss58_from_account(bought.task.provider),
        "price": None if bought is None else str(bought.task.price),
        "escrow": None if bought is None or bought.found is None else bought.found.id,
        "ended": kept.ended,
    }


def _phase(kept: Kept, bought: buying.Requester | None) -> str:
    """Return where a task stands, in one word."""
    if kept.ended is not None:
        return "ended"
    if bought is not None:
        return bought.phase.value
    return "waiting" if kept.auction is None else "auction"


async def _told_no(_request: Request, raised: Exception) -> Response:
    match raised:
        case _RefusedError():
            return raised.response
        case StoppingError():
            return error(503, "stopping", str(raised))
        case DatabaseError():
            return error(503, "disk", str(raised))
        case _:
            return error(400, "usage", str(raised))


HANDLERS: Final = dict.fromkeys(
    (_RefusedError, StoppingError, DatabaseError, MarketError), _told_no
)

routes = [
    Route("/v1/tasks", submit, methods=["POST"]),
    Route("/v1/tasks", tasks),
    Route("/v1/tasks/{task}", task),
    Route("/v1/tasks/{task}/cancel", cancel, methods=["POST"]),
    Route("/v1/tasks/{task}/result", result),
    Route("/v1/tasks/{task}/auction", auction),
    Route("/v1/events", events),
]
