"""Nodes on a dev chain: whose key counts is the registry's word, also while they run."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.node_processes import NodeProcess, ainur, until

pytestmark = [pytest.mark.e2e, pytest.mark.chain, pytest.mark.timeout(400)]

ENV = {"AINUR_PASSPHRASE": "secret"}


def read(*arguments: str, folder: Path | None = None) -> dict[str, Any]:
    done = ainur(*arguments, "--json", folder=folder, env=ENV)
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[str]:
    """A dev chain's URL."""
    up = read("chain", "up", "--port", "0", "--preset", "ci", folder=tmp_path / "chain")
    yield up["url"]
    ainur("chain", "down", folder=tmp_path / "chain")


def test_a_node_goes_on_under_its_new_key_when_the_old_one_is_rotated_out(
    chain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AINUR_PASSPHRASE", "secret")
    store = str(tmp_path / "keys")
    on = ["--chain", chain, "--keystore", store]
    read("keys", "import", "dave", "--dev", "Dave", "--keystore", store)
    read("keys", "new", "peer", "--keystore", store)
    read("keys", "register", "dave", *on)
    rotation = read("keys", "rotate", "dave", "--to", "dave-2", *on)
    assert not rotation["effective"]

    common = ["--chain", chain, "--ttl", "8"]
    keys = ["--keystore", store, "--key", "dave", "--transport-key", "peer"]
    nodes = []
    try:
        a = NodeProcess(tmp_path / "a", *common, *keys, "--announce", "a.one")
        nodes.append(a)
        b = NodeProcess(tmp_path / "b", *common, "--bootstrap", a.address, "--announce", "b.two")
        nodes.append(b)
        [first] = until(lambda: b.ask("find", "a.one")["matches"])
        assert first["agent"]["account"] == rotation["agent"]
        assert first["agent"]["peer_id"] == a.peer

        read(
            "chain",
            "advance",
            str(rotation["effective_at"] - rotation["now"]),
            folder=tmp_path / "chain",
        )
        until(lambda: b.ask("node", "status")["chain"]["head"] >= rotation["effective_at"])

        def announced_anew() -> bool:
            found = b.ask("find", "a.one")["matches"]
            return bool(found) and int(found[0]["agent"]["sequence"]) > int(
                first["agent"]["sequence"]
            )

        until(announced_anew)
        [told] = b.ask("why-not-found", "a.one", "--agent", rotation["agent"])["absences"]
        assert told["reason"] == "found"
        status = a.ask("node", "status")
        assert status["account"] == rotation["agent"]
        assert status["chain"]["current"]
        assert status["chain"]["development"]
    finally:
        for node in nodes:
            node.kill()


def test_nodes_of_different_chains_do_not_list_each_other(
    chain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AINUR_PASSPHRASE", raising=False)
    assert "AINUR_PASSPHRASE" not in os.environ
    nodes = []
    try:
        a = NodeProcess(tmp_path / "a", "--chain", chain, "--announce", "a.one")
        nodes.append(a)
        b = NodeProcess(tmp_path / "b", "--bootstrap", a.address, "--announce", "b.two")
        nodes.append(b)
        missed = ["why-not-found", "b.two", "--agent", b.peer]
        until(lambda: a.ask(*missed)["absences"][0]["reason"] == "refused")
        assert "chain" in a.ask(*missed)["absences"][0]["detail"]
        assert a.known() == {a.peer}
    finally:
        for node in nodes:
            node.kill()
