"""Messages, their one encoding, and the files that describe them to others."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import msgspec
import pytest

from market.codec import cap_of, decode_body_untrusted, decode_canonical_untrusted, encode_canonical
from market.envelope import (
    decode_envelope_untrusted,
    expect,
    message_id,
    open_untrusted,
    require_current,
    seal,
)
from market.errors import DecodeError, EnvelopeError, UsageError
from market.hashing import audience_of_topic
from market.identity import AccountId
from market.messages import BODIES as TYPES
from market.messages import KINDS, Ask, Award, BundleAsk, Cfp, Commitment, Progress, TaskAsk
from market.schema import json_schema, json_view
from market.units import Planck, Ppm
from tests.support import contracts
from tests.support.fuzz import honest_envelopes, largest_cfp, seal_sample
from tests.support.samples import (
    ALICE,
    BOB,
    BODIES,
    GENESIS,
    TERMS,
    OwnKeys,
    ask,
    block,
    cfp,
    task_call,
)

VECTORS = json.loads((contracts.ROOT / "tests/vectors/messages.json").read_text())


def test_there_is_a_sample_of_every_kind() -> None:
    assert [type(body) for body in BODIES] == list(TYPES.values())


@pytest.mark.parametrize("body", BODIES, ids=lambda b: KINDS[type(b)])
def test_message_survives_its_encoding(body: msgspec.Struct) -> None:
    data = encode_canonical(body)  # type: ignore[arg-type]
    assert decode_body_untrusted(KINDS[type(body)], data) == body  # type: ignore[index]


@pytest.mark.parametrize("body", BODIES, ids=lambda b: KINDS[type(b)])
def test_view_obeys_the_schema(body: msgspec.Struct) -> None:
    validator = jsonschema.Draft202012Validator(json_schema(type(body)))  # type: ignore[arg-type]
    view = json.loads(json.dumps(json_view(body)))  # type: ignore[arg-type]
    validator.validate(view)
    for name in view:
        assert not validator.is_valid({k: v for k, v in view.items() if k != name})
    assert not validator.is_valid({**view, "more": 1})


@pytest.mark.parametrize("path", contracts.files(), ids=lambda p: p.name)
def test_generated_file_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == contracts.files()[path], "run scripts/contracts"


def test_no_schema_is_left_over() -> None:
    on_disk = {p.name for p in (contracts.ROOT / "contracts").glob("*.json")}
    assert on_disk == set(contracts.schemas())


@pytest.mark.parametrize("row", VECTORS["refused"], ids=lambda r: r["why"])
def test_refused_envelope_of_the_vectors_is_refused(row: dict[str, str]) -> None:
    with pytest.raises((DecodeError, EnvelopeError)):
        open_untrusted(bytes.fromhex(row["envelope"]), genesis=GENESIS, keys=OwnKeys())


@pytest.mark.parametrize("row", VECTORS["messages"], ids=lambda r: r["kind"])
def test_envelope_of_the_vectors_opens_to_its_body(row: dict[str, str]) -> None:
    opened = open_untrusted(bytes.fromhex(row["envelope"]), genesis=GENESIS, keys=OwnKeys())
    assert opened.id.hex() == row["id"]
    assert encode_canonical(opened.body).hex() == row["body"]
    assert json_view(opened.body) == row["view"]


def _pack(value: object) -> bytes:
    return msgspec.msgpack.Encoder(order="sorted").encode(value)


SEALED: dict[str, object] = {"auction": b"a" * 32, "seal": b"s" * 32}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        _pack(SEALED)[:-1],
        _pack(SEALED) + b"\0",
        _pack({**SEALED, "x": 1}),
        _pack({"auction": b"a" * 32}),
        _pack({**SEALED, "seal": b"s" * 31}),
        _pack({**SEALED, "seal": "s" * 32}),
        msgspec.msgpack.encode({"seal": b"s" * 32, "auction": b"a" * 32}),
        b"\x83\xa7auction\xc4 " + b"a" * 32 + _pack(SEALED)[1:],  # a key twice
        b"\xde\0\2" + _pack(SEALED)[1:],  # a map header longer than it need be
        _pack(SEALED).replace(b"\xc4 s", b"\xc5\0 s"),  # a length longer than it need be
        b"\x91" * 60_000,
        b"\x81" * 60_000,
        b"\xdf\x7f\xff\xff\xff" * 10_000,
        b"\x82\xa7auction" + b"\x91" * 60_000,
        b"\x82\xa7auct\xff\xfe\xfd",
        b"\0" * (cap_of(Commitment) + 1),
    ],
    ids=lambda d: d[:12].hex(),
)
def test_anything_but_the_canonical_form_is_one_error(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_canonical_untrusted(data, Commitment)


def test_text_that_is_not_utf8_is_the_same_error() -> None:
    good = encode_canonical(BODIES[10])
    with pytest.raises(DecodeError):
        decode_canonical_untrusted(good.replace(b"half", b"\xff\xfe\xfd\xfc"), Progress)


BROKEN: dict[str, Callable[[], object]] = {
    "tasks out of order": lambda: cfp(task_call(2), task_call(1)),
    "a task twice": lambda: cfp(task_call(1), task_call(1)),
    "reserve between ticks": lambda: cfp(task_call(1, reserve=1_005)),
    "reveals end before the close": lambda: cfp(reveal_by=block(15)),
    "facts after the close": lambda: cfp(facts_block=block(15)),
    "invited out of order": lambda: cfp(invited=(AccountId(b"b" * 32), AccountId(b"a" * 32))),
    "milestones short of the whole": lambda: task_call(1, milestones_ppm=(Ppm(999_999),)),
    "an empty milestone": lambda: task_call(1, milestones_ppm=(Ppm(0), Ppm(1_000_000))),
    "prices out of order": lambda: ask((1, 5), (0, 5)),
    "a price twice": lambda: ask((1, 5), (1, 5)),
    "a falling surcharge": lambda: ask((0, 5), surcharge=(5, 0)),
    "an ask for nothing": lambda: ask(),
    "prices and bundles": lambda: Ask(
        prices=(TaskAsk(task=0, price=Planck(1)),),
        slot_surcharge=(Planck(0),),
        bundles=(BundleAsk(tasks=(0,), price=Planck(1)),),
    ),
    "a bundle's tasks out of order": lambda: BundleAsk(tasks=(1, 0), price=Planck(1)),
    "milestones unlike the price": lambda: msgspec.structs.replace(TERMS, price=Planck(7)),
    "a party as arbiter": lambda: msgspec.structs.replace(TERMS, arbiter=BOB.account),
    "a deal with oneself": lambda: msgspec.structs.replace(TERMS, provider=ALICE.account),
}


@pytest.mark.parametrize("build", BROKEN.values(), ids=BROKEN)
def test_value_that_breaks_a_rule_cannot_be_built(build: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        build()


def test_broken_rule_on_the_wire_is_a_decode_error() -> None:
    tree = msgspec.msgpack.decode(encode_canonical(cfp()))
    tree["tasks"].reverse()
    with pytest.raises(DecodeError, match="sorted by id"):
        decode_canonical_untrusted(_pack(tree), Cfp)


@pytest.mark.parametrize("amount", [-1, 2**63, 2**64, 2**200])
def test_amount_beyond_the_wire_is_refused_when_the_message_is_sealed(amount: int) -> None:
    body = cfp(task_call(1, reserve=0), tick=Planck(1))
    with pytest.raises((ValueError, OverflowError)):
        encode_canonical(msgspec.structs.replace(body, tick=Planck(amount)))


def test_oversized_message_is_refused_when_it_is_sealed() -> None:
    body = largest_cfp()
    invited = tuple(AccountId(n.to_bytes(32, "big")) for n in range(1, 257))
    with pytest.raises(UsageError, match="at most"):
        seal_sample(msgspec.structs.replace(body, invited=invited))  # type: ignore[type-var]


def test_ids_of_different_kinds_never_meet() -> None:
    """The same fields under every kind give as many ids as there are kinds."""
    envelope = decode_envelope_untrusted(honest_envelopes()[0])
    ids = {message_id(msgspec.structs.replace(envelope, kind=kind)) for kind in TYPES}
    assert len(ids) == len(TYPES)


def test_signature_is_not_part_of_the_id() -> None:
    envelope = decode_envelope_untrusted(honest_envelopes()[0])
    other = msgspec.structs.replace(envelope, signature=bytes(64))
    assert message_id(other) == message_id(envelope)


class TestCurrency:
    """An envelope that opens may still not be one to act upon."""

    opened = open_untrusted(
        seal(
            BODIES[2],
            identity=ALICE,
            genesis=GENESIS,
            audience=BOB.account,
            sequence=0,
            issued_at=block(10),
            expires_at=block(20),
        ),
        genesis=GENESIS,
        keys=OwnKeys(),
    )

    @pytest.mark.parametrize("now", [8, 10, 20])
    def test_it_is_current_from_issue_to_expiry(self, now: int) -> None:
        require_current(self.opened, audiences={BOB.account}, now=block(now), max_lifetime=10)

    @pytest.mark.parametrize(
        ("now", "audience", "lifetime", "reason"),
        [
            (7, BOB.account, 10, "early"),
            (21, BOB.account, 10, "expired"),
            (15, ALICE.account, 10, "audience"),
            (15, audience_of_topic("t"), 10, "audience"),
            (15, BOB.account, 9, "lifetime"),
        ],
    )
    def test_it_is_refused_otherwise(
        self, now: int, audience: bytes, lifetime: int, reason: str
    ) -> None:
        with pytest.raises(EnvelopeError) as refused:
            require_current(
                self.opened, audiences={audience}, now=block(now), max_lifetime=lifetime
            )
        assert refused.value.reason == reason

    def test_it_is_narrowed_to_its_own_type_only(self) -> None:
        assert expect(self.opened, Commitment).body is self.opened.body
        with pytest.raises(EnvelopeError, match="where a award belongs"):
            expect(self.opened, Award)


def test_envelope_cannot_expire_before_it_is_issued() -> None:
    with pytest.raises(UsageError):
        seal(
            BODIES[2],
            identity=ALICE,
            genesis=GENESIS,
            audience=BOB.account,
            sequence=0,
            issued_at=block(10),
            expires_at=block(9),
        )


def test_rotated_key_speaks_from_its_block_on_and_the_old_one_no_longer() -> None:
    class Rotated:
        def operator_key(self, account: AccountId, at: int) -> bytes:
            return ALICE.key if at < 5 else BOB.key

    for at, opens in ((4, True), (5, False)):
        raw = seal(
            BODIES[2],
            identity=ALICE,
            genesis=GENESIS,
            audience=BOB.account,
            sequence=0,
            issued_at=block(at),
            expires_at=block(9),
        )
        if opens:
            assert open_untrusted(raw, genesis=GENESIS, keys=Rotated()).sender == ALICE.account  # type: ignore[arg-type]
        else:
            with pytest.raises(EnvelopeError, match="operator key"):
                open_untrusted(raw, genesis=GENESIS, keys=Rotated())  # type: ignore[arg-type]
