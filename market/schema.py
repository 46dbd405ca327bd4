"""Messages as JSON, for people and for other languages: the view, and the schema that it obeys.

JSON is only ever a view; what is hashed and signed is msgpack. In the view bytes are ``0x`` and hex, and
amounts and sequence numbers are decimal strings, because JavaScript's numbers end at 2^53. Both the
view and the schema are computed from the types alone, so neither can lag behind them.
"""

from typing import Any, Final, cast

from msgspec import inspect

from market.errors import UsageError
from market.messages import WireStruct

__all__ = ["SCHEMA_DIALECT", "json_schema", "json_view"]

SCHEMA_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_DECIMAL_FORMATS: Final = frozenset({"planck", "sequence"})
_Json = dict[str, Any]


def _format(kind: inspect.Type) -> str | None:
    if isinstance(kind, inspect.Metadata):
        return cast("dict[str, str]", kind.extra_json_schema or {}).get("format")
    return None


def _bounds(low: int | None, high: int | None, names: tuple[str, str]) -> _Json:
    return {
        name: bound for name, bound in zip(names, (low, high), strict=True) if bound is not None
    }


def json_schema(kind: type[WireStruct]) -> _Json:
    """Return the JSON-Schema of a message's view, with the types it is made of under ``$defs``.

    Rules that a schema cannot say (lists sorted, sums that must agree) are in the types'
    descriptions and in ``contracts/README.md``.
    """
    definitions: dict[str, _Json] = {}
    reference = _schema(inspect.type_info(kind), definitions)
    return {"$schema": SCHEMA_DIALECT, **reference, "$defs": dict(sorted(definitions.items()))}


def _schema(kind: inspect.Type, definitions: dict[str, _Json]) -> _Json:
    match kind:
        case inspect.Metadata():
            name = _format(kind)
            if name in _DECIMAL_FORMATS:
                return {"type": "string", "format": name, "pattern": "^(0|[1-9][0-9]{0,18})$"}
            return _schema(kind.type, definitions)
        case inspect.IntType():
            return {"type": "integer", **_bounds(kind.ge, kind.le, ("minimum", "maximum"))}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.NoneType():
            return {"type": "null"}
        case inspect.StrType():
            pattern = {} if kind.pattern is None else {"pattern": kind.pattern}
            return {
                "type": "string",
                **_bounds(kind.min_length, kind.max_length, ("minLength", "maxLength")),
                **pattern,
            }
        case inspect.BytesType():
            low, high = kind.min_length or 0, kind.max_length
            times = f"{{{low}}}" if low == high else f"{{{low},{'' if high is None else high}}}"
            if high is not None and high > _LARGEST_REPEAT:
                return {
                    "type": "string",
                    "pattern": "^0x([0-9a-f]{2})*$",
                    "maxLength": 2 + 2 * high,
                }
            return {"type": "string", "pattern": f"^0x([0-9a-f]{{2}}){times}$"}
        case inspect.LiteralType():
            return {"enum": list(kind.values)}
        case inspect.UnionType():
            return {"anyOf": [_schema(each, definitions) for each in kind.types]}
        case inspect.VarTupleType():
            return {
                "type": "array",
                "items": _schema(kind.item_type, definitions),
                **_bounds(kind.min_length, kind.max_length, ("minItems", "maxItems")),
            }
        case inspect.StructType():
            name = kind.cls.__name__
            if name not in definitions:
                definitions[name] = {}
                definitions[name] = {
                    "description": (kind.cls.__doc__ or "").strip().split("\n")[0],
                    "type": "object",
                    "properties": {f.name: _schema(f.type, definitions) for f in kind.fields},
                    "required": [f.name for f in kind.fields],
                    "additionalProperties": False,
                }
            return {"$ref": f"#/$defs/{name}"}
        case _:
            raise UsageError(f"a message has a field of type {kind}: give it a view and a schema")


_LARGEST_REPEAT: Final = 1000
"""Engines of regular expressions cap counted repetition; above it the schema bounds the length."""


def json_view(value: WireStruct) -> _Json:
    """Return a message as JSON-compatible data that its schema accepts."""
    view = _view(value, inspect.type_info(type(value)))
    if not isinstance(view, dict):
        raise UsageError(f"{type(value).__name__} is not a message")
    return cast("_Json", view)


def _view(value: Any, kind: inspect.Type) -> Any:
    if value is None:
        return None
    match kind:
        case inspect.Metadata():
            return str(value) if _format(kind) in _DECIMAL_FORMATS else _view(value, kind.type)
        case inspect.BytesType():
            return "0x" + value.hex()
        case inspect.UnionType():  # the only unions on the wire are "or null"
            some = next(each for each in kind.types if not isinstance(each, inspect.NoneType))
            return _view(value, some)
        case inspect.VarTupleType():
            return [_view(item, kind.item_type) for item in value]
        case inspect.StructType():
            return {f.name: _view(getattr(value, f.name), f.type) for f in kind.fields}
        case _:
            return value
