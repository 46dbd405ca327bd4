"""The local API over real sockets: rubbish, silence and floods from this machine do not stop the node."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.node_processes import NodeProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    running = NodeProcess(tmp_path_factory.mktemp("hostile") / "node", "--announce", "a.one")
    yield running
    running.kill()


def port(node: NodeProcess) -> int:
    return int(node.record["api"].rpartition(":")[2])


def send(node: NodeProcess, data: bytes) -> bytes:
    """Send bytes, and return what comes back until the node closes, or is silent for a while."""
    with socket.create_connection(("127.0.0.1", port(node)), timeout=15) as link:
        try:
            link.sendall(data)
            link.shutdown(socket.SHUT_WR)
            answer = b""
            while part := link.recv(65536):
                answer += part
        except OSError:  # it has closed, or reset, before we were done
            return b""
    return answer


def request(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", *headers, "", ""]).encode("latin-1")


RUBBISH = {
    "nothing": b"",
    "random bytes": bytes(range(256)) * 64,
    "tls": bytes.fromhex("16030100c8010000c40303") + bytes(200),
    "http/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(64),
    "half a request": b"GET /v1/agents HTTP/1.1\r\nHost: 127",
    "endless header": b"GET / HTTP/1.1\r\nHost: " + b"a" * 1_000_000,
    "many headers": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 50_000,
    "no host": request("/livez"),
    "two hosts": request("/livez", "Host: 127.0.0.1", "Host: evil"),
    "absolute target": request("http://evil.example/v1/agents", "Host: evil.example"),
    "traversal": request("/../../etc/passwd", "Host: 127.0.0.1"),
    "zero byte": request("/v1/\0", "Host: 127.0.0.1"),
    "websocket": request(
        "/v1/agents", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ),
    "h2c": request("/", "Host: 127.0.0.1", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQAAP__"),
    "smuggled": b"POST /v1/agents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/agents HTTP/1.1\r\n\r\n",
    "long body": b"POST /v1/agents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("kind", RUBBISH)
def test_rubbish_is_answered_with_a_refusal_or_nothing_and_the_node_goes_on(
    node: NodeProcess, kind: str
) -> None:
    answer = send(node, RUBBISH[kind])
    assert not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 101", b"HTTP/1.1 5")), answer[:200]
    assert node.peer.encode() not in answer
    assert node.known() == {node.peer}
    assert "Traceback" not in node.log.read_text()


def test_silent_connections_keep_nobody_from_asking(node: NodeProcess) -> None:
    with ExitStack() as stack:
        for _ in range(200):
            link = stack.enter_context(socket.create_connection(("127.0.0.1", port(node)), 15))
            link.sendall(b"GET /v1/agents HTTP/1.1\r\n")
        assert node.known() == {node.peer}


def test_other_addresses_of_this_machine_are_not_served(node: NodeProcess) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has loopback alone")
        own = probe.getsockname()[0]
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((own, port(node)), timeout=15)


def test_the_folder_of_another_node_opens_nothing(node: NodeProcess, tmp_path: Path) -> None:
    answer = send(
        node, request("/v1/agents", f"Host: 127.0.0.1:{port(node)}", "Authorization: Bearer x")
    )
    assert answer.startswith(b"HTTP/1.1 401")
