"""How peers are judged by what they gossip: the score function of gossipsub v1.1.

score = sum over topics of weight * (P1 + P2 + P3 + P3b + P4), capped above, + P5 + P6 + P7

| | what | here |
|---|---|---|
| P1 | time in the mesh | small, capped |
| P2 | first to deliver a valid message | small, capped, decays |
| P3, P3b | delivers less than it should | off: our topics are quiet for hours |
| P4 | invalid messages, squared | -10: eleven cost 1,210 |
| P5 | what the application knows | set by the node, for instance bonds |
| P6 | peers behind one IP address, squared | beyond 10 on a public address |
| P7 | broken promises and floods, squared | -10 beyond 6 |

A peer below -100 hears no gossip of ours, below -500 nothing that we publish, below -1000 it is
graylisted: nothing it sends is even looked at. What a peer did is remembered for an hour after it
has left, so that reconnecting does not help. Counters decay towards zero; P4 to half in two hours.

The design's first figures multiplied a *negative* weight by a *subtracted* count, so that twenty
invalid messages earned 200 points; signs are those of the specification here, and tested.

Source: libp2p specification, gossipsub v1.1, "Peer Scoring".
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import attrs

__all__ = ["GRAYLIST", "Params", "Scoreboard"]

GOSSIP, PUBLISH, GRAYLIST = -100.0, -500.0, -1000.0
RETAIN_SECONDS: Final = 3_600.0
REMEMBERED: Final = 10_000
"""Peers that are remembered; those that have left longest are forgotten first."""
TOPICS: Final = 32
"""Topics counted for one peer."""


@attrs.frozen(kw_only=True)
class Params:
    """Weights and bounds; decays are a heartbeat's (1 s)."""

    mesh_weight: float = 0.01
    mesh_cap: float = 3_600.0
    first_weight: float = 1.0
    first_cap: float = 50.0
    first_decay: float = 0.999
    invalid_weight: float = -10.0
    invalid_decay: float = 0.9999
    """Half in two hours."""
    behaviour_weight: float = -10.0
    behaviour_decay: float = 0.99
    behaviour_threshold: float = 6.0
    colocation_weight: float = -5.0
    colocation_threshold: int = 10
    topics_cap: float = 100.0
    """The most that good deeds are worth, so that they do not pay for many bad ones."""
    decay_to_zero: float = 0.01


@attrs.define
class _Topic:
    in_mesh: bool = False
    mesh_seconds: float = 0.0
    first: float = 0.0
    invalid: float = 0.0


@attrs.define
class _Peer:
    topics: dict[str, _Topic] = attrs.field(factory=dict)
    behaviour: float = 0.0
    application: float = 0.0
    address: str | None = None


class Scoreboard:
    """Scores of all peers.

    Args:
        clock: seconds, monotonic.
        params: weights.
    """

    def __init__(self, clock: Callable[[], float], params: Params | None = None) -> None:
        self._clock = clock
        self.params = params if params is not None else Params()
        self._peers: dict[str, _Peer] = {}
        self._gone: OrderedDict[str, float] = OrderedDict()
        """When those that are not connected left, or were first blamed, oldest first."""
        self._at_address: dict[str, set[str]] = {}

    def _of(self, peer: str) -> _Peer:
        known = self._peers.get(peer)
        if known is None:
            known = self._peers[peer] = _Peer()
            self._gone[peer] = self._clock()
            while len(self._gone) > REMEMBERED:
                del self._peers[self._gone.popitem(last=False)[0]]
        return known

    def _topic(self, peer: str, topic: str) -> _Topic | None:
        topics = self._of(peer).topics
        if topic not in topics and len(topics) >= TOPICS:
            return None
        return topics.setdefault(topic, _Topic())

    # What happened.

    def on_connected(self, peer: str, address: str | None) -> None:
        """Remember that a peer is there, and whence."""
        known = self._of(peer)
        self._gone.pop(peer, None)
        self._move(peer, known, address)

    def on_disconnected(self, peer: str) -> None:
        """Remember that a peer has left; what it did stays."""
        if (known := self._peers.get(peer)) is None:
            return
        self._move(peer, known, None)
        for topic in known.topics.values():
            topic.in_mesh = False
        self._gone[peer] = self._clock()
        self._gone.move_to_end(peer)

    def on_mesh(self, peer: str, topic: str, *, joined: bool) -> None:
        """Remember that a peer is in our mesh of a topic, or no longer."""
        if (counted := self._topic(peer, topic)) is not None:
            counted.in_mesh = joined
            if not joined:
                counted.mesh_seconds = 0.0

    def on_first_delivery(self, peer: str, topic: str) -> None:
        """Count a valid message that this peer was the first to deliver."""
        if (counted := self._topic(peer, topic)) is not None:
            counted.first = min(counted.first + 1.0, self.params.first_cap)

    def on_invalid(self, peer: str, topic: str) -> None:
        """Count an invalid message."""
        counted = self._topic(peer, topic)
        if counted is None:  # more topics than anybody needs: one counter for the rest
            counted = self._of(peer).topics[next(iter(self._of(peer).topics))]
        counted.invalid += 1.0

    def on_misbehaviour(self, peer: str, amount: float = 1.0) -> None:
        """Count a flood, a broken promise, a GRAFT within its backoff."""
        self._of(peer).behaviour += amount

    def set_application(self, peer: str, score: float) -> None:
        """Set what the application thinks of a peer, in points."""
        self._of(peer).application = score

    def on_heartbeat(self) -> None:
        """Let a second pass: counters decay, the long gone are forgotten."""
        p = self.params
        for known in self._peers.values():
            known.behaviour = self._decayed(known.behaviour, p.behaviour_decay)
            for topic in known.topics.values():
                topic.first = self._decayed(topic.first, p.first_decay)
                topic.invalid = self._decayed(topic.invalid, p.invalid_decay)
                if topic.in_mesh:
                    topic.mesh_seconds = min(topic.mesh_seconds + 1.0, p.mesh_cap)
        self._forget()

    def _decayed(self, value: float, decay: float) -> float:
        value *= decay
        return value if value >= self.params.decay_to_zero else 0.0

    def _forget(self) -> None:
        oldest = self._clock() - RETAIN_SECONDS
        while self._gone and next(iter(self._gone.values())) < oldest:
            del self._peers[self._gone.popitem(last=False)[0]]

    def _move(self, peer: str, known: _Peer, address: str | None) -> None:
        if known.address is not None:
            others = self._at_address[known.address]
            others.discard(peer)
            if not others:
                del self._at_address[known.address]
        known.address = address
        if address is not None:
            self._at_address.setdefault(address, set()).add(peer)

    # What follows from it.

    def score(self, peer: str) -> float:
        """Return a peer's score; 0 for a stranger."""
        known = self._peers.get(peer)
        if known is None:
            return 0.0
        p = self.params
        total = 0.0
        for topic in known.topics.values():
            total += p.mesh_weight * topic.mesh_seconds + p.first_weight * topic.first
        total = min(total, p.topics_cap)
        total += sum(p.invalid_weight * topic.invalid**2 for topic in known.topics.values())
        total += known.application + p.colocation_weight * self._colocated(known) ** 2
        excess = known.behaviour - p.behaviour_threshold
        return total + (p.behaviour_weight * excess**2 if excess > 0 else 0.0)

    def _colocated(self, known: _Peer) -> int:
        if known.address is None or not ipaddress.ip_address(known.address).is_global:
            return 0  # a laptop, a test network, an office: many nodes behind one address
        return max(len(self._at_address[known.address]) - self.params.colocation_threshold, 0)

    def hears_gossip(self, peer: str) -> bool:
        """Return whether we gossip with this peer."""
        return self.score(peer) >= GOSSIP

    def hears_publications(self, peer: str) -> bool:
        """Return whether this peer is sent what we publish."""
        return self.score(peer) >= PUBLISH

    def is_graylisted(self, peer: str) -> bool:
        """Return whether everything from this peer is dropped unread."""
        return self.score(peer) < GRAYLIST
