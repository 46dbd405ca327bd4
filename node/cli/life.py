"""The life of a task in lines, one a step."""

from typing import Any, Final

import click

from market.units import format_amount
from node.cli.payment import as_formula

__all__ = ["line_of"]

_BAR: Final = 20


def line_of(event: dict[str, Any]) -> str:
    """Return what a step means, in a line."""
    say = _SAYINGS.get(event["kind"])
    text = event["kind"] if say is None else say(event)
    return f"{event['block']:>8}  {click.style(event['kind'], bold=True)}: {text}"


def _short(account: str) -> str:
    return f"{account[:8]}…"


def _ainu(planck: str) -> str:
    return format_amount(int(planck))


def _award(e: dict[str, Any]) -> str:
    line = f"{_short(e['provider'])} for {_ainu(e['price'])} of at most {_ainu(e['reserve'])} ({e['method']})"
    return f"{line}; {as_formula(e)}" if "payment" in e else line


def _escrow(e: dict[str, Any]) -> str:
    return (
        f"escrow {e['escrow']} is {e['state']}, {_ainu(e['price'])} held,"
        f" {_ainu(e['paid'])} paid, next deadline block {e['deadline']}"
    )


def _progress(e: dict[str, Any]) -> str:
    full = e["done_ppm"] * _BAR // 10**6
    return f"[{'#' * full}{'.' * (_BAR - full)}] {e['done_ppm'] / 10**4:.0f} % {e['note']}".rstrip()


def _settled(e: dict[str, Any]) -> str:
    reason = f": {e['reason']}" if e["reason"] else ""
    return f"{e['state']}, {_ainu(e['paid'])} paid{reason}"


_SAYINGS: Final[dict[str, Any]] = {
    "submitted": lambda e: f"{e['capability']}, at most {_ainu(e['budget'])}",
    "called": lambda e: (
        f"{len(e['to'])} asked ({', '.join(map(_short, e['to'][:4]))}), bids close after block {e['close_block']}"
    ),
    "committed": lambda e: f"a sealed bid of {_short(e['provider'])} ({e['commitments']} so far)",
    "closed": lambda e: f"{e['commitments']} bids, fixed by root {e['root'][:18]}…",
    "revealed": lambda e: f"{_short(e['provider'])} has opened its bid",
    "award": _award,
    "concluded": lambda e: f"{e['phase']}, transcript {e['transcript'][:18]}…",
    "proposed": lambda e: f"terms {e['terms'][:18]}… to {_short(e['provider'])}",
    "signed": lambda e: f"{_short(e['provider'])} has signed",
    "escrow": _escrow,
    "progress": _progress,
    "checked": lambda e: "the result is good" if e["is_good"] else "the result is wrong",
    "wrong-result": lambda e: f"{e['check']}: {e['fault']}",
    "unchecked": lambda e: f"{e['check']} decides nothing, so it is paid: {e['fault']}",
    "settled": _settled,
    "ended": lambda e: f"{e['how']}: {e['why']}",
}
