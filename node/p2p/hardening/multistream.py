"""Names of protocols, of a length that names have.

What stock does (``libp2p.protocol_muxer``): reads a line as long as its prefix says, so that a stranger
who has not even begun a handshake can send gigabytes to be kept; and a name that is not UTF-8 raises
what nobody expects.
"""

from typing import Final

from libp2p.host.exceptions import StreamFailure
from libp2p.io.exceptions import IOException
from libp2p.io.utils import read_exactly
from libp2p.protocol_muxer.exceptions import MultiselectCommunicatorError, ProtocolNotSupportedError
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator

__all__ = ["STOCK_READ", "install", "is_not_spoken"]

STOCK_READ: Final = MultiselectCommunicator.read
"""The library's own, for the test that shows what is wrong with it."""

LINE_BYTES: Final = 1_024
"""Source: multistream-select 1.0; go-multistream refuses longer ones too."""


def is_not_spoken(failure: StreamFailure) -> bool:
    """Return whether a stream failed because the peer does not speak its protocol.

    Otherwise the stream broke, and another may not. The library tells the two apart only by their text.
    """
    cause = failure.__cause__
    return isinstance(cause, ProtocolNotSupportedError) or "supported" in str(cause)


async def _read(self: MultiselectCommunicator) -> str:
    try:
        first = (await read_exactly(self.read_writer, 1))[0]
        size = first & 0x7F
        if first & 0x80:
            size |= (await read_exactly(self.read_writer, 1))[0] << 7
        if not 0 < size <= LINE_BYTES:
            raise MultiselectCommunicatorError(f"a line of {size} bytes or more")
        data = await read_exactly(self.read_writer, size)
    except IOException as error:
        raise MultiselectCommunicatorError("the peer went away") from error
    if not data.endswith(b"\n"):
        raise MultiselectCommunicatorError("a line without an end")
    try:
        return data[:-1].decode()
    except UnicodeDecodeError as error:
        raise MultiselectCommunicatorError("a name that is no text") from error


def install() -> None:
    """Read names so from now on: the library makes communicators by name in three places."""
    MultiselectCommunicator.read = _read  # type: ignore[method-assign]
