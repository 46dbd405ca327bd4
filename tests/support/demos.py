"""The demos as processes, and their chain as another decoder reads it."""

import subprocess
import sys
from typing import Any

from chain.devchain.metadata import Metadata
from chain.devchain.scale import encode_vec
from node.chainhost.client import Client

__all__ = ["PATIENCE", "Chain", "ainur"]

PATIENCE = 90.0


def ainur(environment: dict[str, str], *arguments: str) -> str:
    """Run a command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "ainur", *arguments], env=environment, capture_output=True, text=True,
        timeout=PATIENCE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


class Chain:
    """The demo's chain, read by the dev chain's own decoder: the demo's client has no part in it."""

    def __init__(self, url: str) -> None:
        self.client = Client(int(url.rpartition(":")[2]))
        raw = bytes.fromhex(self.client.call("state_getMetadata")[2:])
        self.metadata = Metadata(encode_vec(raw))

    def close(self) -> None:
        self.client.close()

    def storage(self, pallet: str, item: str, *keys: Any, at: int | None = None) -> Any:
        key = f"0x{self.metadata.storage_key(pallet, item, *keys).hex()}"
        method = ("chain_getFinalizedHead",) if at is None else ("chain_getBlockHash", at)
        hash_ = self.client.call(*method)
        stored = self.client.call("state_getStorage", key, hash_)
        value = None if stored is None else bytes.fromhex(stored[2:])
        return self.metadata.decode_storage(pallet, item, value)

    def events(self, block: int, extrinsic: int) -> list[Any]:
        key = f"0x{self.metadata.storage_key('System', 'Events').hex()}"
        stored = self.client.call(
            "state_getStorage", key, self.client.call("chain_getBlockHash", block)
        )
        found = self.metadata.decode_events(bytes.fromhex(stored[2:]))
        return [event for event in found if event.extrinsic == extrinsic]
