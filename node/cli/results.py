"""A result as people look at it: laid out, and no longer than a screen."""

import json
from typing import Any, Final

__all__ = ["preview"]

_TEXT: Final = 600
_ITEMS: Final = 12


def preview(value: Any) -> str:
    """Return JSON data in lines, with long texts and long lists cut, which is said where it is done.

    What strangers wrote is shown without its control characters, which could do things to a terminal.
    """
    text = json.dumps(_shortened(value), indent=2, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


def _shortened(value: Any) -> Any:
    match value:
        case str() if len(value) > _TEXT:
            return f"{value[:_TEXT]}… ({len(value):,} characters)"
        case list() if len(value) > _ITEMS:
            more = f"… ({len(value):,} in all)"
            return [*map(_shortened, value[:_ITEMS]), more]
        case list():
            return [_shortened(each) for each in value]
        case dict():
            return {key: _shortened(each) for key, each in value.items()}
        case _:
            return value
