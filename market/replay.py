"""Replay windows: each sequence number of a sender counts once, in any order within reach.

A sender numbers its envelopes upwards. The receiver keeps the highest number and a bitmap of the
ones just below it, and refuses what it has seen and what is too old to tell. The window is a value:
whoever admits a message saves the new window first and acts on the message afterwards.

Source: RFC 4303, section 3.4.3 and appendix A2 (the anti-replay window of IPsec).
"""

from typing import Final

import attrs

from market.errors import EnvelopeError

__all__ = ["WINDOW", "ReplayWindow"]

WINDOW: Final = 1024
"""Numbers below the highest that may still arrive."""


@attrs.frozen
class ReplayWindow:
    """What has been seen of one sender."""

    highest: int = -1
    """Highest sequence number admitted; -1 before the first."""
    seen: int = 0
    """Bit k set: ``highest - k`` was admitted."""

    def admit(self, sequence: int) -> "ReplayWindow":
        """Return the window with one more number in it.

        Args:
            sequence: of an envelope whose signature has been checked; never before that, or a
                forger could close the window over its victim.

        Raises:
            EnvelopeError: it was admitted before (``replayed``) or is below the window (``stale``).
        """
        ahead = sequence - self.highest
        if ahead > 0:
            kept = (self.seen << ahead) & ((1 << WINDOW) - 1) if ahead < WINDOW else 0
            return ReplayWindow(sequence, kept | 1)
        if -ahead >= WINDOW:
            raise EnvelopeError("stale", f"sequence {sequence} is below the window: drop it")
        if self.seen >> -ahead & 1:
            raise EnvelopeError("replayed", f"sequence {sequence} was admitted before: drop it")
        return ReplayWindow(self.highest, self.seen | 1 << -ahead)
