"""Agents that mean harm: each is contained and reported, and the node goes on."""

import errno
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
import trio

from node.executor.errors import (
    AgentRaisedError,
    CrashedError,
    KilledByLimitError,
    LoadError,
    TimedOutError,
)
from node.executor.limits import Grants, Limits
from node.executor.loading import load_agents
from tests.support.agents import SMALL, agent_of, below, needs_sandbox, perform, write_agent

pytestmark = [pytest.mark.integration, needs_sandbox]


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No test leaves a process behind."""
    before = {process.pid for process in below()}
    yield
    left = [process for process in below() if process.pid not in before]
    for process in left:
        process.wait(5)


async def still_works(running: object) -> None:
    assert await perform(running, {"words": "one two three"}) == {"words": 3}  # type: ignore[arg-type]


def evil(body: str) -> str:
    return "if 'words' in task.input: return {'words': len(task.input['words'].split())}\n" + body


async def test_a_spin_is_stopped_at_the_deadline_and_the_next_task_is_done(tmp_path: Path) -> None:
    async with agent_of(tmp_path, evil("while True: pass")) as running:
        with pytest.raises(TimedOutError):
            await perform(running, seconds=0.5)
        await still_works(running)
        assert running.health().failed == 1


async def test_a_spin_outside_of_the_interpreter_is_stopped_too(tmp_path: Path) -> None:
    body = evil("import re; re.match(r'(a+)+$', 'a' * 64 + 'b')")
    async with agent_of(tmp_path, body) as running:
        with pytest.raises(TimedOutError):
            await perform(running, seconds=0.5)
        await still_works(running)


async def test_an_agent_that_ignores_its_cancellation_is_killed(tmp_path: Path) -> None:
    body = """
    import asyncio
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass
    """
    async with agent_of(tmp_path, body) as running:
        with pytest.raises(TimedOutError):
            await perform(running, seconds=0.3)


async def test_a_memory_hog_meets_its_limit(tmp_path: Path) -> None:
    async with agent_of(tmp_path, evil("return {'n': len(bytearray(2**30))}")) as running:
        with pytest.raises(KilledByLimitError) as caught:
            await perform(running)
        assert caught.value.limit == "memory"
        await still_works(running)


async def test_shared_memory_counts_as_memory(tmp_path: Path) -> None:
    body = evil(
        """
    import mmap, asyncio
    held = []
    while True:
        held.append(mmap.mmap(-1, 2**24))
        held[-1].write(b'x' * 2**24)
        await asyncio.sleep(0.01)
    """.replace("\n    ", "\n")
    )
    async with agent_of(tmp_path, body) as running:
        with pytest.raises(KilledByLimitError) as caught:
            await perform(running)
        assert caught.value.limit == "memory"
        await still_works(running)


async def test_many_processes_below_their_limits_share_one(tmp_path: Path) -> None:
    body = evil(
        """
    import os, time
    for _ in range(8):
        if os.fork() == 0:
            held = bytearray(2**25)
            time.sleep(600)
    time.sleep(600)
    """.replace("\n    ", "\n")
    )
    async with agent_of(tmp_path, body) as running:
        with pytest.raises(KilledByLimitError) as caught:
            await perform(running)
        assert caught.value.limit == "memory"
        await still_works(running)


async def test_a_fork_bomb_meets_its_limit_and_leaves_nothing(tmp_path: Path) -> None:
    body = evil(
        """
    import os, time
    while True:
        if os.fork() == 0:
            time.sleep(600)
    """.replace("\n    ", "\n")
    )
    async with agent_of(tmp_path, body) as running:
        with pytest.raises(KilledByLimitError) as caught:
            await perform(running)
        assert caught.value.limit == "processes"
        await still_works(running)


async def test_a_bomb_in_one_agent_leaves_another_its_processes(tmp_path: Path) -> None:
    bomb = evil(
        """
    import os, time
    try:
        while True:
            if os.fork() == 0:
                time.sleep(600)
    except BlockingIOError:
        await task.progress(1.0)
        time.sleep(600)
    """.replace("\n    ", "\n")
    )
    forks = """
    import os
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return {}
    """
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with agent_of(tmp_path / "a", bomb) as first, agent_of(tmp_path / "b", forks) as second:
        full = trio.Event()

        async def explode() -> None:
            with pytest.raises(TimedOutError):
                await first.perform({}, trio.current_time() + 4, lambda *_: full.set())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(explode)
            await full.wait()
            assert await perform(second) == {}


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/etc/shadow",
        "/root/.bashrc",
        "/proc/1/root/etc/passwd",
        f"/proc/{os.getpid()}/environ",
        f"/proc/{os.getpid()}/mem",
    ],
)
async def test_files_of_the_machine_are_not_there(tmp_path: Path, path: str) -> None:
    async with agent_of(tmp_path, f"return open({path!r}, 'rb').read().hex()") as running:
        with pytest.raises(AgentRaisedError, match=r"FileNotFoundError|PermissionError"):
            await perform(running)


async def test_keys_beside_the_agents_file_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "keystore.json").write_text("secret")
    body = "import os; return {'seen': os.listdir(task.input['folder'])}"
    async with agent_of(tmp_path, body) as running:
        seen = await perform(running, {"folder": str(tmp_path)})
    assert seen == {"seen": ["it.py"]}


async def test_a_hidden_folder_stays_empty_inside_a_granted_one(tmp_path: Path) -> None:
    data = tmp_path / "granted" / "data"
    data.mkdir(parents=True)
    (data / "journal.sqlite").write_text("secret")
    (tmp_path / "granted" / "table.csv").write_text("a,b")
    grants = Grants(files=(tmp_path / "granted",), hidden=(data,))
    body = """
    import os
    folder = task.input['folder']
    return {'granted': sorted(os.listdir(folder)), 'hidden': os.listdir(folder + '/data')}
    """
    async with agent_of(tmp_path, body, grants=grants) as running:
        seen = await perform(running, {"folder": str(tmp_path / "granted")})
    assert seen == {"granted": ["data", "table.csv"], "hidden": []}


@pytest.mark.parametrize("path", ["/usr/bin/evil", "{own}", "{python}/evil", "/evil", "/dev/evil"])
async def test_nothing_but_its_scratch_can_be_written(tmp_path: Path, path: str) -> None:
    import sys

    path = path.format(own=tmp_path / "it.py", python=sys.prefix)
    async with agent_of(tmp_path, f"open({path!r}, 'wb').write(b'x')") as running:
        with pytest.raises(AgentRaisedError, match=r"OSError|PermissionError"):
            await perform(running)


async def test_its_scratch_is_bounded_and_private(tmp_path: Path) -> None:
    body = """
    with open('/tmp/mine', 'wb') as file:
        for _ in range(64):
            file.write(bytes(2**20))
            file.flush()
    """
    async with agent_of(tmp_path, body) as running:
        with pytest.raises(AgentRaisedError, match=r"OSError|File too large|No space"):
            await perform(running)
    assert not await trio.Path("/tmp/mine").exists()


@pytest.mark.parametrize(
    ("what", "call"),
    [
        ("a listening server on loopback", "socket.create_connection(('127.0.0.1', {port}), 1)"),
        ("the internet", "socket.create_connection(('192.0.2.1', 80), 1)"),
        ("vsock", "socket.socket(40, socket.SOCK_STREAM)"),
        ("netlink", "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)"),
        ("the kernel's crypto", "socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)"),
    ],
)
async def test_no_socket_leads_anywhere(tmp_path: Path, what: str, call: str) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        body = f"import socket; {call.format(port=server.server_port)}; return {{}}"
        async with agent_of(tmp_path, body) as running:
            with pytest.raises(AgentRaisedError, match=r"OSError|PermissionError"):
                await perform(running)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("memfd_create", "libc.memfd_create(b'x', 0)"),
        ("unshare", "libc.unshare(0x10000000)"),
        ("clone", "libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0)"),
        ("ptrace", "libc.ptrace(0, 0, 0, 0)"),
        ("mount", "libc.mount(b'none', b'/tmp', b'tmpfs', 0, 0)"),
        ("io_uring_setup", "libc.syscall(425, 8, 0)"),
        ("setuid", "libc.setuid(0)"),
    ],
)
async def test_a_forbidden_system_call_fails(tmp_path: Path, call: str, number: str) -> None:
    body = f"""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    return {{'result': {number}, 'errno': ctypes.get_errno()}}
    """
    async with agent_of(tmp_path, body) as running:
        found = await perform(running)
    assert found["result"] == -1
    # In a user namespace root does not even exist.
    assert found["errno"] in {errno.EPERM, *([errno.EINVAL] if call == "setuid" else [])}


async def test_it_has_no_capability_and_is_not_root(tmp_path: Path) -> None:
    body = """
    import os
    lines = dict(line.split(':', 1) for line in open('/proc/self/status'))
    names = ('CapPrm', 'CapEff', 'CapAmb', 'NoNewPrivs', 'Seccomp')
    return {'root': 0 in (*os.getresuid(), *os.getresgid(), *os.getgroups()),
            **{name: lines[name].strip() for name in names}}
    """
    async with agent_of(tmp_path, body) as running:
        assert await perform(running) == {
            "root": False,
            "CapPrm": "0" * 16,
            "CapEff": "0" * 16,
            "CapAmb": "0" * 16,
            "NoNewPrivs": "1",
            "Seccomp": "2",
        }


async def test_it_sees_its_own_processes_only(tmp_path: Path) -> None:
    body = "import os; return {'seen': sum(name.isdigit() for name in os.listdir('/proc'))}"
    async with agent_of(tmp_path, body) as running:
        assert await perform(running) == {"seen": 2}


async def test_the_environment_holds_what_was_granted_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANTED_KEY", "yes")
    monkeypatch.setenv("OTHER_KEY", "no")
    body = "import os; return {'keys': [k for k in os.environ if k.endswith('_KEY')]}"
    grants = Grants(environment=("WANTED_KEY", "UNSET_KEY"))
    async with agent_of(tmp_path, body, grants=grants) as running:
        assert await perform(running) == {"keys": ["WANTED_KEY"]}


async def test_a_huge_output_is_refused(tmp_path: Path) -> None:
    async with agent_of(tmp_path, evil("return {'x': 'x' * 2**22}")) as running:
        with pytest.raises(KilledByLimitError) as caught:
            await perform(running)
        assert caught.value.limit == "output"
        await still_works(running)


FORGED = """
import os, struct
for handle in range(3, 64):
    try:
        os.write(handle, {bytes})
    except OSError:
        pass
import time; time.sleep(600)
"""


@pytest.mark.parametrize(
    ("forged", "error"),
    [
        ("b'\\x7f\\xff\\xff\\xff'", KilledByLimitError),  # a frame of two gigabytes
        ("b'\\x00\\x00\\x00\\x01\\xc1'", CrashedError),  # no msgpack
        ("b'\\x00\\x00\\x00\\x02\\x81\\xa0'", CrashedError),  # msgpack cut short
        ("b'\\x00\\x00\\xc3\\x50' + b'\\x91' * 50000", CrashedError),  # very deep
    ],
)
async def test_a_forged_frame_ends_the_worker(
    tmp_path: Path, forged: str, error: type[Exception]
) -> None:
    async with agent_of(tmp_path, evil(FORGED.format(bytes=forged))) as running:
        with pytest.raises(error):
            await perform(running)
        await still_works(running)


async def test_a_flood_of_logs_is_stopped(tmp_path: Path) -> None:
    async with agent_of(tmp_path, evil("while True: print('x' * 1000)")) as running:
        with pytest.raises(KilledByLimitError) as caught:
            await perform(running)
        assert caught.value.limit == "logs"
        await still_works(running)


async def test_a_flood_of_progress_is_stopped(tmp_path: Path) -> None:
    body = evil("while True: await task.progress(1.0)\n")
    async with agent_of(tmp_path, body) as running:
        with pytest.raises(KilledByLimitError) as caught:
            await perform(running)
        assert caught.value.limit == "progress"
        await still_works(running)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("import os; os._exit(7)", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9),
        ("import ctypes; ctypes.string_at(0)", -11),
        ("import sys; sys.exit(3)", 3),
    ],
)
async def test_a_worker_that_ends_is_reported_with_its_status(
    tmp_path: Path, body: str, status: int
) -> None:
    async with agent_of(tmp_path, evil(body)) as running:
        with pytest.raises(CrashedError) as caught:
            await perform(running)
        assert caught.value.status == status
        await still_works(running)
        assert running.health().restarts == 1


async def test_a_worker_killed_from_outside_between_tasks_is_replaced(tmp_path: Path) -> None:
    async with agent_of(tmp_path, evil("return {}")) as running:
        await still_works(running)
        workers = [each for each in below() if each.name().startswith("python")]
        assert len(workers) == 1
        workers[0].kill()
        workers[0].wait(10)
        await still_works(running)


async def test_a_file_that_spins_while_it_loads_is_given_up(tmp_path: Path) -> None:
    file = write_agent(tmp_path, "return {}", head="while True: pass")
    with pytest.raises(LoadError, match="did not load"):
        await load_agents(file, attrs.evolve(SMALL, start_seconds=2.0), Grants())


async def test_a_file_that_ends_the_process_while_it_loads_is_a_load_error(tmp_path: Path) -> None:
    file = write_agent(tmp_path, "return {}", head="import os; os._exit(0)")
    with pytest.raises(LoadError):
        await load_agents(file, SMALL, Grants())


async def test_background_processes_do_not_outlive_the_agent(tmp_path: Path) -> None:
    body = """
    import subprocess
    subprocess.Popen(['sleep', '600'], start_new_session=True)
    return {}
    """
    async with agent_of(tmp_path, body) as running:
        assert await perform(running) == {}
        sleeping = [p for p in below() if p.name() == "sleep"]
        assert len(sleeping) == 1
    assert sleeping[0].wait(10) is None or not sleeping[0].is_running()


async def test_a_cancelled_task_stops_its_work(tmp_path: Path) -> None:
    body = evil("import asyncio; await asyncio.sleep(600)")
    async with agent_of(tmp_path, body) as running:
        with trio.move_on_after(0.3):
            await perform(running, seconds=600)
        await still_works(running)
        assert running.health().busy == 0


async def test_tasks_side_by_side_do_not_hurt_one_another(tmp_path: Path) -> None:
    body = evil("import os; os._exit(1)")
    limits: Limits = attrs.evolve(SMALL, workers=2)
    async with agent_of(tmp_path, body, limits=limits) as running, trio.open_nursery() as nursery:

        async def crash() -> None:
            with pytest.raises(CrashedError):
                await perform(running)

        for _ in range(3):
            nursery.start_soon(crash)
            nursery.start_soon(still_works, running)
