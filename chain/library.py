"""substrate-interface 1.8.1, with what it does and we do not want undone, each by name.

- it logs every payload at DEBUG on the root logger, and thereby configures logging: ``rpc_request`` is ours;
- it reconnects on its own when a send fails, so that one call may be sent twice: switched off;
- a node's error comes as text: :class:`~chain.errors.NodeError` keeps method, code and data.

What it does wrong above the single call is undone in :mod:`chain.session`.
"""

from typing import Any

import attrs

from chain.errors import NodeError
from chain.signing import Signer

__all__ = ["LibraryKeypair", "open_interface"]


@attrs.frozen
class LibraryKeypair:
    """What substrate-interface wants of a key pair, asked of a :class:`Signer`."""

    signer: Signer

    @property
    def public_key(self) -> bytes:
        """Return the account."""
        return bytes(self.signer.account)

    @property
    def crypto_type(self) -> int:
        """Return the number by which the library knows the scheme."""
        return 0 if self.signer.scheme == "ed25519" else 1

    def sign(self, payload: Any) -> bytes:
        """Return a signature over the library's payload."""
        return self.signer.sign(bytes(payload.data)).signature


def open_interface(url: str, patience: float) -> Any:
    """Connect; what is returned has no types.

    Args:
        patience: seconds that the socket waits for the next bytes.
    """
    from substrateinterface import SubstrateInterface

    class Quiet(SubstrateInterface):  # type: ignore[misc]  # the library has no types
        """Without its log of payloads, and with errors that keep method, code and data."""

        def rpc_request(self, method: str, params: Any, result_handler: Any = None) -> Any:
            from substrateinterface.exceptions import SubstrateRequestException

            number = self.request_id
            self.request_id += 1
            payload = {"jsonrpc": "2.0", "method": method, "params": params or [], "id": number}
            try:
                return self.transport.rpc_request(payload, result_handler=result_handler)
            except SubstrateRequestException as error:
                body = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
                message = str(body.get("message", error))
                raise NodeError(method, body.get("code", 0), message, body.get("data")) from error

    return Quiet(
        url=url,
        ss58_format=42,
        ws_options={"timeout": patience, "enable_multithread": True},
        auto_reconnect=False,
        auto_discover=False,
    )
