"""Whatever a client does, the server goes on, within its bounds."""

import contextlib
import json
import os
import random
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest
import websocket
from websocket import WebSocketBadStatusException

from chain.devchain.rpc.limits import Limits
from chain.devchain.rpc.sealer import MANUAL
from tests.support.node import embedded_only
from tests.support.rpc import PATIENCE, Client, Served, served

pytestmark = [
    pytest.mark.integration,
    pytest.mark.chain,
    embedded_only("a node has a server of its own"),
]
LIMITS = Limits(
    connections=1200,
    request_bytes=1_000_000,
    response_bytes=2_000_000,
    outbox_bytes=100_000,
    outbox_messages=2_000,
    high_water_bytes=50_000,
    handshake_seconds=2.0,
    write_seconds=2.0,
)
CALL = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "system_chainType"}).encode()


@pytest.fixture(scope="module")
def node() -> Iterator[Served]:
    with served(seal=MANUAL, limits=LIMITS) as found:
        yield found


@pytest.fixture(autouse=True)
def _the_server_goes_on(node: Served) -> Iterator[None]:
    yield
    with node.client() as client:
        assert client.call("system_chainType") == "Development"
        until(lambda: client.call("dev_status")["connections"] == 1)


def until(condition: Any) -> None:
    """Wait until something is so."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def raw(node: Served, data: bytes) -> bytes:
    """Send bytes; return all that comes back until the server has closed."""
    with socket.create_connection(("127.0.0.1", node.port), PATIENCE) as peer:
        with contextlib.suppress(OSError):
            peer.sendall(data)
        found = b""
        with contextlib.suppress(ConnectionError):
            while part := peer.recv(65536):
                found += part
        return found


def post(
    node: Served, body: bytes, *headers: str, method: str = "POST", host: str = "localhost"
) -> tuple[int, dict[str, str], bytes]:
    """Make one HTTP request."""
    lines = [f"{method} / HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
    if not any(h.lower().startswith("content-type") for h in headers):
        lines.append("Content-Type: application/json")
    lines.append(f"Content-Length: {len(body)}")
    answer = raw(node, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    head, _, rest = answer.partition(b"\r\n\r\n")
    first, *others = head.decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in others)
    return int(first.split()[1]), fields, rest


# -- HTTP -----------------------------------------------------------------------------------------


def test_calls_and_batches_are_answered_by_http(node: Served) -> None:
    status, headers, body = post(node, CALL)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(body)["result"] == "Development"
    assert [a["id"] for a in json.loads(post(node, b"[" + CALL + b"," + CALL + b"]")[2])] == [1, 1]


def test_one_http_connection_serves_several_requests(node: Served) -> None:
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    last = request.replace(b"Host", b"Connection: close\r\nHost")
    answer = raw(node, request % (len(CALL), CALL) + last % (len(CALL), CALL))
    assert answer.count(b'"Development"') == 2


def test_a_subscription_is_not_had_by_http(node: Served) -> None:
    body = CALL.replace(b"system_chainType", b"chain_subscribeNewHeads")
    assert json.loads(post(node, body)[2])["error"]["code"] == -32601


@pytest.mark.parametrize(
    ("body", "headers", "method", "status"),
    [
        (CALL, (), "GET", 405),
        (CALL, ("Content-Type: text/plain",), "POST", 415),
        (b" " * 1_000_001, (), "POST", 413),
        (CALL, ("Origin: https://example.org",), "POST", 403),
        (CALL, ("Origin: null",), "POST", 403),
        (CALL, ("Origin: http://localhost.example.org",), "POST", 403),
        (CALL, ("Origin: https://polkadot.js.org",), "POST", 200),
        (CALL, ("Origin: http://127.0.0.1:3000",), "POST", 200),
        (b"", ("Origin: http://localhost:3000",), "OPTIONS", 204),
    ],
)
def test_http_requests_are_let_in_by_method_type_size_and_origin(
    node: Served, body: bytes, headers: tuple[str, ...], method: str, status: int
) -> None:
    found, fields, _ = post(node, body, *headers, method=method)
    assert found == status
    origin = next((h.split(": ")[1] for h in headers if h.startswith("Origin")), None)
    assert fields.get("access-control-allow-origin") == (origin if status < 300 else None)


@pytest.mark.parametrize(
    "host", ["evil.example:9944", "127.0.0.1.example.org", "", "[::2]", "a:b:c"]
)
def test_a_name_that_is_not_loopback_is_not_answered(node: Served, host: str) -> None:
    assert post(node, CALL, host=host)[0] == 403


def test_a_page_from_elsewhere_reads_but_does_not_change_the_chain(node: Served) -> None:
    def ask(method: str, origin: str | None) -> Any:
        headers = () if origin is None else (f"Origin: {origin}",)
        return json.loads(
            post(node, CALL.replace(b"system_chainType", method.encode()), *headers)[2]
        )

    for method in ("dev_status", "dev_newBlock"):
        assert ask(method, "https://polkadot.js.org")["error"]["code"] == -32601
        assert "result" in ask(method, "http://localhost:3000")
        assert "result" in ask(method, None)
    listed = ask("rpc_methods", "https://polkadot.js.org")["result"]["methods"]
    assert not [name for name in listed if name.startswith(("dev_", "engine_"))]


def test_a_websocket_from_a_foreign_page_is_refused(node: Served) -> None:
    with pytest.raises(WebSocketBadStatusException) as refused:
        node.client(suppress_origin=False, origin="https://example.org")
    assert refused.value.status_code == 403
    with node.client(suppress_origin=False, origin="https://polkadot.js.org") as client:
        assert client.call("system_chainType") == "Development"


# -- bytes ------------------------------------------------------------------------------------------


def test_random_bytes_instead_of_http_end_their_connection(node: Served) -> None:
    rng = random.Random(7)
    for _ in range(50):
        raw(node, rng.randbytes(rng.randint(1, 5_000)) + b"\r\n\r\n")


def test_a_head_without_an_end_is_given_up(node: Served) -> None:
    assert len(raw(node, b"POST / HTTP/1.1\r\nX: " + b"x" * 200_000)) < 1_000


def test_a_client_that_never_finishes_its_head_is_dropped(node: Served) -> None:
    assert raw(node, b"POST / HTTP/1.1\r\nHost: localhost\r\n") == b""


def test_random_frames_after_the_handshake_end_their_connection_at_most(node: Served) -> None:
    rng = random.Random(11)
    for _ in range(50):
        with node.client() as client:
            client.socket.sock.sendall(rng.randbytes(rng.randint(1, 3_000)))
            client.socket.sock.shutdown(socket.SHUT_WR)
            with contextlib.suppress(websocket.WebSocketException, OSError, ValueError):
                while client.socket.recv():
                    pass


def test_random_json_is_answered_with_errors(node: Served) -> None:
    rng = random.Random(13)
    names = ["jsonrpc", "id", "method", "params", "", "x"]

    def value(depth: int = 0) -> Any:
        pick = rng.randrange(8 if depth < 4 else 5)
        plain = [None, rng.randint(-(2**70), 2**70), rng.random(), "2.0", "state_getStorage"]
        if pick < 5:
            return plain[pick]
        if pick < 7:
            return {rng.choice(names): value(depth + 1) for _ in range(rng.randrange(5))}
        return [value(depth + 1) for _ in range(rng.randrange(5))]

    with node.client() as client:
        for _ in range(500):
            client.send(value())
        assert client.call("system_chainType") == "Development"


def test_any_parameters_for_any_method_are_answered(node: Served) -> None:
    rng = random.Random(17)
    pool = [None, 0, -1, 2**80, 1.5, "", "0x", "0x00", "0x" + "11" * 32, [], {}, [[]], True, "x",
            ["0x00"], {"count": 1}, "//", [None], 10**400]  # fmt: skip
    with served(seal=MANUAL) as other, other.client() as client:
        methods = client.call("rpc_methods")["methods"]
        for _ in range(1_500):
            method = rng.choice(methods)
            with contextlib.suppress(Exception):
                client.call(method, *rng.choices(pool, k=rng.randrange(4)))
        client.call("dev_setFaults", {})
        assert client.call("system_chainType") == "Development"


def test_a_frame_that_is_too_large_closes_the_connection(node: Served) -> None:
    with node.client() as client:
        with contextlib.suppress(OSError):
            client.socket.send('"' + "x" * 1_100_000)
        with pytest.raises((websocket.WebSocketException, OSError, ValueError)):
            client.receive()


def test_an_answer_that_is_too_large_becomes_an_error(node: Served) -> None:
    with node.client() as client:
        client.send([{"jsonrpc": "2.0", "id": n, "method": "state_getMetadata"} for n in range(50)])
        assert client.receive()["error"]["code"] == -32008


# -- readers ------------------------------------------------------------------------------------------


def test_a_subscriber_that_does_not_read_is_dropped(node: Served) -> None:
    with node.client() as client, node.client() as other:
        for _ in range(20):
            client.call("chain_subscribeNewHeads")
        for _ in range(200):
            other.call("dev_newBlock", {"count": 50})
            if other.call("dev_status")["connections"] == 1:
                break
        assert other.call("dev_status")["connections"] == 1


def test_a_caller_that_does_not_read_is_held_back_then_dropped(node: Served) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "state_getMetadata"}
    with node.client() as client, node.client() as other:
        client.socket.sock.settimeout(0.2)
        with contextlib.suppress(OSError, websocket.WebSocketException):
            for _ in range(20_000):
                client.send(call)
        until(lambda: other.call("dev_status")["connections"] == 1)


def test_half_open_connections_do_not_stand_in_the_way(node: Served) -> None:
    peers = [socket.create_connection(("127.0.0.1", node.port), PATIENCE) for _ in range(50)]
    try:
        with node.client() as client:
            assert client.call("system_chainType") == "Development"
            until(lambda: client.call("dev_status")["connections"] == 1)  # given up, all
    finally:
        for peer in peers:
            peer.close()


def test_a_connection_that_is_reset_is_forgotten(node: Served) -> None:
    for _ in range(20):
        client = node.client()
        client.call("chain_subscribeNewHeads")
        linger = struct.pack("ii", 1, 0)
        client.socket.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        client.socket.sock.close()


@pytest.mark.skipif(os.sysconf("SC_OPEN_MAX") < 4_000, reason="too few open files allowed")
def test_a_thousand_connections_are_served_at_once(node: Served) -> None:
    with contextlib.ExitStack() as stack:
        clients: list[Client] = [stack.enter_context(node.client()) for _ in range(1_000)]
        for client in clients:
            client.send({"jsonrpc": "2.0", "id": 1, "method": "chain_getBlockHash"})
        assert len({client.receive()["result"] for client in clients}) == 1


def test_one_connection_too_many_is_told_so() -> None:
    with (
        served(seal=MANUAL, limits=Limits(connections=2)) as node,
        node.client(),
        node.client() as held,
    ):
        with pytest.raises(WebSocketBadStatusException) as refused:
            node.client()
        assert refused.value.status_code == 503
        assert held.call("system_chainType") == "Development"
