"""The commands' side of the API: the standard library alone, so that a command starts at once."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from node.process.datadir import DataDir

__all__ = ["ApiError", "Client", "NoNodeError", "RefusedError", "UnreachableError", "connect"]

PATIENCE: Final = 15.0
"""Seconds for an answer."""
MAX_BYTES: Final = 64 * 1024 * 1024


class ApiError(Exception):
    """Base of all.

    Next: read the message; `ainur node status` shows whether the node answers.
    """


class NoNodeError(ApiError):
    """No node runs on the folder.

    Next: start one with `ainur node run` or `ainur testnet up`, or name its folder with --data-dir.
    """


class UnreachableError(ApiError):
    """The node does not answer, or not like one.

    Next: see the node's log; restart it if it hangs.
    """


class RefusedError(ApiError):
    """The node refuses the request.

    Next: read the node's words.

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
        return self._answer("GET", _target(path, params), None)

    def post(
        self, path: str, body: dict[str, Any] | list[dict[str, Any]] | None = None
    ) -> dict[str, Any]:
        """Ask for something to be done, and return the answer.

        Raises:
            RefusedError: the node refuses.
            UnreachableError: it does not answer, or not in JSON.
        """
        return self._answer("POST", path, json.dumps(body or {}).encode())

    def bytes_of(self, path: str) -> bytes:
        """Return an answer that is no object of the API's own, as it is.

        Raises:
            RefusedError: the node refuses.
            UnreachableError: it does not answer.
        """
        with self._asking():
            self._connection.request("GET", path, headers=self._headers)
            response = self._connection.getresponse()
            body = response.read(MAX_BYTES)
        if response.status != http.client.OK:
            self._read(body)
        return body

    def events(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Yield the events of a stream until the node ends it; a stream that is cut is taken up again where it was.

        Raises:
            RefusedError: the node refuses.
            UnreachableError: it does not answer any more.
        """
        last = "0"
        while True:
            with self._asking():
                headers = {**self._headers, "Accept": "text/event-stream", "Last-Event-ID": last}
                self._connection.request("GET", _target(path, params), headers=headers)
                response = self._connection.getresponse()
                if response.status != http.client.OK:
                    self._read(response.read(MAX_BYTES))
                while line := response.readline(MAX_BYTES):
                    if not line.startswith(b"data: "):
                        continue
                    event: dict[str, Any] = json.loads(line[6:])
                    last = str(event["id"])
                    yield event
                    if event["kind"] == "stream-ended":
                        return

    def _answer(self, method: str, target: str, body: bytes | None) -> dict[str, Any]:
        with self._asking():
            self._connection.request(method, target, body, self._headers)
            raw = self._connection.getresponse().read(MAX_BYTES)
        return self._read(raw)

    def _read(self, body: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(body)
        except ValueError as error:
            raise UnreachableError(f"what answers at {self._url} is no node") from error
        if not isinstance(answer, dict):
            raise UnreachableError(f"what answers at {self._url} is no node")
        if "error" in answer:
            told = answer["error"]
            raise RefusedError(str(told.get("reason")), f"the node refuses: {told.get('message')}")
        return answer

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            raise UnreachableError(
                f"the node at {self._url} does not answer: it hangs, or is stopped; see its log"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(f"the node at {self._url} does not answer: {error}") from error
        finally:
            self._connection.close()


def _target(path: str, params: dict[str, Any]) -> str:
    given = {name: value for name, value in params.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def connect(folder: DataDir) -> Client:
    """Return a client of the node that runs on a folder.

    Raises:
        NoNodeError: none does, or it is just starting.
    """
    record = folder.read_record()
    if record is None or not folder.is_running():
        if folder.is_running():
            raise NoNodeError(f"the node on {folder.path} is starting: try again in a moment")
        # A testnet's nodes lie together, and are its to start.
        of_testnet = folder.path.parent.name == "nodes"
        how = f"testnet start {folder.path.name}" if of_testnet else "node run"
        raise NoNodeError(
            f"no node runs on {folder.path}: start it with `ainur {how}`, or name another folder with"
            " --data-dir"
        )
    try:
        token = folder.token.read_text().strip()
    except OSError as error:
        raise NoNodeError(f"{folder.token} cannot be read: {error.strerror}") from error
    return Client(record.api, token)
