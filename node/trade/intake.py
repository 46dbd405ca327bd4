"""Tasks as they are handed in: what cannot be a task is refused before anything of it is kept."""

from collections.abc import Mapping
from typing import Any, Final

import attrs
import msgspec

from market.errors import UsageError
from market.units import Planck
from node.agents.schemas import Judge
from node.database import DatabaseError
from node.p2p.blobs import Blobs
from node.trade.examining import Check, Programs
from node.trade.tasks import TaskSpec

__all__ = ["Intake", "NewTask"]

_TOLD: Final = 200
"""Characters of what somebody else's library says."""


@attrs.frozen(kw_only=True)
class NewTask:
    """A task as it is handed in."""

    capability: str
    given: bytes
    """The input, JSON."""
    budget: Planck
    """The most that its provider is paid."""
    deadline_ms: int
    """From the opening of its escrow to the result on chain."""
    version: int = 1
    """Of the capability."""
    output_schema: dict[str, Any] | None = None
    """What a result must fit."""
    check: str | None = None
    """Name of a check of ours."""
    check_command: tuple[str, ...] = ()
    """A program that checks the result, and its arguments."""
    replicas: int = 1
    """How many providers do it; each is paid up to the budget."""


@attrs.frozen
class Intake:
    """Takes tasks in."""

    _blobs: Blobs
    _checks: Mapping[str, Check]
    """By name."""
    _programs: Programs | None
    """Runs programs that check; without it there are none."""

    async def spec_of(self, task: NewTask) -> TaskSpec:
        """Return a task as it is kept, with its input kept already.

        Raises:
            UsageError: it is not possible; the message says why.
            NetworkUsageError: its input is too large.
            DatabaseError: the disk has failed or is full.
        """
        if task.check is not None and task.check not in self._checks:
            have = ", ".join(sorted(self._checks)) or "none"
            raise UsageError(f"there is no check {task.check!r} at this node (there: {have})")
        if task.check_command and self._programs is None:
            raise UsageError("this node runs no programs that check results")
        if task.check_command and self._programs is not None:
            self._programs.require_possible(task.check_command)
        try:
            msgspec.json.decode(task.given)
            Judge(task.output_schema, "the wanted result")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            told = " ".join(str(error).split())
            raise UsageError(f"input and schema are JSON: {told[:_TOLD]}") from error
        try:
            blob = await self._blobs.put(task.given, "application/json")
        except OSError as error:
            raise DatabaseError(
                f"the input cannot be kept ({error}): free space on the disk"
            ) from error
        fields = {
            "capability": task.capability,
            "version": task.version,
            "input": blob,
            "budget": task.budget,
            "deadline_ms": task.deadline_ms,
            "output_schema": task.output_schema,
            "check": task.check,
            "check_command": task.check_command,
            "replicas": task.replicas,
        }
        try:
            return msgspec.convert(fields, TaskSpec)
        except msgspec.ValidationError as error:
            raise UsageError(f"no such task: {error}") from error
