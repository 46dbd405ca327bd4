"""``ainur auction show``: who was called, who bid what, and who won."""

from typing import Any

import click

from market.auction.file import AuctionFile
from market.envelope import expect, reopen
from market.identity import ss58_from_account
from market.messages import Award, Cfp, CommitmentAck, CommitmentRoot, Reveal, RevealAck
from market.units import PPM, format_amount
from node.cli.api import show_table

__all__ = ["describe", "show", "show_steps", "steps_of_auction"]

_STEPS = ("called", "committed", "closed", "revealed", "award", "concluded")


def describe(contents: AuctionFile) -> dict[str, Any]:
    """Return an auction as JSON has it, as its transcript tells it: ``verify`` says whether that is true.

    Raises:
        DecodeError: a message in it is none.
    """
    body = contents.transcript.body
    call = expect(reopen(body.cfp), Cfp).body
    root = expect(reopen(body.root), CommitmentRoot).body if body.root else None
    return {
        "auction": f"0x{body.auction.hex()}",
        "requester": ss58_from_account(contents.transcript.sender),
        "is_over": True,
        "transcript": f"0x{contents.transcript.id.hex()}",
        "method": call.method,
        "facts_block": call.facts_block,
        "close_block": call.close_block,
        "reveal_by": call.reveal_by,
        "root": None if root is None else f"0x{root.root.hex()}",
        "invited": [ss58_from_account(each) for each in call.invited],
        "tasks": [
            {
                "task": f"0x{task.task_id.hex()}",
                "attempt": task.attempt,
                "capability": task.capability,
                "capability_version": task.capability_version,
                "reserve": str(task.reserve),
                "deliver_within": task.deliver_within,
            }
            for task in call.tasks
        ],
        "bids": _bids(contents),
        "rounds": _rounds(contents),
    }


def _bids(contents: AuctionFile) -> list[dict[str, Any]]:
    body = contents.transcript.body
    weights = {weight.provider: weight for weight in body.weights}
    reveals = {}
    for record in body.reveals:
        opened = expect(reopen(record.reveal), Reveal)
        block = expect(reopen(record.ack), RevealAck).body.block if record.ack else None
        reveals[opened.sender] = (opened.body.ask, block)
    rows = []
    for record_ in body.commitments:
        bidder = reopen(record_.commitment).sender
        ask, revealed = reveals.get(bidder, (None, None))
        weight = weights.get(bidder)
        rows.append(
            {
                "provider": ss58_from_account(bidder),
                "committed": expect(reopen(record_.ack), CommitmentAck).body.block,
                "is_revealed": ask is not None,
                "revealed": revealed,
                "quality_ppm": None if weight is None else weight.quality,
                "capacity": None if weight is None else weight.capacity,
                "prices": {} if ask is None else {str(p.task): str(p.price) for p in ask.prices},
                "bundles": []
                if ask is None
                else [{"tasks": list(b.tasks), "price": str(b.price)} for b in ask.bundles],
                "slot_surcharge": [] if ask is None else [str(s) for s in ask.slot_surcharge],
            }
        )
    return rows


def _rounds(contents: AuctionFile) -> list[dict[str, Any]]:
    rows = []
    for record in contents.transcript.body.rounds:
        award = expect(reopen(record.award), Award).body
        rows.append(
            {
                "round": award.round,
                "method": award.method,
                "answer_by": award.answer_by,
                "awards": [
                    {
                        "task": line.task,
                        "provider": ss58_from_account(line.provider),
                        "price": str(line.price),
                    }
                    for line in award.lines
                ],
                "refused": [ss58_from_account(reopen(raw).sender) for raw in record.refusals],
                "silent": [ss58_from_account(each) for each in record.silent],
            }
        )
    return rows


def show(report: dict[str, Any]) -> None:
    """Print an auction for a person."""
    blocks = f"facts of {report['facts_block']}, bids until {report['close_block']}"
    for label, value in (
        ("auction", report["auction"]),
        ("requester", report["requester"]),
        ("method", report["method"]),
        ("blocks", f"{blocks}, opened until {report['reveal_by']}"),
        ("root", report["root"] or "none: nobody bid"),
        ("transcript", report["transcript"]),
    ):
        click.echo(f"{label + ':':12}{value}")
    winners = {each["task"]: each for each in (report["rounds"] or [{"awards": []}])[-1]["awards"]}
    click.echo()
    show_table(
        ["", "task", "capability", "at most", "won by", "for"],
        [
            [
                str(number),
                task["task"][:18] + "…",
                task["capability"],
                format_amount(int(task["reserve"])),
                _short(winners[number]["provider"]) if number in winners else "nobody",
                format_amount(int(winners[number]["price"])) if number in winners else "",
            ]
            for number, task in enumerate(report["tasks"])
        ],
    )
    click.echo()
    show_table(
        ["bidder", "sealed", "opened", "weight", "may take", "asked"],
        [_bid_row(each) for each in report["bids"]],
    )
    for each in report["rounds"]:
        for who in each["refused"]:
            click.echo(f"round {each['round']}: {who} refused the award")
        for who in each["silent"]:
            click.echo(f"round {each['round']}: {who} did not answer the award")


def _bid_row(bid: dict[str, Any]) -> list[str]:
    if not bid["is_revealed"]:
        return [_short(bid["provider"]), str(bid["committed"]), "never", "", "", ""]
    asks = [f"{task}: {format_amount(int(price))}" for task, price in bid["prices"].items()]
    asks += [f"{each['tasks']}: {format_amount(int(each['price']))}" for each in bid["bundles"]]
    return [
        _short(bid["provider"]),
        str(bid["committed"]),
        "on chain" if bid["revealed"] is None else str(bid["revealed"]),
        "" if bid["quality_ppm"] is None else f"{bid['quality_ppm'] / PPM:.0%}",
        "" if bid["capacity"] is None else str(bid["capacity"]),
        ", ".join(asks),
    ]


def _short(account: str) -> str:
    return f"{account[:12]}…"


def steps_of_auction(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the steps of a task's life that are its auction's."""
    return [event for event in events if event["kind"] in _STEPS]


def show_steps(events: list[dict[str, Any]], why: str) -> None:
    """Print how far an auction is that has no transcript yet."""
    from node.cli.life import line_of

    for event in events:
        click.echo(line_of(event))
    click.echo(why)
