"""``dev_*`` and ``engine_*``: making blocks and time pass, forks, snapshots, faults.

``dev_newBlock``, ``dev_setStorage``, ``dev_timeTravel``, ``dev_setHead`` and ``dev_setBlockBuildMode`` are called as
chopsticks has them, ``engine_*`` as manual seal has them. The others are this chain's own.
"""

import datetime as dt
import os
import time
from pathlib import Path
from typing import Any

import trio

from chain.devchain.rpc.errors import EMPTY_POOL, SERVER_ERROR, RpcError, invalid_params
from chain.devchain.rpc.faults import read_rule
from chain.devchain.rpc.method import (
    Json,
    ParamError,
    Table,
    block_hash,
    boolean,
    hex_bytes,
    list_of,
    mapping,
    natural,
    number,
    optional,
)
from chain.devchain.rpc.node import Node
from chain.devchain.rpc.sealer import Seal, parse_seal
from chain.devchain.rpc.shapes import to_hex, to_runtime_version

__all__ = ["TABLE"]

TABLE = Table()


def _place(block: Any) -> Json:
    return {"number": block.number, "hash": to_hex(block.hash)}


def _only(given: dict[str, Json], *names: str) -> None:
    if unknown := sorted(given.keys() - set(names)):
        raise invalid_params(f"unknown: {', '.join(unknown)}; takes {', '.join(names)}")


# -- what is going on ---------------------------------------------------------------------------------


@TABLE.method("dev_status")
def status(node: Node) -> Json:
    """Return everything that the rest of the interface does not say."""
    chain = node.chain
    return {
        "genesis": to_hex(chain.genesis.hash),
        "head": _place(chain.head),
        "finalized": _place(chain.finalized),
        "instanceId": chain.instance_id,
        "importable": chain.importable,
        "seal": str(node.sealer.seal),
        "time": chain.now(),
        "timeOffset": chain.time_offset,
        "ready": len(chain.pending()),
        "future": len(chain.future()),
        "connections": node.connections,
        "uptimeSeconds": round(time.monotonic() - node.started, 3),
        "memoryBytes": _resident_bytes(),
        "persistent": chain.path is not None,
        "runtime": to_runtime_version(chain.runtime().version),
        "faults": _faults(node),
    }


def _resident_bytes() -> int | None:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


# -- blocks -------------------------------------------------------------------------------------------


@TABLE.method("dev_newBlock", options=optional(mapping, {}))
async def new_block(node: Node, options: dict[str, Json]) -> Json:
    """Make ``count`` blocks (1), or as many as lead ``to`` a number, with up to ``limit`` transactions each
    and the ``transactions`` given; return the last one's hash. ``unsafeBlockHeight`` jumps there first.
    """
    _only(options, "count", "to", "limit", "transactions", "unsafeBlockHeight")
    chain = node.chain
    for raw in list_of(hex_bytes)(options.get("transactions", [])):
        chain.submit(raw)
    limit = None if options.get("limit") is None else natural(options["limit"])
    if options.get("unsafeBlockHeight") is not None:
        gap = natural(options["unsafeBlockHeight"]) - chain.head.number
        if gap < 1:
            raise invalid_params("unsafeBlockHeight lies behind the head")
        return to_hex(chain.advance(gap).hash)
    count = natural(options.get("count", 1))
    if options.get("to") is not None:
        count = max(0, natural(options["to"]) - chain.head.number)
    _bounded(node, count)
    for _ in range(count):
        chain.build(limit)
        await trio.lowlevel.checkpoint()
    return to_hex(chain.head.hash)


def _bounded(node: Node, count: int) -> None:
    if count > node.limits.new_blocks:
        raise invalid_params(
            f"at most {node.limits.new_blocks} blocks one by one; dev_advance jumps over any number"
        )


@TABLE.method("dev_advance", options=mapping)
async def advance(node: Node, options: dict[str, Json]) -> Json:
    """Let ``blocks`` and ``seconds`` pass, in one jump, or with ``emptyBlocks`` one by one."""
    _only(options, "blocks", "seconds", "emptyBlocks")
    blocks, seconds = natural(options.get("blocks", 0)), number(options.get("seconds", 0))
    chain = node.chain
    if not boolean(options.get("emptyBlocks", False)):
        chain.advance(blocks, seconds)
    else:
        _bounded(node, blocks)
        millis, count = round(seconds * 1000), max(blocks, 1)
        for i in range(count):
            share = millis * (i + 1) // count - millis * i // count
            chain.advance(1, share / 1000, empty_blocks=True)
            await trio.lowlevel.checkpoint()
    node.sealer.submitted()  # what waited may go into the next block
    return _place(chain.head)


@TABLE.method(
    "engine_createBlock",
    create_empty=boolean,
    finalize=boolean,
    parent_hash=optional(block_hash),
)
def create_block(node: Node, empty: bool, finalize: bool, parent: bytes | None) -> Json:
    """Make a block, on the head or another one."""
    chain = node.chain
    if not empty and not chain.has_ready:
        raise RpcError(EMPTY_POOL, "Transaction pool is empty: create_empty makes empty blocks")
    block = chain.build(parent=parent)
    if finalize and block.hash == chain.head.hash:
        chain.finalize(block.hash)
    aux = {
        "header_only": False,
        "clear_justification_requests": False,
        "needs_justification": False,
        "bad_justification": False,
        "is_new_best": block.hash == chain.head.hash,
    }
    return {"hash": to_hex(block.hash), "aux": aux}


@TABLE.method("engine_finalizeBlock", hash=block_hash, justification=optional(list_of(natural)))
def finalize_block(node: Node, hash_: bytes, _justification: list[int] | None) -> Json:
    """Finalise a block of the best chain, and all before it."""
    node.chain.finalize(hash_)
    return True


def _head_or_number(value: Json) -> bytes | int:
    return natural(value) if isinstance(value, int) else block_hash(value)


@TABLE.method("dev_setHead", hash_or_number=_head_or_number)
def set_head(node: Node, target: bytes | int) -> Json:
    """Make another block the head, down to the finalised one."""
    return to_hex(node.chain.set_head(node.chain.block(target).hash).hash)


@TABLE.method("dev_reorg", depth=natural)
def reorg(node: Node, depth: int) -> Json:
    """Replace the last blocks by one more of other ones."""
    return _place(node.chain.reorg(depth))


def _pairs(value: Json) -> list[tuple[bytes, bytes | None]]:
    if isinstance(value, dict):
        raise ParamError(
            "expected [key, value] pairs in hex; values by pallet are not encoded here"
        )
    pairs = []
    for pair in list_of(lambda each: each)(value):
        if not isinstance(pair, list) or len(pair) != 2:
            raise ParamError("expected [key, value] pairs")
        pairs.append((hex_bytes(pair[0]), None if pair[1] is None else hex_bytes(pair[1])))
    return pairs


@TABLE.method("dev_setStorage", values=_pairs, at=optional(block_hash))
def set_storage(node: Node, pairs: list[tuple[bytes, bytes | None]], at: bytes | None) -> Json:
    """Write storage by hand, in a block of its own; return its hash."""
    if at is not None and at != node.chain.head.hash:
        raise invalid_params("storage is written on the head alone")
    block = node.chain.set_storage(pairs)
    node.sealer.submitted()
    return to_hex(block.hash)


# -- time ---------------------------------------------------------------------------------------------


def _moment(value: Json) -> int:
    if isinstance(value, str) and not value.startswith("0x"):
        when = dt.datetime.fromisoformat(value)
        when = when if when.tzinfo else when.replace(tzinfo=dt.UTC)
        return natural(round(when.timestamp() * 1000))
    return natural(value)


@TABLE.method("dev_timeTravel", date=_moment)
def time_travel(node: Node, millis: int) -> Json:
    """Let the next block bear a time (milliseconds since 1970, or an ISO date); clocks go on from there."""
    node.chain.time_offset += millis - node.chain.now()
    return node.chain.now()


def _seal(value: Json) -> Seal:
    return parse_seal(value if isinstance(value, str) else f"{number(value):g}")


@TABLE.method("dev_setBlockBuildMode", mode=_seal)
def set_block_build_mode(node: Node, seal: Seal) -> Json:
    """Seal ``Instant``, ``Manual`` or every so many seconds from now on."""
    node.sealer.set(seal)


# -- snapshots ----------------------------------------------------------------------------------------


@TABLE.method("dev_snapshot")
def snapshot(node: Node) -> Json:
    """Keep the chain as it is; return the snapshot's id."""
    if len(node.snapshots) >= node.limits.snapshots:
        raise RpcError(
            SERVER_ERROR,
            f"at most {node.limits.snapshots} snapshots; end one with dev_dropSnapshot",
        )
    id_ = f"{max((int(key) for key in node.snapshots), default=0) + 1}"
    node.snapshots[id_] = node.chain.snapshot()
    return id_


def _snapshot_id(value: Json) -> str:
    if not isinstance(value, str):
        raise ParamError("expected a snapshot's id")
    return value


@TABLE.method("dev_restore", id=_snapshot_id)
def restore(node: Node, id_: str) -> Json:
    """Go back to a snapshot, which stays; the chain's instance id changes."""
    if id_ not in node.snapshots:
        raise invalid_params(f"there is no snapshot {id_}; there are: {', '.join(node.snapshots)}")
    node.chain.restore(node.snapshots[id_])
    return _place(node.chain.head)


@TABLE.method("dev_dropSnapshot", id=_snapshot_id)
def drop_snapshot(node: Node, id_: str) -> Json:
    """Forget a snapshot; say whether it was there."""
    return node.snapshots.pop(id_, None) is not None


# -- faults -------------------------------------------------------------------------------------------


def _faults(node: Node) -> Json:
    faults = node.chain.faults
    return {"stall": faults.stall, "refuse": faults.refuse, "calls": node.faults.to_json()}


@TABLE.method("dev_setFaults", faults=mapping)
def set_faults(node: Node, faults: dict[str, Json]) -> Json:
    """Set what goes wrong: ``stall`` (no blocks), ``refuse`` (all transactions, or so many), and ``calls``, a
    list of rules (see :mod:`chain.devchain.rpc.faults`). What is left out is cleared; return what is in force.
    """
    _only(faults, "stall", "refuse", "calls")
    stall, refuse = faults.get("stall", False), faults.get("refuse", False)
    if not isinstance(refuse, bool):
        refuse = natural(refuse)
    rules = [read_rule(each) for each in list_of(lambda each: each)(faults.get("calls", []))]
    node.faults.set(rules)
    node.chain.faults.stall, node.chain.faults.refuse = boolean(stall), refuse
    node.sealer.submitted()
    return _faults(node)
