"""Nodes that do not keep to the rules: an honest node in whose process one thing is done otherwise.

Everything else of it is the real node, so that what the others make of it is what they would make of a real cheater.
What is replaced is replaced in the process that cheats, before it starts; nothing of an honest node knows of it.
"""

from collections.abc import Callable
from typing import Any, Final

import trio

from chain.calls import Call
from chain.calls.escrow import Deliver, Release
from chain.calls.frame import RemarkWithEvent
from chain.client import Chain
from chain.signing import Signer
from chain.submission import Receipt
from market.envelope import decode_envelope_untrusted
from market.identity import AccountId
from node.executor.running import Progress, RunningAgent
from node.trade.post import Post

__all__ = ["INSTALL"]

LOOK_SECONDS: Final = 0.25

_submit = Chain.submit
_send = Post.send
_perform = RunningAgent.perform


def _send_no_reveal(self: Post, to: AccountId, message: bytes) -> None:
    if decode_envelope_untrusted(message).kind != "reveal":
        _send(self, to, message)


async def _submit_no_reveal(self: Chain, key: str, call: Call, signer: Signer) -> Receipt:
    if isinstance(call, RemarkWithEvent) and key.endswith("/reveal"):
        await trio.sleep_forever()
    return await _submit(self, key, call, signer)


def non_revealer() -> None:
    """Commit to a bid and never open it, neither to the requester nor on chain."""
    Post.send = _send_no_reveal  # type: ignore[method-assign]  # the cheat itself
    Chain.submit = _submit_no_reveal  # type: ignore[method-assign]  # the cheat itself


async def _perform_badly(
    self: RunningAgent, given: Any, deadline: float, progress: Progress | None = None
) -> Any:
    return _spoil(await _perform(self, given, deadline, progress))


def _spoil(value: Any) -> Any:
    """Return something of the same shape, and wrong."""
    match value:
        case str():
            return value[::-1]
        case bool():
            return not value
        case int() | float():
            return value + 1
        case list():
            return [_spoil(each) for each in value]
        case dict():
            return {key: _spoil(each) for key, each in value.items()}
        case _:
            return value


def wrong_result() -> None:
    """Deliver something that has the right form and is not the answer."""
    RunningAgent.perform = _perform_badly  # type: ignore[method-assign]  # the cheat itself


async def _submit_no_delivery(self: Chain, key: str, call: Call, signer: Signer) -> Receipt:
    if isinstance(call, Deliver):
        await trio.sleep_forever()
    return await _submit(self, key, call, signer)


def non_deliverer() -> None:
    """Win, accept, and never put a result on chain."""
    Chain.submit = _submit_no_delivery  # type: ignore[method-assign]  # the cheat itself


async def _submit_late(self: Chain, key: str, call: Call, signer: Signer) -> Receipt:
    if isinstance(call, Deliver):
        escrow = await self.queries.escrow(call.escrow)
        while escrow is not None and (await self.finalized()).number <= escrow.deadline:  # noqa: ASYNC110  (the chain's matter)
            await trio.sleep(LOOK_SECONDS)
    return await _submit(self, key, call, signer)


def late() -> None:
    """Win, accept, and put the result on chain when its deadline has passed."""
    Chain.submit = _submit_late  # type: ignore[method-assign]  # the cheat itself


async def _submit_no_release(self: Chain, key: str, call: Call, signer: Signer) -> Receipt:
    if isinstance(call, Release):
        await trio.sleep_forever()
    return await _submit(self, key, call, signer)


def silent_requester() -> None:
    """Buy, take the result, and never release its price."""
    Chain.submit = _submit_no_release  # type: ignore[method-assign]  # the cheat itself


INSTALL: Final[dict[str, Callable[[], None]]] = {
    "non-revealer": non_revealer,
    "late": late,
    "wrong-result": wrong_result,
    "non-deliverer": non_deliverer,
    "silent-requester": silent_requester,
}
"""Kind -> what makes this process one; the names are those of :data:`node.testnet.config.CHEATS`."""
