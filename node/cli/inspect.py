"""``ainur chain inspect``: a chain's pallets and storage, decoded by its own metadata.

Nothing here knows any pallet: it reads any FRAME chain that answers JSON-RPC by HTTP. What the entries of our own
pallets mean is added by :mod:`node.cli.inspect_meaning`.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import click

from node.chainhost.client import Client
from node.chainhost.errors import CallError, ChainHostError
from node.chainhost.home import DEFAULT_NAME, folder_of
from node.cli.output import guarded, json_option, print_json

__all__ = ["inspect"]

PAGE = 1000
EVENT_BLOCKS = 16
"""Blocks looked through, from the head back, for the last events."""
EVENTS = 30
OURS = "ainur"
"""The name of our runtime: what its entries mean is shown, too, of up to a page of each."""


@click.command()
@click.option("--pallet", help="This pallet alone, in full.")
@click.option("--item", help="This storage item alone; needs --pallet.")
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    help="Entries shown of each map.",
)
@click.option("--url", help="A chain of somebody else's, such as ws://127.0.0.1:9944.")
@click.option("--name", default=DEFAULT_NAME, show_default=True, help="Which of several chains.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="The chain's folder, instead of one below AINUR_HOME.",
)
@json_option
@guarded(ChainHostError)
def inspect(as_json: bool, pallet: str | None, item: str | None, limit: int, url: str | None,
            name: str, data_dir: Path | None) -> None:  # fmt: skip
    """Show pallets, calls, constants, storage with its entries, and the last events."""
    if item is not None and pallet is None:
        raise click.UsageError("--item needs --pallet")
    if url is None:
        from node.chainhost.control import connect

        _, client = connect(folder_of(name, data_dir))
    else:
        client = _client_of(url)
    with closing(client):
        report = Inspector(client).report(pallet, item, limit)
    if as_json:
        print_json(report)
    else:
        from node.cli.inspect_tables import show

        show(report, detailed=pallet is not None)


def _client_of(url: str) -> Client:
    wrong = click.BadParameter(f"{url!r} is not like ws://127.0.0.1:9944", param_hint="--url")
    try:
        parts = urlsplit(url)
        port = parts.port or 80
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("ws", "http") or parts.hostname is None:
        raise wrong
    return Client(port, parts.hostname)


class Inspector:
    """Reads one block of a chain."""

    def __init__(self, client: Client) -> None:
        from chain.devchain.metadata import Metadata
        from chain.devchain.scale import encode_vec

        self._client = client
        self.hash = client.call("chain_getBlockHash")
        header = client.call("chain_getHeader", self.hash)
        self.number = int(header["number"], 16)
        self.version = client.call("state_getRuntimeVersion", self.hash)
        metadata = bytes.fromhex(client.call("state_getMetadata", self.hash)[2:])
        self.metadata = Metadata(encode_vec(metadata))

    def report(self, pallet: str | None, item: str | None, limit: int) -> dict[str, Any]:
        """Return what is shown.

        Raises:
            ChainHostError: there is no such pallet or item.
        """
        pallets = self.metadata.describe()
        if pallet is not None:
            names = [each.name for each in pallets]
            pallets = [each for each in pallets if each.name.lower() == pallet.lower()]
            if not pallets:
                raise ChainHostError(f"the runtime has no pallet {pallet!r}: {', '.join(names)}")
        shown = []
        for each in pallets:
            items = [i for i in each.storage if item is None or i.name.lower() == item.lower()]
            if item is not None and not items:
                names = [i.name for i in each.storage]
                raise ChainHostError(f"{each.name} has no storage {item!r}: {', '.join(names)}")
            value = attrs.asdict(each)
            value["storage"] = [
                {**attrs.asdict(i), **self._entries(each.name, i.name, bool(i.hashers), limit)}
                for i in items
            ]
            shown.append(value)
        report = {
            "block": {"number": self.number, "hash": self.hash},
            "runtime": f"{self.version['specName']}-{self.version['specVersion']}",
            "pallets": shown,
            "events": list(self._events()) if pallet is None else [],
        }
        if pallet is None and self.version["specName"] == OURS:
            report["meaning"] = self._meaning()
        plain: dict[str, Any] = _plain(report)
        return plain

    def _meaning(self) -> dict[str, Any]:
        """Return what the entries of our own pallets mean."""
        from chain.errors import MismatchError
        from node.cli.inspect_meaning import read_meaning

        def entries(pallet: str, item: str, is_map: bool) -> dict[str, Any]:
            return self._entries(pallet, item, is_map, PAGE)

        newcomer = self._decode("Reputation", "Records", None)
        try:
            return read_meaning(entries, newcomer, self.number)
        except MismatchError as error:
            return {"agents": [], "escrows": [], "unread": str(error)}

    def _entries(self, pallet: str, item: str, is_map: bool, limit: int) -> dict[str, Any]:
        if (pallet, item) == ("System", "Events"):  # shown as events
            return {"entries": 1, "shown": []}
        if not is_map:
            key = self.metadata.storage_key(pallet, item)
            stored = self._client.call("state_getStorage", f"0x{key.hex()}", self.hash)
            value = self._decode(pallet, item, stored)
            return {"entries": int(stored is not None), "shown": [{"keys": [], "value": value}]}
        prefix = self.metadata.storage_key(pallet, item)
        keys = list(self._keys(f"0x{prefix.hex()}"))
        shown = []
        for at in range(0, min(limit, len(keys)), PAGE):
            page = keys[at : min(at + PAGE, limit)]
            [change_set] = self._client.call("state_queryStorageAt", page, self.hash)
            shown += [
                {
                    "keys": self.metadata.decode_keys(pallet, item, bytes.fromhex(key[2:])),
                    "value": self._decode(pallet, item, stored),
                }
                for key, stored in change_set["changes"]
            ]
        return {"entries": len(keys), "shown": shown}

    def _keys(self, prefix: str) -> Iterator[str]:
        start = None
        while True:
            page = self._client.call("state_getKeysPaged", prefix, PAGE, start, self.hash)
            yield from page
            if len(page) < PAGE:
                return
            start = page[-1]

    def _decode(self, pallet: str, item: str, stored: str | None) -> Any:
        value = None if stored is None else bytes.fromhex(stored[2:])
        return self.metadata.decode_storage(pallet, item, value)

    def _events(self) -> Iterator[dict[str, Any]]:
        """Yield the last events, the newest block first."""
        key = f"0x{self.metadata.storage_key('System', 'Events').hex()}"
        hash_, found = self.hash, 0
        for _ in range(EVENT_BLOCKS):
            try:
                stored = self._client.call("state_getStorage", key, hash_)
                header = self._client.call("chain_getHeader", hash_)
            except CallError:  # the state was pruned, or was jumped over
                return
            number = int(header["number"], 16)
            data = None if stored is None else bytes.fromhex(stored[2:])
            for event in self.metadata.decode_events(data):
                yield {"block": number, **attrs.asdict(event)}
                found += 1
            if found >= EVENTS or number == 0:
                return
            hash_ = header["parentHash"]


def _plain(value: Any) -> Any:
    """Return a value with nothing in it that JSON does not know."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, bytes | bytearray):
        return f"0x{bytes(value).hex()}"
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
