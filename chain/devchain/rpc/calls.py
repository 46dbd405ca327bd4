"""Carrying out calls: one caller, its subscriptions, its answers."""

import inspect
import secrets
from typing import Any

import attrs
import trio

from chain.devchain.rpc.errors import (
    BATCH_TOO_BIG,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    RESPONSE_TOO_BIG,
    SERVER_ERROR,
    TOO_MANY_SUBSCRIPTIONS,
    RpcError,
    invalid_params,
    to_rpc_error,
)
from chain.devchain.rpc.faults import Rule
from chain.devchain.rpc.feed import Subscription
from chain.devchain.rpc.method import Json, Method, Table
from chain.devchain.rpc.node import Node
from chain.devchain.rpc.outbox import Outbox
from chain.devchain.rpc.wire import (
    Request,
    decode_frame,
    encode_batch,
    encode_error,
    encode_result,
    id_of,
    read_request,
)

__all__ = ["Caller", "Dropped"]


class Dropped(Exception):  # noqa: N818  (a fault on demand, not an error)
    """The connection is to be closed, as a test asked."""


@attrs.define(eq=False)
class Caller:
    """One connection's calls."""

    node: Node
    table: Table
    """What this caller may use."""
    outbox: Outbox | None
    """Where notifications go; None where there can be none (HTTP)."""
    subscriptions: dict[str, Subscription] = attrs.field(factory=dict)
    _fresh: list[Subscription] = attrs.field(factory=list)
    """Subscriptions whose answer is not yet out."""

    async def answer(self, frame: str | bytes) -> bytes | None:
        """Carry out a frame from a stranger; return what is answered, if anything is.

        Raises:
            Dropped: a fault asks for the connection to be closed.
        """
        try:
            is_batch, values = decode_frame(frame)
            self._check_length(values)
        except RpcError as error:
            return encode_error(None, error)
        answers: list[bytes] = []
        size = 0
        for i, value in enumerate(values):
            if i:
                await trio.lowlevel.checkpoint()
            answer = await self._answer_one(value)
            if answer is None:
                continue
            size += len(answer)
            if size > self.node.limits.response_bytes:
                limit = f"Exceeded max limit of {self.node.limits.response_bytes}"
                too_big = RpcError(RESPONSE_TOO_BIG, "Response is too big", limit)
                return encode_error(None if is_batch else id_of(value), too_big)
            answers.append(answer)
        if not answers:
            return None
        return encode_batch(answers) if is_batch else answers[0]

    def release(self) -> None:
        """Let new subscriptions speak: the answers that carry their ids are queued."""
        fresh, self._fresh = self._fresh, []
        for subscription in fresh:
            subscription.release()

    def close(self) -> None:
        """End every subscription."""
        for subscription in list(self.subscriptions.values()):
            subscription.close()
        self.subscriptions.clear()

    def _check_length(self, values: list[Any]) -> None:
        if not values:
            raise RpcError(INVALID_REQUEST, "Invalid request", "the batch is empty")
        if len(values) > self.node.limits.batch:
            limit = f"Exceeded max limit of {self.node.limits.batch}"
            raise RpcError(BATCH_TOO_BIG, "The batch request was too large", limit)

    async def _answer_one(self, value: Any) -> bytes | None:
        try:
            request = read_request(value)
        except RpcError as error:
            return encode_error(id_of(value), error)
        rule = self.node.faults.take(request.method)
        if rule is not None:
            await _before(rule)
        try:
            result = self._call(request, refuse=rule is not None and rule.action == "refuse")
            if inspect.isawaitable(result):
                result = await result
            # Encoding is inside: a handler's mistake must not end the connection either.
            answer = encode_result(request.id, result)
        except Exception as error:  # noqa: BLE001  (whatever a call does, the server goes on)
            answer = encode_error(request.id, to_rpc_error(error))
        if rule is not None and rule.action == "drop-after":
            raise Dropped
        return answer if request.expects_answer else None

    def _call(self, request: Request, *, refuse: bool) -> Json:
        if refuse:
            raise RpcError(SERVER_ERROR, "refused on demand; see dev_setFaults")
        method = self.table.methods.get(request.method)
        if method is None:
            notify = self.table.ends.get(request.method)
            if notify is None:
                raise RpcError(METHOD_NOT_FOUND, "Method not found")
            return self._unsubscribe(notify, request.params)
        if method.notify is not None:
            return self._subscribe(method, method.notify, request.params)
        return method.handler(self.node, *method.read(request.params))

    def _subscribe(self, method: Method, notify: str, params: Json) -> str:
        if self.outbox is None:
            raise RpcError(METHOD_NOT_FOUND, "Subscriptions need a WebSocket")
        limit = self.node.limits.subscriptions
        if len(self.subscriptions) >= limit:
            why = f"Exceeded max limit of {limit}"
            raise RpcError(TOO_MANY_SUBSCRIPTIONS, "Too many subscriptions on the connection", why)
        arguments = method.read(params)
        subscription = Subscription(
            secrets.token_urlsafe(12),
            notify,
            self.outbox.put_notification,
            lambda id_: self.subscriptions.pop(id_, None),
        )
        self.subscriptions[subscription.id] = subscription
        try:
            method.handler(self.node, subscription, *arguments)
        except BaseException:
            subscription.finish()
            raise
        self._fresh.append(subscription)
        return subscription.id

    def _unsubscribe(self, notify: str, params: Json) -> bool:
        if not isinstance(params, list) or len(params) != 1 or not isinstance(params[0], str):
            raise invalid_params("takes a subscription's id")
        subscription = self.subscriptions.get(params[0])
        if subscription is None or subscription.notify != notify:
            return False
        subscription.finish()
        return True


async def _before(rule: Rule) -> None:
    match rule.action:
        case "delay":
            await trio.sleep(rule.millis / 1000)
        case "stall":
            await trio.sleep_forever()
        case "drop-before":
            raise Dropped
        case _:
            pass
