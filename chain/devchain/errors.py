"""Everything the dev chain raises, split by who is at fault.

- The caller: :class:`BlobError`, :class:`UsageError`, :class:`UnknownBlockError`, :class:`StoreError`.
- The sender of a transaction: :class:`RefusedError` and its subclasses, with the node's JSON-RPC code.
- The runtime: :class:`RuntimeTrapError`, :class:`HostFunctionError`.
- The maker of an imported block: :class:`ImportRefusedError`.
"""

from typing import ClassVar

__all__ = [
    "BlobError",
    "DevChainError",
    "HostFunctionError",
    "ImportRefusedError",
    "InvalidTransactionError",
    "RefusedError",
    "RuntimeTrapError",
    "StoreError",
    "UnknownBlockError",
    "UsageError",
]


class DevChainError(Exception):
    """Base of every error of the dev chain.

    Next: read the message; `ainur chain logs` shows what the chain did.
    """


class BlobError(DevChainError):
    """The bytes given as a runtime are not a runtime that this chain can run.

    Next: give a FRAME runtime's wasm, or restore chain/devnet with git.
    """


class UsageError(DevChainError):
    """The dev chain was asked for something that it does not do; the message says what to do.

    Next: do as the message says.
    """


class UnknownBlockError(UsageError):
    """No such block, or its state was pruned.

    Next: name a block that the chain still keeps.
    """

    def __init__(self, block: bytes | int, why: str) -> None:
        name = f"0x{block.hex()}" if isinstance(block, bytes) else f"number {block}"
        super().__init__(f"block {name}: {why}")
        self.block = block


class StoreError(DevChainError):
    """The directory of a persistent chain cannot be used; nothing in it was changed.

    Next: see that the folder is yours and the disk has room, or name another with --data-dir.
    """


class RuntimeTrapError(DevChainError):
    """The runtime trapped. Its changes were dropped; the chain goes on.

    Next: read what the runtime said; the transaction or block that did it was dropped.

    Attributes:
        method: the runtime call that trapped.
        panic: what the runtime said, if it said anything.
    """

    def __init__(self, method: str, panic: str | None, reason: str) -> None:
        super().__init__(f"{method} trapped: {panic or reason}")
        self.method = method
        self.panic = panic


class HostFunctionError(DevChainError):
    """The runtime asked its host for something that a dev chain does not offer.

    Next: use the Substrate node (--backend node), which offers all of them.
    """


class ImportRefusedError(DevChainError):
    """A block that was to be imported is not what it claims to be; nothing was changed.

    Next: ask for the block again from somebody else.
    """


class RefusedError(DevChainError):
    """A transaction did not enter the pool.

    Next: sign the transaction anew, with the present nonce and runtime.

    Attributes:
        code: the JSON-RPC error code with which a Substrate node refuses it.
        title: the node's message of that code.
        data: the particulars, as the node words them.
    """

    CODES: ClassVar[dict[int, str]] = {
        1001: "Extrinsic has invalid format",
        1002: "Verification Error",
        1010: "Invalid Transaction",
        1011: "Unknown Transaction Validity",
        1012: "Transaction is temporarily banned",
        1013: "Transaction Already Imported",
        1014: "Priority is too low",
        1015: "Cycle Detected",
        1016: "Immediately Dropped",
    }

    def __init__(self, code: int, data: str) -> None:
        self.code = code
        self.title = self.CODES[code]
        self.data = data
        super().__init__(f"{self.title}: {data}")


class InvalidTransactionError(RefusedError):
    """The runtime refused a transaction.

    Next: read the kind: fund the account, or sign anew with the present nonce.

    Attributes:
        kind: the variant of ``TransactionValidityError``, such as ``Stale`` or ``Payment``.
    """

    def __init__(self, code: int, kind: str, data: str) -> None:
        super().__init__(code, data)
        self.kind = kind
