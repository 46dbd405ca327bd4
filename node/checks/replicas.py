"""Agreement of replicas: one task done by several providers, and what most of them say.

Outputs are equal when their canonical JSON is. Numbers that differ in the last digit are different, so this
is for work whose result is exact; other work needs the requester's own check.
"""

from collections.abc import Mapping
from typing import Any

import attrs
import msgspec

from market.identity import AccountId
from node.checks.verdict import Finding

__all__ = ["Agreement", "compare_replicas"]

_encoder = msgspec.json.Encoder(order="deterministic")


@attrs.frozen
class Agreement:
    """What replicas came to."""

    output: Any
    """What the quorum says; None without one."""
    findings: Mapping[AccountId, Finding]
    """For each provider."""


def compare_replicas(outputs: Mapping[AccountId, Any], quorum: int) -> Agreement:
    """Compare what providers have answered to one task.

    Args:
        outputs: provider -> its output, JSON data.
        quorum: how many have to agree, more than half of those asked.

    Returns:
        Without a quorum every provider is undecided: nobody can say who is wrong.

    Raises:
        ValueError: the quorum is not more than half.
    """
    if not len(outputs) < 2 * quorum:
        raise ValueError(f"a quorum of {quorum} of {len(outputs)} could be reached twice")
    said: dict[bytes, list[AccountId]] = {}
    for provider in sorted(outputs):
        said.setdefault(_encoder.encode(_plain(outputs[provider])), []).append(provider)
    agreed = next((key for key, providers in said.items() if len(providers) >= quorum), None)
    findings: dict[AccountId, Finding] = {}
    for key, providers in said.items():
        for provider in providers:
            findings[provider] = _finding(key, agreed, len(said), quorum)
    return Agreement(None if agreed is None else msgspec.json.decode(agreed), findings)


def _plain(value: Any) -> Any:
    """Make 1 and 1.0 one number, as they are in JSON's own terms."""
    match value:
        case bool():
            return value
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case _:
            return value


def _finding(mine: bytes, agreed: bytes | None, answers: int, quorum: int) -> Finding:
    if agreed is None:
        return Finding(
            "replicas", "undecided", f"{answers} different answers, and no {quorum} alike"
        )
    if mine == agreed:
        return Finding("replicas", "passed")
    return Finding(
        "replicas",
        "failed",
        f"{quorum} or more others agree on {_shown(agreed)}; this one says {_shown(mine)}",
    )


def _shown(output: bytes) -> str:
    text = output.decode()
    return text if len(text) <= 500 else text[:497] + "..."
