"""Tables of what ``ainur chain inspect`` found."""

import functools
import json
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chain.payloads import Scheme
from market.identity import ss58_from_account
from market.units import format_amount

__all__ = ["show", "show_meaning"]

WIDTH = 110
"""Characters of a value; more is cut, and is there in full with --json."""
WHOLE = ("bond", "price", "paid", "state")
"""Columns that stay on one line."""
WIDE = 140
"""Columns from which on an address is shown in full."""


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
        show_meaning(console, report["meaning"])
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


def show_meaning(console: Console, meaning: dict[str, Any]) -> None:
    """Print what the entries of our own pallets mean."""
    agents = _table("agent", "bond", "score", "counts for", "work open", "of at most", "takes work")
    for agent in meaning["agents"]:
        amounts = [format_amount(agent[name]) for name in ("bond", "exposure", "exposure_limit")]
        score, effective = str(agent["score"]), str(agent["effective"])
        ready = "yes" if agent["may_take_on_work"] else "no"
        who = _who(agent["account"], console.width)
        agents.add_row(who, amounts[0], score, effective, *amounts[1:], ready)
    _print(console, "Agents", agents)
    escrows = _table("escrow", "state", "price", "paid", "milestone", "until", "then")
    for each in meaning["escrows"]:
        until = "" if each["until"] is None else f"{each['until']:,}"
        money = [format_amount(each[name]) for name in ("price", "paid")]
        state, then = each["phase"], each["after"] or ""
        escrows.add_row(str(each["escrow"]), state, *money, each["milestone"], until, then)
    _print(console, "Escrows", escrows)
    for each in meaning["escrows"]:
        if each["moves"]:
            console.print(f"Escrow {each['escrow']}: {_moves(each['moves'])}", soft_wrap=True)
    if "unread" in meaning:
        console.print(escape(f"What the entries mean is not known: {meaning['unread']}"))


def _who(address: str, width: int) -> str:
    """Return an account, by its name where everybody knows it, and in full where there is room."""
    name = _known().get(address)
    if width >= WIDE:
        return address if name is None else f"{address} {name}"
    return f"{address[:6]}...{address[-6:]}" if name is None else name


@functools.cache
def _known() -> dict[str, str]:
    """Return the accounts of the development phrase by address, as wallets name them."""
    from chain.signing import development_signer

    schemes: tuple[Scheme, ...] = ("sr25519", "ed25519")
    return {
        ss58_from_account(development_signer(name, scheme).account): f"//{name}{note}"
        for name in ("Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie")
        for scheme, note in zip(schemes, ("", " (ed25519)"), strict=True)
    }


def _moves(moves: list[dict[str, str]]) -> str:
    """Return who may do what."""
    calls: dict[str, list[str]] = {}
    for move in moves:
        calls.setdefault(move["who"], []).append(move["call"])
    return "; ".join(f"{who} may {' or '.join(each)}" for who, each in calls.items())


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
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in WHOLE)
    return table


def _cut(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return escape(text if len(text) <= WIDTH else text[: WIDTH - 1] + "…")
