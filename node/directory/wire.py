"""What two directories say to each other, in msgpack: typed, bounded, unknown fields refused."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from market.codec import CONTROL_BYTES
from market.messages.fields import Account, Sequence63
from routing.directory.reconcile import BUCKETS, DIGEST_BYTES

__all__ = [
    "PROTOCOL",
    "Answer",
    "AskDigests",
    "AskEntries",
    "AskMembers",
    "Digests",
    "Entries",
    "Listed",
    "MalformedError",
    "Members",
    "Request",
    "Told",
    "decode_answer_untrusted",
    "decode_request_untrusted",
    "encode",
]

PROTOCOL: Final = "/ainur/directory/1.0.0"
MAX_MEMBERS: Final = 16_384
"""Accounts listed in one answer."""
MAX_ENTRIES: Final = 32
"""Announcements in one answer: 2 MiB at most."""
MAX_AGE: Final = 600_000
"""Milliseconds; nothing older is listed."""


class MalformedError(Exception):
    """Bytes from a peer are none of these messages."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    pass


class AskDigests(_Part, frozen=True, tag="digests"):
    """Which buckets differ?"""


class AskMembers(_Part, frozen=True, tag="members"):
    """Who is in these buckets?"""

    buckets: Annotated[tuple[Annotated[int, Meta(ge=0, lt=BUCKETS)], ...], Meta(max_length=BUCKETS)]


class AskEntries(_Part, frozen=True, tag="entries"):
    """What did these announce?"""

    accounts: Annotated[tuple[Account, ...], Meta(max_length=MAX_ENTRIES)]


class Digests(_Part, frozen=True, tag="digests"):
    """Of all buckets, one after the other."""

    digests: Annotated[
        bytes, Meta(min_length=BUCKETS * DIGEST_BYTES, max_length=BUCKETS * DIGEST_BYTES)
    ]


class Listed(_Part, frozen=True, array_like=True):
    """An agent that is listed."""

    account: Account
    sequence: Sequence63


class Members(_Part, frozen=True, tag="members"):
    """Who is listed; cut off where there are too many."""

    members: Annotated[tuple[Listed, ...], Meta(max_length=MAX_MEMBERS)]


class Told(_Part, frozen=True, array_like=True):
    """An announcement, and how long ago it was made."""

    raw: Annotated[bytes, Meta(max_length=CONTROL_BYTES)]
    age: Annotated[int, Meta(ge=0, le=MAX_AGE)]
    """Milliseconds."""


class Entries(_Part, frozen=True, tag="entries"):
    """Announcements."""

    entries: Annotated[tuple[Told, ...], Meta(max_length=MAX_ENTRIES)]


Request = AskDigests | AskMembers | AskEntries
Answer = Digests | Members | Entries

_ENCODER: Final = msgspec.msgpack.Encoder()
_REQUEST: Final[msgspec.msgpack.Decoder[Request]] = msgspec.msgpack.Decoder(Request)
_ANSWER: Final[msgspec.msgpack.Decoder[Answer]] = msgspec.msgpack.Decoder(Answer)


def encode(message: Request | Answer) -> bytes:
    """Return a message's bytes."""
    return _ENCODER.encode(message)


def decode_request_untrusted(data: bytes) -> Request:
    """Decode a request.

    Raises:
        MalformedError: it is none.
    """
    try:
        return _REQUEST.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MalformedError(f"no request to a directory: {error}") from error


def decode_answer_untrusted(data: bytes) -> Answer:
    """Decode an answer.

    Raises:
        MalformedError: it is none.
    """
    try:
        return _ANSWER.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MalformedError(f"no answer of a directory: {error}") from error
