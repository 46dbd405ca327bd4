"""One agent that has announced itself."""

import attrs

from market.envelope import Opened
from market.hashing import MessageId
from market.identity import AccountId, PeerId, peer_id_from_key
from market.messages import Announcement, Capability
from routing.moment import Millis, Moment

__all__ = ["Entry"]


@attrs.frozen(eq=False)
class Entry:
    """An announcement that holds, and since when we count its time."""

    message: Opened[Announcement] = attrs.field(repr=False)
    made_at: Millis
    """When it was made, by our clock: what we were told of its age is taken off."""
    weight: float
    """0 to 1: the evidence of settled work behind the account."""
    tie: int
    """Orders those that are alike; secret to each node, so that nobody can choose to come first."""

    @property
    def account(self) -> AccountId:
        """Who it is."""
        return self.message.sender

    @property
    def id(self) -> MessageId:
        """Which announcement this is."""
        return self.message.id

    @property
    def sequence(self) -> int:
        """The higher of two counts."""
        return self.message.sequence

    @property
    def peer(self) -> PeerId:
        """Where it is reached."""
        return peer_id_from_key(self.message.body.transport_key)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Multiaddresses without the trailing ``/p2p/``."""
        return self.message.body.addresses

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """What it can do."""
        return self.message.body.capabilities

    @property
    def deadline(self) -> Millis:
        """When it is no longer listed, by our clock."""
        return Millis(self.made_at + 1000 * self.message.body.ttl)

    def age(self, now: Moment) -> Millis:
        """Return how long ago it was made."""
        return Millis(max(0, now.millis - self.made_at))

    def is_live(self, now: Moment) -> bool:
        """Return whether it may be listed, by the machine's clock and by the chain's."""
        return now.millis < self.deadline and now.block <= self.message.expires_at

    def capability(self, name: str) -> Capability:
        """Return the capability of a name that it has."""
        return next(each for each in self.capabilities if each.name == name)
