"""Three nodes in three processes: they find each other, and lose sight of who has gone."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.node_processes import NodeProcess, ainur, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Start = Callable[..., NodeProcess]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start nodes by name; all are ended with the test."""
    monkeypatch.delenv("AINUR_PASSPHRASE", raising=False)
    running: list[NodeProcess] = []

    def one(name: str, *options: str) -> NodeProcess:
        node = NodeProcess(tmp_path / name, *options)
        running.append(node)
        return node

    yield one
    for node in running:
        node.kill()


def test_three_nodes_find_each_other_and_forget_who_died(start: Start) -> None:
    quick = ["--ttl", "8"]
    a = start("a", *quick, "--announce", "text.summarize=Shortens long documents")
    b = start("b", *quick, "--bootstrap", a.address, "--announce", "text.translate=Into German")
    c = start("c", *quick, "--bootstrap", b.address, "--announce", "image.resize=Scales pictures")
    everybody = {a.peer, b.peer, c.peer}
    for node in (a, b, c):
        until(lambda node=node: node.known() == everybody)

    [match] = c.ask("find", "text.summarize")["matches"]
    assert match["agent"]["peer_id"] == a.peer
    assert match["agent"]["addresses"] == [a.address.removesuffix(f"/p2p/{a.peer}")]
    assert {m["agent"]["peer_id"] for m in a.ask("find", "--prefix", "text")["matches"]} == {
        a.peer,
        b.peer,
    }
    found = a.ask("find", "--text", "make a picture smaller or larger: resize")["matches"]
    assert found[0]["agent"]["peer_id"] == c.peer
    assert {each["peer_id"] for each in b.ask("peers")["peers"]} == {a.peer, c.peer}
    [nobody] = a.ask("why-not-found", "text.sumarize")["absences"]
    assert nobody["reason"] == "unknown"
    assert "text.summarize" in nobody["detail"]

    b.process.kill()
    until(lambda: a.known() == {a.peer} | ({c.peer} & a.known()) and b.peer not in a.known())
    told = a.ask("why-not-found", "text.translate", "--agent", b.peer)["absences"]
    assert [each["reason"] for each in told] == ["expired"]
    until(lambda: b.peer not in c.known())


def test_who_leaves_with_good_bye_is_gone_at_once_and_comes_back_without_bootstrap(
    start: Start,
) -> None:
    slow = ["--ttl", "600"]
    a = start("a", *slow, "--announce", "a.one")
    b = start("b", *slow, "--bootstrap", a.address, "--announce", "b.two")
    until(lambda: a.known() == {a.peer, b.peer} == b.known())
    until((b.folder / "peers.json").exists)
    assert b.stop(signal.SIGINT) == 0
    until(lambda: a.known() == {a.peer})
    [told] = a.ask("why-not-found", "b.two")["absences"]
    assert told["reason"] == "withdrawn"
    again = start("b", *slow, "--announce", "b.two")
    assert again.peer == b.peer
    until(lambda: a.known() == {a.peer, b.peer} == again.known())
    assert again.stop() == 0
    assert not (again.folder / "node.json").exists()


def test_a_second_node_on_one_folder_is_refused_and_the_first_goes_on(start: Start) -> None:
    first = start("a")
    second = ainur("node", "run", folder=first.folder)
    assert second.returncode == 1
    assert f"process {first.process.pid}" in second.stderr
    assert "Traceback" not in second.stderr
    assert first.ask("node", "status")["peer_id"] == first.peer


def test_a_node_that_was_killed_starts_again_on_its_folder(start: Start) -> None:
    first = start("a", "--announce", "a.one")
    first.kill()
    gone = ainur("agents", folder=first.folder)
    assert gone.returncode == 1
    assert "no node runs" in gone.stderr
    second = start("a", "--announce", "a.one")
    assert second.peer == first.peer
    until(lambda: second.known() == {second.peer})


def test_a_node_that_is_still_starting_ends_when_it_is_told_to(tmp_path: Path) -> None:
    with socket.create_server(
        ("127.0.0.1", 0)
    ) as silent:  # a chain that takes connections and says nothing
        chain = f"ws://127.0.0.1:{silent.getsockname()[1]}"
        command = ["node", "run", "--data-dir", str(tmp_path / "n"), "--chain", chain]
        starting = subprocess.Popen([sys.executable, "-m", "ainur", *command])
        try:
            silent.settimeout(90)
            connection, _ = silent.accept()
            starting.send_signal(signal.SIGTERM)
            starting.wait(90)
            connection.close()
        finally:
            starting.kill()
            starting.wait()
    assert not (tmp_path / "n" / "node.json").exists()


def test_a_frozen_node_is_told_as_such(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    node = start("a")
    os.kill(node.process.pid, signal.SIGSTOP)
    try:
        done = ainur("peers", folder=node.folder)
    finally:
        os.kill(node.process.pid, signal.SIGCONT)
    assert done.returncode == 1
    assert "does not answer" in done.stderr


def test_the_wrong_token_is_refused(start: Start) -> None:
    node = start("a")
    (node.folder / "token").write_text("wrong")
    done = ainur("agents", folder=node.folder)
    assert done.returncode == 1
    assert "token" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--listen", "nonsense"], "not a multiaddr"),
        (["--bootstrap", "/ip4/127.0.0.1/tcp/1"], "multiaddr"),
        (["--announce", "No Name"], "no capability"),
        (["--announce", "a.b", "--announce", "a.b"], "twice"),
        (["--ttl", "1"], "2<=x<=600"),
        (["--key", "missing"], "ainur keys new missing"),
        (["--chain", "ws://127.0.0.1:1"], "127.0.0.1:1"),
    ],
)
def test_nonsense_is_told_in_one_line(tmp_path: Path, options: list[str], said: str) -> None:
    done = ainur("node", "run", *options, folder=tmp_path / "n")
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_taken_port_is_told(start: Start, tmp_path: Path) -> None:
    node = start("a")
    taken = node.address.partition("/p2p/")[0]
    done = ainur("node", "run", "--listen", taken, folder=tmp_path / "b")
    assert done.returncode == 1
    assert "cannot listen" in done.stderr
    port = node.record["api"].rpartition(":")[2]
    done = ainur("node", "run", "--api-port", port, folder=tmp_path / "b")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_development_key_is_refused_where_there_is_no_dev_chain(tmp_path: Path) -> None:
    env = {"AINUR_PASSPHRASE": "secret"}
    store = str(tmp_path / "keys")
    made = ainur("keys", "import", "alice", "--dev", "Alice", "--keystore", store, env=env)
    assert made.returncode == 0
    done = ainur(
        "node", "run", "--key", "alice", "--keystore", store, folder=tmp_path / "n", env=env
    )
    assert done.returncode == 1
    assert "secret is public" in done.stderr


def test_secrets_are_the_owners_alone_and_in_no_output(start: Start) -> None:
    node = start("a", "--announce", "a.one", "-v")
    node.ask("node", "status")
    node.stop()
    secrets = [
        (node.folder / "token").read_text(),
        (node.folder / "keys" / "passphrase").read_text().strip(),
    ]
    shown = node.log.read_text() + json.dumps(node.record)
    assert not [each for each in secrets if each in shown]
    loose = [
        p
        for p in node.folder.rglob("*")
        if p.is_file() and p.stat().st_mode & 0o077 and p.name != "peers.json"
    ]
    assert loose == []
