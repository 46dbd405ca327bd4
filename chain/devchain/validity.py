"""What a runtime says of a transaction: valid and how, or refused and why.

Source: ``sp_runtime::transaction_validity``, whose variants stand here in their encoded order.
"""

import struct

import attrs

from chain.devchain.errors import InvalidTransactionError
from chain.devchain.scale import decode_compact, decode_vec

__all__ = ["INVALID", "Validity", "decode_validity", "refusal", "refusal_kind"]

INVALID = (
    ("Call", "Transaction call is not expected"),
    ("Payment", "Inability to pay some fees (e.g. account balance too low)"),
    ("Future", "Transaction will be valid in the future"),
    ("Stale", "Transaction is outdated"),
    ("BadProof", "Transaction has a bad signature"),
    ("AncientBirthBlock", "Transaction has an ancient birth block"),
    ("ExhaustsResources", "Transaction would exhaust the block limits"),
    ("Custom", "InvalidTransaction custom error"),
    ("BadMandatory", "A call was labelled as mandatory, but resulted in an Error."),
    (
        "MandatoryValidation",
        "Transaction dispatch is mandatory; transactions must not be validated.",
    ),
    ("BadSigner", "Invalid signing address"),
    ("IndeterminateImplicit", "The implicit data was unable to be calculated"),
    ("UnknownOrigin", "The transaction extension did not authorize any origin"),
)
"""Variant of ``InvalidTransaction`` and the node's words for it."""
UNKNOWN = (
    ("CannotLookup", "Could not lookup information required to validate the transaction"),
    ("NoUnsignedValidator", "Could not find an unsigned validator for the unsigned transaction"),
    ("Custom", "UnknownTransaction custom error"),
)


@attrs.frozen
class Validity:
    """A valid transaction's place in the pool."""

    priority: int
    requires: tuple[bytes, ...]
    """Tags that must be provided before this one may stand in a block."""
    provides: tuple[bytes, ...]
    longevity: int
    """Blocks for which this stays true."""
    propagate: bool


def refusal(data: bytes) -> InvalidTransactionError:
    """Decode a ``TransactionValidityError`` (behind the byte that says it is one)."""
    invalid = data[0] == 0
    table = INVALID if invalid else UNKNOWN
    index = data[1] if len(data) > 1 else 0
    kind, words = table[index] if index < len(table) else (f"Variant{index}", "unknown variant")
    if kind == "Custom" and len(data) > 2:
        words = f"{words} {data[2]}"
    return InvalidTransactionError(1010 if invalid else 1011, kind, words)


def refusal_kind(data: bytes) -> str:
    """Return the variant's name alone."""
    return refusal(data).kind


def decode_validity(data: bytes) -> Validity:
    """Decode what ``TaggedTransactionQueue_validate_transaction`` returned.

    Raises:
        InvalidTransactionError: the runtime refused the transaction.
    """
    if data[0]:
        raise refusal(data[1:])
    (priority,) = struct.unpack_from("<Q", data, 1)
    at = 9
    lists: list[tuple[bytes, ...]] = []
    for _ in range(2):
        count, at = decode_compact(data, at)
        tags = []
        for _ in range(count):
            tag, at = decode_vec(data, at)
            tags.append(tag)
        lists.append(tuple(tags))
    (longevity,) = struct.unpack_from("<Q", data, at)
    return Validity(priority, lists[0], lists[1], longevity, bool(data[at + 8]))
