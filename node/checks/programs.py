"""Programs that check a requester's results: JSON in, a verdict out, in the same sandbox as any agent."""

import shutil
from collections.abc import Sequence
from typing import Any, Final

import attrs
import trio

from market.errors import UsageError
from market.units import Planck
from node.agents.specs import CommandAgent, Offer
from node.checks.own import run_check
from node.checks.verdict import Finding
from node.executor.errors import ExecutorError
from node.executor.limits import Grants, Limits
from node.executor.permission import refuse_unless_granted
from node.executor.running import open_executor

__all__ = ["CheckPrograms"]

MOST_SECONDS: Final = 60.0
"""For one check, whatever the time for a dispute."""


def _spec(command: Sequence[str]) -> CommandAgent:
    return CommandAgent(
        offer=Offer(capability="check", price=Planck(0)), argv=tuple(command), folder=None
    )


@attrs.frozen
class CheckPrograms:
    """Runs programs; each check is a process of its own."""

    limits: Limits
    grants: Grants

    def require_possible(self, command: Sequence[str]) -> None:
        """Refuse a program that cannot run here.

        Raises:
            UsageError: there is none of that name, or no sandbox for it.
        """
        if not command or shutil.which(command[0]) is None:
            named = command[0] if command else ""
            raise UsageError(f"there is no program {named!r} to check with: name one that is there")
        try:
            refuse_unless_granted(_spec(command), self.grants)
        except ExecutorError as error:
            raise UsageError(str(error)) from error

    async def run(self, command: Sequence[str], given: Any, output: Any, seconds: float) -> Finding:
        """Ask a program about a result.

        Args:
            command: the program and its arguments.
            given: the task's input.
            output: the result.
            seconds: after which it has not answered.
        """
        deadline = trio.current_time() + min(seconds, MOST_SECONDS)
        try:
            async with open_executor(_spec(command), self.limits, self.grants) as check:
                return await run_check(check, given, output, deadline)
        except ExecutorError as error:
            return Finding("own", "undecided", f"the check itself failed: {error}")
