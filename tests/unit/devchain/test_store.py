import sqlite3
from pathlib import Path

import pytest

from chain.devchain.errors import StoreError
from chain.devchain.state import Changes
from chain.devchain.store import Store, decode_changes, encode_changes


@pytest.mark.parametrize(
    "changes",
    [
        Changes(),
        Changes({b"": b"", b"k": None, b"long": bytes(70_000)}),
        Changes({}, {b"": {b"k": b"v"}, b"child": {b"a": None, b"b": b""}}),
    ],
)
def test_changes_come_back_as_they_were(changes: Changes) -> None:
    assert decode_changes(encode_changes(changes)) == changes


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    file = tmp_path / "chain.sqlite"
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match="schema 99"):
        Store.open(tmp_path)
    db = sqlite3.connect(file)
    assert db.execute("PRAGMA user_version").fetchone() == (99,)
    db.close()


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "chain.sqlite") as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    with pytest.raises(StoreError, match="some other program"):
        Store.open(tmp_path)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "chain.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="damaged or not a chain"):
        Store.open(tmp_path)


def test_a_chain_belongs_to_one_owner_at_a_time(tmp_path: Path) -> None:
    first = Store.open(tmp_path)
    with pytest.raises(StoreError, match="in use"):
        Store.open(tmp_path)
    first.close()
    Store.open(tmp_path).close()


def test_the_tables_are_strict(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with pytest.raises(sqlite3.IntegrityError), store.transaction():
        store.set_meta(name="a text where bytes belong")  # type: ignore[arg-type]
    assert store.meta() == {}
    store.close()
