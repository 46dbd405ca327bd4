"""Agents in WebAssembly, and programs of any language."""

import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from ainur import agent
from node.executor.errors import (
    AgentRaisedError,
    FailedTaskError,
    KilledByLimitError,
    LoadError,
    RefusedAgentError,
    TimedOutError,
)
from node.executor.limits import Grants, Limits
from node.executor.loading import load_agents
from tests.support.agents import needs_sandbox, perform, running_agent

pytestmark = pytest.mark.integration
TERMS: dict[str, Any] = {"capability": "test.it", "price": "1 planck"}
HEAD = """
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "../../etc/passwd")
  (data (i32.const 96) "{\\22refused\\22: 0}")
"""
ECHO = """
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 60000))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
"""
SPIN = '(func (export "_start") (loop (br 0))))'
GROW = '(func (export "_start") (loop (br_if 0 (i32.ne (memory.grow (i32.const 256)) (i32.const -1)))) unreachable))'
FLOOD = """
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 0)) (i32.store (i32.const 4) (i32.const 65536))
    (loop (br_if 0 (i32.eqz (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))))
"""
EXIT = '(func (export "_start") (call $exit (i32.const 7))))'
DEEP = '(func $deep (call $deep)) (func (export "_start") (call $deep)))'
OPEN = """
  (func (export "_start")
    (local $code i32)
    (local.set $code (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 16)
      (i32.const 0) (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 12)))
    (if (local.get $code) (then (i32.store8 (i32.const 108) (i32.const 49))))
    (i32.store (i32.const 0) (i32.const 96)) (i32.store (i32.const 4) (i32.const 14))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
"""


def written(folder: Path, body: str) -> Path:
    file = folder / "it.wat"
    file.write_text(HEAD + body)
    return file


async def test_a_module_reads_its_input_and_writes_its_output(tmp_path: Path) -> None:
    file = written(tmp_path, ECHO)
    async with running_agent(agent.wasm(str(file), **TERMS), files=(file,)) as running:
        assert await perform(running, {"a": [1, "b"]}) == {"a": [1, "b"]}
        assert await perform(running, {"c": None}) == {"c": None}


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        (SPIN, "fuel"),
        (FLOOD, "output"),
    ],
)
async def test_a_module_that_crosses_a_limit_is_stopped(
    tmp_path: Path, body: str, limit: str
) -> None:
    file = written(tmp_path, body)
    async with running_agent(
        agent.wasm(str(file), fuel=50_000_000, **TERMS), files=(file,)
    ) as running:
        with pytest.raises(KilledByLimitError) as caught:
            await perform(running)
        assert caught.value.limit == limit


@pytest.mark.parametrize("body", [GROW, DEEP, EXIT])
async def test_a_module_that_fails_is_reported_and_its_worker_stays(
    tmp_path: Path, body: str
) -> None:
    file = written(tmp_path, body)
    async with running_agent(
        agent.wasm(str(file), memory=2**22, **TERMS), files=(file,)
    ) as running:
        for _ in range(2):
            with pytest.raises(AgentRaisedError, match=r"trapped|exit code 7"):
                await perform(running)
        assert running.health().restarts == 0


async def test_a_module_that_asks_for_too_much_memory_at_once_meets_its_limit(
    tmp_path: Path,
) -> None:
    file = tmp_path / "it.wat"
    file.write_text('(module (memory (export "memory") 4096) (func (export "_start")))')
    async with running_agent(
        agent.wasm(str(file), memory=2**22, **TERMS), files=(file,)
    ) as running:
        with pytest.raises(KilledByLimitError) as caught:
            await perform(running)
        assert caught.value.limit == "memory"


async def test_a_module_with_much_fuel_is_stopped_at_the_deadline(tmp_path: Path) -> None:
    file = written(tmp_path, SPIN)
    spec = agent.wasm(str(file), fuel=2**62, **TERMS)
    async with running_agent(spec, files=(file,)) as running:
        with pytest.raises(TimedOutError):
            await perform(running, seconds=0.5)


async def test_a_module_can_open_no_file(tmp_path: Path) -> None:
    file = written(tmp_path, OPEN)
    async with running_agent(agent.wasm(str(file), **TERMS), files=(file,)) as running:
        assert await perform(running) == {"refused": 1}


async def test_a_module_that_was_not_granted_is_not_read(tmp_path: Path) -> None:
    file = written(tmp_path, ECHO)
    with pytest.raises(RefusedAgentError, match="--with"):
        async with running_agent(agent.wasm(str(file), **TERMS)):
            raise AssertionError("it was run")


@pytest.mark.parametrize(
    "text", ["no module", '(module (func (export "main")))', '(module (import "env" "x" (func)))']
)
async def test_what_is_no_command_does_not_load(tmp_path: Path, text: str) -> None:
    file = tmp_path / "it.wat"
    file.write_text(text)
    with pytest.raises(LoadError):
        async with running_agent(agent.wasm(str(file), **TERMS), files=(file,)):
            raise AssertionError("it was run")


# --- commands


@needs_sandbox
async def test_a_shell_command_does_a_task() -> None:
    spec = agent.command("/bin/sh", "-c", 'read -r input; echo "{\\"got\\": $input}"', **TERMS)
    async with running_agent(spec) as running:
        assert await perform(running, {"a": 1}) == {"got": {"a": 1}}
        assert await perform(running, {"a": 2}) == {"got": {"a": 2}}


@needs_sandbox
@pytest.mark.parametrize(
    ("script", "error", "says"),
    [
        ("exit 3", AgentRaisedError, "exit code 3"),
        ("echo no", AgentRaisedError, "no JSON"),
        ("yes", KilledByLimitError, "larger than"),
        ("sleep 600", TimedOutError, "deadline"),
        ("cat /etc/passwd", AgentRaisedError, "exit code 1"),
        ("setsid sleep 600 & exit 1", AgentRaisedError, r"holds its output|exit code 1"),
        (
            "kill -9 $PPID; sleep 600",
            FailedTaskError,
            "SIGKILL",
        ),
    ],
)
async def test_a_command_that_goes_wrong_is_reported_and_the_next_task_is_done(
    script: str, error: type[Exception], says: str
) -> None:
    spec = agent.command("/bin/sh", "-c", f"read -r x; case $x in *1*) echo 1;; *) {script};; esac", **TERMS)  # fmt: skip
    async with running_agent(spec) as running:
        with pytest.raises(error, match=says):
            await perform(running, 0, seconds=3)
        assert await perform(running, 1) == 1


@needs_sandbox
async def test_a_command_leaves_nothing_for_the_next_task() -> None:
    script = "(setsid sleep 600 >/dev/null & ) ; ls /proc | grep -c '^[0-9]' ; echo x >> /tmp/x; wc -l < /tmp/x"
    spec = agent.command(
        "/bin/sh", "-c", f"{{ {script}; }} | paste -sd, | sed 's/.*/[&]/'", **TERMS
    )
    async with running_agent(spec) as running:
        first = await perform(running)
        assert await perform(running) == first
        assert first[1] == 1


@needs_sandbox
async def test_a_command_that_is_not_there_is_named() -> None:
    async with running_agent(agent.command("./missing", **TERMS)) as running:
        with pytest.raises(LoadError, match="missing"):
            await perform(running)


@needs_sandbox
async def test_a_program_beside_the_file_runs_when_it_is_granted(tmp_path: Path) -> None:
    (tmp_path / "it.py").write_text(
        "from ainur import agent\n"
        f"it = agent.command({sys.executable!r}, 'count.py', capability='test.it', price=1)\n"
    )
    (tmp_path / "count.py").write_text("import json, sys; print(len(json.load(sys.stdin)))")
    (spec,) = await load_agents(tmp_path / "it.py", Limits(), Grants())
    async with running_agent(spec) as running:
        with pytest.raises(AgentRaisedError, match="exit code 2"):
            await perform(running, [1, 2])
    async with running_agent(spec, files=(tmp_path / "count.py",)) as running:
        assert await perform(running, [1, 2]) == 2


async def test_trio_is_not_held_up_while_a_module_spins(tmp_path: Path) -> None:
    file = written(tmp_path, SPIN)
    spec = agent.wasm(str(file), fuel=2**62, **TERMS)
    beats = 0
    async with running_agent(spec, files=(file,)) as running, trio.open_nursery() as nursery:

        async def beat() -> None:
            nonlocal beats
            while True:
                await trio.sleep(0.01)
                beats += 1

        nursery.start_soon(beat)
        with pytest.raises(TimedOutError):
            await perform(running, seconds=1)
        nursery.cancel_scope.cancel()
    assert beats > 5
