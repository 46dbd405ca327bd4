"""Standings as JSON and as text: what an account has bonded, and what its word counts for."""

from typing import Any

import click

from chain.client import Chain
from market.identity import AccountId, ss58_from_account
from market.reputation.params import Params
from market.reputation.record import Record
from market.reputation.score import PROVEN_REQUESTERS
from market.units import BlockNumber, format_amount
from node.cli.api import show_table

__all__ = ["read_standing", "row_of", "show_row", "show_rows"]


async def read_standing(
    chain: Chain, account: AccountId
) -> tuple[BlockNumber, dict[str, Any], Params]:
    """Return an account's standing at the finalised block, as JSON has it, and the rules' amounts."""
    final = await chain.finalized()
    queries = chain.queries.at(final.hash)
    record, params = await queries.standing(account), await queries.reputation_params()
    agent = await queries.agent(account)
    row = row_of(account, record, params, is_registered=agent is not None)
    row["is_compromised"] = agent is not None and agent.compromised
    row["free"] = str(await chain.free_balance(account, final.hash))
    return final.number, row, params


def row_of(
    account: AccountId, record: Record, params: Params, *, is_registered: bool
) -> dict[str, Any]:
    """Return a standing as JSON has it: amounts in planck, scores in points."""
    return {
        "account": ss58_from_account(account),
        "is_registered": is_registered,
        "score": record.score / 1_000,
        "effective": record.effective,
        "bond": str(record.active),
        "unlocking": [{"amount": str(chunk.amount), "at": chunk.at} for chunk in record.unlocking],
        "set_aside": str(record.set_aside),
        "exposure": str(record.exposure),
        "exposure_limit": str(record.exposure_limit(params)),
        "open_jobs": record.open_jobs,
        "settled": record.settled,
        "requesters": len(record.first_requesters),
        "disputes_lost": record.disputes_lost,
        "failures_in_epoch": record.current.failures,
        "suspended_at": record.suspended_at,
        "may_take_on_work": record.active >= params.min_bond and record.suspended_at is None,
    }


def show_row(row: dict[str, Any]) -> None:
    """Print a standing."""
    chunks = ", ".join(f"{_ainu(each['amount'])} from block {each['at']:,} on" for each in row["unlocking"])  # fmt: skip
    work = "may take on work" if row["may_take_on_work"] else "takes on no work: bonded too little"
    if row["suspended_at"] is not None:
        work = f"suspended since block {row['suspended_at']:,}"
    elif row["is_compromised"]:
        work = "takes on no work: its cold account says that its key is compromised"
    for label, value in (
        ("account", row["account"] + ("" if row["is_registered"] else " (no agent)")),
        ("score", f"{row['score']:g} points, counts for {row['effective']}"),
        ("bond", _ainu(row["bond"]) + (f"; on its way out: {chunks}" if chunks else "")),
        ("set aside", _ainu(row["set_aside"]) if int(row["set_aside"]) else None),
        ("work open", f"{_ainu(row['exposure'])} in {row['open_jobs']} escrows, of at most {_ainu(row['exposure_limit'])}"),
        ("settled", f"{row['settled']} escrows, by {_at_least(row['requesters'])} requesters"),
        ("lost", f"{row['disputes_lost']} disputes as a requester; {row['failures_in_epoch']} failures this epoch"),
        ("stands", work),
        ("free", _ainu(row["free"])),
    ):  # fmt: skip
        if value is not None:
            click.echo(f"{label + ':':11}{value}")


def show_rows(rows: list[dict[str, Any]]) -> None:
    """Print standings, one a line."""
    show_table(
        ["", "account", "score", "counts for", "settled", "bond", "work open", "takes work"],
        [
            [
                str(place),
                row["account"],
                f"{row['score']:g}",
                str(row["effective"]),
                str(row["settled"]),
                _ainu(row["bond"]),
                _ainu(row["exposure"]),
                "yes" if row["may_take_on_work"] else "no",
            ]
            for place, row in enumerate(rows, 1)
        ],
    )


def _at_least(requesters: int) -> str:
    """Return how many: the chain counts them no further than it needs."""
    return f"{requesters}{' or more' if requesters == PROVEN_REQUESTERS else ''}"


def _ainu(planck: str) -> str:
    return format_amount(int(planck))
