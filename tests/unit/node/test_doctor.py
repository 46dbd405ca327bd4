"""``ainur doctor``: each thing that can be wrong is found, told with a way to mend it, and mended where that is safe."""

import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from node.chainhost import lock
from node.cli import cli
from node.doctor import chains, files, machine
from node.doctor.checks import examine, mend
from node.doctor.finding import Finding
from node.executor.sandbox import Probe


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("AINUR_HOME", str(folder))
    return folder


def make(path: Path, mode: int = 0o600, text: str = "{}") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_text(text)
    path.chmod(mode)
    return path


@contextlib.contextmanager
def running(path: Path) -> Iterator[None]:
    handle = lock.try_lock(path)
    assert handle is not None
    lock.claim(handle)
    yield
    os.close(handle)


def wrongs(found: Iterator[Finding]) -> list[Finding]:
    return [each for each in found if each.verdict in ("wrong", "warning")]


@pytest.mark.parametrize(
    ("version", "verdict"),
    [((3, 10), "wrong"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "wrong"), ((4, 0), "wrong")],
)
def test_a_python_that_is_not_supported_is_named(version: tuple[int, int], verdict: str) -> None:
    found = machine.python(version)
    assert found.verdict == verdict
    assert (found.mend is None) == (verdict == "ok")


def test_a_library_that_is_missing_is_named_with_its_extra_and_one_of_another_version_too() -> None:
    def version_of(name: str) -> str:
        if name == "libp2p":
            raise metadata.PackageNotFoundError(name)
        return "0.0.1" if name == "trio" else metadata.version(name)

    found = {each.check: each for each in machine.extras(version_of)}
    assert set(found) == {"libraries", "libraries agents", "libraries node"}
    assert found["libraries node"].found == "missing: libp2p"
    assert "ainur[node]" in str(found["libraries node"].mend)
    assert "trio 0.0.1 instead of 0.35.0" in found["libraries"].found
    assert found["libraries agents"].verdict == "ok"


def test_a_core_library_that_is_missing_is_worse_than_one_of_an_extra() -> None:
    def version_of(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    verdicts = {each.check: each.verdict for each in machine.extras(version_of)}
    assert verdicts == {"libraries": "wrong", "libraries agents": "warning", "libraries node": "warning"}  # fmt: skip


def test_a_sandbox_that_does_not_work_is_told_with_what_it_means(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trouble = Probe(None, "bubblewrap may not make namespaces here (x): allow them")
    monkeypatch.setattr("node.executor.sandbox.find_bubblewrap", lambda: trouble)
    found = machine.sandbox()
    assert found.verdict == "warning"
    assert "agents of others are refused" in found.found
    monkeypatch.setattr("node.executor.sandbox.find_bubblewrap", lambda: Probe("/bin/bwrap"))
    assert machine.sandbox().verdict == "ok"


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(0, "wrong"), (256 * 2**20 - 1, "wrong"), (256 * 2**20, "warning"), (2 * 2**30, "ok")],
)
def test_a_disk_that_fills_is_told_before_and_when_it_is_full(
    home: Path, free: int, verdict: str
) -> None:
    assert machine.disk(home / "not" / "there", free).verdict == verdict


def test_a_clock_before_the_program_was_made_is_wrong() -> None:
    assert machine.clock().verdict == "ok"
    assert machine.clock(86_400.0).verdict == "wrong"


def test_the_usual_port_in_other_hands_is_told_unless_a_chain_of_ours_has_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert machine.ports(chain_runs=False, port=port).verdict == "warning"
        assert machine.ports(chain_runs=True, port=port).verdict == "idle"
    assert machine.ports(chain_runs=False, port=port).verdict == "ok"


def test_too_few_open_files_are_told() -> None:
    found = machine.files_open(256)
    assert found.verdict == "warning"
    assert "ulimit -n" in str(found.mend)
    assert machine.files_open(1_024).verdict == "ok"


def test_node_is_of_use_and_not_needed() -> None:
    assert machine.optional(lambda _name: None).verdict == "idle"
    assert machine.optional(lambda _name: "/usr/bin/node").verdict == "ok"


def test_a_home_that_others_may_write_to_is_mended(home: Path) -> None:
    home.chmod(0o777)
    found = files.folder(home)
    assert (found.verdict, found.mend) == ("wrong", f"chmod 700 {home}")
    assert found.fix is not None
    found.fix()
    assert files.folder(home).verdict == "ok"
    assert files.folder(home / "later").verdict == "idle"
    assert files.folder(make(home / "file")).verdict == "wrong"


def test_secrets_that_others_may_read_are_found_wherever_they_lie_and_mended(home: Path) -> None:
    net = home / "testnets" / "dev"
    loose = [
        make(home / "keys" / "a.key.json", 0o644),
        make(home / "node" / "keys" / "passphrase", 0o640),
        make(home / "node" / "token", 0o604),
        make(net / "keys" / "arbiter.key.json", 0o660),
        make(net / "nodes" / "n1" / "keys" / "node.key.json", 0o606),
        make(net / "nodes" / "n1" / "token", 0o644),
    ]
    make(net / "nodes" / "n2" / "keys" / "node.key.json", 0o600)
    store = net / "nodes" / "n2" / "keys"
    store.chmod(0o770)
    found = wrongs(files.secrets(home))
    assert {each.found.split(" has mode")[0] for each in found} == {str(p) for p in [*loose, store]}
    said: list[str] = []
    fixed = list(mend(found, lambda _finding, why: said.append(why)))
    assert all(each.fixed for each in fixed)
    assert said == []
    assert [each.verdict for each in files.secrets(home)] == ["ok"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in loose)


def test_a_secret_behind_a_link_is_told_and_not_touched(home: Path) -> None:
    real = make(home.parent / "elsewhere", 0o644)
    (home / "keys").mkdir(mode=0o700)
    (home / "keys" / "a.key.json").symlink_to(real)
    [found] = wrongs(files.secrets(home))
    assert "symbolic link" in found.found
    assert found.fix is None
    assert real.stat().st_mode & 0o777 == 0o644


def test_what_dead_processes_left_is_removed_and_what_runs_is_left_alone(home: Path) -> None:
    dead = [
        make(home / "chains" / "old" / "chain.json"),
        make(home / "node" / "node.json"),
        make(home / "testnets" / "dev" / "control.sock"),
        make(home / "testnets" / "dev" / "chain" / "chain.json"),
        make(home / "testnets" / "dev" / "nodes" / "n1" / "node.json"),
    ]
    alive = make(home / "chains" / "new" / "chain.json")
    kept = make(home / "chains" / "old" / "config.json")
    with running(home / "chains" / "new" / "chain.lock"):
        found = wrongs(files.left_behind(home, lambda _place: True))
        assert len(found) == len(dead)
        assert all(each.fixed for each in mend(found, lambda *_: None))
        assert not any(path.exists() for path in dead)
        assert alive.exists()
        assert kept.exists()
        [fine] = files.left_behind(home, lambda _place: True)
        assert (fine.verdict, fine.found) == ("ok", "none; 1 of our processes run")


def test_what_is_started_between_looking_and_mending_is_left_alone(home: Path) -> None:
    record = make(home / "chains" / "dev" / "chain.json")
    found = wrongs(files.left_behind(home, lambda _place: True))
    said: list[str] = []
    with running(home / "chains" / "dev" / "chain.lock"):
        [same] = mend(found, lambda _finding, why: said.append(why))
    assert not same.fixed
    assert record.exists()
    assert "is being started" in said[0]


def test_a_process_that_holds_a_folder_and_does_not_answer_is_named(home: Path) -> None:
    for name in ("chains/dev/chain.lock", "node/node.lock", "testnets/dev/testnet.lock"):
        (home / name).parent.mkdir(parents=True)
        with running(home / name):
            [found] = wrongs(files.left_behind(home, chains.answers))
            assert f"process {os.getpid()}" in found.found
            assert found.fix is None


class FakeChain(BaseHTTPRequestHandler):
    """Answers the three calls that are asked."""

    genesis, spec, spec_version = "0xaa", "ainur", 1

    def do_POST(self) -> None:  # the base class's name
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answers: dict[str, Any] = {
            "chain_getBlockHash": self.genesis,
            "state_getRuntimeVersion": {"specName": self.spec, "specVersion": self.spec_version},
            "chain_getHeader": {"number": "0x10"},
        }
        body = json.dumps({"id": asked["id"], "result": answers[asked["method"]]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(chains, "PATIENCE", 60.0)
    for name in ("genesis", "spec", "spec_version"):
        monkeypatch.setattr(FakeChain, name, getattr(FakeChain, name))
    with HTTPServer(("127.0.0.1", 0), FakeChain) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"ws://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_chain_is_held_to_its_genesis_and_to_our_runtime(chain: str) -> None:
    good = chains.one_chain(chain, "0xaa")
    assert (good.verdict, "block 16" in good.found) == ("ok", True)
    assert "another chain now" in chains.one_chain(chain, "0xbb").found
    FakeChain.spec_version = 7
    other = chains.one_chain(chain, "0xaa")
    assert (other.verdict, "made for version 1" in other.found) == ("warning", True)
    FakeChain.spec = "polkadot"
    assert chains.one_chain(chain, None).verdict == "wrong"


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1", "nonsense", "ws://", "ws://127.0.0.1:99999"])
def test_a_chain_that_does_not_answer_is_wrong(url: str) -> None:
    found = chains.one_chain(url, None)
    assert found.verdict == "wrong"
    assert found.mend is not None


def test_the_committed_runtime_is_looked_at() -> None:
    assert chains.runtime().found.startswith("ainur-1")


def test_everything_is_looked_at_and_nothing_is_changed_by_looking(home: Path) -> None:
    make(home / "keys" / "a.key.json", 0o644)
    make(home / "node" / "node.json")

    def state() -> list[tuple[Path, int]]:
        return sorted((path, path.stat().st_mode) for path in home.rglob("*"))

    before = state()
    checks = {each.check for each in examine(home)}
    assert state() == before
    assert {"python", "libraries", "sandbox", "runtime", "folder", "keystore", "disk", "clock",
            "open files", "ports", "leftovers", "chain", "node", "node.js"} <= checks  # fmt: skip


def test_the_command_fails_where_something_will_not_work_and_mends_what_it_can(home: Path) -> None:
    loose = make(home / "keys" / "a.key.json", 0o644)

    def doctor(*options: str, code: int) -> dict[str, Any]:
        done = CliRunner().invoke(cli, ["doctor", "--json", *options])
        assert done.exit_code == code, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["version"] == 1
        return found

    bad = doctor(code=1)
    assert bad["ok"] is False
    [wrong] = [each for each in bad["checks"] if each["verdict"] == "wrong"]
    assert (wrong["check"], wrong["can_fix"], wrong["fixed"]) == ("keystore", True, False)
    text = CliRunner().invoke(cli, ["doctor"]).stdout
    assert f"to mend it: chmod 600 {loose}" in text
    assert "ainur doctor --fix" in text
    mended = doctor("--fix", code=0)
    assert [each["check"] for each in mended["checks"] if each["fixed"]] == ["keystore"]
    assert doctor(code=0)["ok"] is True
    unreachable = doctor("--chain", "ws://127.0.0.1:1", code=1)
    assert unreachable["ok"] is False
