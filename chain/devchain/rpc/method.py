"""What a method is: its names, its parameters, and the function that answers it.

A handler is a plain function. Its parameters are declared beside it, in order, each with a converter, so that
a call by position and one by name are checked alike before it runs::

    @TABLE.method("state_getStorage", "state_getStorageAt", key=hex_bytes, at=optional(block_hash))
    def get_storage(node: Node, key: bytes, at: bytes | None) -> Json: ...
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs

from chain.devchain.rpc.errors import ParamError, invalid_params

__all__ = [
    "Json",
    "Method",
    "Optional",
    "ParamError",
    "Table",
    "block_hash",
    "boolean",
    "hex_bytes",
    "list_of",
    "mapping",
    "natural",
    "number",
    "optional",
    "text",
]

Json = Any
Convert = Callable[[Json], Any]


def hex_bytes(value: Json) -> bytes:
    """Read bytes in hex, with or without ``0x``."""
    if not isinstance(value, str):
        raise ParamError("expected bytes in hex")
    try:
        return bytes.fromhex(value.removeprefix("0x"))
    except ValueError as error:
        raise ParamError(f"expected bytes in hex: {error}") from error


def block_hash(value: Json) -> bytes:
    """Read a hash of 32 bytes."""
    found = hex_bytes(value)
    if len(found) != 32:
        raise ParamError(f"expected a hash of 32 bytes, not {len(found)}")
    return found


def natural(value: Json) -> int:
    """Read a number that is not negative: an integer, or hex behind ``0x``."""
    if isinstance(value, str) and value.startswith("0x"):
        found = int.from_bytes(hex_bytes(f"0{value[2:]}" if len(value) % 2 else value), "big")
        return natural(found)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 64:
        raise ParamError("expected a number that is not negative")
    return value


def number(value: Json) -> float:
    """Read a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e15:
        raise ParamError("expected a number")
    return value


def text(value: Json) -> str:
    """Read a string."""
    if not isinstance(value, str):
        raise ParamError("expected a string")
    return value


def boolean(value: Json) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ParamError("expected true or false")
    return value


def mapping(value: Json) -> dict[str, Json]:
    """Read an object."""
    if not isinstance(value, dict):
        raise ParamError("expected an object")
    return value


def list_of(convert: Convert, limit: int = 100_000) -> Convert:
    """Return a converter of lists."""

    def convert_all(value: Json) -> list[Any]:
        if not isinstance(value, list):
            raise ParamError("expected a list")
        if len(value) > limit:
            raise ParamError(f"expected at most {limit} entries, not {len(value)}")
        return [convert(each) for each in value]

    return convert_all


@attrs.frozen
class Optional:
    """A parameter that may be left out or null."""

    convert: Convert
    default: Any


def optional(convert: Convert, default: Any = None) -> Optional:
    """Mark a parameter as one that may be left out or null."""
    return Optional(convert, default)


@attrs.frozen
class Method:
    """A method that is served."""

    name: str
    handler: Callable[..., Json]
    params: tuple[tuple[str, Convert | Optional], ...]
    notify: str | None = None
    """For a subscription: the method of its notifications."""

    def read(self, params: Json) -> list[Any]:
        """Return the handler's arguments.

        Raises:
            RpcError: the parameters are not what the method takes.
        """
        names = [name for name, _ in self.params]
        if params is None:
            given: list[Json] = []
        elif isinstance(params, list):
            given = params
        elif isinstance(params, Mapping):
            if unknown := sorted(set(params) - set(names)):
                raise invalid_params(f"unknown: {', '.join(unknown)}; takes {', '.join(names)}")
            given = [params.get(name) for name in names]
        else:
            raise invalid_params("expected a list or an object")
        # A trailing null is how clients write an argument that they leave out.
        while len(given) > len(names) and given[-1] is None:
            given = given[:-1]
        if len(given) > len(names):
            raise invalid_params(f"takes {len(names)} parameters, not {len(given)}")
        given = [*given, *[None] * (len(names) - len(given))]
        read = []
        for (name, convert), value in zip(self.params, given, strict=True):
            try:
                if isinstance(convert, Optional):
                    read.append(convert.default if value is None else convert.convert(value))
                else:
                    read.append(convert(value))
            except ValueError as error:  # also what a library finds wrong with it
                raise invalid_params(f"{name}: {error}") from error
        return read


Handler = TypeVar("Handler", bound=Callable[..., Json])


class Table:
    """Methods by name."""

    def __init__(self, *parts: "Table") -> None:
        self.methods: dict[str, Method] = {}
        self.ends: dict[str, str] = {}
        """Name of an unsubscribing method -> the ``notify`` of the subscriptions that it ends."""
        for part in parts:
            self.methods |= part.methods
            self.ends |= part.ends

    def names(self) -> list[str]:
        """Return every name that is served, sorted."""
        return sorted({*self.methods, *self.ends})

    def method(self, *names: str, **params: Convert | Optional) -> Callable[[Handler], Handler]:
        """Serve a function under a name and its aliases. It is called with the node, then the parameters."""

        def register(handler: Handler) -> Handler:
            for name in names:
                self.methods[name] = Method(name, handler, tuple(params.items()))
            return handler

        return register

    def subscription(
        self,
        names: tuple[str, ...],
        notify: str,
        ends: tuple[str, ...],
        **params: Convert | Optional,
    ) -> Callable[[Handler], Handler]:
        """Serve a subscription. The function is called with the node, the subscription, the parameters."""

        def register(handler: Handler) -> Handler:
            for name in names:
                self.methods[name] = Method(name, handler, tuple(params.items()), notify)
            self.ends |= dict.fromkeys(ends, notify)
            return handler

        return register
