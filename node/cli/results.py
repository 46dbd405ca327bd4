"""A result as people look at it: laid out, and no longer than a screen."""

import json
from collections.abc import Iterator
from typing import Any, Final

__all__ = ["preview"]

_TEXT: Final = 600
_WORD: Final = 60
"""Of a text that has no spaces, such as a picture's bytes, less says as much."""
_ITEMS: Final = 12
_WIDTH: Final = 88


def preview(value: Any) -> str:
    """Return JSON data in lines, with long texts and long lists cut, which is said where it is done.

    What strangers wrote is shown without its control characters, which could do things to a terminal.
    """
    text = "\n".join(_lines(_shortened(value), "", ""))
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


def _lines(value: Any, margin: str, before: str) -> Iterator[str]:
    """Yield the lines of a value: on one where it fits, else one for each of its parts."""
    whole = json.dumps(value, ensure_ascii=False)
    line = f"{margin}{before}{whole}"
    if len(line) <= _WIDTH or not isinstance(value, dict | list) or not value:
        yield line
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield f"{margin}{before}{opening}"
    named = value.items() if isinstance(value, dict) else (("", each) for each in value)
    parts = [
        list(
            _lines(
                part,
                f"{margin}  ",
                f"{json.dumps(name, ensure_ascii=False)}: " if isinstance(value, dict) else "",
            )
        )
        for name, part in named
    ]
    for part in parts[:-1]:
        yield from part[:-1]
        yield f"{part[-1]},"
    yield from parts[-1]
    yield f"{margin}{closing}"


def _shortened(value: Any) -> Any:
    match value:
        case str() if len(value) > _TEXT:
            shown = _TEXT if " " in value[:_WORD] else _WORD
            return f"{value[:shown]}… ({len(value):,} characters)"
        case list() if len(value) > _ITEMS:
            more = f"… ({len(value):,} in all)"
            return [*map(_shortened, value[:_ITEMS]), more]
        case list():
            return [_shortened(each) for each in value]
        case dict():
            return {key: _shortened(each) for key, each in value.items()}
        case _:
            return value
