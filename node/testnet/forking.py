"""The parent of a testnet's processes: imports once what they need, and forks them.

``python -m node.testnet.forking`` reads one JSON object a line on its standard input and writes one a line on its
standard output:

==========================================================  ====================================================
``{"preload": [module, ...]}``
``{"prepare": "module:function", "argument": ...}``         nothing; what it makes, those share that are forked later
``{"fork": n, "program": "module:function", "argument":     ``{"child": n, "forked": pid}``
{...}, "output": path}``
``{"signal": n, "number": s}``                              nothing; one that has ended is not signalled
what child n says                                           ``{"child": n, "said": {...}}``
its end                                                     ``{"child": n, "ended": status}``, minus the signal
==========================================================  ====================================================

It holds no threads and no loop, which a fork would tear apart: it waits in ``select`` for an order or the end of a
child. When its input ends, whoever gave the orders is gone; it kills what it started, and ends. When it is killed
itself, the kernel kills its children. What these leave behind comes to it and is killed, too.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import logging
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["Program", "Say", "main"]

Say = Callable[[dict[str, Any]], None]
"""Tells whoever gave the orders; one line of less than 4 KiB, so that lines of several processes never mix."""
Program = Callable[[dict[str, Any], Say], None]
"""What a child runs; given its argument and its voice."""

MAX_LINE = select.PIPE_BUF
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True)


class Parent:
    """Forks, signals and waits."""

    def __init__(self, orders: int, said: int) -> None:
        self._orders, self._said = orders, said
        self._pid = os.getpid()
        self._children: dict[int, int] = {}
        """By number."""
        self._woken, self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def run(self) -> None:
        """Take orders until there are no more, or whoever gives them is gone."""
        try:
            self._take_orders()
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self._end_all()

    def _take_orders(self) -> None:
        data = b""
        while True:
            readable, _, _ = select.select([self._orders, self._woken], [], [])
            if self._woken in readable:
                os.read(self._woken, 4096)
                self._reap()
            if self._orders in readable:
                part = os.read(self._orders, 65536)
                if not part:
                    return
                *lines, data = (data + part).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))

    def _obey(self, order: dict[str, Any]) -> None:
        if "preload" in order:
            gc.disable()  # nothing of what is imported is garbage
            for name in order["preload"]:
                importlib.import_module(name)
            gc.enable()
            gc.freeze()  # so that a child's collector does not write into, and so copy, what they share
        elif "prepare" in order:
            module, _, name = order["prepare"].partition(":")
            getattr(importlib.import_module(module), name)(order["argument"])
            gc.freeze()
        elif "fork" in order:
            self._fork(order)
        elif (pid := self._children.get(order["signal"])) is not None:
            # It is our child and was not waited for: the id is still its own.
            os.kill(pid, order["number"])

    def _say(self, child: int, what: dict[str, Any]) -> None:
        line = json.dumps({"child": child, **what}).encode() + b"\n"
        if len(line) > MAX_LINE:
            raise ValueError(f"a line of {len(line)} bytes, of at most {MAX_LINE}: {line[:200]!r}")
        os.write(self._said, line)

    def _tell(self, child: int, what: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):  # the end of our orders says the same
            self._say(child, what)

    def _fork(self, order: dict[str, Any]) -> None:
        number = order["fork"]
        pid = os.fork()
        if pid == 0:
            self._become(order)
        self._children[number] = pid
        self._tell(number, {"forked": pid})

    def _become(self, order: dict[str, Any]) -> NoReturn:
        """Be a child, to its end; nothing of the parent's own state is left to it."""
        status = 1
        try:
            self._leave_parent(Path(order["output"]))
            number = order["fork"]
            module, _, name = order["program"].partition(":")
            program: Program = getattr(importlib.import_module(module), name)
            program(order["argument"], lambda what: self._say(number, {"said": what}))
            status = 0
        except BaseException:  # noqa: BLE001  (whatever it is, it must not run on as a second parent)
            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError, ValueError):
                logging.shutdown()
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    def _leave_parent(self, output: Path) -> None:
        os.setsid()  # Ctrl-C is for whoever supervises
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self._pid:
            os._exit(1)  # it died before the kernel was asked
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # until the program listens to it
        for handle in (self._orders, self._woken, self._wake):
            os.close(handle)
        written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        for handle, standard in ((nothing, 0), (written, 1), (written, 2)):
            os.dup2(handle, standard)

    def _reap(self) -> None:
        by_pid = {pid: number for number, pid in self._children.items()}
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                number = by_pid.get(pid)
                if number is not None:
                    del self._children[number]
                    self._tell(number, {"ended": os.waitstatus_to_exitcode(status)})
        self._kill_strays()

    def _kill_strays(self) -> None:
        """Kill what came to us when the child that had started it ended."""
        ours = set(self._children.values())
        try:
            listed = Path(f"/proc/self/task/{self._pid}/children").read_text()
        except (
            FileNotFoundError
        ):  # a kernel without it; what sandboxes hold ends with its parent anyway
            return
        for pid in map(int, listed.split()):
            if pid not in ours:
                os.kill(pid, signal.SIGKILL)

    def _end_all(self) -> None:
        for pid in self._children.values():
            os.kill(pid, signal.SIGKILL)
        self._children.clear()
        with contextlib.suppress(ChildProcessError):
            while True:
                self._kill_strays()
                os.waitpid(-1, 0)


def _end(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(0)


def main() -> None:
    """Take orders on the standard input; what anything else prints there goes to the standard error."""
    # An import takes seconds, in which it would not see that its input has ended. The parent's parent starts it from its
    # main thread: the kernel takes the end of the thread that forked for the end of the process.
    signal.signal(signal.SIGTERM, _end)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    orders = os.dup(0)
    said = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    Parent(orders, said).run()


if __name__ == "__main__":
    main()
