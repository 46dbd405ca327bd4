"""Subscriptions: who is told of what.

The chain tells one listener; the feed words that as Substrate does, once, and hands it to every subscription of
the kind. What a new subscriber must know first (the head, the values as they are) comes right behind the
answer that carries the subscription's id.

- new heads: each new best block; after a reorganisation its last one only, as a node does.
- all heads: every block, also on forks. Finalised heads: each, in order, without gaps.
- storage: the keys whose values a new head changed. After a reorganisation also those that the head left
  behind, so that what a subscriber has seen is always what the head holds. (A node forgets those.)
- runtime version: when another runtime stands in storage.
"""

from collections.abc import Callable, Iterable
from typing import Literal, assert_never

import attrs
import msgspec

from chain.devchain.block import Block
from chain.devchain.chain import DevChain
from chain.devchain.errors import UnknownBlockError
from chain.devchain.notices import BlockFinalized, BlockImported, HeadChanged, Notice
from chain.devchain.rpc.method import Json
from chain.devchain.rpc.shapes import to_header, to_hex, to_runtime_version
from chain.devchain.rpc.wire import encode_notification

__all__ = ["Feed", "Kind", "Subscription", "to_change_set"]

Kind = Literal["new", "all", "final", "storage", "version"]


@attrs.define(eq=False)
class Subscription:
    """One subscription of a connection."""

    id: str
    notify: str
    """The method of its notifications."""
    _put: Callable[[bytes], None]
    """Puts a message into the connection's outbox."""
    _forget: Callable[[str], object]
    """Takes the subscription off the connection's list."""
    _held: list[bytes] | None = attrs.field(factory=list)
    """What waits for the answer to be sent first."""
    _at_close: list[Callable[[], object]] = attrs.field(factory=list)
    closed: bool = False

    def send(self, result: Json) -> None:
        """Tell the subscriber."""
        if self.closed:
            return
        message = encode_notification(self.notify, self.id, result)
        if self._held is None:
            self._put(message)
        else:
            self._held.append(message)

    def release(self) -> None:
        """Send what was held: the answer is out."""
        held, self._held = self._held or [], None
        for message in held:
            self._put(message)

    def at_close(self, action: Callable[[], object]) -> None:
        """Have something done when the subscription ends."""
        self._at_close.append(action)

    def close(self) -> None:
        """End it; nothing more is sent."""
        if not self.closed:
            self.closed = True
            for action in self._at_close:
                action()

    def finish(self) -> None:
        """End it from our side, after what was the last thing to tell."""
        self._forget(self.id)
        self.close()


class Feed:
    """Hands the chain's notices to subscriptions."""

    def __init__(self, chain: DevChain) -> None:
        self._chain = chain
        self._followers: dict[Kind, dict[Subscription, frozenset[bytes] | None]] = {
            "new": {}, "all": {}, "final": {}, "storage": {}, "version": {},
        }  # fmt: skip
        self._runtime: object = None
        self.stop = chain.listen(self._on_notice)

    def follow(
        self, kind: Kind, subscription: Subscription, keys: Iterable[bytes] | None = None
    ) -> None:
        """Tell a subscription from now on; for storage, of these keys, or of all."""
        followers = self._followers[kind]
        followers[subscription] = None if keys is None else frozenset(keys)
        subscription.at_close(lambda: followers.pop(subscription, None))
        if kind == "version":
            self._runtime = self._chain.runtime()

    def _on_notice(self, notice: Notice) -> None:
        match notice:
            case BlockImported():
                self._tell("all", lambda: to_header(notice.block))
            case BlockFinalized():
                self._tell("final", lambda: to_header(notice.block))
            case HeadChanged():
                self._tell("new", lambda: to_header(notice.head))
                if self._followers["storage"]:
                    self._tell_storage(notice)
                if self._followers["version"] and self._chain.runtime() is not self._runtime:
                    self._runtime = self._chain.runtime()
                    self._tell("version", lambda: to_runtime_version(self._chain.runtime().version))
            case _:
                assert_never(notice)

    def _tell(self, kind: Kind, make: Callable[[], Json]) -> None:
        followers = self._followers[kind]
        if followers:
            result = msgspec.Raw(msgspec.json.encode(make()))
            for subscription in list(followers):
                subscription.send(result)

    def _tell_storage(self, notice: HeadChanged) -> None:
        if not notice.left:
            for block in notice.gained:
                self._tell_changes(block, dict(self._chain.changes(block.hash).top))
            return
        try:
            touched: set[bytes] | None = {
                key
                for block in (*notice.left, *notice.gained)
                for key in self._chain.changes(block.hash).top
            }
        except UnknownBlockError:
            touched = None  # a snapshot was restored, and what it left is forgotten
        for subscription, keys in list(self._followers["storage"].items()):
            wanted = keys if touched is None else touched if keys is None else keys & touched
            if wanted:
                values = {key: self._chain.storage(key, notice.head.hash) for key in wanted}
                subscription.send(to_change_set(notice.head, values))

    def _tell_changes(self, block: Block, changes: dict[bytes, bytes | None]) -> None:
        for subscription, keys in list(self._followers["storage"].items()):
            found = changes if keys is None else {k: changes[k] for k in keys & changes.keys()}
            if found:
                subscription.send(to_change_set(block, found))


def to_change_set(block: Block, values: dict[bytes, bytes | None]) -> Json:
    """Return a ``StorageChangeSet``."""
    changes = [
        [to_hex(key), None if value is None else to_hex(value)]
        for key, value in sorted(values.items())
    ]
    return {"block": to_hex(block.hash), "changes": changes}
