"""The chains: those that our processes are on answer, are the same as when they started, and run our runtime."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from chain.devchain.errors import DevChainError
from node.api.client import ApiError
from node.api.client import Client as NodeClient
from node.chainhost.client import Client
from node.chainhost.config import Record
from node.chainhost.errors import ChainHostError
from node.chainhost.home import Folder
from node.doctor.files import Place, places
from node.doctor.finding import Finding, fine, idle
from node.process.datadir import DataDir
from node.testnet.client import connected

__all__ = ["answers", "chains", "nodes", "one_chain", "runtime"]

PATIENCE: Final = 5.0


def runtime() -> Finding:
    """Look at the committed runtime, with which chains begin."""
    from chain import devnet

    try:
        blob, manifest = devnet.read_committed()
    except DevChainError as error:
        return Finding(check="runtime", verdict="wrong", found=str(error), mend="reinstall ainur, or restore chain/devnet with git")  # fmt: skip
    shown = f"{blob.spec_name}-{blob.spec_version}, {blob.code_hash[:12]}…"
    if devnet.are_sources_current(manifest) is False:
        return Finding(
            check="runtime",
            verdict="warning",
            found=f"{shown} was built from other sources than those in pallets/",
            mend="run scripts/build-runtime",
        )
    return fine("runtime", shown)


def chains(home: Path) -> Iterator[Finding]:
    """Look at every chain below AINUR_HOME that runs."""
    seen = False
    for place in places(home):
        if place.kind != "chain" or not place.is_running():
            continue
        seen = True
        record = Record.read(Folder(place.path, place.path.name))
        if record is not None:  # else the leftovers speak of it
            yield one_chain(record.url, record.genesis)
    if not seen:
        yield idle("chain", "none of ours runs; --chain URL looks at another one")


def one_chain(url: str, genesis: str | None) -> Finding:
    """Look at a chain.

    Args:
        url: such as ``ws://127.0.0.1:9944``.
        genesis: the hash of its block 0, where that is known.
    """
    from chain import devnet

    try:
        parts = urlsplit(url)
        with closing(Client(parts.port or 80, parts.hostname or "", PATIENCE)) as client:
            found = client.call("chain_getBlockHash", 0)
            version = client.call("state_getRuntimeVersion")
            head = int(client.call("chain_getHeader")["number"], 16)
    except (ChainHostError, ValueError, KeyError, TypeError) as error:
        return _wrong(f"{url}: {error}", "start it (`ainur chain up`, `ainur testnet start chain`), or name another")  # fmt: skip
    if genesis is not None and found != genesis:
        return _wrong(
            f"{url} is another chain now: its genesis is {found}, and was {genesis}",
            "restart what is connected to it with a folder of its own, or bring the old chain back",
        )
    name, number = version["specName"], version["specVersion"]
    shown = f"{url}: {name}-{number} at block {head:,}, genesis {found[:10]}…"
    try:
        ours, _ = devnet.read_committed()
    except DevChainError:
        return fine("chain", shown)  # of which the check of the runtime speaks
    if name != ours.spec_name:
        return _wrong(f"{shown}: it is no chain of ainur", "name a chain that runs ainur's runtime")
    if number != ours.spec_version:
        return Finding(
            check="chain",
            verdict="warning",
            found=f"{shown}, and this program was made for version {ours.spec_version}",
            mend="bring program and chain to one version",
        )
    return fine("chain", shown)


def nodes(home: Path) -> Iterator[Finding]:
    """Look at every node below AINUR_HOME that runs: whether it is ready, and if not, why."""
    seen = False
    for place in places(home):
        if place.kind != "node" or not place.is_running():
            continue
        seen = True
        record = DataDir(place.path).read_record()
        if record is None:
            continue  # the leftovers speak of it
        try:
            checks = NodeClient(record.api, "", PATIENCE).get("/readyz")["checks"]
        except (ApiError, KeyError) as error:
            yield Finding(check="node", verdict="warning", found=f"{place.name}: {error}", mend="see its log; else restart it")  # fmt: skip
            continue
        lacking = sorted(name for name, holds in checks.items() if not holds)
        if lacking:
            yield Finding(
                check="node",
                verdict="warning",
                found=f"{place.name} is not ready: {', '.join(lacking)}",
                mend="see its log; it goes on by itself once its chain answers",
            )
        else:
            yield fine("node", f"{place.name} is ready")
    if not seen:
        yield idle("node", "none runs")


def answers(place: Place) -> bool:
    """Return whether a running place answers."""
    match place.kind:
        case "testnet":
            return _connects(place.path / "control.sock")
        case "chain":
            return Record.read(Folder(place.path, place.path.name)) is not None
        case _:
            return DataDir(place.path).read_record() is not None


def _connects(path: Path) -> bool:
    try:
        with connected(path, PATIENCE):
            return True
    except OSError:
        return False


def _wrong(found: str, mend: str) -> Finding:
    return Finding(check="chain", verdict="wrong", found=found, mend=mend)
