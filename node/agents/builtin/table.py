"""``table.query``: SQL over a CSV, by duckdb, which is locked first: no files, no network, no extensions."""

import datetime as dt
import decimal
import math
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import Meta

from node.agents.declaration import Task, agent
from node.agents.errors import InputError, LimitError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["exact", "quick"]

_MEMORY: Final = "256MB"
_MAX_ROWS: Final = 100_000
_SAMPLE_ROWS: Final = 2_000
_ALL_ROWS: Final = -1


class Query(msgspec.Struct, forbid_unknown_fields=True):
    """A table and a question."""

    csv: Annotated[str, Meta(min_length=1)]
    """With a header; delimiter and types are found out."""
    sql: Annotated[str, Meta(min_length=1, max_length=65_536)]
    """One SELECT over ``data``."""


class Rows(msgspec.Struct):
    """The answer."""

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]


def _load() -> None:
    import duckdb

    duckdb.connect(":memory:").close()


@agent(
    capability="table.query",
    price="0.002 AINU",
    description="Answer SQL over a CSV; types are guessed from its first 2,000 rows",
    setup=_load,
)
def quick(task: Task[Query]) -> Rows:
    """Guess types from the first rows: a later row that does not fit them is a fault."""
    return _answer(task.input, _SAMPLE_ROWS)


@agent(
    capability="table.query",
    price="0.005 AINU",
    description="Answer SQL over a CSV; types are taken from every row",
    setup=_load,
)
def exact(task: Task[Query]) -> Rows:
    """Read all rows before types are settled."""
    return _answer(task.input, _ALL_ROWS)


def _answer(query: Query, sample: int) -> Rows:
    import duckdb

    with tempfile.TemporaryDirectory() as folder, duckdb.connect(":memory:") as database:
        database.execute(f"SET memory_limit = '{_MEMORY}'; SET threads = 1")
        source = Path(folder) / "data.csv"
        source.write_text(query.csv, encoding="utf-8")
        try:
            database.execute(
                "CREATE TABLE data AS SELECT * FROM read_csv(?, header = true, sample_size = ?)",
                [str(source), sample],
            )
        except duckdb.Error as error:
            raise InputError(f"the CSV cannot be read: {error}") from error
        source.unlink()
        # From here on the requester's own words run: nothing but the table is in reach, and the lock is last.
        for setting in (
            "SET temp_directory = ''",
            "SET enable_external_access = false",
            "SET allow_community_extensions = false",
            "SET lock_configuration = true",
        ):
            database.execute(setting)
        return _ask(database, query.sql)


def _ask(database: "DuckDBPyConnection", sql: str) -> Rows:
    import duckdb

    try:
        statements = duckdb.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise InputError("one SELECT is answered, and nothing else")
        answer = database.execute(statements[0])
        described = answer.description or []
        rows = answer.fetchmany(_MAX_ROWS + 1)
    except duckdb.OutOfMemoryException as error:
        raise LimitError("memory", f"the query needs more than {_MEMORY}") from error
    except duckdb.Error as error:
        raise InputError(f"the query fails: {error}") from error
    if len(rows) > _MAX_ROWS:
        raise InputError(f"the answer has more than {_MAX_ROWS} rows: add a LIMIT")
    return Rows(
        [str(column[0]) for column in described],
        [str(column[1]) for column in described],
        [[_plain(value) for value in row] for row in rows],
    )


def _plain(value: Any) -> Any:
    """Return a value as JSON can carry it; what it cannot becomes the text that SQL shows."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if -(2**53) < value < 2**53 else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case dt.date() | dt.time() | dt.datetime():
            return value.isoformat()
        case decimal.Decimal() | uuid.UUID() | dt.timedelta():
            return str(value)
        case bytes():
            return value.hex()
        case list() | tuple():
            return [_plain(item) for item in value]
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case _:
            return str(value)
