"""Hostile bytes for the decoders: noise, bombs, and honest messages with something done to them."""

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator

import attrs
import msgspec

from market.codec import CONTROL_BYTES, cap_of, decode_canonical_untrusted, encode_canonical
from market.envelope import Opened, open_untrusted, seal
from market.errors import DecodeError, EnvelopeError
from market.hashing import audience_of_topic
from market.identity import AccountId
from market.messages import Body, Feature, WireStruct
from market.units import Ppm
from tests.support.samples import ALICE, BODIES, GENESIS, OwnKeys, block, cfp, task_call

_HEADERS = bytes([0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, *range(0xC0, 0x100)])
_EXTREMES = (0, 1, -1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1, -(2**63))


@attrs.frozen
class Case:
    """One input, and the decoder it is for."""

    data: bytes
    kind: type[WireStruct] | None
    """None: the input is an envelope."""


def honest_envelopes() -> list[bytes]:
    """Every sample message, sealed."""
    return [seal_sample(body, sequence) for sequence, body in enumerate(BODIES)]


def seal_sample(body: Body, sequence: int = 0) -> bytes:
    return seal(
        body,
        identity=ALICE,
        genesis=GENESIS,
        audience=audience_of_topic("fuzz"),
        sequence=sequence,
        issued_at=block(1),
        expires_at=block(9),
    )


def largest_cfp() -> Body:
    """Return a call for proposals that fills the cap: what is slowest to decode and still valid."""
    features = tuple(Feature(name=f"{n:0>50}", value=2**62) for n in range(8))
    tasks = [
        task_call(
            n,
            capability=".".join(["a" * 20] * 4),
            input_features=features,
            milestones_ppm=(Ppm(125_000),) * 8,
        )
        for n in range(64)
    ]
    return cfp(*tasks, invited=tuple(AccountId(bytes([n]) * 32) for n in range(100)))


def _bombs(rng: random.Random) -> bytes:
    header = rng.choice([b"\x91", b"\x81", b"\x81\xa1a", b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
                         b"\xdf\x7f\xff\xff\xff", b"\x90", b"\xdb\x00\x00\xff\xff", b"\xc1", b"\xa1\xff"])  # fmt: skip
    return (header * CONTROL_BYTES)[: rng.choice([9, 1000, cap_of(WireStruct)])]


def _mangled_value(rng: random.Random, data: bytes) -> bytes:
    """Decode, change one thing anywhere in the tree, and encode again, perhaps not canonically."""
    tree = msgspec.msgpack.decode(data)
    node = tree
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            break
        key = rng.choice(keys)
        child = node[key]
        if isinstance(child, dict | list) and child and rng.random() < 0.8:
            node = child
            continue
        match rng.randrange(5):
            case 0:
                node[key] = rng.choice(_EXTREMES)
            case 1:
                node[key] = rng.choice([None, True, 1.5, "", b"", [], {}, "\0" * 600, b"x" * 33])
            case 2 if isinstance(node, dict):
                node[rng.choice(["a", "zz", ""])] = child
            case 3 if isinstance(child, list | bytes | str):
                node[key] = child * rng.choice([2, 100])
            case _:
                del node[key]
        break
    order = rng.choice([None, "sorted", "sorted"])
    return msgspec.msgpack.Encoder(order=order).encode(tree)


def _mangled_bytes(rng: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 8])):
        at = rng.randrange(len(out)) if out else 0
        match rng.randrange(4):
            case 0 if out:
                out[at] = rng.choice(_HEADERS)
            case 1 if out:
                out[at] ^= 1 << rng.randrange(8)
            case 2:
                del out[at : at + rng.choice([1, 1, 2, 40])]
            case _:
                out[at:at] = rng.randbytes(rng.choice([1, 1, 2, 40]))
    return bytes(out)


def cases(seed: int, count: int) -> Iterator[Case]:
    """Return hostile inputs, the same ones for the same seed."""
    rng = random.Random(seed)  # inputs of a test, not a secret
    bodies = [(encode_canonical(body), type(body)) for body in (*BODIES, largest_cfp())]
    targets: list[tuple[bytes, type[WireStruct] | None]] = [*bodies]
    targets += [(raw, None) for raw in honest_envelopes()]
    for _ in range(count):
        data, kind = rng.choice(targets)
        match rng.randrange(10):
            case 0:
                data = rng.randbytes(rng.randrange(200))
            case 1:
                data = _bombs(rng)
            case 2 | 3 | 4:
                data = _mangled_value(rng, data)
            case _:
                data = _mangled_bytes(rng, data)
        yield Case(data, kind)


def decode(case: Case) -> WireStruct | Opened[Body]:
    """Give an input to the decoder it is for.

    Raises:
        DecodeError: as it should for all but a few inputs.
        EnvelopeError: the envelope is well formed, and its signature or chain wrong.
    """
    if case.kind is None:
        return open_untrusted(case.data, genesis=GENESIS, keys=OwnKeys())
    return decode_canonical_untrusted(case.data, case.kind)


def _timed(case: Case) -> tuple[str, float]:
    """Decode once: what came of it, and the seconds of CPU it took."""
    start = time.thread_time()
    try:
        value = decode(case)
    except DecodeError:
        outcome = "decode error"
    except EnvelopeError as error:
        outcome = f"envelope: {error.reason}"
    else:
        raw = value.raw if isinstance(value, Opened) else None
        outcome = "accepted"
        took = time.thread_time() - start
        if (encode_canonical(value) if raw is None else raw) != case.data:  # type: ignore[arg-type]
            outcome = "accepted although not canonical"
        return outcome, took
    return outcome, time.thread_time() - start


def main(count: int, seed: int) -> int:
    """Run that many inputs and print what happened as JSON; 1 when a decoder let something through.

    An input that took more than a millisecond is decoded twice more and its best time counts: a
    page fault or a busy machine is not the input's doing.
    """
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    over = 0
    for case in cases(seed, count):
        outcome, took = _timed(case)
        if took > 1e-3:
            took = min(took, _timed(case)[1], _timed(case)[1])
        outcomes[outcome] += 1
        slowest = max(slowest, took)
        over += took > 1e-3
    report = {
        "inputs": count,
        "seed": seed,
        **outcomes,
        "slowest_ms": round(slowest * 1e3, 3),
        "over_1_ms": over,
    }
    print(json.dumps(report, indent=2))
    return int(outcomes["accepted although not canonical"] > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
