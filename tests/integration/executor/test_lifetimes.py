"""Workers and the node: whoever ends, nothing of an agent is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import trio

from ainur import agent
from node.executor import sandbox
from node.executor.errors import SandboxUnavailableError, TimedOutError
from node.executor.limits import Grants, Limits
from node.executor.loading import load_agents
from node.executor.running import open_executor
from node.executor.sandbox import Probe, confinement
from tests.support.agents import (
    agent_of,
    below,
    needs_sandbox,
    perform,
    running_agent,
    write_agent,
)

pytestmark = pytest.mark.integration
NODE = """
import sys, trio
from pathlib import Path
from node.executor.limits import Grants, Limits
from node.executor.loading import load_agents
from node.executor.running import open_executor

async def main():
    specs = await load_agents(Path(sys.argv[1]), Limits(), Grants())
    async with open_executor(specs[0]) as running:
        def told(done, note):
            print("busy", flush=True)
        await running.perform({}, trio.current_time() + 600, told)

trio.run(main)
"""
SPIN = """
import subprocess
subprocess.Popen(['sleep', '600'], start_new_session=True)
await task.progress(0.5)
while True: pass
"""


@needs_sandbox
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_node_that_is_killed_takes_its_workers_along(
    tmp_path: Path, number: signal.Signals
) -> None:
    file = write_agent(tmp_path, SPIN)
    node = subprocess.Popen(
        [sys.executable, "-c", NODE, str(file)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert node.stdout is not None
    assert node.stdout.readline() == b"busy\n"
    workers = below(node.pid)
    assert {"sleep"} <= {worker.name() for worker in workers}
    node.send_signal(number)
    node.wait(30)
    node.stdout.close()
    gone, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
    assert len(gone) == len(workers)


def test_without_a_sandbox_a_killed_node_takes_its_worker_along_too(tmp_path: Path) -> None:
    file = write_agent(tmp_path, "await task.progress(0.5)\nwhile True: pass")
    code = NODE.replace("Grants()", "Grants(unsandboxed=True)").replace(
        "open_executor(specs[0])", "open_executor(specs[0], Limits(), Grants(unsandboxed=True))"
    )
    node = subprocess.Popen(
        [sys.executable, "-c", code, str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PATH": str(tmp_path)},
    )
    assert node.stdout is not None
    assert node.stdout.readline() == b"busy\n"
    (worker,) = below(node.pid)
    node.kill()
    node.wait(30)
    node.stdout.close()
    assert not psutil.wait_procs([worker], timeout=10)[1]


@needs_sandbox
async def test_a_worker_outlives_the_threads_of_the_node(tmp_path: Path) -> None:
    # The kernel ends a worker with the thread that started it; trio's threads go when they are idle.
    async with agent_of(tmp_path, "return {}") as running:
        await trio.to_thread.run_sync(lambda: None)
        pid = below()[0].pid
        await trio.sleep(0.1)
        assert await perform(running) == {}
        assert below()[0].pid == pid
        started = psutil.Process(pid).ppid()
    assert started == os.getpid()


async def _hide_bubblewrap(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = Probe(None, "bubblewrap is not installed: apt-get install bubblewrap")
    for module in ("node.executor.sandbox", "node.executor.permission"):
        monkeypatch.setattr(f"{module}.find_bubblewrap", lambda: missing)


async def test_foreign_code_is_refused_where_there_is_no_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _hide_bubblewrap(monkeypatch)
    file = write_agent(tmp_path, "return {}", head="raise AssertionError('it was run')")
    with pytest.raises(SandboxUnavailableError, match="apt-get install bubblewrap"):
        await load_agents(file, Limits(), Grants())
    for spec in (
        agent.command("/bin/true", capability="test.it", price=1),
        agent.mcp("tool", "/bin/true", capability="test.it", price=1),
    ):
        with pytest.raises(SandboxUnavailableError, match="every file"):
            async with open_executor(spec):
                raise AssertionError("it was run")


async def test_without_a_sandbox_an_agent_still_works_and_is_still_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _hide_bubblewrap(monkeypatch)
    grants = Grants(unsandboxed=True)
    body = """
    if task.input:
        import subprocess
        subprocess.Popen(['sleep', '601'], start_new_session=True)
        while True: pass
    return {}
    """
    async with agent_of(tmp_path, body, grants=grants) as running:
        assert await perform(running) == {}
        with pytest.raises(TimedOutError):
            await perform(running, {"spin": 1}, seconds=1)
        assert await perform(running) == {}
    assert not [
        p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "601"]
    ]


async def test_what_stays_open_without_a_sandbox_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    await _hide_bubblewrap(monkeypatch)
    held = confinement(Limits(), Grants())
    assert not held.is_sandboxed
    said = " ".join(held.open)
    for word in ("file", "network", "processes", "signals", "keys"):
        assert word in said


async def test_a_builtin_agent_needs_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    await _hide_bubblewrap(monkeypatch)
    from node.agents.builtin import builtin_agents

    spec = next(each for each in builtin_agents() if each.offer.capability == "code.format")
    async with running_agent(spec) as running:
        assert (await perform(running, {"code": "x=1\n"}))["code"] == "x = 1\n"


def test_a_bubblewrap_that_may_not_make_namespaces_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2; exit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda _name: str(fake))
    sandbox.find_bubblewrap.cache_clear()
    try:
        probe = sandbox.find_bubblewrap()
    finally:
        sandbox.find_bubblewrap.cache_clear()
    assert probe.program is None
    assert "No permissions" in probe.trouble
    assert "user namespaces" in probe.trouble


@needs_sandbox
@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user's id")
def test_a_user_who_is_not_root_has_the_same_sandbox() -> None:
    probe = _standalone()
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    lines = dict(line.split("=", 1) for line in done.stdout.split())
    assert lines["uid"] == "65534"
    assert lines["CapEff"] == "0" * 16
    assert lines["Seccomp"] == "2"
    assert lines["interfaces"] == "lo"


def _standalone() -> str:
    script = (
        "grep -E '^(CapEff|Seccomp):' /proc/self/status | tr -d '\\t ' | tr ':' '=';"
        " echo uid=$(id -u); echo interfaces=$(tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ')"
    )
    # This Python may lie where another user cannot read: everything is imported before root is left.
    return f"""
import os, subprocess
from node.executor import sandbox, seccomp
os.setgroups([]); os.setgid(65534); os.setuid(65534)
filter_fd = os.memfd_create('filter')
os.write(filter_fd, seccomp.program(network=False)); os.lseek(filter_fd, 0, 0)
argv = ['bwrap', *sandbox._isolation(network=False), '--ro-bind', '/usr', '/usr',
        '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64',
        '--proc', '/proc', '--dev', '/dev', '--seccomp', str(filter_fd), '--', '/bin/sh', '-c', {script!r}]
subprocess.run(argv, check=True, pass_fds=(filter_fd,))
"""


def test_workers_are_gone_after_all_tests_above() -> None:
    deadline = time.monotonic() + 10
    while below() and time.monotonic() < deadline:
        for process in below():
            process.wait(10)
    assert not [process for process in below() if "executor.worker" in " ".join(process.cmdline())]
