"""What a runtime's metadata says of its pallets, as plain values."""

from typing import Any

import attrs

__all__ = ["Constant", "Field", "Pallet", "StorageItem", "Variant"]


@attrs.frozen
class Field:
    """An argument of a call, or a field of an event or error."""

    name: str | None
    """None in a tuple."""
    type: str
    """As the pallet's source has it."""


@attrs.frozen
class Variant:
    """A call, an event or an error."""

    name: str
    index: int
    fields: tuple[Field, ...]
    docs: str
    """The first line."""


@attrs.frozen
class Constant:
    """A constant, decoded."""

    name: str
    value: Any


@attrs.frozen
class StorageItem:
    """A value, or a map."""

    name: str
    hashers: tuple[str, ...]
    """One a key; none for a value."""
    docs: str


@attrs.frozen
class Pallet:
    """One pallet of a runtime."""

    name: str
    index: int
    calls: tuple[Variant, ...]
    events: tuple[Variant, ...]
    errors: tuple[Variant, ...]
    constants: tuple[Constant, ...]
    storage: tuple[StorageItem, ...]
