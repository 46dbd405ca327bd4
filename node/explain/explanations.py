"""What each code means, and what to do, gathered from where the errors are defined."""

import importlib
import inspect
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Final

import attrs

from chain.errors import DispatchError
from chain.meanings import MEANINGS
from chain.refusals import REFUSALS, Fault
from node.api.reasons import REASONS
from node.explain.codes import OTHER, ROOMS, name_of

__all__ = ["Explanation", "explanations", "find", "suggestions"]

_NEXT: Final = "Next: "
_WHO: Final = {
    Fault.CALLER: "who asked",
    Fault.PEER: "the other side",
    Fault.STATE: "nobody: the chain has moved on, or not far enough",
    Fault.FUNDS: "nobody: money or bond does not suffice",
    Fault.CHAIN: "the chain or its node",
}


@attrs.frozen
class Explanation:
    """One error."""

    code: str
    meaning: str
    action: str
    """What to do."""
    fault: str | None = None
    """Who is at fault, where the code says it."""

    def to_json(self) -> dict[str, Any]:
        """Return what is shown."""
        return attrs.asdict(self)


def explanations() -> dict[str, Explanation]:
    """Return all of them by code, sorted."""
    found = [*_of_classes(), *_of_refusals(), *_of_reasons()]
    return {each.code: each for each in sorted(found, key=lambda each: each.code.lower())}


def find(text: str) -> list[Explanation]:
    """Return what a person may mean: the code itself, or all that have this name in any room.

    Upper and lower case, dashes and the ending ``Error`` do not count.
    """
    known = explanations()
    wanted = _plain(text)
    exact = [each for code, each in known.items() if _plain(code) == wanted]
    return exact or [
        each for code, each in known.items() if _plain(code).partition(".")[2] == wanted
    ]


def suggestions(text: str) -> list[str]:
    """Return codes that look alike."""
    by_plain = {_plain(code): code for code in explanations()}
    near = {**by_plain, **{plain.partition(".")[2]: code for plain, code in by_plain.items()}}
    return list(
        dict.fromkeys(near[each] for each in get_close_matches(_plain(text), near, n=3, cutoff=0.8))
    )


def _plain(text: str) -> str:
    return text.strip().strip("[]").lower().replace("-", "").replace("_", "").removesuffix("error")


def _of_classes() -> Iterator[Explanation]:
    for room, name in ROOMS.items():
        module = importlib.import_module(name)
        for kind in vars(module).values():
            if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                continue
            if kind.__module__ == name and not issubclass(kind, DispatchError):
                yield _of_class(room, kind)


def _of_class(room: str, kind: type[BaseException]) -> Explanation:
    paragraphs = (inspect.getdoc(kind) or "").split("\n\n")
    meaning, name = _joined(paragraphs[0]), name_of(kind)
    if name == OTHER:
        meaning = "Something went wrong there that has no code of its own."
    action = next((_joined(p) for p in paragraphs if p.startswith(_NEXT)), "")
    return Explanation(f"{room}.{name}", meaning, action.removeprefix(_NEXT))


def _joined(paragraph: str) -> str:
    return " ".join(paragraph.split())


def _of_refusals() -> Iterator[Explanation]:
    for pallet, variants in REFUSALS.items():
        for variant, advice in variants.items():
            meaning = MEANINGS[pallet][variant]
            yield Explanation(f"{pallet}.{variant}", meaning, advice.action, _WHO[advice.fault])


def _of_reasons() -> Iterator[Explanation]:
    for reason, (meaning, action) in REASONS.items():
        yield Explanation(f"Api.{reason}", meaning, action)
