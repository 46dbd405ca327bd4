"""Making a block, and executing one that somebody else made.

A block is made through the runtime's ``BlockBuilder``: initialise, the inherents, the pool's transactions in
order, finalise. All run on one overlay; nothing else changes until the block is finished, so a failure
anywhere costs nothing but the block.

A transaction that the runtime refuses, or that makes it trap, leaves the pool, and its changes are undone.
One that does not fit waits for the next block; after :data:`MAX_SKIPPED` such the block counts as full.
"""

from collections.abc import Iterable, Sequence

import attrs

from chain.devchain.block import Block, encode_header, extrinsics_root, timestamp_inherent
from chain.devchain.errors import ImportRefusedError, RuntimeTrapError, UsageError
from chain.devchain.executor import Executor
from chain.devchain.overlay import Overlay
from chain.devchain.pool import Transaction
from chain.devchain.scale import decode_compact, decode_vec
from chain.devchain.state import Changes, State
from chain.devchain.validity import refusal

__all__ = ["Built", "author_block", "execute_block"]

MAX_SKIPPED = 8
"""Transactions that may be too large for a block before it counts as full, as in a node."""
_SEAL, _PRE_RUNTIME = 5, 6
"""Kinds of digest items. A seal is put on by the author's node when the runtime is done."""


@attrs.frozen
class Built:
    """A finished block and what it does."""

    block: Block
    state: State
    changes: Changes
    state_version: int
    included: tuple[Transaction, ...]
    refused: tuple[Transaction, ...]
    """What the runtime would not take; it leaves the pool."""


def author_block(
    executor: Executor,
    overlay: Overlay,
    parent: bytes,
    number: int,
    millis: int,
    pool: Iterable[Transaction],
) -> Built:
    """Make a block.

    Args:
        overlay: on the parent's state; what it holds already becomes a part of the block.
        parent: the parent's hash.
        millis: the time, in milliseconds since 1970.
        pool: what may go in, in order.

    Raises:
        RuntimeTrapError: the runtime trapped before or after the transactions, or refused an inherent.
    """
    mode = executor.call("Core_initialize_block", encode_header(parent, number), overlay)
    data = executor.call("BlockBuilder_inherent_extrinsics", timestamp_inherent(millis), overlay)
    extrinsics: list[bytes] = []
    count, at = decode_compact(data)
    for _ in range(count):
        _, behind = decode_vec(data, at)
        inherent = data[at:behind]
        at = behind
        answer = executor.call("BlockBuilder_apply_extrinsic", inherent, overlay)
        if answer[:2] != b"\0\0":
            why = refusal(answer[1:]).data if answer[0] else "it was dispatched with an error"
            raise RuntimeTrapError("BlockBuilder_apply_extrinsic", None, f"inherent refused: {why}")
        extrinsics.append(inherent)
    included: list[Transaction] = []
    refused: list[Transaction] = []
    if mode != b"\1":  # OnlyInherents: the runtime migrates, and wants nothing else in this block
        _apply_pool(executor, overlay, pool, included, refused)
        extrinsics += [t.raw for t in included]
    header = executor.call("BlockBuilder_finalize_block", b"", overlay)
    return Built(
        block=Block.of(header, extrinsics),
        state=overlay.result(executor.state_version),
        changes=overlay.changes(),
        state_version=executor.state_version,
        included=tuple(included),
        refused=tuple(refused),
    )


def _apply_pool(
    executor: Executor,
    overlay: Overlay,
    pool: Iterable[Transaction],
    included: list[Transaction],
    refused: list[Transaction],
) -> None:
    skipped = 0
    without: set[bytes] = set()  # tags that will not be provided in this block
    for transaction in pool:
        if without and not without.isdisjoint(transaction.validity.requires):
            without.update(transaction.validity.provides)
            continue
        overlay.start()
        try:
            answer = executor.call("BlockBuilder_apply_extrinsic", transaction.raw, overlay)
        except RuntimeTrapError:
            overlay.rollback()
            without.update(transaction.validity.provides)
            refused.append(transaction)
            continue
        if answer[0] == 0:
            overlay.commit()
            included.append(transaction)
            continue
        overlay.rollback()
        without.update(transaction.validity.provides)
        if refusal(answer[1:]).kind == "ExhaustsResources":
            skipped += 1
            if skipped >= MAX_SKIPPED:
                break
        else:
            refused.append(transaction)


def execute_block(
    executor: Executor, state: State, header: bytes, extrinsics: Sequence[bytes]
) -> Built:
    """Execute a block that somebody else made, and hold it to what it claims.

    The runtime's own ``Core_execute_block`` would panic at the first difference; making the block again
    from its extrinsics tells what differs.

    Raises:
        ImportRefusedError: it is not what it claims to be.
    """
    try:
        claimed = Block.of(header, extrinsics)
    except ValueError as error:
        raise ImportRefusedError(f"the header cannot be decoded: {error}") from error
    version = executor.state_version
    root = extrinsics_root(extrinsics, executor.extrinsics_version)
    if root != claimed.extrinsics_root:
        raise ImportRefusedError(
            f"block {claimed.number}: the extrinsics have the root 0x{root.hex()},"
            f" and the header says 0x{claimed.extrinsics_root.hex()}"
        )
    overlay = Overlay(state)
    pre_runtime = [log for log in claimed.digest if log[0] == _PRE_RUNTIME]
    start = encode_header(claimed.parent, claimed.number, digest=pre_runtime)
    try:
        executor.call("Core_initialize_block", start, overlay)
        for i, extrinsic in enumerate(extrinsics):
            overlay.start()
            answer = executor.call("BlockBuilder_apply_extrinsic", extrinsic, overlay)
            if answer[0]:
                raise ImportRefusedError(
                    f"block {claimed.number}: extrinsic {i} is refused: {refusal(answer[1:])}"
                )
            overlay.commit()
        made = Block.of(executor.call("BlockBuilder_finalize_block", b"", overlay), extrinsics)
    except (RuntimeTrapError, UsageError) as error:
        raise ImportRefusedError(f"block {claimed.number}: {error}") from error
    for what in ("state_root", "extrinsics_root", "digest"):
        ours, theirs = getattr(made, what), getattr(claimed, what)
        if what == "digest":
            theirs = tuple(log for log in theirs if log[0] != _SEAL)
        if ours != theirs:
            raise ImportRefusedError(
                f"block {claimed.number}: {what} is {_show(ours)} here,"
                f" and the header says {_show(theirs)}"
            )
    return Built(claimed, overlay.result(version), overlay.changes(), version, (), ())


def _show(value: bytes | tuple[bytes, ...]) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str([log.hex() for log in value])
