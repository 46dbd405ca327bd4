"""What a provider relies on: inputs and outputs held to schemas, typed errors, progress, workers."""

from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from node.executor.errors import (
    AgentRaisedError,
    InvalidInputError,
    InvalidOutputError,
    LoadError,
    TimedOutError,
)
from node.executor.limits import Grants
from node.executor.loading import load_agents
from node.executor.running import RunningAgent, open_executor, open_executors
from tests.support.agents import HEAD, SMALL, agent_of, below, needs_sandbox, perform, running_agent
from tests.support.networks import eventually

pytestmark = [pytest.mark.integration, needs_sandbox]


async def told(running: RunningAgent, given: Any) -> tuple[Any, list[tuple[float, str]]]:
    """Do a task; return its output and what was reported."""
    reports: list[tuple[float, str]] = []
    output = await running.perform(
        given, trio.current_time() + 20, lambda done, note: reports.append((done, note))
    )
    return output, reports


async def agent_in(folder: Path, code: str) -> Any:
    """Return the one agent that a file with this code declares."""
    file = folder / "it.py"
    file.write_text(HEAD + code)
    (spec,) = await load_agents(file, SMALL, Grants())
    return spec


TYPED = """
import msgspec

class In(msgspec.Struct):
    text: str
    times: int = 1

class Out(msgspec.Struct):
    text: str
    data: bytes

@agent(capability="test.it", price=1)
async def it(task: Task[In]) -> Out:
    if task.input.text == "wrong":
        return {"text": 7}
    if task.input.text == "bad":
        raise InputError("bad is bad")
    if task.input.text == "tired":
        raise WorkError("too tired")
    if task.input.text == "broken":
        return {}["missing"]
    if task.input.text == "odd":
        return object()
    return Out(task.input.text * task.input.times, b"hi")
"""


async def test_hints_give_the_function_its_types_and_the_market_its_schemas(tmp_path: Path) -> None:
    spec = await agent_in(tmp_path, TYPED)
    async with running_agent(spec) as running:
        assert await perform(running, {"text": "a", "times": 2}) == {"text": "aa", "data": "aGk="}
        assert await perform(running, {"text": "b"}) == {"text": "b", "data": "aGk="}
        for given in ({}, {"text": 1}, {"text": "a", "times": "2"}, None, [1]):
            with pytest.raises(InvalidInputError):
                await running.perform(given, trio.current_time() + 5)


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("wrong", InvalidOutputError, "text"),
        ("bad", InvalidInputError, "bad is bad"),
        ("tired", AgentRaisedError, "too tired"),
        ("broken", AgentRaisedError, "KeyError: 'missing'"),
        ("odd", AgentRaisedError, "TypeError"),
    ],
)
async def test_each_fault_has_its_error_and_the_worker_stays(
    tmp_path: Path, text: str, error: type[Exception], says: str
) -> None:
    spec = await agent_in(tmp_path, TYPED)
    async with running_agent(spec) as running:
        pid = below()[0].pid
        with pytest.raises(error, match=says) as caught:
            await perform(running, {"text": text})
        if isinstance(caught.value, AgentRaisedError):
            assert caught.value.is_deliberate == (text == "tired")
        assert (await perform(running, {"text": "a"}))["text"] == "a"
        assert below()[0].pid == pid
        health = running.health()
    is_requesters = error is InvalidInputError
    assert (health.performed, health.failed, health.restarts) == (1, 0 if is_requesters else 1, 0)
    assert (health.last_failure is None) == is_requesters


async def test_an_input_that_is_too_large_or_no_json_reaches_no_worker(tmp_path: Path) -> None:
    limits = attrs.evolve(SMALL, input_bytes=100)
    async with agent_of(tmp_path, "return {}", limits=limits) as running:
        for given in ("x" * 101, object(), {1j: 2}):
            with pytest.raises(InvalidInputError):
                await running.perform(given, trio.current_time() + 5)
        assert await running.perform("x" * 98, trio.current_time() + 5) == {}


async def test_progress_arrives_in_order_and_before_the_output(tmp_path: Path) -> None:
    body = """
    import asyncio
    for step in range(3):
        await task.progress(step / 4, f"step {step}")
        await asyncio.sleep(0.15)
    await task.progress(1.0, "end")
    return task.seconds > 15
    """
    async with agent_of(tmp_path, body) as running:
        output, reports = await told(running, {})
    assert output is True
    assert reports == [(0.0, "step 0"), (0.25, "step 1"), (0.5, "step 2"), (1.0, "end")]


PLAIN = """
@agent(capability="test.it", price=1)
def it(task):
    task.progress(1.0, "from a thread")
    while task.input == "spin":
        pass
    return task.input
"""


async def test_a_function_that_is_not_async_works_reports_and_is_stopped(tmp_path: Path) -> None:
    spec = await agent_in(tmp_path, PLAIN)
    async with running_agent(spec) as running:
        assert await told(running, "a") == ("a", [(1.0, "from a thread")])
        with pytest.raises(TimedOutError):
            await perform(running, "spin", seconds=0.5)
        assert await told(running, "b") == ("b", [(1.0, "from a thread")])


async def test_setup_runs_once_in_each_worker(tmp_path: Path) -> None:
    code = """
calls = []

@agent(capability="test.it", price=1, setup=lambda: calls.append(1))
async def it(task):
    return len(calls)
"""
    spec = await agent_in(tmp_path, code)
    async with running_agent(spec) as running:
        assert [await perform(running) for _ in range(3)] == [1, 1, 1]


async def test_an_agent_whose_setup_fails_does_not_load(tmp_path: Path) -> None:
    code = "@agent(capability='test.it', price=1, setup=lambda: 1 / 0)\nasync def it(task): ...\n"
    spec = await agent_in(tmp_path, code)
    with pytest.raises(LoadError, match="ZeroDivisionError"):
        async with open_executor(spec):
            raise AssertionError("it was run")


SLOW_AND_BAD = """
import time

@agent(capability="test.slow", price=1, setup=lambda: time.sleep(3600))
async def slow(task): ...

@agent(capability="test.bad", price=1, setup=lambda: 1 / 0)
async def bad(task): ...

@agent(capability="test.good", price=1)
async def good(task):
    return {}
"""


async def test_agents_start_side_by_side_and_one_that_does_not_load_ends_the_start_of_all(
    tmp_path: Path,
) -> None:
    file = tmp_path / "it.py"
    file.write_text(HEAD + SLOW_AND_BAD)
    specs = await load_agents(file, SMALL, Grants())
    assert [spec.offer.capability for spec in specs] == ["test.slow", "test.bad", "test.good"]
    with pytest.raises(LoadError, match="ZeroDivisionError"):  # and not that the first takes long
        async with open_executors(specs, SMALL, Grants()) as starting:
            await starting.wait()
    assert below() == []


async def test_whoever_starts_agents_goes_on_and_leaves_none_that_is_still_starting(
    tmp_path: Path,
) -> None:
    file = tmp_path / "it.py"
    file.write_text(HEAD + SLOW_AND_BAD)
    slow, _, good = await load_agents(file, SMALL, Grants())
    async with open_executors([slow, good], SMALL, Grants()) as starting:
        await eventually(lambda: sum("worker" in " ".join(p.cmdline()) for p in below()) >= 2)
        with trio.move_on_after(0.1) as waiting:
            await starting.wait()
        assert waiting.cancelled_caught
    assert below() == []
    async with open_executors([good], SMALL, Grants()) as starting:
        [running] = await starting.wait()
        assert await perform(running) == {}


async def test_a_worker_is_replaced_after_its_share_of_tasks(tmp_path: Path) -> None:
    limits = attrs.evolve(SMALL, tasks_per_worker=2)
    body = "return next(COUNT)"
    head = "import itertools\nCOUNT = itertools.count()\n"
    async with agent_of(tmp_path, body, head=head, limits=limits) as running:
        assert [await perform(running) for _ in range(5)] == [0, 1, 0, 1, 0]
        assert running.health().restarts == 0


async def test_as_many_tasks_run_side_by_side_as_there_are_workers(tmp_path: Path) -> None:
    body = """
    import asyncio
    await task.progress(1.0)
    await asyncio.sleep(600)
    """
    limits = attrs.evolve(SMALL, workers=2)
    started = 0
    async with agent_of(tmp_path, body, limits=limits) as running:

        def start(_done: float, _note: str) -> None:
            nonlocal started
            started += 1
            if started == 2:
                nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(running.perform, {}, trio.current_time() + 60, start)
        assert started == 2
        assert running.health().busy == 0


async def test_a_deadline_that_has_passed_is_a_timeout_at_once(tmp_path: Path) -> None:
    async with agent_of(tmp_path, "return {}") as running:
        with pytest.raises(TimedOutError):
            await perform(running, seconds=-1)
        assert await perform(running) == {}


async def test_a_caller_hears_its_own_errors_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with agent_of(tmp_path, "return {}"):
            raise ZeroDivisionError


async def test_a_file_cannot_declare_code_outside_of_itself(tmp_path: Path) -> None:
    code = """
from node.agents.specs import FunctionAgent, Offer
other = FunctionAgent(offer=Offer(capability="a.b", price=0), name="x", module="os", file=None)
"""
    spec = await agent_in(tmp_path, code)
    assert (spec.module, spec.file) == (None, str(tmp_path / "it.py"))


async def test_a_file_cannot_offer_what_may_not_be_offered(tmp_path: Path) -> None:
    code = """
from node.agents.specs import HttpAgent, Offer
other = HttpAgent(offer=Offer(capability="../../x", price=0), url="http://x")
"""
    with pytest.raises(LoadError, match="no capability"):
        await agent_in(tmp_path, code)


async def test_a_module_beside_a_granted_folder_is_not_granted(tmp_path: Path) -> None:
    from node.executor.errors import RefusedAgentError

    (tmp_path / "granted").mkdir()
    (tmp_path / "secret.wat").write_text("(module)")
    spec = await agent_in(
        tmp_path, "it = agent.wasm('granted/../secret.wat', capability='a.b', price=0)\n"
    )
    with pytest.raises(RefusedAgentError):
        async with running_agent(spec, files=(tmp_path / "granted",)):
            raise AssertionError("it was run")
