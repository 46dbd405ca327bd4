"""``ainur testnet`` as real processes: up, two side by side, ended in every way, and nothing left running."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from node.chainhost import lock
from node.testnet.home import Folder, folder_of
from tests.support.runtime import runtime_code

pytestmark = [pytest.mark.e2e, pytest.mark.chain, pytest.mark.market, pytest.mark.timeout(300)]

PATIENCE = 120.0
MOMENT = 2.0


def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


class Ainur:
    """The command, with a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {**os.environ, "AINUR_HOME": str(home), "COLUMNS": "200"}

    def argv(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "ainur", "testnet", *arguments]

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command to its end; return what it printed, or how it complained."""
        done = subprocess.run(
            self.argv(*arguments), env=self.environment, capture_output=True, text=True,
            timeout=PATIENCE, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code in (0, 3) else done.stderr

    def json(self, *arguments: str, code: int = 0) -> Any:
        found = json.loads(self.run(*arguments, "--json", code=code))
        assert found["version"] == 1
        return found

    def folder(self, name: str = "dev") -> Folder:
        return folder_of(name, self.home / "testnets" / name)

    def processes(self) -> list[psutil.Process]:
        """All processes that were started with this home, from whatever parent."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("AINUR_HOME") == str(self.home):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        # One that has let its lock go may need a moment for the rest of its end.
        return psutil.wait_procs(found, timeout=MOMENT)[1]

    def tree(self, name: str = "dev") -> set[psutil.Process]:
        """All below the supervisor now; the workers of agents do not have our environment."""
        pid = lock.holder(self.folder(name).lock)
        try:
            return set() if pid is None else set(psutil.Process(pid).children(recursive=True))
        except psutil.NoSuchProcess:
            return set()


def are_gone(processes: Iterable[psutil.Process]) -> bool:
    return psutil.wait_procs(list(processes), timeout=PATIENCE)[1] == []


@pytest.fixture
def ainur(tmp_path: Path) -> Iterator[Ainur]:
    runtime_code()  # skips where there is none
    command = Ainur(tmp_path)
    yield command
    left = command.processes()
    for process in left:
        process.kill()
    assert not left


def test_a_testnet_goes_up_is_shown_and_goes_down(ainur: Ainur) -> None:
    assert ainur.json("status", code=3)["running"] is False
    assert "no testnet runs" in ainur.run("kill", "n1", code=1)
    assert "2 nodes" in ainur.json("up", "--nodes", "2", "--dry-run")["would"]
    up = ainur.json("up", "--nodes", "2")
    assert [node["state"] for node in up["nodes"]] == ["running", "running"]
    assert up["nodes"][1]["bond"] >= 100 * 10**12
    assert up["nodes"][0]["balance"] > 0
    shown = ainur.run("status", "--wide")
    for value in (up["chain"]["url"], up["chain"]["apps"], up["nodes"][1]["peer_id"]):
        assert value in shown
    assert "runs already" in ainur.run("up", code=1)
    assert "start n2" in ainur.json("start", "n2", "--dry-run")["would"]
    assert ainur.json("kill", "n2")["nodes"][1]["state"] == "killed"
    assert "ainur testnet start n2" in ainur.run("freeze", "n2", code=1)
    assert "there is no node 'n9'" in ainur.run("freeze", "n9", code=1)
    assert any(line["source"] == "testnet" and "n2 was killed" in line["line"]
               for line in ainur.json("logs")["lines"])  # fmt: skip
    assert "SIGTERM" not in ainur.run("logs", "n1")
    assert "stop the testnet" in ainur.json("down", "--dry-run")["would"]
    below = ainur.tree()
    assert ainur.json("down")["killed"] is False
    assert are_gone(below)
    assert ainur.processes() == []
    assert "no testnet runs" in ainur.run("down", code=1)
    assert "SIGTERM" in ainur.run("logs", "n1", "--name", "dev")
    assert "cannot become 3" in ainur.run("up", "--nodes", "3", code=1)


def test_two_of_one_seed_run_side_by_side_with_the_same_keys_at_other_ports(ainur: Ainur) -> None:
    one = ainur.json("up", "--nodes", "2", "--name", "one", "--seed", "7")
    two = ainur.json("up", "--nodes", "2", "--name", "two", "--seed", "7")
    assert one["chain"]["genesis"] == two["chain"]["genesis"]
    assert [n["account"] for n in one["nodes"]] == [n["account"] for n in two["nodes"]]
    assert not {n["multiaddr"] for n in one["nodes"]} & {n["multiaddr"] for n in two["nodes"]}
    assert "(one, two)" in ainur.run("down", code=1)
    ainur.run("down", "--name", "one")
    assert ainur.json("status")["name"] == "two"
    ainur.run("down")


def has_workers(ainur: Ainur) -> bool:
    """Whether an agent of a node is being started."""
    for process in ainur.tree():
        try:
            if "node.executor.worker" in process.cmdline():
                return True
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return False


MOMENTS: dict[str, Callable[[Ainur], bool]] = {
    "supervisor": lambda ainur: ainur.folder().is_running(),
    "chain-forked": lambda ainur: ainur.folder().chain.lock.exists(),
    "chain-ready": lambda ainur: ainur.folder().chain.record.exists(),
    "node-forked": lambda ainur: ainur.folder().node("n2").lock.exists(),
    "agent-starting": has_workers,
    "node-ready": lambda ainur: ainur.folder().node("n1").record.exists(),
    "provider-ready": lambda ainur: ainur.folder().node("n2").record.exists(),
}


@pytest.mark.parametrize(
    ("moment", "how"),
    [
        *((moment, signal.SIGINT) for moment in MOMENTS),
        ("chain-ready", signal.SIGTERM),
        ("supervisor", signal.SIGKILL),
        ("agent-starting", signal.SIGKILL),
    ],
)
def test_what_ends_the_command_while_it_comes_up_leaves_nothing(
    ainur: Ainur, moment: str, how: signal.Signals
) -> None:
    seen: set[psutil.Process] = set()

    def has_come() -> bool:
        seen.update(ainur.tree())
        return MOMENTS[moment](ainur) or process.poll() is not None

    process = subprocess.Popen(
        ainur.argv("up", "--nodes", "2"), env=ainur.environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with process:
        until(has_come)
        process.send_signal(how)
        assert process.wait(PATIENCE) != 0
    if how is not signal.SIGINT:  # it could not wait itself
        until(lambda: not ainur.folder().is_running())
    assert are_gone(seen)
    assert ainur.processes() == []


@pytest.mark.parametrize("who", ["supervisor", "parent"])
def test_when_the_supervisor_or_the_parent_is_killed_all_are_gone_and_it_comes_up_again(
    ainur: Ainur, who: str
) -> None:
    up = ainur.json("up", "--nodes", "2")
    ainur.run("freeze", "n2")  # which must not outlive them either
    supervisor = psutil.Process(up["pid"])
    [parent] = supervisor.children()
    below = ainur.tree()
    assert has_workers(ainur)
    (supervisor if who == "supervisor" else parent).kill()
    until(lambda: not ainur.folder().is_running())
    until(lambda: ainur.processes() == [])
    assert are_gone(below)
    assert ainur.json("status", code=3)["running"] is False
    again = ainur.json("up")
    assert again["chain"]["genesis"] == up["chain"]["genesis"]
    assert [n["peer_id"] for n in again["nodes"]] == [n["peer_id"] for n in up["nodes"]]
    ainur.run("down")


def test_a_node_that_cannot_start_is_named_with_its_reason_and_nothing_is_left(
    ainur: Ainur,
) -> None:
    ainur.json("up", "--nodes", "2")
    ainur.run("down")
    (ainur.folder().node("n2").path / "sequence").write_text("nonsense")
    said = ainur.run("up", code=1)
    assert "n2 did not start" in said
    assert "sequence" in said
    assert ainur.processes() == []


def test_reset_gives_another_genesis_and_other_keys_unless_there_is_a_seed(ainur: Ainur) -> None:
    up = ainur.json("up", "--nodes", "1")
    assert "start the testnet again" in ainur.json("reset", "--dry-run")["would"]
    new = ainur.json("reset", "--yes")["testnet"]
    assert new["chain"]["genesis"] != up["chain"]["genesis"]
    assert new["nodes"][0]["account"] != up["nodes"][0]["account"]
    ainur.run("down")
    assert ainur.json("reset", "--yes")["testnet"] is None
