"""What a check says."""

from collections.abc import Callable
from typing import Any, Literal

import attrs

__all__ = ["Finding", "Verdict", "fine", "idle"]

Verdict = Literal["ok", "warning", "wrong", "idle"]
"""``wrong``: something will not work; ``warning``: something may not, or less well; ``idle``: nothing to look at."""


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that was looked at."""

    check: str
    """Which check, one word or two, stable (``keystore``)."""
    verdict: Verdict
    found: str
    """What was found, in a line."""
    mend: str | None = None
    """How to mend it; None where nothing is wrong."""
    fix: Callable[[], None] | None = attrs.field(default=None, repr=False, eq=False)
    """Mends it, where that is safe: it raises :class:`OSError` where it cannot."""
    fixed: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return what is shown."""
        return {
            "check": self.check,
            "verdict": self.verdict,
            "found": self.found,
            "mend": self.mend,
            "can_fix": self.fix is not None,
            "fixed": self.fixed,
        }


def fine(check: str, found: str) -> Finding:
    """Return that all is well."""
    return Finding(check=check, verdict="ok", found=found)


def idle(check: str, found: str) -> Finding:
    """Return that there is nothing to look at."""
    return Finding(check=check, verdict="idle", found=found)
