"""The requester's own check: an agent of its own, in the same sandbox as any other.

It is given ``{"input": ..., "output": ...}`` and answers with true or false, or with
``{"ok": ..., "why": ...}``. A check that fails to answer decides nothing: a provider does not answer for it.
"""

from typing import Any, Final

import msgspec

from node.checks.verdict import Finding
from node.executor.errors import ExecutorError
from node.executor.running import RunningAgent

__all__ = ["run_check"]

_NO_REASON: Final = "the requester's check says no"


class _Answer(msgspec.Struct):
    ok: bool
    why: str = ""


async def run_check(check: RunningAgent, given: Any, output: Any, deadline: float) -> Finding:
    """Ask the requester's check about a result.

    Args:
        given: the task's input.
        deadline: on trio's clock, seconds.
    """
    try:
        answer = await check.perform({"input": given, "output": output}, deadline)
        said = msgspec.convert(answer, bool | _Answer)
    except ExecutorError as error:
        return Finding("own", "undecided", f"the check itself failed: {error}")
    except msgspec.ValidationError as error:
        return Finding(
            "own",
            "undecided",
            f'the check answers with neither a bool nor {{"ok", "why"}}: {error}',
        )
    if isinstance(said, bool):
        said = _Answer(said)
    if said.ok:
        return Finding("own", "passed")
    return Finding("own", "failed", said.why or _NO_REASON)
