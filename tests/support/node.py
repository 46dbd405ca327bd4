"""Which backend the tests run on, and the Substrate node as a process of a test's own.

``./scripts/test --backend node`` sets ``AINUR_BACKEND``, and ``AINUR_NODE`` to the program.
"""

import http.client
import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import pytest

from chain.devchain.block import encode_header
from node.chainhost.node_program import VARIABLE as PROGRAM

__all__ = ["IS_NODE", "NodeError", "NodeProcess", "embedded_only", "node_program"]

IS_NODE = os.environ.get("AINUR_BACKEND") == "node"
"""Whether the tests that can run on either backend run on the node."""
PATIENCE = 60.0
"""Seconds; every wait ends."""


def embedded_only(why: str) -> pytest.MarkDecorator:
    """Mark a test that makes no sense on the node, and say why."""
    return pytest.mark.skipif(IS_NODE, reason=f"about the embedded chain alone: {why}")


def node_program() -> str:
    """Return the node's program, or skip the test."""
    program = os.environ.get(PROGRAM)
    if not program:
        pytest.skip("no node; run ./scripts/test --backend node")
    return program


class NodeError(Exception):
    """An answer that is an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(json.dumps(error))
        self.code, self.message, self.data = error["code"], error["message"], error.get("data")


class NodeProcess:
    """A running node; JSON-RPC over HTTP. It ends with us, whatever becomes of us."""

    def __init__(self, runtime: Path, *flags: str, port: int = 0) -> None:
        command = [
            *(node_program(), f"--runtime={runtime}", f"--rpc-port={port}", "--until-stdin-ends"),
            *flags,
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            pytest.fail(f"the node ended at once, with status {self._process.returncode}")
        ready = json.loads(line)
        self.pid = self._process.pid
        self.genesis: str = ready["genesis"]
        self.port = int(ready["listening"][0].split("/tcp/")[1].split("/")[0])
        self.url = f"ws://127.0.0.1:{self.port}"
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def __call__(self, method: str, *params: Any) -> Any:
        """Return what a method answers."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", "/", json.dumps(request), headers)
        answer = json.load(self._connection.getresponse())
        if "error" in answer:
            raise NodeError(answer["error"])
        return answer["result"]

    def block(self, hash_: str) -> tuple[bytes, list[bytes]]:
        """Return a block's encoded header and its extrinsics."""
        block = self("chain_getBlock", hash_)["block"]
        header = block["header"]
        parent, state, extrinsics = (
            bytes.fromhex(header[name][2:])
            for name in ("parentHash", "stateRoot", "extrinsicsRoot")
        )
        logs = [bytes.fromhex(log[2:]) for log in header["digest"]["logs"]]
        encoded = encode_header(parent, int(header["number"], 16), state, extrinsics, logs)
        return encoded, [bytes.fromhex(extrinsic[2:]) for extrinsic in block["extrinsics"]]

    def stop(self) -> None:
        """End it, and wait until it is gone."""
        with suppress(AttributeError):  # it never answered
            self._connection.close()
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
