"""Tables of what ``ainur chain inspect`` found."""

import json
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from market.units import format_amount

__all__ = ["show"]

WIDTH = 110
"""Characters of a value; more is cut, and is there in full with --json."""


def show(report: dict[str, Any], *, detailed: bool) -> None:
    """Print a report; in detail when it is about one pallet."""
    console = Console(highlight=False, soft_wrap=False)
    block = report["block"]
    console.print(f"{report['runtime']} at block {block['number']:,} {block['hash']}")
    if detailed:
        for pallet in report["pallets"]:
            _show_pallet(console, pallet)
        return
    table = _table("index", "pallet", "calls", "events", "errors", "constants", "storage: entries")
    for pallet in report["pallets"]:
        items = [f"{item['name']} {item['entries']:,}" for item in pallet["storage"]]
        counts = [str(len(pallet[k])) for k in ("calls", "events", "errors", "constants")]
        table.add_row(str(pallet["index"]), pallet["name"], *counts, ", ".join(items))
    _print(console, "Pallets", table)
    if "meaning" in report:
        _show_meaning(console, report["meaning"])
    _show_events(console, report["events"])
    console.print("One of them in full: --pallet NAME, --pallet NAME --item NAME")


def _show_pallet(console: Console, pallet: dict[str, Any]) -> None:
    calls = _table("call", "arguments", "what it does")
    for call in pallet["calls"]:
        arguments = ", ".join(f"{f['name']}: {f['type']}" for f in call["fields"])
        calls.add_row(call["name"], escape(arguments), escape(call["docs"]))
    constants = _table("constant", "value")
    for constant in pallet["constants"]:
        constants.add_row(constant["name"], _cut(constant["value"]))
    _print(console, f"{pallet['name']}: calls", calls)
    _print(console, f"{pallet['name']}: constants", constants)
    values = _table("value", "content")
    for item in pallet["storage"]:
        if not item["hashers"]:
            values.add_row(item["name"], _cut(item["shown"][0]["value"]) if item["shown"] else "")
    _print(console, f"{pallet['name']}: values", values)
    for item in pallet["storage"]:
        if item["hashers"]:
            table = _table("key", "value")
            for entry in item["shown"]:
                table.add_row(_cut(entry["keys"]), _cut(entry["value"]))
            _print(console, f"{pallet['name']}.{item['name']}: {item['entries']:,} entries", table)


def _show_meaning(console: Console, meaning: dict[str, Any]) -> None:
    agents = _table("agent", "bond", "score", "counts for", "work open", "of at most", "takes work")
    for agent in meaning["agents"]:
        amounts = [format_amount(agent[name]) for name in ("bond", "exposure", "exposure_limit")]
        score, effective = str(agent["score"]), str(agent["effective"])
        ready = "yes" if agent["may_take_on_work"] else "no"
        agents.add_row(agent["account"], amounts[0], score, effective, *amounts[1:], ready)
    _print(console, "Agents", agents)
    escrows = _table(
        "escrow", "state", "price", "paid", "milestone", "who may do what", "until", "then"
    )
    for each in meaning["escrows"]:
        moves = ", ".join(f"{move['who']}: {move['call']}" for move in each["moves"])
        until = "" if each["until"] is None else f"{each['until']:,}"
        money = [format_amount(each[name]) for name in ("price", "paid")]
        state, then = each["phase"], each["after"] or ""
        escrows.add_row(str(each["escrow"]), state, *money, each["milestone"], moves, until, then)
    _print(console, "Escrows", escrows)
    if "unread" in meaning:
        console.print(escape(f"What the entries mean is not known: {meaning['unread']}"))


def _print(console: Console, title: str, table: Table) -> None:
    if table.row_count or title.endswith("entries"):
        console.print(title, style="bold")
    if table.row_count:
        console.print(table)


def _show_events(console: Console, events: list[dict[str, Any]]) -> None:
    table = _table("block", "extrinsic", "event", "attributes")
    for event in events:
        extrinsic = "" if event["extrinsic"] is None else str(event["extrinsic"])
        name = f"{event['pallet']}.{event['name']}"
        table.add_row(f"{event['block']:,}", extrinsic, name, _cut(event["attributes"]))
    _print(console, "Last events", table)


def _table(*columns: str) -> Table:
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _cut(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return escape(text if len(text) <= WIDTH else text[: WIDTH - 1] + "…")
