"""What a check comes to."""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import attrs

__all__ = ["Finding", "Verdict", "conclude"]

Verdict: TypeAlias = Literal["passed", "failed", "undecided"]
"""Undecided: the check itself did not come to an end, for which no provider answers."""
_EVIDENCE: Final = 2_000


def _cut(text: str) -> str:
    return text if len(text) <= _EVIDENCE else text[: _EVIDENCE - 3] + "..."


@attrs.frozen
class Finding:
    """One check's verdict."""

    check: str
    """Which, one word, stable: ``hash``, ``json``, ``schema``, ``own``, ``replicas``."""
    verdict: Verdict
    evidence: str = attrs.field(default="", converter=_cut)
    """For a person, and for an arbiter: what is wrong; empty when it passed."""


def conclude(findings: Sequence[Finding]) -> Finding:
    """Return the finding that decides: the first that failed, else the first undecided, else the last.

    Args:
        findings: at least one, in the order of the checks.
    """
    for verdict in ("failed", "undecided"):
        for finding in findings:
            if finding.verdict == verdict:
                return finding
    return findings[-1]
