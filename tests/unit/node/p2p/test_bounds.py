"""The small pieces that bound what peers can do: buckets, admission, memory of ids, fault lines."""

import logging

import pytest
import trio
from libp2p.pubsub.pb import rpc_pb2

from node.p2p.hardening.admission import Admission
from node.p2p.hardening.buckets import TokenBucket
from node.p2p.hardening.faults import FaultLog, LibraryLog, served
from node.p2p.hardening.outbox import FRAMES, Outbox
from node.p2p.hardening.seen import MESSAGES, SECONDS, Seen


def test_a_bucket_lets_its_burst_pass_and_then_its_rate() -> None:
    now = [0.0]
    bucket = TokenBucket(10.0, 5.0, lambda: now[0])
    assert [bucket.take() for _ in range(6)] == [True] * 5 + [False]
    now[0] = 0.1
    assert [bucket.take() for _ in range(2)] == [True, False]
    now[0] = 100.0
    assert sum(bucket.take() for _ in range(50)) == 5


def test_admission_bounds_each_and_all_and_everybody_leaves_also_by_an_error() -> None:
    door = Admission[str](2, 3)
    with door.enter("a") as one, door.enter("a") as two, door.enter("a") as three:
        assert (one, two, three) == (True, True, False)
        with door.enter("b") as four, door.enter("c") as five:
            assert (four, five) == (True, False)
    assert len(door) == 0
    with pytest.raises(ZeroDivisionError), door.enter("a"):
        raise ZeroDivisionError
    assert door.inside("a") == 0
    assert len(door) == 0


def test_an_id_is_new_once_and_forgotten_after_its_time_or_when_there_are_too_many() -> None:
    now = [0.0]
    seen = Seen(lambda: now[0])
    assert seen.add(b"x")
    assert not seen.add(b"x")
    now[0] = SECONDS + 1
    seen.add(b"y")
    assert not seen.has(b"x")
    for i in range(MESSAGES + 10):
        seen.add(b"%d" % i)
    assert len(seen) <= MESSAGES + 1


def test_a_fault_is_one_line_however_often_and_whatever_it_holds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = FaultLog(logging.getLogger("ainur.test"))
    with caplog.at_level(logging.WARNING, "ainur.test"):
        for _ in range(1_000):
            log.report("yamux", "12D3KooW", "flood", "a\nb" * 1_000)
        log.report("yamux", "12D3KooW", "other", ValueError("x\ny"))
    assert [r.getMessage().split(":")[0] for r in caplog.records] == [
        "fault layer=yamux peer=12D3KooW what=flood",
        "fault layer=yamux peer=12D3KooW what=other",
    ]
    assert all("\n" not in r.getMessage() and len(r.getMessage()) < 300 for r in caplog.records)
    assert log.total == 1_001


def test_a_peer_can_write_no_terminal_codes_into_the_log_and_no_line_of_the_library_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    FaultLog(logging.getLogger("ainur.test")).report("x", "y", "z", "\x1b[2J\x07\u202eevil")
    assert "\x1b" not in caplog.text
    assert "\u202e" not in caplog.text
    wrong = logging.LogRecord("libp2p.x", logging.WARNING, "f", 1, "%d and %d", ("one",), None, "f")
    LibraryLog(logging.WARNING).emit(wrong)
    assert "%d and %d" in caplog.text


async def test_a_line_of_the_librarys_names_the_peer_whose_stream_its_task_serves(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def serve(peer: str) -> None:
        served.set(peer)
        await trio.lowlevel.checkpoint()
        told = logging.LogRecord("libp2p.kad", logging.WARNING, "f", 1, "bad key", (), None, "ask")
        LibraryLog(logging.WARNING).emit(told)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, "one")
        nursery.start_soon(serve, "two")
    # Two peers' faults are two lines, however soon one comes after the other.
    assert sorted(line.split("peer=")[1][:3] for line in caplog.text.splitlines()) == ["one", "two"]
    assert served.get() == "-"


async def test_an_outbox_sends_control_first_joins_what_fits_and_drops_what_is_too_much() -> None:
    box = Outbox()
    box.push_frame(b"then")
    box.push_frame(b"first", priority=True)
    assert await box.pop_bytes() == b"firstthen"
    assert all(box.push(rpc_pb2.RPC()) for _ in range(FRAMES))
    assert not box.push(rpc_pb2.RPC())
    assert box.dropped == 1
    await box.pop_bytes()
    box.close()
    assert not box.push_frame(b"late")
    assert await box.pop_bytes() is None
