"""The commands' side of the API: the standard library alone, so that a command starts at once."""

import http.client
import json
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from node.process.datadir import DataDir

__all__ = ["ApiError", "Client", "NoNodeError", "RefusedError", "UnreachableError", "connect"]

PATIENCE: Final = 15.0
"""Seconds for an answer."""
MAX_BYTES: Final = 64 * 1024 * 1024


class ApiError(Exception):
    """Base of all."""


class NoNodeError(ApiError):
    """No node runs on the folder."""


class UnreachableError(ApiError):
    """The node does not answer, or not like one."""


class RefusedError(ApiError):
    """The node refuses the request.

    Attributes:
        reason: one word, stable.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Client:
    """Asks one node."""

    def __init__(self, url: str, token: str, patience: float = PATIENCE) -> None:
        parts = urlsplit(url)
        self._url = url
        self._connection = http.client.HTTPConnection(
            parts.hostname or "127.0.0.1", parts.port or 80, timeout=patience
        )
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """Return an answer.

        Args:
            path: such as ``/v1/find``.
            params: of the query; those that are None are left out.

        Raises:
            RefusedError: the node refuses.
            UnreachableError: it does not answer, or not in JSON.
        """
        given = {name: value for name, value in params.items() if value is not None}
        target = f"{path}?{urlencode(given)}" if given else path
        try:
            self._connection.request("GET", target, headers=self._headers)
            response = self._connection.getresponse()
            body = response.read(MAX_BYTES)
            answer = json.loads(body)
        except TimeoutError as error:
            raise UnreachableError(
                f"the node at {self._url} does not answer: it hangs, or is stopped; see its log"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(f"the node at {self._url} does not answer: {error}") from error
        except ValueError as error:
            raise UnreachableError(f"what answers at {self._url} is no node") from error
        finally:
            self._connection.close()
        if not isinstance(answer, dict):
            raise UnreachableError(f"what answers at {self._url} is no node")
        if "error" in answer:
            told = answer["error"]
            raise RefusedError(str(told.get("reason")), f"the node refuses: {told.get('message')}")
        return answer


def connect(folder: DataDir) -> Client:
    """Return a client of the node that runs on a folder.

    Raises:
        NoNodeError: none does, or it is just starting.
    """
    record = folder.read_record()
    if record is None or not folder.is_running():
        starting = folder.is_running()
        raise NoNodeError(
            f"the node on {folder.path} is starting: try again in a moment"
            if starting
            else f"no node runs on {folder.path}: start one with `ainur node run`, or name its folder"
            " with --data-dir"
        )
    try:
        token = folder.token.read_text().strip()
    except OSError as error:
        raise NoNodeError(f"{folder.token} cannot be read: {error.strerror}") from error
    return Client(record.api, token)
