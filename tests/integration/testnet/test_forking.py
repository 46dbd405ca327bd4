"""The parent that forks a testnet's processes: what it says of them, and that nothing outlives it."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from node.testnet.config import CHAIN_PROGRAM, NODE_PROGRAM, RUNTIME_PROGRAM

pytestmark = pytest.mark.integration

PATIENCE = 60.0
PROGRAMS = "tests.support.testnet_programs"
ROOT = Path(__file__).parents[3]


def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Parent:
    """The process, and what it says line by line."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.process = subprocess.Popen(
            [sys.executable, "-m", "node.testnet.forking"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
            bufsize=0,  # else a line could wait in a buffer where select does not see it

        )  # fmt: skip

    def order(self, **order: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()

    def fork(self, number: int, program: str, argument: object = None) -> int:
        """Fork, and return the process id."""
        self.order(
            fork=number, program=f"{PROGRAMS}:{program}", argument=argument, output=str(self.output)
        )
        return int(self.heard()["forked"])

    def heard(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], PATIENCE)[0]
        line: dict[str, Any] = json.loads(self.process.stdout.readline())
        return line

    def end(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[Parent]:
    started = Parent(tmp_path / "output")
    yield started
    started.end()


def test_a_child_is_heard_signalled_and_its_end_is_told(parent: Parent) -> None:
    pid = parent.fork(7, "say_and_wait", {"a": 1})
    assert parent.heard() == {"child": 7, "said": {"ready": {"a": 1}}}
    assert os.getsid(pid) == pid  # Ctrl-C at a terminal does not reach it
    parent.order(signal=7, number=int(signal.SIGSTOP))
    until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    parent.order(signal=7, number=int(signal.SIGKILL))
    assert parent.heard() == {"child": 7, "ended": -9}
    parent.order(signal=7, number=int(signal.SIGKILL))  # of one that has ended: nothing happens
    assert parent.fork(8, "say_and_wait") > 0


def test_what_the_parent_has_prepared_its_children_share(parent: Parent) -> None:
    parent.fork(1, "say_remembered")
    assert parent.heard() == {"child": 1, "said": {"ready": None}}
    assert parent.heard() == {"child": 1, "ended": 0}
    parent.order(prepare=f"{PROGRAMS}:remember", argument="a word")
    parent.fork(2, "say_remembered")
    assert parent.heard() == {"child": 2, "said": {"ready": "a word"}}


def test_a_chain_that_is_not_there_is_said_and_stops_nothing(parent: Parent) -> None:
    parent.order(prepare=RUNTIME_PROGRAM, argument="ws://127.0.0.1:9")
    assert parent.fork(1, "say_and_wait") > 0


def test_a_child_that_fails_leaves_its_reason_and_is_no_second_parent(parent: Parent) -> None:
    parent.fork(1, "fail")
    assert parent.heard() == {"child": 1, "ended": 1}
    assert "on purpose" in parent.output.read_text()


def test_a_line_that_could_mix_with_another_s_is_not_written(parent: Parent) -> None:
    parent.fork(1, "say_too_much")
    assert parent.heard() == {"child": 1, "ended": 1}
    assert "ValueError" in parent.output.read_text()


def test_what_a_killed_child_leaves_behind_is_killed(parent: Parent) -> None:
    parent.fork(1, "with_a_child")
    orphan = parent.heard()["said"]["ready"]
    assert is_alive(orphan)
    parent.order(signal=1, number=int(signal.SIGKILL))
    assert parent.heard() == {"child": 1, "ended": -9}
    until(lambda: not is_alive(orphan))


@pytest.mark.parametrize("how", ["orders end", "killed"])
def test_nothing_outlives_the_parent(tmp_path: Path, how: str) -> None:
    parent = Parent(tmp_path / "output")
    children = []
    for number in range(3):
        children.append(parent.fork(number, "say_and_wait"))
        parent.heard()
    os.kill(children[1], signal.SIGSTOP)
    if how == "killed":
        parent.process.kill()
    parent.end()
    until(lambda: not any(map(is_alive, children)))


def test_the_parent_has_one_thread_when_it_has_imported_all_that_it_forks(parent: Parent) -> None:
    modules = [program.partition(":")[0] for program in (CHAIN_PROGRAM, NODE_PROGRAM)]
    parent.order(preload=[*modules, "node.chainhost.serving"])
    parent.fork(1, "say_and_wait")  # obeyed after that
    assert psutil.Process(parent.process.pid).num_threads() == 1


SUPERVISOR = """
import subprocess, sys, time
parent = subprocess.Popen([sys.executable, "-m", "node.testnet.forking"], stdin=subprocess.PIPE)
parent.stdin.write(b'{"preload": ["tests.support.testnet_slow"]}\\n')
parent.stdin.flush()
print(parent.pid, flush=True)
time.sleep(3600)
"""


def test_a_parent_in_the_midst_of_an_import_ends_with_whoever_started_it(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "AINUR_TEST_MARK": str(mark)},
    ) as supervisor:
        assert supervisor.stdout is not None
        parent = int(supervisor.stdout.readline())
        until(mark.exists)
        supervisor.kill()
    until(lambda: not is_alive(parent))
