"""What the chains are measured with: transfers, one after the other and pipelined."""

import itertools
import json
import time
from typing import Any

import websocket
from substrateinterface import Keypair, SubstrateInterface

__all__ = ["Load"]

NAMES = ("Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie")
PLANCK = 10**9
PATIENCE = 120.0
STUCK_SECONDS = 20.0
"""Without another inclusion, after which a chain counts as stuck."""
POLL_SECONDS = 0.02


class Load:
    """Six accounts and their nonces, on one chain."""

    def __init__(self, port: int) -> None:
        self._url = f"ws://127.0.0.1:{port}"
        self.substrate = SubstrateInterface(url=self._url)
        self._keys = [Keypair.create_from_uri(f"//{name}") for name in NAMES]
        self._nonces = dict.fromkeys(NAMES, 0)

    def sign(self, number: int) -> Any:
        """Return the next transfer of one of the accounts, signed."""
        name = NAMES[number]
        call = self.substrate.compose_call(
            "Balances",
            "transfer_keep_alive",
            {"dest": self._keys[(number + 1) % len(NAMES)].ss58_address, "value": PLANCK},
        )
        nonce = self._nonces[name]
        self._nonces[name] += 1
        return self.substrate.create_signed_extrinsic(call, self._keys[number], nonce=nonce)

    def inclusions_ms(self, count: int) -> list[float]:
        """Return how long each of so many transfers took to be in a block, sorted, milliseconds.

        By substrate-interface, from the call to the answer; signing is not counted.
        """
        took = []
        for _ in range(count):
            extrinsic = self.sign(0)
            start = time.perf_counter()
            self.substrate.submit_extrinsic(extrinsic, wait_for_inclusion=True)
            took.append((time.perf_counter() - start) * 1e3)
        return sorted(took)

    def pipelined(self, each: int) -> tuple[float, float]:
        """Return transfers a second, and the share of them that was included at all.

        So many of each account are sent without waiting for one another.

        Counted by the accounts' nonces at the head, so that a chain which loses some, or gets stuck on them,
        is measured by those that it did include.
        """
        before = self._included()
        signed = [[str(self.sign(n).data) for _ in range(each)] for n in range(len(NAMES))]
        sockets = [websocket.create_connection(self._url, timeout=PATIENCE) for _ in NAMES]
        try:
            last = start = time.perf_counter()
            for batch in zip(*signed, strict=True):
                for socket, extrinsic in zip(sockets, batch, strict=True):
                    socket.send(_call(0, "author_submitExtrinsic", extrinsic))
            included = 0
            while included < each * len(NAMES) and time.perf_counter() - last < STUCK_SECONDS:
                found = self._included() - before
                if found > included:
                    included, last = found, time.perf_counter()
                time.sleep(POLL_SECONDS)
            rate = included / (last - start) if included else 0.0
            return rate, included / (each * len(NAMES))
        finally:
            for socket in sockets:
                socket.close()

    def _included(self) -> int:
        """Return how many transfers the head and its ancestors hold."""
        total = 0
        for key in self._keys:
            parameters = ["AccountNonceApi_account_nonce", f"0x{key.public_key.hex()}"]
            answer = self.substrate.rpc_request("state_call", parameters)["result"]
            total += int.from_bytes(bytes.fromhex(answer[2:]), "little")
        return total

    def fill(self, height: int) -> None:
        """Make blocks of one transfer each up to a height."""
        head = int(self.substrate.rpc_request("chain_getHeader", [])["result"]["number"], 16)
        socket = websocket.create_connection(self._url, timeout=PATIENCE)
        try:
            for number in itertools.islice(itertools.cycle(range(len(NAMES))), height - head):
                extrinsic = str(self.sign(number).data)
                socket.send(_call(0, "author_submitAndWatchExtrinsic", extrinsic))
                _hear_in_block(socket, 1)
        finally:
            socket.close()

    def close(self) -> None:
        """End the connection."""
        self.substrate.close()


def _call(id_: int, method: str, *params: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": id_, "method": method, "params": params})


def _hear_in_block(socket: Any, count: int) -> None:
    while count:
        message = json.loads(socket.recv())
        if "error" in message:
            raise RuntimeError(message["error"])
        status = message.get("params", {}).get("result")
        count -= isinstance(status, dict) and "inBlock" in status
