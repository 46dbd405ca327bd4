"""What happens in the demo of the market, in order. The words hold no number: numbers are facts, of the chain or a node."""

import functools
from collections.abc import Sequence
from typing import Any, Final

import attrs
import trio

from node.demo.errors import DemoError
from node.demo.facts import Chapter, Fact
from node.demo.market.life import describe
from node.demo.market.polkadotjs import decode, find_packages
from node.demo.market.samples import Sample, first, others
from node.demo.market.stage import Stage
from node.demo.market.told import Ledger, Moment, Note, Offers, Onchain, Outcome
from node.testnet.home import FIRST

__all__ = ["opening", "tell_story"]

ATTEMPTS: Final = 3
"""On a busy machine all bids may miss their window."""
TOGETHER: Final = frozenset({"called", "committed", "closed", "revealed", "concluded"})
"""Steps of an auction: told once for all its tasks."""
ALL: Final = "all"
PATIENCE: Final = 180.0
"""Seconds for tasks to end; their own deadline is far below."""


async def tell_story(stage: Stage) -> tuple[Ledger, Ledger]:
    """Let everything happen; return what everybody had before and after.

    Raises:
        DemoError: it did not happen.
        ApiError: a node does not answer.
        ChainError: the chain does not answer.
    """
    await _a_market(stage)
    before = await stage.ledger()
    await _one_task(stage)
    await _several_at_once(stage)
    return before, await stage.ledger()


def opening() -> Chapter:
    """Return what can be told before anything runs."""
    return Chapter(
        "A market of your own",
        "Nobody runs this market. Each node is a process of its own with a key of its own; they find each other, and"
        " all they share is a chain: a ledger with a program on it that holds money and keeps scores."
        f" {FIRST} buys work; the others sell it, and each has put up a bond that it can lose.",
    )


async def _a_market(stage: Stage) -> None:
    params = await stage.chain.queries.escrow_params()
    stage.tell(
        Note(
            "All of it runs on this machine now, and nothing was set up but this program.",
            (
                Fact("nodes", "nodes", len(stage.view.nodes)),
                Fact("chain", "chain", stage.view.chain.url, "text"),
                Fact("runtime", "runtime", stage.view.chain.runtime, "text"),
                Fact("millis_per_block", "a block every", params.millis_per_block, "millis"),
            ),
        )
    )
    stage.tell(await _offers(stage))


async def _offers(stage: Stage) -> Offers:
    """Return what the buyer has heard of the others' announcements."""
    known = (await stage.ask(lambda api: api.get("/v1/agents")))["agents"]
    prices: dict[str, dict[str, int]] = {}
    for agent in known:
        for capability in agent["capabilities"]:
            name = stage.names.get(agent["account"])
            if name is not None:
                row = prices.setdefault(capability["name"], {})
                row[name] = int(capability["typical_price"])
    return Offers({name: dict(sorted(row.items())) for name, row in sorted(prices.items())})


async def _one_task(stage: Stage) -> None:
    sample = first()
    stage.tell(
        Chapter(
            "One task, from call to payment",
            f"{stage.buyer} wants {sample.what} summarised. Watch what happens, as it happens.",
        )
    )
    [bought] = await _buy(stage, [sample], labelled=False)
    stage.tell(await _outcome(stage, bought))
    stage.tell(await _onchain(stage, bought))
    stage.tell(await stage.verify(bought.id))


async def _several_at_once(stage: Stage) -> None:
    stage.tell(
        Chapter(
            "Several tasks, one auction",
            "Tasks that come together are called for together, and cleared together: who gets which is decided so"
            " that all of it costs least, and nobody can gain by waiting for another task.",
        )
    )
    bought = await _buy(stage, others(), labelled=True)
    for each in bought:
        stage.tell(await _outcome(stage, each))
    seen = set()
    for each in bought:
        if each.auction not in seen:
            seen.add(each.auction)
            stage.tell(await stage.verify(each.id))


@attrs.frozen
class _Bought:
    """A task that was paid for."""

    sample: Sample
    id: str
    auction: str
    provider: str
    escrow: int
    paid: int
    took_ms: int


async def _buy(stage: Stage, samples: Sequence[Sample], *, labelled: bool) -> list[_Bought]:
    """Have samples done, and tell their lives; in the order of the samples.

    Raises:
        DemoError: nobody does one of them.
    """
    bought: dict[int, _Bought] = {}
    wanted = dict(enumerate(samples))
    why = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            words = "Not all of it was done, as happens on a busy machine; what is not done is not paid. Once more."
            stage.tell(Note(words, (Fact("why", "because", why, "text"),)))
        paid, why = await _submit(stage, wanted, labelled=labelled)
        bought |= paid
        wanted = {number: each for number, each in wanted.items() if number not in bought}
        if not wanted:
            return [bought[number] for number in sorted(bought)]
    raise DemoError(
        f"{', '.join(each.capability for each in wanted.values())}: {why}. Is this machine very busy?"
        " Longer windows help: ainur demo --windows 40,40,40"
    )


async def _submit(
    stage: Stage, wanted: dict[int, Sample], *, labelled: bool
) -> tuple[dict[int, _Bought], str]:
    """Hand tasks in at once, and tell their lives until all have ended; return those that were paid for, and why not."""
    body = [sample.to_json() for sample in wanted.values()]
    handed_in = (await stage.ask(lambda api: api.post("/v1/tasks", body)))["tasks"]
    numbers = dict(zip((task["id"] for task in handed_in), wanted, strict=True))
    lives: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in numbers}
    shared: set[tuple[str, ...]] = set()
    with trio.move_on_after(PATIENCE) as patience:
        async with stage.events() as events:
            async for event in events:
                if event["task"] in lives:
                    life = lives[event["task"]]
                    life[event["kind"]] = event
                    label = wanted[numbers[event["task"]]].capability if labelled else ""
                    if labelled and event["kind"] in TOGETHER:
                        step = (event["auction"], event["kind"], event.get("provider", ""))
                        if step in shared:
                            continue
                        shared.add(step)
                        label = ALL
                    _tell(stage, event, life["submitted"]["at_ms"], label)
                if event["kind"] == "stream-ended" or all("ended" in e for e in lives.values()):
                    break
    if patience.cancelled_caught:
        raise DemoError(
            f"it did not end within {PATIENCE:g} seconds: ainur demo --keep leaves the logs"
        )
    found, why = {}, "the node was stopped"
    for name, life in lives.items():
        why = life["ended"]["why"] if "ended" in life else why
        if life.get("ended", {}).get("how") == "released":
            shown = (await stage.ask(functools.partial(_show, name)))["task"]
            found[numbers[name]] = _Bought(
                sample=wanted[numbers[name]],
                id=name,
                auction=shown["auction"],
                provider=stage.names[shown["provider"]],
                escrow=shown["escrow"],
                paid=int(life["settled"]["paid"]),
                took_ms=life["settled"]["at_ms"] - life["submitted"]["at_ms"],
            )
    return found, why


def _show(name: str, api: Any) -> Any:
    return api.get(f"/v1/tasks/{name}")


def _tell(stage: Stage, event: dict[str, Any], since_ms: int, label: str) -> None:
    step = describe(event, stage.names, stage.buyer, stage.said)
    if event["kind"] == "ended" and event["how"] == "released":
        return  # that it was paid was said
    stage.tell(
        Moment(
            task=label,
            kind=event["kind"],
            after_ms=event["at_ms"] - since_ms,
            title=step.title,
            why=step.why,
            facts=step.facts,
        )
    )


async def _outcome(stage: Stage, bought: _Bought) -> Outcome:
    return Outcome(
        capability=bought.sample.capability,
        what=bought.sample.what,
        result=await stage.result(bought.id),
        provider=bought.provider,
        paid=bought.paid,
        took_ms=bought.took_ms,
    )


async def _onchain(stage: Stage, bought: _Bought) -> Onchain:
    entries = await stage.trail.of(bought.escrow)
    end = entries[-1].block
    packages = find_packages()
    return Onchain(
        escrow=bought.escrow,
        provider=bought.provider,
        entries=tuple(entries),
        moved=await stage.trail.score_of(bought.escrow),
        link=f"{stage.view.chain.apps}#/explorer/query/{end.hash}",
        decoded=None
        if packages is None
        else await decode(packages, stage.view.chain.url, bought.escrow),
    )
