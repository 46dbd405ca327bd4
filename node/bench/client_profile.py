"""Where the time of a submission goes: the wire, substrate-interface, its SCALE codec, signing, and our own code."""

import cProfile
import pstats
from collections.abc import Callable
from typing import TypeVar

import trio

from chain.connection import Connection
from chain.session import Session
from chain.submission import Submitter
from node.bench.client_load import REQUESTERS, ForgetfulStore, transfer
from node.bench.report import Report

__all__ = ["cost"]

R = TypeVar("R")
PLACES = (
    ("the node, and the way to it", ("recv' of '_socket", "send' of '_socket", "poll' of 'select")),
    ("websocket-client", ("/websocket/",)),
    ("scalecodec", ("/scalecodec/",)),
    ("substrate-interface", ("/substrateinterface/",)),
    ("signing", ("sr25519", "ed25519", "nacl")),
    ("our own code", ("/chain/", "/market/")),
)
"""Who spends the time, and what is in the place or the name of a function of theirs."""
REST = "Python itself: JSON, hashing, dictionaries"


class _Profiled(Connection):
    """A connection whose worker thread is watched."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.profile: cProfile.Profile | None = None

    def _work(self, work: Callable[[Session], R]) -> R:
        if self.profile is None:
            return super()._work(work)
        return self.profile.runcall(super()._work, work)


def cost(url: str, count: int) -> Report:
    """Return milliseconds of a submission in the worker thread, by who spends them, under the profiler.

    The profiler makes calls of Python dearer than they are, so the libraries' parts are a little too large.
    """
    profile = cProfile.Profile()
    trio.run(_submit, url, count, profile)
    spent = dict.fromkeys([name for name, _ in PLACES] + [REST], 0.0)
    requests = 0
    functions = pstats.Stats(profile).stats  # type: ignore[attr-defined]  # documented, not annotated
    for (file, _, name), (_, calls, own_time, _, _) in functions.items():
        if name == "rpc_request" and file.endswith("chain/library.py"):
            requests = calls
        spent[_spender(f"{file} {name}")] += own_time
    return {
        "submissions": count,
        "requests": round(requests / count, 1),
        "ms": {name: round(seconds / count * 1e3, 2) for name, seconds in spent.items()},
    }


def _spender(place: str) -> str:
    return next((name for name, marks in PLACES if any(m in place for m in marks)), REST)


async def _submit(url: str, count: int, profile: cProfile.Profile) -> None:
    async with _Profiled(url) as connection:
        submitter = Submitter(connection, ForgetfulStore())
        for number in range(5):  # loads the runtime, which is done once
            await submitter.submit(f"cost warm {number}", transfer(number), REQUESTERS[0])
        connection.profile = profile
        for number in range(count):
            await submitter.submit(f"cost {number}", transfer(number), REQUESTERS[0])
        connection.profile = None
