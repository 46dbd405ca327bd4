"""What each step of a task means, for somebody who sees a market for the first time. The words hold no numbers."""

from collections.abc import Callable
from typing import Any, Final

import attrs

from node.demo.facts import Fact

__all__ = ["SAYINGS", "Saying", "Step", "describe"]

Names = dict[str, str]
"""Account -> node."""
Event = dict[str, Any]


@attrs.frozen
class Saying:
    """How a step is told; ``{who}`` stands for the provider's node, ``{buyer}`` for the requester's."""

    title: str
    why: str = ""
    facts: Callable[[Event, Names], tuple[Fact, ...]] = lambda _event, _names: ()


@attrs.frozen
class Step:
    """A step, told."""

    title: str
    why: str
    facts: tuple[Fact, ...]


def _planck(event: Event, name: str, label: str) -> Fact:
    return Fact(name, label, int(event[name]), "planck")


def _submitted(e: Event, _: Names) -> tuple[Fact, ...]:
    return (
        Fact("capability", "wants", e["capability"], "text"),
        _planck(e, "budget", "pays at most"),
        Fact("deadline_ms", "has to be done within", e["deadline_ms"], "millis"),
    )


def _called(e: Event, names: Names) -> tuple[Fact, ...]:
    return (
        Fact("to", "asked", ", ".join(sorted(names.get(each, each) for each in e["to"])), "text"),
        Fact("close_block", "sealed bids until", e["close_block"], "block"),
        Fact("reveal_by", "opened until", e["reveal_by"], "block"),
    )


def _commitments(e: Event, _: Names) -> tuple[Fact, ...]:
    return (Fact("commitments", "sealed bids", e["commitments"]),)


def _closed(e: Event, names: Names) -> tuple[Fact, ...]:
    return (*_commitments(e, names), Fact("root", "their root", e["root"], "hash"))


def _award(e: Event, _: Names) -> tuple[Fact, ...]:
    facts = [_planck(e, "price", "is paid")]
    if "payment" in e:
        facts += [
            _planck(e, "ask", "asked"),
            _planck(e, "value", "its work is worth"),
            _planck(e, "welfare_without", "others, without it"),
            _planck(e, "welfare_of_others", "others, with it"),
        ]
    return tuple(facts)


def _proposed(e: Event, _: Names) -> tuple[Fact, ...]:
    return (_planck(e, "price", "price"), Fact("terms", "terms", e["terms"], "hash"))


def _escrow(e: Event, _: Names) -> tuple[Fact, ...]:
    facts = [Fact("escrow", "escrow", e["escrow"]), _planck(e, "price", "price")]
    if e["result"] is not None:
        facts.append(Fact("result", "result", e["result"], "hash"))
    facts.append(Fact("deadline", "next deadline", e["deadline"], "block"))
    return tuple(facts)


def _progress(e: Event, _: Names) -> tuple[Fact, ...]:
    return (Fact("done_ppm", "done", e["done_ppm"] // 100, "bps"),)


def _settled(e: Event, _: Names) -> tuple[Fact, ...]:
    return (_planck(e, "paid", "paid"),)


def _ended(e: Event, _: Names) -> tuple[Fact, ...]:
    return (Fact("why", e["how"], e["why"], "text"),)


SAYINGS: Final[dict[str, Saying]] = {
    "submitted": Saying(
        "{buyer} hands in a task",
        "It names a budget, not a price: the price is found by an auction.",
        _submitted,
    ),
    "called": Saying(
        "A call for proposals goes out",
        "To every node that announces this skill. It says what is wanted and how large the input is; the input"
        " itself goes to the winner alone.",
        _called,
    ),
    "committed": Saying(
        "{who} seals its bid",
        "It sends a hash of what it asks. Nobody can read that, and {who} cannot change it any more.",
        _commitments,
    ),
    "closed": Saying(
        "Bidding is closed",
        "{buyer} publishes one root hash of all sealed bids: from now on none can be added, and none left out,"
        " without everybody noticing.",
        _closed,
    ),
    "revealed": Saying(
        "{who} opens its bid", "What is opened has to fit what was sealed. Only now are asks known."
    ),
    "award": Saying(
        "{who} wins",
        "It is paid what its work is worth, less what the others would have yielded in its place: a sum that follows"
        " from what they asked, and not from what it asked itself. So to ask what the work costs is the best that"
        " anybody can do, whatever the others do.",
        _award,
    ),
    "concluded": Saying(
        "The auction is over, and written down",
        "Its transcript holds every message with its signature. Anybody can compute it again; we shall.",
        lambda e, _: (Fact("transcript", "transcript", e["transcript"], "hash"),),
    ),
    "proposed": Saying(
        "{buyer} sends {who} the terms",
        "Price, deadline, input, and who rules if they disagree.",
        _proposed,
    ),
    "signed": Saying("{who} signs them", "Now there are two signatures: an agreement."),
    "Open": Saying(
        "{buyer} opens an escrow on the chain",
        "The price is put on hold: {buyer} cannot spend it any more, and {who} cannot take it yet.",
        _escrow,
    ),
    "Bound": Saying(
        "{buyer} opens an escrow on the chain; {who} accepts it, and works",
        "The price is put on hold: {buyer} cannot spend it any more, and {who} cannot take it yet. From here on {who}"
        " has something to lose: who does not deliver loses score, and a part of its bond.",
        _escrow,
    ),
    "Accepted": Saying(
        "{who} accepts it, and works",
        "From here on it has something to lose: who does not deliver loses score, and a part of its bond.",
        _escrow,
    ),
    "progress": Saying("{who} reports how far it is", "", _progress),
    "Delivered": Saying(
        "{who} puts the hash of its result on the chain",
        "What it hands over has to be what this hash names; and {buyer} cannot say that it got nothing.",
        _escrow,
    ),
    "checked": Saying("{buyer} has the result, and checks it", "It is what was asked for."),
    "wrong": Saying("{buyer} has the result, and finds that it is wrong", "It disputes it."),
    "Released": Saying(
        "{buyer} releases the price",
        "Had it kept silent, the chain would have paid {who} at the deadline all the same.",
        _escrow,
    ),
    "settled": Saying(
        "{who} is paid", "The escrow has ended, and can never be paid twice.", _settled
    ),
    "unpaid": Saying(
        "The escrow has ended, and nothing was paid",
        "",
        lambda e, _: (Fact("reason", "because", e["reason"] or e["state"], "text"),),
    ),
    "ended": Saying("The task has ended", "", _ended),
}
"""Kind of a step, or state of an escrow -> how it is told."""


def describe(event: Event, names: Names, buyer: str, said: set[str]) -> Step:
    """Return how a step of a task is told.

    Args:
        event: as the node tells it.
        names: nodes by account.
        buyer: the requester's node.
        said: kinds that were explained already; this one is added.
    """
    kind = str(event["state"] if event["kind"] == "escrow" else event["kind"])
    if kind == "checked" and not event["is_good"]:
        kind = "wrong"
    if kind == "Accepted" and "Open" not in said:
        kind = "Bound"  # both in one block
    if kind == "settled" and event["paid"] == "0":
        kind = "unpaid"
    saying = SAYINGS.get(kind, Saying(kind))
    account = str(event.get("provider", ""))
    words = {"who": names.get(account, account), "buyer": buyer}
    why = "" if kind in said else saying.why.format(**words)
    said.add(kind)
    return Step(saying.title.format(**words), why, saying.facts(event, names))
