"""A finished auction as one file: the transcript, the facts it was cleared with, and the bidders' evidence."""

from typing import Annotated, Final, Literal

import attrs
from msgspec import Meta

from market.auction.facts import Facts, FactsKeys
from market.codec import TRANSCRIPT_BYTES, decode_canonical_untrusted, encode_canonical
from market.envelope import Opened, expect, open_untrusted
from market.messages import Transcript
from market.messages.fields import WireStruct

__all__ = ["FILE_BYTES", "AuctionFile", "decode_auction_file_untrusted", "encode_auction_file"]

FILE_BYTES: Final = 4 * TRANSCRIPT_BYTES
"""Cap of a file."""


class AuctionFileContents(WireStruct, frozen=True, kw_only=True):
    """What is in the file."""

    format: Literal["ainur/auction-file/1"]
    transcript: Annotated[bytes, Meta(max_length=TRANSCRIPT_BYTES)]
    facts: Facts
    evidence: Annotated[
        tuple[Annotated[bytes, Meta(max_length=65_536)], ...], Meta(max_length=4_096)
    ]


@attrs.frozen
class AuctionFile:
    """A file whose transcript is signed by the key that its facts give the requester."""

    transcript: Opened[Transcript]
    facts: Facts
    evidence: tuple[bytes, ...]


def encode_auction_file(contents: AuctionFile) -> bytes:
    """Return the bytes of a file.

    Raises:
        UsageError: it exceeds a cap.
    """
    value = AuctionFileContents(
        format="ainur/auction-file/1",
        transcript=contents.transcript.raw,
        facts=contents.facts,
        evidence=contents.evidence,
    )
    return encode_canonical(value, limit=FILE_BYTES)


def decode_auction_file_untrusted(data: bytes) -> AuctionFile:
    """Read a file.

    Raises:
        DecodeError: it is no such file.
        EnvelopeError: its transcript is not signed by its requester.
    """
    contents = decode_canonical_untrusted(data, AuctionFileContents, limit=FILE_BYTES)
    facts = contents.facts
    opened = open_untrusted(contents.transcript, genesis=facts.genesis, keys=FactsKeys.of(facts))
    return AuctionFile(expect(opened, Transcript), facts, contents.evidence)
