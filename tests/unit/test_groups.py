"""What Python 3.11 makes of groups of exceptions, whichever 3.11 it is."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("ainur", "chain", "market", "node", "routing", "tests")


def raised_in_group_handlers(source: str) -> list[int]:
    """Return the lines on which a handler of a group raises anything but what it handles."""
    found = []
    for tried in ast.walk(ast.parse(source)):
        if not isinstance(tried, ast.TryStar):
            continue
        for part in (node for handler in tried.handlers for node in ast.walk(handler)):
            ends = isinstance(part, ast.Call) and ast.unparse(part.func) == "sys.exit"
            if ends or (isinstance(part, ast.Raise) and part.exc is not None):
                found.append(part.lineno)
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_no_handler_of_a_group_raises(room: str) -> None:
    # Python 3.11.2, which Debian 12 has, wraps what is raised there in a group; 3.11.4 and later do not.
    files = [p for p in (ROOT / room).rglob("*.py") if "node_modules" not in p.parts]
    assert files
    found = {str(p): raised_in_group_handlers(p.read_text()) for p in files}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize("body", ["raise ValueError from None", "sys.exit(1)"])
def test_the_search_finds_what_it_looks_for(body: str) -> None:
    source = f"try:\n    pass\nexcept* OSError:\n    {body}\n"
    assert raised_in_group_handlers(source) == [4]
    assert raised_in_group_handlers(source.replace("except*", "except")) == []
