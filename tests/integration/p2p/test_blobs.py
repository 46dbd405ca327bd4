"""Blobs between nodes: in pieces, by hash, and for whom they are meant."""

import os
from pathlib import Path

import msgspec
import pytest
import trio

from market.identity import PeerId
from node.p2p.blobs import PIECE_BYTES, PROTOCOL, Blobs
from node.p2p.errors import BlobError, NetworkUsageError, RequestError
from tests.support.networks import networks

pytestmark = pytest.mark.integration


async def test_a_blob_arrives_whole_in_pieces_and_only_where_it_was_granted(tmp_path: Path) -> None:
    async with networks(3) as (holder, friend, stranger):
        theirs = Blobs(holder, tmp_path / "holder")
        ours = Blobs(friend, tmp_path / "friend")
        others = Blobs(stranger, tmp_path / "stranger")
        data = os.urandom(3 * PIECE_BYTES + 17)
        blob = await theirs.put(data, "application/octet-stream")
        theirs.grant(blob, friend.peer_id)
        seen: list[int] = []
        assert await ours.fetch(blob, holder.peer_id, seen.append) == data
        assert seen == [PIECE_BYTES, 2 * PIECE_BYTES, 3 * PIECE_BYTES, len(data)]
        assert await ours.get(blob) == data
        with pytest.raises(BlobError, match="for us"):
            await others.fetch(blob, holder.peer_id)
        theirs.revoke(blob, friend.peer_id)
        ours.drop(blob)
        with pytest.raises(BlobError, match="for us"):
            await ours.fetch(blob, holder.peer_id)


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1])
async def test_blobs_of_every_size_around_a_piece(tmp_path: Path, size: int) -> None:
    async with networks(2) as (holder, friend):
        theirs, ours = Blobs(holder, tmp_path / "a"), Blobs(friend, tmp_path / "b")
        blob = await theirs.put(os.urandom(size), "text/plain")
        theirs.grant(blob, friend.peer_id)
        assert await ours.fetch(blob, holder.peer_id) == await theirs.get(blob)


async def test_the_largest_blob_goes_through_and_a_larger_one_is_refused(tmp_path: Path) -> None:
    async with networks(2) as (holder, friend):
        theirs, ours = Blobs(holder, tmp_path / "a"), Blobs(friend, tmp_path / "b")
        data = os.urandom(32 * 2**20)
        blob = await theirs.put(data, "x")
        theirs.grant(blob, friend.peer_id)
        assert await ours.fetch(blob, holder.peer_id) == data
        with pytest.raises(NetworkUsageError, match="split"):
            await theirs.put(bytes(32 * 2**20 + 1), "x")


async def test_a_fetch_that_broke_off_goes_on_where_it_stopped_also_from_another_holder(
    tmp_path: Path,
) -> None:
    async with networks(3) as (first, second, friend):
        holders = [Blobs(first, tmp_path / "1"), Blobs(second, tmp_path / "2")]
        ours = Blobs(friend, tmp_path / "f")
        await friend.connect(second.multiaddrs[0])
        data = os.urandom(4 * PIECE_BYTES)
        for holder in holders:
            blob = await holder.put(data, "x")
            holder.grant(blob, friend.peer_id)
        with trio.CancelScope() as scope:

            def stop(have: int) -> None:
                if have == 2 * PIECE_BYTES:
                    scope.cancel()

            await ours.fetch(blob, first.peer_id, stop)
        assert scope.cancelled_caught
        assert not ours.has(blob)
        seen: list[int] = []
        assert await ours.fetch(blob, second.peer_id, seen.append) == data
        assert seen == [3 * PIECE_BYTES, 4 * PIECE_BYTES]


async def test_something_else_under_the_name_is_thrown_away_and_the_true_blob_fetched_after(
    tmp_path: Path,
) -> None:
    async with networks(3) as (liar, honest, friend):

        async def lie(peer: PeerId, data: bytes) -> bytes:
            return b"\x00" + bytes(msgspec.msgpack.decode(data)["length"])

        theirs, ours = Blobs(honest, tmp_path / "h"), Blobs(friend, tmp_path / "f")
        liar.serve(PROTOCOL, lie)
        await friend.connect(honest.multiaddrs[0])
        data = os.urandom(PIECE_BYTES + 5)
        blob = await theirs.put(data, "x")
        theirs.grant(blob, friend.peer_id)
        with pytest.raises(BlobError, match="is not"):
            await ours.fetch(blob, liar.peer_id)
        assert not ours.has(blob)
        assert await ours.fetch(blob, honest.peer_id) == data


@pytest.mark.parametrize(
    "answer", [b"", b"\x07", b"\x00", b"\x00" + bytes(PIECE_BYTES + 1)], ids=len
)
async def test_an_answer_that_is_no_piece_is_no_blob(tmp_path: Path, answer: bytes) -> None:
    async with networks(3) as (holder, liar, friend):
        theirs, ours = Blobs(holder, tmp_path / "h"), Blobs(friend, tmp_path / "f")
        blob = await theirs.put(os.urandom(100), "x")

        async def lie(peer: PeerId, data: bytes) -> bytes:
            return answer

        liar.serve(PROTOCOL, lie)
        await friend.connect(liar.multiaddrs[0])
        with pytest.raises(BlobError):
            await ours.fetch(blob, liar.peer_id)


@pytest.mark.parametrize(
    "request_",
    [b"", b"\xc1", b"\x83", os.urandom(40), msgspec.msgpack.encode({"hash": b"x"})],
    ids=len,
)
async def test_a_request_that_is_none_is_broken_off_and_the_next_answered(
    tmp_path: Path, request_: bytes
) -> None:
    async with networks(2) as (holder, friend):
        theirs, ours = Blobs(holder, tmp_path / "h"), Blobs(friend, tmp_path / "f")
        with pytest.raises(RequestError):
            await friend.request(holder.peer_id, PROTOCOL, request_, 30)
        blob = await theirs.put(b"data", "x")
        theirs.grant(blob, friend.peer_id)
        assert await ours.fetch(blob, holder.peer_id) == b"data"


async def test_a_full_store_drops_the_oldest_that_nobody_is_granted(tmp_path: Path) -> None:
    async with networks(1) as (holder,):
        store = Blobs(holder, tmp_path, store_bytes=250)
        kept = await store.put(bytes(100), "x")
        store.grant(kept, holder.peer_id)
        old = await store.put(b"a" * 100, "x")
        os.utime(tmp_path / old.hash.hex(), (1, 1))
        new = await store.put(b"b" * 100, "x")
        assert [store.has(b) for b in (kept, old, new)] == [True, False, True]
        with pytest.raises(BlobError, match="not here"):
            await store.get(old)


async def test_a_peer_that_takes_too_much_waits_and_others_do_not(tmp_path: Path) -> None:
    async with networks(3) as (holder, greedy, modest):
        theirs = Blobs(holder, tmp_path / "h")
        blob = await theirs.put(os.urandom(100), "x")
        for peer in (greedy, modest):
            theirs.grant(blob, peer.peer_id)
        ask = msgspec.msgpack.encode({"hash": blob.hash, "offset": 0, "length": PIECE_BYTES})
        answers = {(await greedy.request(holder.peer_id, PROTOCOL, ask))[:1] for _ in range(300)}
        assert answers == {b"\x00", b"\x02"}
        ours = Blobs(modest, tmp_path / "m")
        assert len(await ours.fetch(blob, holder.peer_id)) == 100


async def test_one_blob_kept_many_times_at_once_is_there_and_nothing_beside_it(
    tmp_path: Path,
) -> None:
    async with networks(1) as (holder,):
        ours = Blobs(holder, tmp_path / "a")
        for n in range(20):
            data = bytes([n]) * PIECE_BYTES
            async with trio.open_nursery() as nursery:
                for _ in range(8):
                    nursery.start_soon(ours.put, data, "x")
        assert len(list((tmp_path / "a").iterdir())) == 20
