"""JSON-Schemas that judge what strangers send.

The library works in linear time on any pattern and fetches nothing, so that neither a schema nor a
value can make the node wait or call out.
"""

from typing import Any, Final

import jsonschema_rs

from node.agents.errors import DeclarationError
from node.agents.specs import Schema

__all__ = ["Judge"]

_SHOWN: Final = 3
"""Faults that a message names; whoever sent a thousand need not read them all."""
_FAULT_CHARACTERS: Final = 200


class Judge:
    """One schema, compiled."""

    def __init__(self, schema: Schema | None, whose: str) -> None:
        """Compile a schema; None accepts everything.

        Args:
            whose: of which capability it is, for messages.

        Raises:
            DeclarationError: it is no schema, or refers to what is outside of it.
        """
        self._validator = None
        if schema is not None:
            try:
                self._validator = jsonschema_rs.validator_for(
                    schema, offline=True, pattern_options=jsonschema_rs.RegexOptions()
                )
            except (ValueError, jsonschema_rs.ReferencingError) as error:
                raise DeclarationError(f"{whose} has a bad schema: {error}") from error

    def fault(self, value: Any) -> str | None:
        """Return what is wrong with a value, in words; None when nothing is."""
        if self._validator is None or self._validator.is_valid(value):
            return None
        faults: list[str] = []
        for error in self._validator.iter_errors(value):
            where = "/".join(str(step) for step in error.instance_path)
            text = error.message[:_FAULT_CHARACTERS]
            faults.append(f"at {where}: {text}" if where else text)
            if len(faults) == _SHOWN:
                break
        return "; ".join(faults)
