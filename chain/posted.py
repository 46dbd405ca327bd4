"""What people have posted in blocks for everybody to find: roots of auctions, and reveals."""

import attrs

from chain.session import Session
from market.units import BlockNumber

__all__ = ["Posted", "read_remarks"]


@attrs.frozen
class Posted:
    """Bytes in a block."""

    block: BlockNumber
    data: bytes = attrs.field(repr=False)


def read_remarks(session: Session, first: BlockNumber, last: BlockNumber) -> list[Posted]:
    """Return what was posted in blocks of the best chain, in their order; heights without a block have none.

    Raises:
        HistoryError: the node keeps one of the blocks no more.
    """
    numbers = [BlockNumber(number) for number in range(first, last + 1)]
    found = []
    for number, hash_ in zip(numbers, session.block_hashes(numbers), strict=True):
        if hash_ is not None:
            found += [Posted(number, data) for data in session.remarks(hash_)]
    return found
