"""JSON-RPC calls to a chain on this machine, by HTTP, with the standard library alone."""

import http.client
import itertools
import json
from typing import Any

from node.chainhost.errors import CallError, UnreachableError

__all__ = ["Client"]

PATIENCE = 30.0
"""Seconds for an answer."""


class Client:
    """One connection; opened when it is first needed, and again when the chain has closed it."""

    def __init__(self, port: int, host: str = "127.0.0.1", patience: float = PATIENCE) -> None:
        self._where = f"{host}:{port}"
        self._connection = http.client.HTTPConnection(host, port, timeout=patience)
        self._ids = itertools.count(1)

    def call(self, method: str, *params: Any) -> Any:
        """Return what a method answers.

        Raises:
            CallError: the chain refused the call.
            UnreachableError: it did not answer, or not in JSON-RPC.
        """
        request = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        body = b""
        try:
            self._connection.request(
                "POST", "/", json.dumps(request), {"content-type": "application/json"}
            )
            response = self._connection.getresponse()
            body = response.read()
            answer = json.loads(body)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise UnreachableError(
                f"the chain at {self._where} does not answer: {error}"
            ) from error
        except ValueError as error:
            self._connection.close()
            text = body[:200].decode(errors="replace").strip()
            raise UnreachableError(f"{self._where} answers no JSON-RPC: {text!r}") from error
        if "error" in answer:
            error_ = answer["error"]
            raise CallError(error_["code"], error_["message"], error_.get("data"))
        return answer["result"]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
