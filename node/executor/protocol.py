"""What node and worker say to each other: msgpack behind a length of four bytes.

A worker does one task at a time, so that messages need no numbers. Its side is foreign: the node decodes
into these types, bounds every size, and ends a worker that says what it cannot say. Inputs and outputs
are JSON in bytes, so that a deep or large one is decoded once, where its faults can be named.
"""

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from node.agents.specs import AgentSpec, Offer

__all__ = [
    "HEADER_BYTES",
    "Cancel",
    "Describe",
    "Described",
    "Done",
    "Down",
    "Failed",
    "FailureKind",
    "Open",
    "Opened",
    "Perform",
    "Ping",
    "Pong",
    "Progress",
    "Up",
    "decode_down",
    "decode_up_untrusted",
    "encode",
    "frame_length",
]

HEADER_BYTES: Final = 4
FailureKind: TypeAlias = Literal[
    "input", "work", "raised", "output", "limit", "unavailable", "cancelled", "load"
]


class _Message(msgspec.Struct, frozen=True, kw_only=True):
    """Fields by name, immutable."""


class Describe(_Message, frozen=True, kw_only=True, tag="describe"):
    """Load a file, and say which agents it declares."""

    file: str


class Open(_Message, frozen=True, kw_only=True, tag="open"):
    """Be this agent from now on."""

    spec: AgentSpec
    output_bytes: int


class Perform(_Message, frozen=True, kw_only=True, tag="perform"):
    """Do a task."""

    input: bytes
    """JSON."""
    seconds: float
    """Until its deadline."""


class Cancel(_Message, frozen=True, kw_only=True, tag="cancel"):
    """Stop the task; a worker that cannot says nothing, and is killed."""


class Ping(_Message, frozen=True, kw_only=True, tag="ping"):
    """Say whether you are there."""


class Described(_Message, frozen=True, kw_only=True, tag="described"):
    """The agents of a file, by the order of their declaration."""

    specs: Annotated[tuple[AgentSpec, ...], Meta(max_length=64)]


class Opened(_Message, frozen=True, kw_only=True, tag="opened"):
    """The agent is ready; its offer, with schemas that its server has told where it had none."""

    offer: Offer


class Progress(_Message, frozen=True, kw_only=True, tag="progress"):
    """How far the task is."""

    done: Annotated[float, Meta(ge=0, le=1)]
    note: Annotated[str, Meta(max_length=512)] = ""


class Done(_Message, frozen=True, kw_only=True, tag="done"):
    """The task's output."""

    output: bytes
    """JSON."""


class Failed(_Message, frozen=True, kw_only=True, tag="failed"):
    """The task, or the loading, has failed."""

    kind: FailureKind
    message: Annotated[str, Meta(max_length=4_096)]
    limit: Annotated[str, Meta(max_length=32)] = ""
    """Which one, where the kind is ``limit``."""


class Pong(_Message, frozen=True, kw_only=True, tag="pong"):
    """I am here."""


Down: TypeAlias = Describe | Open | Perform | Cancel | Ping
Up: TypeAlias = Described | Opened | Progress | Done | Failed | Pong

_encoder: Final = msgspec.msgpack.Encoder()
_down: Final = msgspec.msgpack.Decoder(Down)
_up: Final = msgspec.msgpack.Decoder(Up)


def encode(message: Down | Up) -> bytes:
    """Return the frame of a message, its length in front."""
    body = _encoder.encode(message)
    return len(body).to_bytes(HEADER_BYTES, "big") + body


def frame_length(header: bytes) -> int:
    """Return the length of the body that follows a header, bytes."""
    return int.from_bytes(header, "big")


def decode_down(body: bytes) -> Down:
    """Decode what the node says."""
    message: Down = _down.decode(body)
    return message


def decode_up_untrusted(body: bytes) -> Up:
    """Decode what a worker says.

    Raises:
        ValueError: it says what no worker says.
    """
    try:
        message: Up = _up.decode(body)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return message
