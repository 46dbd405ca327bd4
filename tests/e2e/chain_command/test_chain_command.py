"""``ainur chain`` as real processes: up, found, advanced, killed, and nothing left running."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from node.chainhost.client import Client
from tests.support.runtime import runtime_code

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
PATIENCE = 60.0


def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] != "Z"
    return False


class Ainur:
    """The command, with a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {**os.environ, "AINUR_HOME": str(home)}

    def argv(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "ainur", "chain", *arguments]

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

    def up(self, *arguments: str) -> Any:
        return self.json("up", "--port", "0", *arguments)

    @contextlib.contextmanager
    def start(self, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
        """Start a command that stays; it is gone at the end, whatever happens."""
        process = subprocess.Popen(
            self.argv(*arguments), env=self.environment, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        with process:
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture
def ainur(tmp_path: Path) -> Iterator[Ainur]:
    runtime_code()  # skips where there is none
    command = Ainur(tmp_path)
    yield command
    left = []
    for lock in tmp_path.rglob("chain.lock"):
        pid = int(lock.read_text() or 0)
        if pid not in (0, os.getpid()) and is_alive(pid):
            left.append(pid)
            os.kill(pid, signal.SIGKILL)
    assert not left


def test_a_chain_goes_up_is_found_advances_and_goes_down(ainur: Ainur) -> None:
    assert ainur.json("status", code=3)["running"] is False
    up = ainur.up()
    assert up["url"] == f"ws://127.0.0.1:{up['port']}"
    assert up["apps"].endswith(f"?rpc=ws%3A%2F%2F127.0.0.1%3A{up['port']}")
    assert ainur.json("advance", "403200", "--seconds", "60")["head"]["number"] == 403_200
    status = ainur.json("status")
    assert status["chain"]["head"]["number"] == 403_200
    assert status["chain"]["genesis"] == up["genesis"]
    assert up["url"] in ainur.run("status")
    assert any(up["url"] in line for line in ainur.json("logs")["lines"])
    assert ainur.json("down")["killed"] is False
    assert not is_alive(up["pid"])
    assert "does not run" in ainur.run("down", code=1)
    assert "ainur chain up" in ainur.run("advance", "1", code=1)


def test_two_chains_run_side_by_side_and_are_not_alike(ainur: Ainur, tmp_path: Path) -> None:
    first, second = ainur.up("--name", "first"), ainur.up("--data-dir", str(tmp_path / "elsewhere"))
    assert first["port"] != second["port"]
    assert first["genesis"] != second["genesis"]
    ainur.run("advance", "10", "--name", "first")
    assert ainur.json("status", "--name", "first")["chain"]["head"]["number"] == 10
    other = ("--data-dir", str(tmp_path / "elsewhere"))
    assert ainur.json("status", *other)["chain"]["head"]["number"] == 0
    ainur.run("down", "--name", "first")
    assert ainur.json("status", *other)["running"] is True
    ainur.run("down", *other)


def test_the_same_seed_gives_the_same_genesis(ainur: Ainur) -> None:
    found = []
    for _ in range(2):
        found.append(ainur.up("--seed", "7")["genesis"])
        ainur.run("down")
    assert found[0] == found[1]


def test_a_chain_that_runs_is_not_started_again(ainur: Ainur) -> None:
    up = ainur.up()
    assert f"already runs at {up['url']}" in ainur.run("up", code=1)
    ainur.run("down")


def test_a_port_in_use_is_named_and_nothing_is_left(ainur: Ainur) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} is in use" in ainur.run("up", "--port", str(port), code=1)
    assert ainur.json("status", code=3)["running"] is False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--preset", "nope"), "no preset 'nope'"),
        (("--backend", "node"), "scripts/build-node"),
        (("--runtime", __file__), "not a runtime"),
        (("--name", "../elsewhere"), "no name for a chain"),
    ],
)
def test_what_cannot_start_says_why(ainur: Ainur, arguments: tuple[str, ...], said: str) -> None:
    assert said in ainur.run("up", "--port", "0", *arguments, code=1)


def test_a_killed_chain_leaves_nothing_that_stands_in_the_way(ainur: Ainur) -> None:
    up = ainur.up()
    os.kill(up["pid"], signal.SIGKILL)
    until(lambda: not is_alive(up["pid"]))
    folder = Path(up["data_dir"])
    # As if the number of the dead process had been given to another one, which must not be touched.
    (folder / "chain.lock").write_text(f"{os.getpid()}\n")
    assert ainur.json("status", code=3)["running"] is False
    assert "does not run" in ainur.run("down", code=1)
    assert ainur.up()["pid"] != up["pid"]
    ainur.run("down")


def test_a_kept_chain_goes_on_where_it_was_killed(ainur: Ainur) -> None:
    up = ainur.up("--persist")
    head = ainur.json("advance", "5", "--empty-blocks")["head"]
    os.kill(up["pid"], signal.SIGKILL)
    until(lambda: not is_alive(up["pid"]))
    again = ainur.up("--persist")
    assert again["genesis"] == up["genesis"]
    assert ainur.json("status")["chain"]["head"] == head
    would = ainur.json("reset", "--dry-run")
    assert "forget the blocks" in would["would"]
    assert ainur.json("status")["chain"]["head"] == head
    reset = ainur.json("reset", "--yes")["chain"]
    assert reset["port"] == again["port"]
    assert reset["genesis"] != up["genesis"]
    assert ainur.json("status")["chain"]["head"]["number"] == 0
    ainur.run("down")


def test_a_kept_chain_of_another_seed_is_refused(ainur: Ainur) -> None:
    ainur.up("--persist", "--seed", "a")
    ainur.run("down")
    assert "reset it" in ainur.run("up", "--port", "0", "--persist", "--seed", "b", code=1)
    assert ainur.json("reset", "--yes")["chain"] is None
    ainur.up("--persist", "--seed", "b")
    ainur.run("down")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_chain_in_the_foreground_ends_with_a_signal(ainur: Ainur, number: signal.Signals) -> None:
    with ainur.start("up", "--port", "0", "--foreground", "--json") as process:
        assert process.stdout is not None
        record = json.loads(process.stdout.readline())
        assert ainur.json("status")["pid"] == record["pid"] == process.pid
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
    assert ainur.json("status", code=3)["running"] is False
    assert not Path(record["data_dir"], "chain.json").exists()


def test_a_chain_in_the_foreground_ends_with_its_parent(ainur: Ainur) -> None:
    code = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    argv = [sys.executable, "-c", code, *ainur.argv("up", "--port", "0", "--foreground", "--json")]
    with subprocess.Popen(argv, env=ainur.environment, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL) as parent:  # fmt: skip
        assert parent.stdout is not None
        record = json.loads(parent.stdout.readline())
        parent.kill()
        parent.wait(PATIENCE)
    until(lambda: not is_alive(record["pid"]))


@pytest.mark.parametrize("after", [0.0, 0.1, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_start_that_is_broken_off_leaves_no_process_that_cannot_be_found(
    ainur: Ainur, after: float, number: signal.Signals
) -> None:
    with ainur.start("up", "--port", "0") as process:
        time.sleep(after)
        process.send_signal(number)
        process.wait(PATIENCE)
    lock = ainur.home / "chains" / "dev" / "chain.lock"
    if process.returncode == 0:  # it was faster than we
        ainur.run("down")
    elif number == signal.SIGINT:
        assert ainur.json("status", code=3)["running"] is False
    elif lock.exists():
        # A chain that had just come up when its starter was killed is found like any other.
        with contextlib.suppress(AssertionError):
            ainur.run("down")
        until(lambda: not is_alive(int(lock.read_text() or 0)) if lock.read_text() else True)
    assert ainur.json("status", code=3)["running"] is False


def test_options_reach_the_chain(ainur: Ainur) -> None:
    up = ainur.up("--seal", "0.05", "--finality-lag", "2", "--allow-origin", "https://mine.example")
    client = Client(up["port"])
    until(lambda: client.call("dev_status")["head"]["number"] > 5)
    status = client.call("dev_status")
    assert status["seal"] == "0.05"
    assert status["head"]["number"] - status["finalized"]["number"] == 2
    client.close()
    ainur.run("down")


def test_a_chain_is_inspected_by_its_own_metadata(ainur: Ainur) -> None:
    ainur.up()
    ainur.run("advance", "1")
    report = ainur.json("inspect")
    pallets = {pallet["name"]: pallet for pallet in report["pallets"]}
    assert report["block"]["number"] == 1
    items = {item["name"]: item for item in pallets["System"]["storage"]}
    assert items["Number"]["shown"] == [{"keys": [], "value": 1}]
    assert items["Account"]["entries"] >= 12
    assert all(entry["keys"][0].startswith("5") for entry in items["Account"]["shown"])
    assert [c["name"] for c in pallets["Timestamp"]["calls"]] == ["set"]
    assert [e["name"] for e in report["events"]] == ["ExtrinsicSuccess"]
    one = ainur.json("inspect", "--pallet", "system", "--item", "account", "--limit", "2")
    [item] = one["pallets"][0]["storage"]
    assert len(item["shown"]) == 2
    assert "Last events" in ainur.run("inspect")
    assert "MinimumPeriod" in ainur.run("inspect", "--pallet", "Timestamp")
    assert "no pallet 'Nix'" in ainur.run("inspect", "--pallet", "Nix", code=1)
    assert "no storage 'Nix'" in ainur.run("inspect", "--pallet", "System", "--item", "Nix", code=1)
    ainur.run("down")


def test_the_log_is_followed_until_the_chain_ends(ainur: Ainur) -> None:
    ainur.up()
    with ainur.start("logs", "--follow") as process:
        assert process.stdout is not None
        assert "genesis" in process.stdout.readline()
        ainur.run("down")
        rest, _ = process.communicate(timeout=PATIENCE)
    assert "ended" in rest


def test_files_of_a_chain_are_readable_by_its_owner_alone(ainur: Ainur) -> None:
    up = ainur.up("--persist")
    for file in Path(up["data_dir"]).rglob("*"):
        if file.is_file():
            assert file.stat().st_mode & 0o077 == 0, file
    ainur.run("down")
