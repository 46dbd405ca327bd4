"""JSON-RPC errors, with the codes that a Substrate node answers with.

Source: JSON-RPC 2.0, section 5.1; ``sc-rpc-api`` (1000s author, 4000s state); jsonrpsee (-32005 to -32010).
"""

import logging
from typing import Any

from chain.devchain.errors import (
    DevChainError,
    RefusedError,
    RuntimeTrapError,
    UnknownBlockError,
    UsageError,
)

__all__ = [
    "INTERNAL_ERROR",
    "INVALID_PARAMS",
    "INVALID_REQUEST",
    "METHOD_NOT_FOUND",
    "PARSE_ERROR",
    "ParamError",
    "RpcError",
    "invalid_params",
    "to_rpc_error",
]

log = logging.getLogger(__name__)

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_ERROR = -32000
"""What we refuse to do ourselves: a `dev_*` call that cannot be carried out."""
TOO_MANY_SUBSCRIPTIONS = -32006
RESPONSE_TOO_BIG = -32008
BATCH_TOO_BIG = -32010
INVALID_BLOCK_RANGE = 4001
INVALID_COUNT = 4002
CLIENT_ERROR = 4003
EMPTY_POOL = 12_000
"""Manual seal's, where no empty block is wanted."""


class RpcError(Exception):
    """A call that is answered with an error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def to_json(self) -> dict[str, Any]:
        """Return the error object of a response."""
        shape: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            shape["data"] = self.data
        return shape


class ParamError(ValueError):
    """A parameter is not what the method takes; the message says what it takes."""


def invalid_params(why: str) -> RpcError:
    """Return the error for parameters that are not what the method takes."""
    return RpcError(INVALID_PARAMS, "Invalid params", why)


def to_rpc_error(error: Exception) -> RpcError:
    """Return how an exception is told to the caller; what is nobody's fault but ours is logged."""
    match error:
        case RpcError():
            return error
        case ParamError():
            return invalid_params(str(error))
        case RefusedError():
            return RpcError(error.code, error.title, error.data)
        case UnknownBlockError():
            return RpcError(CLIENT_ERROR, f"Client error: UnknownBlock: {error}")
        case RuntimeTrapError():
            return RpcError(CLIENT_ERROR, f"Client error: Execution failed: {error}")
        case UsageError():
            return RpcError(SERVER_ERROR, str(error))
        case DevChainError():
            log.error("a call failed: %s", error)
            return RpcError(INTERNAL_ERROR, f"Internal error: {error}")
        case _:
            log.error("a call failed unexpectedly", exc_info=error)
            return RpcError(INTERNAL_ERROR, "Internal error")
