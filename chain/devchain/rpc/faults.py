"""What goes wrong on demand, so that clients can be tested against it.

A rule names a method (``*`` at its end stands for anything), what to do, and how many times. The first rule
that fits is applied, and forgotten when it is used up. ``dev_*`` calls are never touched, so that faults can
always be cleared.
"""

from typing import Any, Literal, get_args

import attrs

from chain.devchain.rpc.errors import invalid_params

__all__ = ["Action", "Faults", "Rule", "read_rule"]

Action = Literal["drop-before", "drop-after", "stall", "delay", "refuse"]
MAX_RULES = 100
MAX_DELAY_MS = 600_000


@attrs.define
class Rule:
    """One fault."""

    method: str
    """A method's name, or the beginning of one and ``*``."""
    action: Action
    """Close the connection before the call is carried out, or after it but before the answer; never answer
    and take nothing more on the connection; answer late; answer with an error."""
    times: int | None = 1
    """How often it is still to happen; None for always."""
    millis: int = 0
    """The delay of ``delay``, milliseconds."""

    def fits(self, method: str) -> bool:
        """Whether the rule is about a method."""
        if self.method.endswith("*"):
            return method.startswith(self.method[:-1])
        return method == self.method


def read_rule(value: Any) -> Rule:
    """Read a rule from JSON.

    Raises:
        RpcError: it is none.
    """
    if not isinstance(value, dict):
        raise invalid_params("a rule is an object")
    method = value.get("method", "*")
    action: Action | None = value.get("action")
    times, millis = value.get("times", 1), value.get("millis", 0)
    if not isinstance(method, str) or action is None or action not in get_args(Action):
        raise invalid_params(f"a rule has a method, and an action of {', '.join(get_args(Action))}")
    if not (times is None or (isinstance(times, int) and times > 0)):
        raise invalid_params("times is a number above 0, or null for always")
    if not isinstance(millis, int) or not 0 <= millis <= MAX_DELAY_MS:
        raise invalid_params(f"millis is a number up to {MAX_DELAY_MS}")
    return Rule(method, action, times, millis)


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def set(self, rules: list[Rule]) -> None:
        """Put rules in place of those in force.

        Raises:
            RpcError: there are too many.
        """
        if len(rules) > MAX_RULES:
            raise invalid_params(f"at most {MAX_RULES} rules")
        self.rules = rules

    def take(self, method: str) -> Rule | None:
        """Return the rule for a call that is being made, and count it."""
        if not self.rules or method.startswith("dev_"):
            return None
        for rule in self.rules:
            if rule.fits(method):
                if rule.times is not None:
                    rule.times -= 1
                    if not rule.times:
                        self.rules.remove(rule)
                return rule
        return None

    def to_json(self) -> list[dict[str, Any]]:
        """Return the rules in force."""
        return [attrs.asdict(rule) for rule in self.rules]
