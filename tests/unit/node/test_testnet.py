"""A testnet on paper: names, keys, genesis, sides; its folders and its records; which agents are sold where."""

from collections import Counter
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from chain.devchain.signing import account
from market.identity import account_from_ss58
from node.chainhost import lock
from node.chainhost.config import Record as ChainRecord
from node.chainhost.files import write_json
from node.keystore.store import Keystore
from node.process.datadir import DataDir
from node.testnet import control, home, plan
from node.testnet.agents import BARGAIN, agents_of
from node.testnet.config import CHEATS, USUAL_WINDOWS, NodeView, TestnetConfig, TestnetView
from node.testnet.control import Wanted, check_up
from node.testnet.errors import (
    AlreadyRunningError,
    NotRunningError,
    StartError,
    TestnetError,
    UsageError,
)
from node.testnet.home import folder_of, running_folder
from node.testnet.plan import BOND, Plan, groups_of, node_names
from node.testnet.ports import hold_ports
from node.testnet.provision import provision
from node.trade.calls import CI_WINDOWS

DEVELOPMENT = ("Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie")


@given(st.integers(1, 4), st.text(max_size=20))
def test_the_same_seed_gives_the_same_keys_and_a_larger_testnet_has_those_of_a_smaller(
    size: int, seed: str
) -> None:
    nodes = Plan(size, seed).nodes
    assert nodes == Plan(4, seed).nodes[:size]
    assert len({node.identity.account for node in nodes}) == size
    assert Plan(1, seed + "x").nodes[0].identity.account != nodes[0].identity.account


@pytest.mark.parametrize("size", [0, -1, 101])
def test_a_size_that_is_none_is_refused(size: int) -> None:
    with pytest.raises(UsageError, match="1 to 100"):
        Plan(size, "")


def test_the_genesis_endows_all_and_bonds_the_providers_alone() -> None:
    paper = Plan(3, "s")
    patch = paper.genesis_patch()
    endowed = {account_from_ss58(who) for who, _ in patch["balances"]["balances"]}
    assert len(patch["balances"]["balances"]) == len(endowed)
    later = [node.identity.account for node in paper.spares]
    assert {node.identity.account for node in paper.nodes} | {*later} <= endowed
    assert len({*later}) == plan.MAX_JOINED
    for name in DEVELOPMENT:
        for scheme in ("sr25519", "ed25519"):
            assert account(name, scheme).public in endowed  # type: ignore[arg-type]
    bonded = {account_from_ss58(who): bond for who, bond in patch["reputation"]["bonded"]}
    assert bonded == dict.fromkeys([*(n.identity.account for n in paper.nodes[1:]), *later], BOND)
    roles = {account_from_ss58(who): role for who, _, role in patch["registry"]["agents"]}
    assert roles == {**dict.fromkeys(bonded, 0), paper.arbiter.identity.account: 1}


def test_the_treasury_is_the_account_of_the_runtime_s_pallet_id() -> None:
    source = (Path(__file__).parents[3] / "pallets/runtime/src/config.rs").read_text()
    assert 'TreasuryAccount: AccountId = PalletId(*b"ainu/trs")' in source
    assert b"modlainu/trs".ljust(32, b"\0") == plan.TREASURY


@given(st.data())
def test_a_partition_puts_each_node_on_one_side(data: st.DataObject) -> None:
    names = node_names(data.draw(st.integers(2, 8)))
    side_of = {name: data.draw(st.integers(0, 3)) for name in names}  # 0: not named
    sides = [[n for n in names if side_of[n] == side] for side in (1, 2, 3)]
    sides = [side for side in sides if side]
    if len(set(side_of.values())) < 2:
        with pytest.raises(UsageError, match="one side"):
            groups_of(sides, names)
        return
    groups = groups_of(sides, names)
    assert Counter(name for group in groups for name in group) == Counter(names)
    for one in names:
        for other in names:
            together = any({one, other} <= group for group in groups)
            assert together == (side_of[one] == side_of[other])


def test_unknown_and_doubled_names_are_refused() -> None:
    with pytest.raises(UsageError, match="no node 'n9': the nodes are n1, n2"):
        groups_of([["n9"]], ["n1", "n2"])
    with pytest.raises(UsageError, match="n1 is on two sides"):
        groups_of([["n1"], ["n1", "n2"]], ["n1", "n2"])


def test_each_capability_is_sold_by_each_provider_at_a_price_of_its_own() -> None:
    offers = [agents_of(provider) for provider in range(4)]
    names = [[spec.offer.capability for spec in each] for each in offers]
    assert names == [sorted(set(names[0]))] * 4
    for bargain, *specs in zip(agents_of(BARGAIN), *offers, strict=True):
        assert bargain.offer.price < min(spec.offer.price for spec in specs) / 3
    for specs in zip(*offers, strict=True):
        assert len({spec.offer.price for spec in specs}) == 4
        assert len({spec.offer.description for spec in specs}) > 1  # of several qualities
    cheapest = [
        min(range(4), key=lambda i: specs[i].offer.price) for specs in zip(*offers, strict=True)
    ]  # used at once
    assert len(set(cheapest)) == 4  # everybody is good at something


def test_windows_are_kept_until_others_are_asked_for(tmp_path: Path) -> None:
    folder = folder_of("x", tmp_path / "x")
    folder.path.mkdir()
    first = check_up(folder, Wanted(windows=(9, 8, 7)))
    assert first.windows == (9, 8, 7)
    write_json(folder.config, first.to_json())
    assert check_up(folder, Wanted()).windows == (9, 8, 7)
    assert check_up(folder, Wanted(windows=(1, 1, 1))).windows == (1, 1, 1)
    older = {key: value for key, value in first.to_json().items() if key != "windows"}
    write_json(folder.config, older)
    assert check_up(folder, Wanted()).windows == USUAL_WINDOWS
    usual = CI_WINDOWS.commit, CI_WINDOWS.reveal, CI_WINDOWS.accept
    assert usual == USUAL_WINDOWS


def test_each_way_to_cheat_is_one_that_can_be_asked_for() -> None:
    from node.testnet.cheats import INSTALL

    assert tuple(INSTALL) == CHEATS


def test_keys_are_made_once_and_are_those_of_the_seed(tmp_path: Path) -> None:
    folder, paper = folder_of("x", tmp_path / "x"), Plan(2, "s")
    for _ in range(2):
        provision(folder, paper)
    for node in paper.nodes:
        data_dir = folder.node(node.name)
        words = data_dir.passphrase.read_text().strip()
        assert Keystore(data_dir.keys).get("node").unlock(words) == node.identity
        assert data_dir.path.stat().st_mode & 0o077 == 0
    words = (folder.keys / "passphrase").read_text().strip()
    assert Keystore(folder.keys).get("arbiter").unlock(words) == paper.arbiter.identity


def test_a_held_port_is_nobody_s_and_can_be_listened_on_again_and_again() -> None:
    import socket

    with hold_ports() as ports:
        number = ports["a"]
        assert ports["a"] == number
        assert ports["b"] != number
        for _ in range(2):
            with socket.socket() as server:
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                server.bind(("127.0.0.1", number))
                server.listen()
                with socket.create_connection(("127.0.0.1", number), timeout=5):
                    server.accept()[0].close()
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", number))


def test_a_record_survives_json() -> None:
    node = NodeView(
        name="n1", state="killed", pid=None, peer_id="p", account="a", agents=("x",), api=None,
        multiaddr="/ip4", data_dir="/d", is_provider=True, refuses=("n2",), status=-9,
    )  # fmt: skip
    chain = ChainRecord(
        pid=1, port=2, genesis="0x", backend="embedded", seal="0.25", persist=True, name="x",
        data_dir="/c", runtime="ainur-1",
    )  # fmt: skip
    view = TestnetView(
        name="x", data_dir="/d", pid=3, seed="s", chain=chain, chain_state="running", arbiter="b",
        nodes=(node,),
    )  # fmt: skip
    assert TestnetView.from_json(view.to_json()) == view
    assert view.node("n1") is node
    with pytest.raises(KeyError):
        view.node("n2")


@pytest.mark.parametrize("name", ["", ".x", "a/b", "..", "x" * 64, "a b"])
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no name"):
        folder_of(name)


def test_the_only_running_testnet_is_meant_and_several_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    monkeypatch.setenv("AINUR_HOME", str(tmp_path))
    with pytest.raises(NotRunningError, match="ainur testnet up"):
        running_folder(None)
    folder_of("idle").path.mkdir(parents=True)
    handles = [lock.try_lock(folder_of("one").lock)]
    assert running_folder(None) == folder_of("one")
    handles.append(lock.try_lock(folder_of("two").lock))
    with pytest.raises(UsageError, match=r"--name \(one, two\)"):
        running_folder(None)
    assert running_folder("two") == folder_of("two")
    assert home.running_names() == ["one", "two"]
    with pytest.raises(AlreadyRunningError):
        control.check_up(folder_of("one"), control.Wanted())
    for handle in handles:
        assert handle is not None
        os.close(handle)


def test_a_command_means_the_node_it_names_or_the_own_one_or_the_buyer_of_the_only_testnet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    from node.cli.api import data_dir_option

    monkeypatch.setenv("AINUR_HOME", str(tmp_path))

    @click.command()
    @data_dir_option
    def where(folder: DataDir) -> None:
        click.echo(folder.path)

    def found(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(where, arguments)
        assert result.exit_code == code, result.output
        return result.output.strip()

    assert found() == str(
        tmp_path / "node"
    )  # nothing runs: the message of the command says how to begin
    folder = folder_of("one")
    for name in ("n1", "n2"):
        folder.node(name).path.mkdir(parents=True)
    running = [lock.try_lock(folder.lock)]
    assert found() == found("--testnet", "one") == str(folder.node("n1").path)
    assert found("--node", "n2") == str(folder.node("n2").path)
    assert "there are n1, n2" in found("--node", "n3", code=1)
    assert "never ran" in found("--testnet", "two", code=1)
    assert found("--data-dir", "/x") == "/x"
    assert "leave --testnet" in found("--data-dir", "/x", "--node", "n2", code=2)
    running.append(lock.try_lock(tmp_path / "node" / "node.lock"))
    assert found() == str(tmp_path / "node")
    os.close(running.pop() or -1)
    running.append(lock.try_lock(folder_of("two").lock))
    assert "(one, two)" in found(code=1)
    for handle in running:
        os.close(handle or -1)


def test_a_testnet_on_disk_goes_on_as_it_was_and_cannot_become_another(tmp_path: Path) -> None:
    folder = folder_of("x", tmp_path)
    first = control.check_up(folder, control.Wanted(nodes=2))
    assert (first.nodes, first.backend, first.is_seeded) == (2, "embedded", False)
    assert first.seed != control.check_up(folder, control.Wanted(nodes=2)).seed
    write_json(folder.config, first.to_json())
    assert control.check_up(folder, control.Wanted()) == first
    for other in (
        control.Wanted(nodes=3),
        control.Wanted(seed="other"),
        control.Wanted(backend="node"),
    ):
        with pytest.raises(UsageError, match="ainur testnet reset"):
            control.check_up(folder, other)


def test_a_backend_that_is_not_there_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AINUR_NODE", str(tmp_path / "nothing"))
    with pytest.raises(StartError, match="no program"):
        control.check_up(folder_of("x", tmp_path / "x"), control.Wanted(backend="node"))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("value", [{"version": 2}, {"version": 1, "name": "x"}, {}])
def test_a_config_of_another_version_is_refused_with_the_way_out(
    tmp_path: Path, value: dict[str, object]
) -> None:
    write_json(tmp_path / "testnet.json", value)
    with pytest.raises(TestnetError, match="remove"):
        TestnetConfig.read(folder_of("x", tmp_path))
