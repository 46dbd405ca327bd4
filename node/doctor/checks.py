"""All checks, in the order in which they are shown."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import attrs

from node.doctor import chains, files, machine
from node.doctor.finding import Finding

__all__ = ["examine", "mend"]


def examine(home: Path, chain: str | None = None) -> Iterator[Finding]:
    """Look at everything; nothing is changed.

    Args:
        home: AINUR_HOME.
        chain: the address of a chain to look at, beside those of this machine.
    """
    yield machine.python()
    yield from machine.extras()
    yield machine.sandbox()
    yield chains.runtime()
    yield files.folder(home)
    yield from files.secrets(home)
    yield machine.disk(home)
    yield machine.clock()
    yield machine.files_open()
    running = [p for p in files.places(home) if p.kind == "chain" and p.is_running()]
    yield machine.ports(bool(running))
    yield from files.left_behind(home, chains.answers)
    yield from chains.chains(home)
    if chain is not None:
        yield chains.one_chain(chain, None)
    yield from chains.nodes(home)
    yield machine.optional()


def mend(findings: Iterable[Finding], again: Callable[[Finding, str], None]) -> Iterator[Finding]:
    """Mend what can be mended safely; yield each finding as it then is.

    Args:
        findings: what was found.
        again: told of what could not be mended, and why.
    """
    for finding in findings:
        if finding.fix is None:
            yield finding
            continue
        try:
            finding.fix()
        except OSError as error:
            again(finding, str(error))
            yield finding
        else:
            yield attrs.evolve(finding, fixed=True)
