"""The demo of the market for machines."""

from typing import Any

import attrs

from node.demo.facts import Chapter, Fact
from node.demo.market.house import KEPT_NAME
from node.demo.market.run import Result
from node.demo.market.told import Moment, Note, Offers, Onchain, Outcome, Told, Verdict

__all__ = ["to_json"]


def to_json(result: Result, *, keep: bool) -> dict[str, Any]:
    """Return the whole story."""
    chain = result.view.chain
    return {
        "chain": {
            "url": chain.url,
            "apps": chain.apps,
            "genesis": chain.genesis,
            "runtime": chain.runtime,
        },
        "testnet": {"kept": keep, "name": KEPT_NAME if keep else None},
        "nodes": {
            node.name: {"account": node.account, "agents": list(node.agents)}
            for node in result.view.nodes
        },
        "told": [_told(each) for each in result.told],
        "before": attrs.asdict(result.before),
        "after": attrs.asdict(result.after),
    }


def _told(what: Told) -> dict[str, Any]:
    match what:
        case Chapter():
            return {"is": "chapter", **attrs.asdict(what)}
        case Note():
            return {"is": "note", "words": what.words, "facts": _facts(what.facts)}
        case Offers():
            return {"is": "offers", **attrs.asdict(what)}
        case Moment():
            return {
                "is": "moment",
                **attrs.asdict(what, recurse=False),
                "facts": _facts(what.facts),
            }
        case Outcome():
            return {"is": "outcome", **attrs.asdict(what)}
        case Onchain():
            moved = what.moved
            return {
                "is": "onchain",
                "escrow": what.escrow,
                "provider": what.provider,
                "entries": [entry.to_json() for entry in what.entries],
                "score_before": None if moved is None else moved.before,
                "score_after": None if moved is None else moved.after,
                "link": what.link,
                "decoded_by_polkadot_js": what.decoded,
            }
        case Verdict():
            return {"is": "verdict", **attrs.asdict(what), "is_good": what.is_good}


def _facts(facts: tuple[Fact, ...]) -> dict[str, int | str]:
    return {fact.name: fact.value for fact in facts}
