"""Escrows as JSON and as text: what stands where, and who can act until when."""

from typing import Any

import attrs
import click

from chain.client import Chain
from chain.inspect import describe_escrow, describe_turns
from market.escrow.params import Params
from market.escrow.record import TERMINAL, Escrow
from market.identity import AccountId, ss58_from_account
from market.standing import EscrowId
from market.units import BlockNumber, format_amount
from node.cli.api import show_table
from node.cli.moments import in_blocks

__all__ = ["Snapshot", "read_snapshot", "row_of", "show_row", "show_rows"]


@attrs.frozen
class Snapshot:
    """What is needed to say what an escrow means at a block."""

    now: BlockNumber
    hash: str
    params: Params
    ms_per_block: float | None
    """None where the chain has too few blocks to tell."""

    def to_json(self) -> dict[str, Any]:
        """Return what is shown beside the escrows."""
        return {
            "block": {"number": self.now, "hash": self.hash},
            "ms_per_block": self.ms_per_block,
        }


async def read_snapshot(chain: Chain) -> Snapshot:
    """Return the last finalised block, and by which periods it goes."""
    final = await chain.finalized()
    params = await chain.queries.at(final.hash).escrow_params()
    return Snapshot(final.number, final.hash, params, await chain.millis_per_block())


def row_of(number: EscrowId, record: Escrow, at: Snapshot) -> dict[str, Any]:
    """Return an escrow as JSON has it."""
    view = describe_escrow(number, record, at.params, at.now)
    dispute = record.dispute
    return {
        "escrow": number,
        "state": record.state.value,
        "is_open": record.state not in TERMINAL,
        "task": f"0x{record.task_id.hex()}",
        "attempt": record.attempt,
        "requester": ss58_from_account(record.requester),
        "provider": ss58_from_account(record.provider),
        "arbiter": _who(record.arbiter),
        "price": str(record.price),
        "paid": str(record.paid),
        "held": str(record.held(at.params)),
        "milestone": view.milestone,
        "deadline": record.deadline,
        "is_late": record.state not in TERMINAL and at.now > record.deadline,
        "after_deadline": view.after,
        "cancel_requested": record.cancel_requested,
        "result": None if record.result is None else f"0x{record.result.hex()}",
        "ruling_bps": record.ruling,
        "dispute": None
        if dispute is None
        else {
            "by": dispute.by.value.lower(),
            "reason": dispute.reason.value,
            "evidence": f"0x{dispute.evidence.hex()}",
            "amount": str(record.unit),
        },
        "turns": [
            {
                "who": each.who,
                "account": _who(each.account),
                "call": each.call,
                "since": each.since,
                "until": each.until,
            }
            for each in describe_turns(record, at.params)
        ],
    }


def _who(account: AccountId | None) -> str | None:
    return None if account is None else ss58_from_account(account)


def show_rows(rows: list[dict[str, Any]], at: Snapshot) -> None:
    """Print escrows, one a line."""
    show_table(
        ["escrow", "state", "price", "requester", "provider", "until", "then"],
        [
            [
                str(row["escrow"]),
                row["state"],
                format_amount(int(row["price"])),
                _short(row["requester"]),
                _short(row["provider"]),
                _until(row, at),
                row["after_deadline"] or "",
            ]
            for row in rows
        ],
    )


def _until(row: dict[str, Any], at: Snapshot) -> str:
    if not row["is_open"]:
        return ""
    if row["is_late"]:
        return "over: claim_timeout"
    return in_blocks(row["deadline"], at.now, at.ms_per_block)


def show_row(row: dict[str, Any], at: Snapshot) -> None:
    """Print an escrow in full."""
    dispute = row["dispute"]
    for label, value in (
        ("escrow", f"{row['escrow']}, {row['state']}"),
        ("task", f"{row['task']} (attempt {row['attempt']})"),
        ("requester", row["requester"]),
        ("provider", row["provider"]),
        ("arbiter", row["arbiter"] or "the chain's own"),
        ("price", f"{_ainu(row['price'])}, {_ainu(row['paid'])} of it paid"),
        ("held", f"{_ainu(row['held'])} of the requester's"),
        ("milestone", row["milestone"]),
        ("result", row["result"] or "none yet"),
        (
            "dispute",
            None
            if dispute is None
            else f"{dispute['reason']}, by the {dispute['by']}, about {_ainu(dispute['amount'])};"
            f" evidence {dispute['evidence']}",
        ),
        (
            "ruling",
            None if row["ruling_bps"] is None else f"{row['ruling_bps'] / 100:g} % to the provider",
        ),
        ("asked back", "the requester wants it cancelled" if row["cancel_requested"] else None),
    ):
        if value is not None:
            click.echo(f"{label + ':':12}{value}")
    if row["is_open"]:
        click.echo(f"{'now:':12}block {at.now:,}")
    for turn in row["turns"]:
        click.echo(f"  {_turn(turn, row, at)}")


def _turn(turn: dict[str, Any], row: dict[str, Any], at: Snapshot) -> str:
    whose = f" ({_short(turn['account'])})" if turn["account"] else ""
    said = f"{turn['who']}{whose} may {turn['call']}"
    if turn["until"] is not None:
        late = at.now > turn["until"]
        said += f" until {in_blocks(turn['until'], at.now, at.ms_per_block)}" + (
            ": too late" if late else ""
        )
    elif turn["since"] is not None and turn["since"] > at.now:
        said += f" from {in_blocks(turn['since'], at.now, at.ms_per_block)} on"
    else:
        said += " now"
    if turn["call"] == "claim_timeout" and row["after_deadline"]:
        said += f": then it is {row['after_deadline']}"
    return said


def _ainu(planck: str) -> str:
    return format_amount(int(planck))


def _short(account: str) -> str:
    return f"{account[:8]}…"
