"""Our network and go-libp2p's: connect, identify, ping, a protocol, gossip both ways, Kademlia both ways.

The program is ``tests/golibp2p/``; the part ``golibp2p`` of ``scripts/test`` builds it and runs this.
"""

import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio

from market.identity import PeerId
from node.p2p.config import NetworkConfig
from node.p2p.dht import capability_key
from node.p2p.gossip import Heard, Verdict, presence_topic
from node.p2p.network import open_network
from tests.support.networks import eventually, seed_of

PROGRAM = os.environ.get("AINUR_GOLIBP2P", "")
ECHO = "/ainur/test/echo/1.0.0"
TOPIC = presence_topic(0)
KEY = capability_key("text.summarize", 0, 0)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not PROGRAM, reason="needs tests/golibp2p built: scripts/test --only golibp2p"
    ),
]


@asynccontextmanager
async def go_node(address: str) -> AsyncIterator[list[dict[str, Any]]]:
    """Run the program against an address; yield what it has said so far, as it grows."""
    said: list[dict[str, Any]] = []
    async with trio.open_nursery() as nursery:
        command = [PROGRAM, address, TOPIC, ECHO, KEY.hex()]
        options = {"stdout": subprocess.PIPE, "check": False}
        process = await nursery.start(partial(trio.run_process, command, **options))

        async def listen() -> None:
            rest = b""
            async for chunk in process.stdout:
                *lines, rest = (rest + chunk).split(b"\n")
                said.extend(map(json.loads, lines))

        nursery.start_soon(listen)
        yield said
        process.kill()


async def test_go_libp2p_speaks_with_us_on_every_protocol() -> None:
    async with (
        open_network(NetworkConfig(), seed_of("ours")) as ours,
        open_network(NetworkConfig(), seed_of("provider")) as provider,
    ):

        async def echo(peer: PeerId, data: bytes) -> bytes:
            return data

        ours.serve(ECHO, echo)
        heard = await ours.subscribe(TOPIC, lambda _peer, _data: Verdict.ACCEPT)
        await provider.connect(ours.multiaddrs[0])
        await eventually(lambda: provider.provide(KEY))
        async with go_node(ours.multiaddrs[0]) as said:

            def events(name: str) -> list[dict[str, Any]]:
                return [line for line in said if line["event"] == name]

            await eventually(lambda: bool(events("connected")))
            theirs = PeerId(events("self")[0]["peer"])
            await eventually(lambda: bool(events("ping")))
            await eventually(lambda: bool(events("identified")))
            assert {ECHO, "/ainur/kad/1.0.0", "/meshsub/1.1.0"} <= set(
                events("identified")[0]["protocols"]
            )
            await eventually(lambda: bool(events("echo")))
            assert events("echo")[0]["same"]

            await eventually(lambda: bool(events("subscribed")))
            with trio.fail_after(60):
                first: Heard = await heard.receive()
            assert first.peer == theirs
            assert first.data.startswith(b"from go ")

            async def reaches_go() -> bool:
                await ours.publish(TOPIC, b"from python")
                await trio.sleep(0.5)
                return any(
                    (line["from"], line["data"]) == (ours.peer_id, "from python")
                    for line in events("heard")
                )

            await eventually(reaches_go)

            await eventually(lambda: bool(events("provided")))
            assert {line["peer"] for line in events("provider")} == {provider.peer_id}
            found = {p.peer for p in await ours.find_providers(KEY)}
            assert found == {provider.peer_id, theirs}
            assert {p.peer: p.score for p in ours.peers()}[theirs] >= 0
