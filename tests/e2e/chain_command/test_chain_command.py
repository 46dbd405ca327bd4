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

from node.chainhost import lock
from node.chainhost.client import Client
from node.chainhost.node_program import VARIABLE
from tests.support.node import IS_NODE
from tests.support.runtime import runtime_code

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
PATIENCE = 60.0
BACKEND = ("--backend", "node" if IS_NODE else "embedded")


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
        return self.json("up", "--port", "0", *BACKEND, *arguments)

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
    for file in tmp_path.rglob("chain.lock"):
        # The Substrate node holds it as well: it may need a moment to see that it is alone.
        until(lambda file=file: not lock.is_held(file) or is_alive(int(file.read_text() or 0)))
        pid = int(file.read_text() or 0)
        if pid not in (0, os.getpid()) and is_alive(pid):
            left.append(pid)
            os.kill(pid, signal.SIGKILL)
    assert not left


def test_a_chain_goes_up_is_found_advances_and_goes_down(ainur: Ainur) -> None:
    assert ainur.json("status", code=3)["running"] is False
    up = ainur.up()
    assert up["url"] == f"ws://127.0.0.1:{up['port']}"
    assert up["apps"].endswith(f"?rpc=ws%3A%2F%2F127.0.0.1%3A{up['port']}")
    far = 403 if IS_NODE else 403_200
    assert f"to block {far:,}" in ainur.json("advance", f"{far}", "--dry-run")["would"]
    assert ainur.json("advance", f"{far}", "--seconds", "60")["head"]["number"] == far
    status = ainur.json("status")
    assert status["chain"]["head"]["number"] == far
    assert status["chain"]["time"] > 1000 * (time.time() + 50)
    assert status["chain"]["genesis"] == up["genesis"]
    assert up["url"] in ainur.run("status")
    assert any(up["url"] in line for line in ainur.json("logs")["lines"])
    assert "stop the chain" in ainur.json("down", "--dry-run")["would"]
    assert is_alive(up["pid"])
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
        refused = ainur.run("up", *BACKEND, "--port", str(port), code=1)
        assert f"port {port} is in use" in refused
    assert ainur.json("status", code=3)["running"] is False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--preset", "nope"), "no preset 'nope'"),
        (("--runtime", __file__), "not a runtime"),
        (("--name", "../elsewhere"), "no name for a chain"),
    ],
)
def test_what_cannot_start_says_why(ainur: Ainur, arguments: tuple[str, ...], said: str) -> None:
    assert said in ainur.run("up", "--port", "0", *BACKEND, *arguments, code=1)


def test_what_would_be_started_is_said_and_not_started(ainur: Ainur) -> None:
    would = ainur.json("up", "--port", "0", *BACKEND, "--dry-run")["would"]
    assert f"backend {BACKEND[1]!r}" in would
    assert ainur.json("status", code=3)["running"] is False
    up = ainur.up()
    assert f"already runs at {up['url']}" in ainur.run("up", *BACKEND, "--dry-run", code=1)
    ainur.run("down")


def test_a_node_that_is_not_built_says_how_to_build_it(ainur: Ainur) -> None:
    ainur.environment["XDG_CACHE_HOME"] = str(ainur.home)
    ainur.environment.pop(VARIABLE, None)
    for more in ((), ("--dry-run",)):
        assert "scripts/build-node" in ainur.run("up", "--backend", "node", *more, code=1)
    ainur.environment[VARIABLE] = __file__
    assert "is no program" in ainur.run("up", "--backend", "node", code=1)


@pytest.mark.skipif(not IS_NODE, reason="about the node alone: the embedded chain jumps")
def test_a_node_refuses_to_make_very_many_blocks_and_says_why(ainur: Ainur) -> None:
    ainur.up()
    refused = ainur.run("advance", "403200", code=1)
    assert "makes every block" in refused
    assert "5,000" in refused
    assert ainur.json("status")["chain"]["head"]["number"] == 0
    ainur.run("down")


@pytest.mark.skipif(not IS_NODE, reason="needs both backends")
def test_both_backends_make_the_same_genesis_of_a_seed(ainur: Ainur) -> None:
    found = set()
    for backend in ("embedded", "node"):
        up = ainur.json("up", "--port", "0", "--backend", backend, "--seed", "7")
        found.add((up["genesis"], up["runtime"]))
        ainur.run("down")
    assert len(found) == 1


@pytest.mark.skipif(not IS_NODE, reason="needs both backends")
def test_the_blocks_of_one_backend_are_not_passed_over_by_the_other(ainur: Ainur) -> None:
    ainur.up("--persist")
    ainur.run("down")
    refused = ainur.run("up", "--port", "0", "--backend", "embedded", "--persist", code=1)
    assert "--backend node" in refused
    ainur.run("reset", "--yes")
    ainur.run("up", "--port", "0", "--backend", "embedded", "--persist")
    ainur.run("down")


def test_a_killed_chain_leaves_nothing_that_stands_in_the_way(ainur: Ainur) -> None:
    up = ainur.up()
    folder = Path(up["data_dir"])
    os.kill(up["pid"], signal.SIGKILL)
    until(lambda: not is_alive(up["pid"]) and not lock.is_held(folder / "chain.lock"))
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
    again = ainur.up("--persist")  # waits for what is still ending
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
    refused = ainur.run("up", "--port", "0", *BACKEND, "--persist", "--seed", "b", code=1)
    assert "reset it" in refused
    assert ainur.json("reset", "--yes")["chain"] is None
    ainur.up("--persist", "--seed", "b")
    ainur.run("down")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_chain_in_the_foreground_ends_with_a_signal(ainur: Ainur, number: signal.Signals) -> None:
    with ainur.start("up", "--port", "0", *BACKEND, "--foreground", "--json") as process:
        assert process.stdout is not None
        record = json.loads(process.stdout.readline())
        assert ainur.json("status")["pid"] == record["pid"] == process.pid
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
    assert ainur.json("status", code=3)["running"] is False
    assert not Path(record["data_dir"], "chain.json").exists()


def test_a_chain_in_the_foreground_ends_with_its_parent(ainur: Ainur) -> None:
    code = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    argv = [
        sys.executable,
        "-c",
        code,
        *ainur.argv("up", "--port", "0", *BACKEND, "--foreground", "--json"),
    ]
    with subprocess.Popen(argv, env=ainur.environment, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL) as parent:  # fmt: skip
        assert parent.stdout is not None
        record = json.loads(parent.stdout.readline())
        parent.kill()
        parent.wait(PATIENCE)
    until(lambda: not is_alive(record["pid"]))
    until(lambda: not lock.is_held(Path(record["data_dir"], "chain.lock")))


@pytest.mark.parametrize("after", [0.0, 0.1, 0.3, 0.5, 0.8, *([1.5, 2.5] if IS_NODE else [])])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_start_that_is_broken_off_leaves_no_process_that_cannot_be_found(
    ainur: Ainur, after: float, number: signal.Signals
) -> None:
    with ainur.start("up", "--port", "0", *BACKEND) as process:
        time.sleep(after)
        process.send_signal(number)
        process.wait(PATIENCE)
    file = ainur.home / "chains" / "dev" / "chain.lock"
    if process.returncode == 0:  # it was faster than we
        ainur.run("down")
    elif number == signal.SIGINT:
        assert ainur.json("status", code=3)["running"] is False
    elif file.exists():
        # A chain that had just come up when its starter was killed is found like any other.
        with contextlib.suppress(AssertionError):
            ainur.run("down")
        until(lambda: not is_alive(int(file.read_text() or 0)) if file.read_text() else True)
        until(lambda: not lock.is_held(file))
    assert ainur.json("status", code=3)["running"] is False


def test_options_reach_the_chain(ainur: Ainur) -> None:
    up = ainur.up("--seal", "0.05", "--finality-lag", "2", "--allow-origin", "https://mine.example")
    client = Client(up["port"])
    until(lambda: client.call("dev_status")["head"]["number"] > 5)
    assert client.call("dev_status")["seal"] == "0.05"

    def lag() -> int:
        status = client.call("dev_status")
        return int(status["head"]["number"] - status["finalized"]["number"])

    until(lambda: lag() == 2)  # a node's follows a moment after the block
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
