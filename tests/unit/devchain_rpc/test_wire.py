"""Frames, parameters, addresses, access, faults, sealing: what needs no chain."""

import json
import math
from collections.abc import Callable

import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st

from chain.devchain.rpc.access import Access, Refused
from chain.devchain.rpc.api import DEVELOPMENT
from chain.devchain.rpc.errors import CLIENT_ERROR, INTERNAL_ERROR, RpcError, to_rpc_error
from chain.devchain.rpc.faults import Faults, Rule, read_rule
from chain.devchain.rpc.limits import Limits
from chain.devchain.rpc.method import Table, hex_bytes, natural, optional
from chain.devchain.rpc.outbox import Outbox
from chain.devchain.rpc.sealer import INSTANT, MANUAL, Seal, parse_seal
from chain.devchain.rpc.ss58 import decode_ss58
from chain.devchain.rpc.wire import (
    decode_frame,
    encode_batch,
    encode_result,
    id_of,
    read_request,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def code_of(work: Callable[[], object]) -> int | None:
    """Return the code with which something is refused, or None."""
    try:
        work()
    except RpcError as error:
        return error.code
    return None


@given(st.binary() | st.text())
def test_any_frame_is_json_or_a_parse_error(frame: bytes | str) -> None:
    assert code_of(lambda: decode_frame(frame)) in (None, -32700)


@given(VALUES)
def test_any_value_is_a_call_or_an_invalid_request(value: object) -> None:
    assert code_of(lambda: read_request(value)) in (None, -32600)


@given(st.sampled_from(sorted(DEVELOPMENT.methods)), VALUES)
@example("childstate_getStorageEntries", ["", [], False])
def test_any_parameters_are_read_or_refused(method: str, params: object) -> None:
    # What is no key of a child trie has a code of its own.
    refusals = (-32602, CLIENT_ERROR) if method.startswith("childstate_") else (-32602,)
    assert code_of(lambda: DEVELOPMENT.methods[method].read(params)) in (None, *refusals)


@given(VALUES)
@example(math.inf)  # which JSON can say: 1e999
def test_whoever_may_call_can_be_answered(id_: object) -> None:
    call = {"jsonrpc": "2.0", "method": "x", "id": id_}
    if code_of(lambda: read_request(call)) is None:
        assert json.loads(encode_result(read_request(call).id, None))["id"] == id_
    else:
        assert id_of(call) is None or isinstance(id_, str)


@pytest.mark.parametrize("frame", ["NaN", "[Infinity]", '{"id":-Infinity}', b"\xff", b'"\xc0"'])
def test_what_is_nearly_json_is_a_parse_error(frame: bytes | str) -> None:
    assert code_of(lambda: decode_frame(frame)) == -32700


def test_answers_are_put_together_as_one_list() -> None:
    batch = encode_batch([encode_result(1, None), encode_result("x", [1])])
    assert [answer["id"] for answer in json.loads(batch)] == [1, "x"]


def test_a_fault_of_our_own_is_not_told_to_strangers() -> None:
    told = to_rpc_error(KeyError("/home/somebody/secret"))
    assert (told.code, told.message, told.data) == (INTERNAL_ERROR, "Internal error", None)


def test_parameters_come_by_position_or_by_name() -> None:
    table = Table()

    @table.method("x", key=hex_bytes, count=optional(natural, 7))
    def handler(key: bytes, count: int) -> None: ...

    read = table.methods["x"].read
    assert read(["0x01"]) == read({"key": "01"}) == read(["0x01", None]) == [b"\1", 7]
    assert read(["0x01", "0x10"]) == [b"\1", 16]
    for wrong in ([], ["0x0"], ["0x01", -1], ["0x01", 1, 2], {"kay": "0x01"}, 5):
        with pytest.raises(RpcError):
            read(wrong)


def test_an_address_is_its_account_whatever_the_network() -> None:
    alice = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
    for address in (
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",  # 42
        "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5",  # 0
        "yGHXkYLYqxijLKKfd9Q2CB9shRVu8rPNBS53wvwGTutYg4zTg",  # two bytes of prefix
        "0x" + alice.hex(),
    ):
        assert decode_ss58(address) == alice


@pytest.mark.parametrize(
    "address", ["", "5", "0x00", "l" * 48, "5" * 1_000_000, "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQX"]
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (also what the library finds wrong)
        decode_ss58(address)


@pytest.mark.parametrize(
    ("host", "origin", "may"),
    [
        ("127.0.0.1:9944", None, True),
        ("localhost", "http://localhost:3000", True),
        ("[::1]:9944", "https://[::1]", True),
        (None, None, True),
        ("LOCALHOST:1", "https://polkadot.js.org", False),
        ("localhost", "https://mine.example", False),
        ("chain.example:80", None, True),
    ],
)
def test_who_is_let_in_and_who_may_change_the_chain(
    host: str | None, origin: str | None, may: bool
) -> None:
    access = Access(
        origins=frozenset({"https://polkadot.js.org", "https://mine.example"}),
        hosts=frozenset({"chain.example"}),
    )
    assert access.check(host, origin) is may


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("example.org", None),
        ("localhost.example.org", None),
        ("localhost", "https://example.org"),
        ("localhost", "null"),
        ("localhost", "file://"),
        ("localhost", "https://polkadot.js.org.example"),
        ("localhost", "http://127.0.0.1.example.org"),
        ("localhost", "http://[::1"),
        ("[::1", None),
    ],
)
def test_who_is_kept_out(host: str, origin: str | None) -> None:
    with pytest.raises(Refused):
        Access().check(host, origin)


def test_every_origin_can_be_let_in_but_not_to_change_the_chain() -> None:
    assert Access(origins=frozenset({"*"})).check("localhost", "https://example.org") is False


def test_the_first_rule_that_fits_is_used_up() -> None:
    faults = Faults()
    faults.set([Rule("author_*", "delay", times=2), Rule("*", "refuse", times=None)])
    taken = [faults.take("author_submitExtrinsic") for _ in range(3)]
    assert [rule and rule.action for rule in taken] == ["delay", "delay", "refuse"]
    assert faults.take("dev_setFaults") is None
    assert faults.to_json() == [{"method": "*", "action": "refuse", "times": None, "millis": 0}]
    with pytest.raises(RpcError):
        faults.set([Rule("*", "stall")] * 101)


@pytest.mark.parametrize(
    "rule",
    [
        7,
        {},
        {"action": "explode"},
        {"action": "stall", "method": 1},
        {"action": "stall", "times": 0},
        {"action": "delay", "millis": -1},
        {"action": "delay", "millis": 10**9},
    ],
)
def test_what_is_no_rule_is_refused(rule: object) -> None:
    with pytest.raises(RpcError):
        read_rule(rule)


def test_a_way_of_sealing_is_named_or_a_number_of_seconds() -> None:
    assert parse_seal("Instant") is INSTANT
    assert parse_seal("manual") is MANUAL
    assert parse_seal("0.25") == Seal("interval", 0.25)
    assert [str(parse_seal(s)) for s in ("instant", "manual", "2.50")] == [
        "instant",
        "manual",
        "2.5",
    ]
    for wrong in ("", "0", "-1", "nan", "inf", "1e9", "daily"):
        with pytest.raises(ValueError, match="not a way of sealing"):
            parse_seal(wrong)


async def never(_message: bytes) -> None:
    await trio.sleep_forever()


async def at_once(_message: bytes) -> None:
    await trio.lowlevel.checkpoint()


async def test_what_is_put_into_an_outbox_comes_out_in_order() -> None:
    sent: list[bytes] = []

    async def send(message: bytes) -> None:
        await trio.lowlevel.checkpoint()
        sent.append(message)

    outbox = Outbox(Limits(), lambda: pytest.fail("dropped"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.run, send)
        for n in range(100):
            outbox.put(b"%d" % n)
        with trio.fail_after(5):
            while len(sent) < 100:
                await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert sent == [b"%d" % n for n in range(100)]


async def test_a_reader_that_takes_nothing_is_given_up(autojump_clock: trio.abc.Clock) -> None:
    outbox = Outbox(Limits(write_seconds=3), lambda: None)
    outbox.put(b"x")
    start = trio.current_time()
    with pytest.raises(trio.TooSlowError):
        await outbox.run(never)
    assert trio.current_time() - start == 3


def test_notifications_beyond_the_limits_drop_the_connection() -> None:
    for limits in (Limits(outbox_messages=3), Limits(outbox_bytes=2)):
        dropped: list[int] = []
        outbox = Outbox(limits, lambda: dropped.append(1))  # noqa: B023  (called in this turn)
        for _ in range(3):
            outbox.put_notification(b"x")
        assert not dropped
        outbox.put_notification(b"x")
        assert dropped


async def test_while_much_waits_no_further_request_is_read() -> None:
    outbox = Outbox(Limits(high_water_bytes=10), lambda: None)
    outbox.put(b"x" * 11)
    with trio.move_on_after(0) as scope:
        await outbox.room()
    assert scope.cancelled_caught
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.run, at_once)
        with trio.fail_after(5):
            await outbox.room()
        nursery.cancel_scope.cancel()
