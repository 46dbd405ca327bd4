"""Writes ``contracts/*.schema.json`` and the market's vectors from the types and rules.

``scripts/contracts`` runs it; tests hold the committed files to what it would write.
"""

import json
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from market.clearing.problem import Clearing, Problem
from market.codec import encode_canonical
from market.envelope import Unsigned, decode_envelope_untrusted, message_id, seal
from market.hashing import TaskId, audience_of_topic, digest, tie_key
from market.identity import ss58_from_account
from market.merkle import merkle_root
from market.messages import KINDS, AgreementTerms, WireStruct
from market.schema import json_schema, json_view
from market.sealing import hash_of_terms, seal_of_ask
from market.vcg import clear
from tests.support.auctions import random_problem
from tests.support.samples import ALICE, AUCTION, BOB, BODIES, CAROL, GENESIS, TERMS, ask, block

ROOT = Path(__file__).parents[2]
TOPIC = "/ainur/v1/cfp/0"
L = 2**252 + 27742317777372353535851937790883648493
"""Order of ed25519's large subgroup."""
SMALL_ORDER_KEYS = (
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
)
"""Points of order 4, 1, 2, 8 and 8 (Chalkias et al. 2020, table 6a)."""


def schemas() -> dict[str, dict[str, Any]]:
    """File name -> schema, of every message and of the parts that are hashed on their own."""
    kinds: dict[str, type[WireStruct]] = {kind: body for body, kind in KINDS.items()}
    kinds |= {"agreement-terms": AgreementTerms, "envelope": Unsigned}
    return {
        f"{name}.schema.json": {"title": name, **json_schema(kind)} for name, kind in kinds.items()
    }


def vectors() -> dict[str, Any]:
    """Bytes, ids, signatures and roots that another implementation must arrive at."""
    messages = []
    for sequence, body in enumerate(BODIES):
        raw = seal(
            body,
            identity=ALICE,
            genesis=GENESIS,
            audience=audience_of_topic(TOPIC),
            sequence=sequence,
            issued_at=block(11),
            expires_at=block(31),
        )
        envelope = decode_envelope_untrusted(raw)
        messages.append(
            {
                "kind": envelope.kind,
                "view": json_view(body),
                "body": encode_canonical(body).hex(),
                "envelope": raw.hex(),
                "id": message_id(envelope).hex(),
                "signature": envelope.signature.hex(),
            }
        )
    commitment = bytes.fromhex(messages[2]["envelope"])
    leaves = [bytes([n]) * 32 for n in (9, 3, 7, 1, 5)]
    bid = ask((0, 700), (1, 900), surcharge=(0, 50))
    nonce = b"\x21" * 32
    return {
        "genesis": GENESIS.hex(),
        "identities": [
            {
                "seed": (bytes([n]) * 32).hex(),
                "key": who.key.hex(),
                "peer": who.peer,
                "ss58": ss58_from_account(who.account),
            }
            for n, who in ((1, ALICE), (2, BOB), (3, CAROL))
        ],
        "digests": [
            {"kind": kind, "data": data.hex(), "digest": digest(kind, data).hex()}
            for kind, data in (("leaf", b""), ("award", b"abc"), ("cfp", b"abc"))
        ],
        "topic": {"topic": TOPIC, "audience": audience_of_topic(TOPIC).hex()},
        "merkle": [
            {"leaves": [x.hex() for x in leaves[:n]], "root": merkle_root(leaves[:n]).hex()}
            for n in range(len(leaves) + 1)
        ],
        "tie_key": {
            "auction": AUCTION.hex(),
            "task": "01" * 32,
            "account": BOB.account.hex(),
            "key": tie_key(AUCTION, TaskId(b"\1" * 32), BOB.account).hex(),
        },
        "seal": {
            "auction": AUCTION.hex(),
            "bidder": BOB.account.hex(),
            "ask": json_view(bid),
            "ask_bytes": encode_canonical(bid).hex(),
            "nonce": nonce.hex(),
            "seal": seal_of_ask(
                bid, nonce, genesis=GENESIS, auction=AUCTION, bidder=BOB.account
            ).hex(),
        },
        "terms": {
            "view": json_view(TERMS),
            "bytes": encode_canonical(TERMS).hex(),
            "hash": hash_of_terms(TERMS).hex(),
        },
        "messages": messages,
        "refused": _refused(commitment),
    }


def clearings() -> dict[str, Any]:
    """Small auctions with winners and payments; amounts in planck, accounts by their index."""
    rows = []
    for rule, bundles, tasks in (
        ("vcg-assignment", False, 1),
        ("vcg-assignment", False, None),
        ("vcg-bundles", True, None),
    ):
        seeds = iter(range(10_000))
        kept = 0
        while kept < 12:
            problem = random_problem(Random(next(seeds)), tasks=tasks, bundles=bundles)
            cleared = clear(problem, rule)  # type: ignore[arg-type]
            if len(cleared.lines) < min(2, len(problem.tasks)) or len(problem.bids) < 3:
                continue
            kept += 1
            rows.append(_clearing_row(problem, cleared, rule))
    return {"clearings": rows}


def _clearing_row(problem: Problem, cleared: Clearing, rule: str) -> dict[str, Any]:
    return {
        "rule": rule,
        "auction": problem.auction.hex(),
        "tick": str(problem.tick),
        "tasks": [
            {"id": task.hex(), "reserve": str(reserve)}
            for task, reserve in zip(problem.tasks, problem.reserves, strict=True)
        ],
        "bids": [
            {
                "provider": bid.provider.hex(),
                "quality": bid.quality,
                "capacity": bid.capacity,
                "ask": json_view(bid.ask),
            }
            for bid in problem.bids
        ],
        "method": cleared.method,
        "welfare": str(cleared.welfare),
        "lines": [
            {"task": line.task, "provider": line.provider.hex(), "price": str(line.price)}
            for line in cleared.lines
        ],
        "payments": {why.provider.hex(): str(why.payment) for why in cleared.counterfactuals},
    }


def _refused(good: bytes) -> list[dict[str, str]]:
    """Envelopes that every implementation must refuse, made from one that is good."""
    fields = msgspec.msgpack.decode(good)

    def packed(**changes: Any) -> bytes:
        return msgspec.msgpack.Encoder(order="sorted").encode({**fields, **changes})

    signature = fields["signature"]
    s = int.from_bytes(signature[32:], "little")
    rows = {
        "another chain": packed(genesis=bytes(32)),
        "expires before it is issued": packed(expires_at=10),
        "a key that is not the account's": packed(key=BOB.key),
        "signature altered": packed(signature=bytes([signature[0] ^ 1]) + signature[1:]),
        "signature with S + L": packed(signature=signature[:32] + (s + L).to_bytes(32, "little")),
        "body altered": packed(body=fields["body"][:-1] + b"\0"),
        "kind altered": packed(kind="commitment-ack"),
        "unknown kind": packed(kind="bid"),
        "unknown version": packed(version=2),
        "unknown field": packed(extra=1),
        "field absent": msgspec.msgpack.Encoder(order="sorted").encode(
            {k: v for k, v in fields.items() if k != "sequence"}
        ),
        "keys not sorted": msgspec.msgpack.encode(dict(sorted(fields.items(), reverse=True))),
        "integer not minimal": good.replace(b"\xa7version\x01", b"\xa7version\xcc\x01"),
        "bytes behind it": good + b"\0",
        "cut short": good[:-1],
    }
    for key in SMALL_ORDER_KEYS:
        point = bytes.fromhex(key)
        rows[f"small-order key {key[:8]}"] = packed(
            sender=point, key=point, signature=point + bytes(32)
        )
    return [{"why": why, "envelope": raw.hex()} for why, raw in rows.items()]


def files() -> dict[Path, str]:
    """Every generated file: path -> text."""
    texts: dict[Path, Any] = {ROOT / "contracts" / name: s for name, s in schemas().items()}
    texts[ROOT / "tests" / "vectors" / "messages.json"] = vectors()
    texts[ROOT / "tests" / "vectors" / "clearing.json"] = clearings()
    return {
        path: json.dumps(data, indent=2, ensure_ascii=False) + "\n" for path, data in texts.items()
    }


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
