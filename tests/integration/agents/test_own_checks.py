"""The requester's own check of a result, in the sandbox."""

from pathlib import Path

import pytest
import trio

from ainur import agent
from node.checks.own import run_check
from node.checks.verdict import Finding
from tests.support.agents import agent_of, needs_sandbox, running_agent

pytestmark = [pytest.mark.integration, needs_sandbox]
SUMS = """
given, output = task.input['input'], task.input['output']
if output == 'lie':
    return {'ok': False, 'why': f'{given} do not sum to a word'}
if output == 'crash':
    import os; os._exit(1)
if output == 'spin':
    while True: pass
if output == 'odd':
    return {'maybe': True}
return sum(given) == output
"""


@pytest.mark.parametrize(
    ("output", "verdict", "says"),
    [
        (6, "passed", ""),
        (7, "failed", "says no"),
        ("lie", "failed", "[1, 2, 3] do not sum"),
        ("crash", "undecided", "exit code 1"),
        ("spin", "undecided", "deadline"),
        ("odd", "undecided", "neither"),
    ],
)
async def test_a_function_checks_a_result(
    tmp_path: Path, output: object, verdict: str, says: str
) -> None:
    async with agent_of(tmp_path, SUMS) as check:
        found = await run_check(check, [1, 2, 3], output, trio.current_time() + 3)
    assert (found.check, found.verdict) == ("own", verdict)
    assert says in found.evidence


async def test_a_command_checks_a_result() -> None:
    spec = agent.command(
        "/bin/sh", "-c", "grep -q '\"output\":42' && echo true || echo false",
        capability="check.it", price=0,
    )  # fmt: skip
    async with running_agent(spec) as check:
        assert await run_check(check, None, 42, trio.current_time() + 5) == Finding("own", "passed")
        assert (await run_check(check, None, 43, trio.current_time() + 5)).verdict == "failed"
