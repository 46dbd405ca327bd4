"""What a node's process stands on: its folder, its numbers, its keys."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.units import BlockNumber
from node.keystore.errors import NoPassphraseError, NoSuchKeyError, WrongPassphraseError
from node.keystore.passphrase import VARIABLE
from node.keystore.store import Keystore
from node.process import sequence
from node.process.datadir import DataDir, Record
from node.process.errors import AlreadyRunningError, StartError
from node.process.heads import ClockHead
from node.process.keys import KeyChoice, load_keys
from node.process.sequence import Sequence

RECORD = Record(1, "http://127.0.0.1:1", "12D3", "5F", ("/ip4/127.0.0.1/tcp/1",))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataDir:
    monkeypatch.delenv(VARIABLE, raising=False)
    return DataDir(tmp_path / "node")


def test_one_node_holds_a_folder_and_leaves_no_record(folder: DataDir) -> None:
    with folder.locked():
        folder.write_record(RECORD)
        assert folder.read_record() == RECORD
        assert folder.is_running()
        with pytest.raises(AlreadyRunningError, match="process"), folder.locked():
            pass
        assert folder.read_record() == RECORD
    assert not folder.is_running()
    assert folder.read_record() is None


def test_the_record_of_a_node_that_was_killed_is_gone_when_the_next_starts(folder: DataDir) -> None:
    folder.path.mkdir()
    folder.write_record(RECORD)
    assert not folder.is_running()
    with folder.locked():
        assert folder.read_record() is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 2}', '{"version": 1, "pid": 1}'])
def test_a_record_that_is_none_is_no_node(folder: DataDir, text: str) -> None:
    folder.path.mkdir()
    folder.record.write_text(text)
    assert folder.read_record() is None


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="cannot be used"), DataDir(tmp_path / "file").locked():
        pass


def test_each_token_is_another_and_the_owners_alone(folder: DataDir) -> None:
    folder.path.mkdir()
    first, second = folder.new_token(), folder.new_token()
    assert first != second
    assert folder.token.read_text() == second
    assert folder.token.stat().st_mode & 0o777 == 0o600


@given(
    runs=st.lists(st.lists(st.integers(0, 10 * sequence.AHEAD), min_size=1, max_size=5), max_size=5)
)
def test_numbers_rise_over_crashes_whatever_the_clock_does(
    runs: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("sequence") / "sequence"
    last = -1
    for times in runs:
        clock = iter(times)
        numbers = Sequence(path, lambda clock=clock: next(clock))
        for _ in times:
            number = numbers()
            assert number > last
            last = number


@pytest.mark.parametrize("text", ["", "x", "-1", str(2**63)])
def test_a_sequence_file_that_is_none_stops_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "sequence").write_text(text)
    with pytest.raises(StartError, match="remove it"):
        Sequence(tmp_path / "sequence")


def test_a_node_makes_its_own_key_once(folder: DataDir) -> None:
    folder.path.mkdir()
    first = load_keys(folder, KeyChoice())
    assert load_keys(folder, KeyChoice()).operator == first.operator
    assert first.transport.key == first.operator.key
    assert folder.passphrase.stat().st_mode & 0o777 == 0o600


def test_operator_and_transport_keys_can_be_separate(
    folder: DataDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Keystore(tmp_path / "keys")
    for number, name in enumerate(("operator", "transport")):
        store.create(name, bytes([number]) * 32, "secret", cost=2**10)
    choice = KeyChoice(store.folder, "operator", "transport")
    with pytest.raises(NoPassphraseError):
        load_keys(folder, choice)
    asked: list[str] = []
    keys = load_keys(folder, choice, lambda name: asked.append(name) or "secret")  # type: ignore[func-returns-value]
    assert asked == ["operator", "transport"]
    assert keys.operator.key == store.get("operator").file.key
    assert keys.transport.key == store.get("transport").file.key
    monkeypatch.setenv(VARIABLE, "wrong")
    with pytest.raises(WrongPassphraseError):
        load_keys(folder, choice)
    with pytest.raises(NoSuchKeyError):
        load_keys(folder, KeyChoice(store.folder))


def test_the_key_that_the_registry_names_signs(folder: DataDir, tmp_path: Path) -> None:
    store = Keystore(tmp_path / "keys")
    first = store.create("first", b"\1" * 32, "secret", cost=2**10)
    account = first.file.account_id
    second = store.create("second", b"\2" * 32, "secret", cost=2**10, account=account)
    store.create("third", b"\3" * 32, "another", cost=2**10, account=account)
    store.create("stranger", b"\4" * 32, "secret", cost=2**10)
    keys = load_keys(folder, KeyChoice(store.folder, "first"), lambda _: "secret")
    assert keys.signing(second.file.key).key == second.file.key
    assert keys.signing(second.file.key).account == account
    for other in (
        first.file.key,
        store.get("third").file.key,
        store.get("stranger").file.key,
        None,
    ):
        assert keys.signing(other).key == first.file.key


def test_without_a_chain_blocks_follow_the_steady_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    head = ClockHead()
    before = head.now()
    monkeypatch.setattr("time.time", lambda: 0.0)
    after = head.now()
    assert BlockNumber(before.block) <= after.block <= before.block + 1
    assert after.millis >= before.millis
