"""Between the chain's values and ours: one converter, driven by the types of the fields.

Theory of operation: a call, an event or a stored record is a frozen attrs class whose fields carry the
project's types. :func:`decode` reads the plain values that the SCALE library gives into such a class,
:func:`encode` writes them back, and :func:`shape_of` says in one line what the class takes the chain's type to
be. The same line is derived from the runtime's metadata in :mod:`chain.contract`; where the two differ,
client and runtime have grown apart. So a field is declared once, and nothing is converted by hand.

A class that SCALE knows as a variant with contents brings ``from_wire``, ``to_wire`` and ``SHAPE``. The classes
of the market's rules bring nothing: what the chain makes of them stands in :mod:`chain.layouts`.
"""

import enum
import functools
import types
import typing
from typing import Any, Final, TypeVar, Union

import attrs

from chain.errors import MismatchError
from chain.layouts import LAYOUTS, UNIONS, Layout
from chain.units import (
    AttemptNumber,
    BasisPoints,
    Blocks,
    Count,
    EpochNumber,
    FeeRate,
    MilestoneIndex,
    MilliPoints,
    Millis,
    Nonce,
    OfferEpoch,
)
from market.errors import UsageError as MarketUsageError
from market.hashing import GenesisHash, Hash, TaskId
from market.identity import AccountId, account_from_ss58
from market.reputation.book import ReportId
from market.standing import EscrowId
from market.units import BlockNumber, Planck

__all__ = ["decode", "decode_fields", "encode", "fields_of", "shape_of"]

T = TypeVar("T")

_NUMBERS: Final[dict[Any, str]] = {
    Planck: "u128",
    EscrowId: "u64",
    Millis: "u64",
    BlockNumber: "u32",
    Blocks: "u32",
    Nonce: "u32",
    ReportId: "u32",
    EpochNumber: "u32",
    OfferEpoch: "u32",
    Count: "u32",
    FeeRate: "u32",
    MilliPoints: "u32",
    BasisPoints: "u16",
    MilestoneIndex: "u8",
    AttemptNumber: "u8",
}
_HASHES: Final = frozenset({Hash, TaskId, GenesisHash})
_OWN: Final = Layout({})
"""Of a class whose fields carry the chain's types themselves."""


def fields_of(kind: Any) -> dict[str, tuple[str, Any]]:
    """Return our name and type of each field by the chain's name of it, in order.

    The names are the same but where the chain's is a word of Python's: there the attrs field says it in its
    metadata, as ``wire``.
    """
    return _fields_of(kind)


@functools.cache
def _fields_of(kind: Any) -> dict[str, tuple[str, Any]]:
    layout = LAYOUTS.get(kind, _OWN)
    hints = {**typing.get_type_hints(kind), **layout.widths}
    return {
        field.metadata.get("wire", field.name): (field.name, hints[field.name])
        for field in attrs.fields(kind)
        if field.name not in layout.absent
    }


def _wrong(hint: Any, raw: Any) -> MismatchError:
    return MismatchError(f"{raw!r} is not {getattr(hint, '__name__', hint)}: compare the runtimes")


def _optional(hint: Any) -> Any:
    """Return what is optional, or None where nothing is."""
    if typing.get_origin(hint) in (types.UnionType, Union):
        rest = [each for each in typing.get_args(hint) if each is not types.NoneType]
        if len(rest) == 1:
            return rest[0]
    return None


def decode_fields(kind: type[T], raw: Any) -> T:
    """Return an attrs class from a mapping of its fields.

    Raises:
        MismatchError: a field is missing, is there and unknown, or is of another type.
    """
    fields = fields_of(kind)
    given = {} if raw is None and not fields else raw
    if not isinstance(given, dict):
        raise _wrong(kind, raw)
    if set(given) != set(fields):
        raise MismatchError(f"{kind.__name__} has the fields {sorted(fields)}, not {sorted(given)}")
    values = {name: decode(hint, given[wire]) for wire, (name, hint) in fields.items()}
    made: T = (LAYOUTS.get(kind, _OWN).make or kind)(**values)
    return made


def decode(hint: Any, raw: Any) -> Any:
    """Return our value of a type for a value that the SCALE library decoded.

    Raises:
        MismatchError: it is of another type.
    """
    if hint in _NUMBERS:
        if type(raw) is not int:
            raise _wrong(hint, raw)
        return raw
    if hint is AccountId:
        return _account(raw)
    if hint in _HASHES:
        return _hash(hint, raw)
    if hint is bool:
        if type(raw) is not bool:
            raise _wrong(hint, raw)
        return raw
    inner = _optional(hint)
    if inner is not None:
        return None if raw is None else decode(inner, raw)
    if typing.get_origin(hint) is tuple:
        (item, _) = typing.get_args(hint)
        if not isinstance(raw, list | tuple):
            raise _wrong(hint, raw)
        return tuple(decode(item, each) for each in raw)
    if hint in UNIONS:
        return _member(hint, raw)
    return _class(hint, raw)


def _member(hint: Any, raw: Any) -> Any:
    """Return the member of a union that the chain's tag names."""
    tag, inside = raw, None
    if isinstance(raw, dict) and len(raw) == 1:
        [(tag, inside)] = raw.items()
    if not isinstance(tag, str) or tag not in UNIONS[hint]:
        raise _wrong(hint, raw)
    kind = UNIONS[hint][tag]
    fields = [each for _, each in fields_of(kind).values()]
    if bool(fields) is not isinstance(raw, dict):
        raise _wrong(hint, raw)
    return kind(*(decode(each, inside) for each in fields))


def _class(hint: Any, raw: Any) -> Any:
    if hasattr(hint, "from_wire"):
        return hint.from_wire(raw)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        try:
            return hint(raw)
        except ValueError as error:
            raise _wrong(hint, raw) from error
    if isinstance(hint, type) and attrs.has(hint):
        return decode_fields(hint, raw)
    raise TypeError(f"no rule decodes {hint!r}; add one to chain/values.py")


def _account(raw: Any) -> AccountId:
    try:
        return account_from_ss58(raw)
    except (MarketUsageError, AttributeError, TypeError) as error:
        raise _wrong(AccountId, raw) from error


def _hash(hint: Any, raw: Any) -> bytes:
    try:
        value = bytes.fromhex(raw.removeprefix("0x"))
    except (ValueError, AttributeError) as error:
        raise _wrong(hint, raw) from error
    if len(value) != 32:
        raise _wrong(hint, raw)
    return value


def encode(value: Any) -> Any:
    """Return a value as the SCALE library takes it."""
    if hasattr(value, "to_wire"):
        return value.to_wire()
    match value:
        case bytes():
            return f"0x{value.hex()}"
        case enum.IntFlag():
            return int(value)
        case enum.Enum():
            return value.value
        case tuple():
            # Every list that a call takes is bounded: a list inside a newtype. The library takes a list of
            # one for the newtype's own brackets, and refuses all others; with brackets of its own it is sure.
            return [[encode(each) for each in value]]
        case bool() | int() | None:
            return value
    if attrs.has(type(value)):
        fields = fields_of(type(value))
        return {wire: encode(getattr(value, name)) for wire, (name, _) in fields.items()}
    raise TypeError(f"no rule encodes {value!r}; add one to chain/values.py")


def shape_of(hint: Any) -> str:
    """Return what the chain's type of a field is, as :mod:`chain.contract` writes it."""
    if hint in _NUMBERS:
        return _NUMBERS[hint]
    if hint is AccountId:
        return "AccountId"
    if hint in _HASHES:
        return "H256"
    if hint is bool:
        return "bool"
    if hint is bytes:
        return "Vec<u8>"
    inner = _optional(hint)
    if inner is not None:
        return f"Option<{shape_of(inner)}>"
    if typing.get_origin(hint) is tuple:
        return f"Vec<{shape_of(typing.get_args(hint)[0])}>"
    if hasattr(hint, "SHAPE"):
        return str(hint.SHAPE)
    if hint in UNIONS:
        return f"enum({'|'.join(_tagged(tag, kind) for tag, kind in UNIONS[hint].items())})"
    if isinstance(hint, type) and issubclass(hint, enum.IntFlag):
        return "u8"
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return f"enum({'|'.join(each.value for each in hint)})"
    inside = (f"{wire}: {shape_of(each)}" for wire, (_, each) in fields_of(hint).items())
    return f"{{{', '.join(inside)}}}"


def _tagged(tag: str, kind: Any) -> str:
    inside = [shape_of(hint) for _, hint in fields_of(kind).values()]
    return f"{tag}: {inside[0]}" if inside else tag
