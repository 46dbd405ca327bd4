"""Reading events and storage by the runtime's own metadata.

The work is scalecodec's. It takes a quarter of a second to load, so it is imported when something is
first decoded, never when a chain starts.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from chain.devchain.description import Constant, Field, Pallet, StorageItem, Variant
from chain.devchain.errors import UsageError
from chain.devchain.hashing import blake2_128, blake2_256, storage_prefix, twox
from chain.devchain.scale import decode_vec

__all__ = ["EVENTS_KEY", "Event", "Metadata"]

EVENTS_KEY: Final = storage_prefix("System", "Events")

_HASHERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "Blake2_128": blake2_128,
    "Blake2_256": blake2_256,
    "Blake2_128Concat": lambda d: blake2_128(d) + d,
    "Twox128": lambda d: twox(d, 16),
    "Twox256": lambda d: twox(d, 32),
    "Twox64Concat": lambda d: twox(d, 8) + d,
    "Identity": lambda d: d,
}


_HASH_BYTES: Final = {
    "Blake2_128": 16,
    "Blake2_256": 32,
    "Blake2_128Concat": 16,
    "Twox128": 16,
    "Twox256": 32,
    "Twox64Concat": 8,
    "Identity": 0,
}
_OPAQUE: Final = frozenset({"Blake2_128", "Blake2_256", "Twox128", "Twox256"})
"""Hashers that do not keep the key."""


def _plain(value: Any) -> Any:
    """Write bytes as the hexadecimal text that scalecodec wants, at any depth."""
    match value:
        case bytes():
            return f"0x{value.hex()}"
        case Mapping():
            return {k: _plain(v) for k, v in value.items()}
        case list() | tuple():
            return [_plain(v) for v in value]
        case _:
            return value


@attrs.frozen
class Event:
    """Something that a pallet reported."""

    pallet: str
    name: str
    attributes: Any
    """As scalecodec shows them: plain Python values; accounts as SS58 addresses."""
    extrinsic: int | None
    """Index of the extrinsic that it belongs to; None outside of all."""
    phase: str
    """``ApplyExtrinsic``, ``Finalization`` or ``Initialization``."""


class Metadata:
    """A runtime's description of its pallets."""

    def __init__(self, answer: bytes, ss58_format: int = 42) -> None:
        """Decode what ``Metadata_metadata`` returned."""
        from scalecodec.base import RuntimeConfigurationObject, ScaleBytes
        from scalecodec.type_registry import load_type_registry_preset

        self._bytes_class = ScaleBytes
        config = RuntimeConfigurationObject(ss58_format=ss58_format, implements_scale_info=True)
        config.update_type_registry(load_type_registry_preset("core"))
        data, _ = decode_vec(answer)
        self._metadata = config.create_scale_object("MetadataVersioned", data=ScaleBytes(data))
        self._metadata.decode()
        config.add_portable_registry(self._metadata)
        self._config = config

    def _decode(self, kind: str, data: bytes) -> Any:
        scale = self._config.create_scale_object(kind, data=self._bytes_class(data))
        return scale.decode()

    def _function(self, pallet: str, item: str) -> Any:
        found = self._metadata.get_metadata_pallet(pallet)
        function = found and found.get_storage_function(item)
        if not function:
            raise UsageError(f"the runtime has no storage {pallet}.{item}")
        return function

    def pallets(self) -> list[str]:
        """Return the names of the pallets."""
        return [pallet.value["name"] for pallet in self._metadata.pallets]

    def storage_items(self, pallet: str) -> list[str]:
        """Return the names of a pallet's storage items."""
        found = self._metadata.get_metadata_pallet(pallet)
        storage = found and found.storage
        return [function.value["name"] for function in storage] if storage else []

    def describe(self) -> list[Pallet]:
        """Return everything that the runtime says of its pallets, in its order."""
        return [
            Pallet(
                name=pallet.value["name"],
                index=pallet.value["index"],
                calls=_variants(pallet.calls),
                events=_variants(pallet.events),
                errors=_variants(pallet.errors),
                constants=tuple(
                    Constant(c.value["name"], self._decode(c.type, c.constant_value))
                    for c in pallet.constants or ()
                ),
                storage=tuple(
                    StorageItem(
                        item.value["name"],
                        tuple(item.get_param_hashers()) if item.get_params_type_string() else (),
                        _first_line(item.value),
                    )
                    for item in pallet.storage or ()
                ),
            )
            for pallet in self._metadata.pallets
        ]

    def decode_keys(self, pallet: str, item: str, key: bytes) -> list[Any]:
        """Return the keys of a map's entry; those whose hash alone is stored, as that hash in hex.

        Args:
            key: the entry's whole key.

        Raises:
            UsageError: there is no such item, or the key is not one of its entries.
        """
        function = self._function(pallet, item)
        kinds, hashers = function.get_params_type_string(), function.get_param_hashers()
        prefix = self.storage_key(pallet, item)
        if not key.startswith(prefix):
            raise UsageError(f"0x{key.hex()} is no entry of {pallet}.{item}")
        rest, found = key[len(prefix) :], []
        for kind, hasher in zip(kinds, hashers, strict=True):
            size = _HASH_BYTES[hasher]
            hash_, rest = rest[:size], rest[size:]
            if hasher in _OPAQUE:
                found.append(f"0x{hash_.hex()}")
                continue
            scale = self._config.create_scale_object(kind, data=self._bytes_class(rest))
            found.append(scale.decode(check_remaining=False))
            rest = rest[scale.data.offset :]
        return found

    def storage_key(self, pallet: str, item: str, *keys: Any) -> bytes:
        """Return the key under which an item is stored; with fewer keys than it has, a prefix.

        Raises:
            UsageError: there is no such item, or it has fewer keys.
        """
        function = self._function(pallet, item)
        kinds, hashers = function.get_params_type_string(), function.get_param_hashers()
        if len(keys) > len(kinds):
            raise UsageError(f"{pallet}.{item} takes {len(kinds)} keys, not {len(keys)}")
        prefix = storage_prefix(
            self._metadata.get_metadata_pallet(pallet).value["storage"]["prefix"], item
        )
        for key, kind, hasher in zip(keys, kinds, hashers, strict=False):
            scale = self._config.create_scale_object(kind)
            encoded = bytes(scale.encode(f"0x{key.hex()}" if isinstance(key, bytes) else key).data)
            prefix += _HASHERS[hasher](encoded)
        return prefix

    def encode_call(self, pallet: str, call: str, arguments: Mapping[str, Any]) -> bytes:
        """Encode a call by the names of its pallet, itself and its arguments.

        Raises:
            UsageError: there is no such call, or an argument is missing or of another type.
        """
        scale = self._config.create_scale_object("Call", metadata=self._metadata)
        named = {"call_module": pallet, "call_function": call, "call_args": _plain(arguments)}
        try:
            return bytes(scale.encode(named).data)
        except Exception as error:
            raise UsageError(f"{pallet}.{call} cannot be encoded: {error}") from error

    def transaction_extensions(self) -> list[tuple[str, bool]]:
        """Return name, and whether it adds bytes, of each transaction extension, in order."""
        extensions = self._metadata[1][1]["extrinsic"]["signed_extensions"]
        found = []
        for extension in extensions:
            value = extension.value
            kind = self._config.get_decoder_class(f"scale_info::{value['ty']}")
            found.append((str(value["identifier"]), bool(kind.type_mapping)))
        return found

    def decode_storage(self, pallet: str, item: str, value: bytes | None) -> Any:
        """Decode a stored value; an absent one is the item's default, or None where it has none."""
        function = self._function(pallet, item)
        if value is None:
            if function.value["modifier"] != "Default":
                return None
            value = bytes.fromhex(function.value_object["default"].value_object.hex())
        return self._decode(function.get_value_type_string(), value)

    def decode_events(self, value: bytes | None) -> list[Event]:
        """Decode ``System.Events``."""
        if not value:
            return []
        records = self._decode(self._function("System", "Events").get_value_type_string(), value)
        return [
            Event(
                pallet=record["module_id"],
                name=record["event_id"],
                attributes=record["attributes"],
                extrinsic=record["extrinsic_idx"],
                phase=record["phase"],
            )
            for record in records
        ]


def _first_line(value: Any) -> str:
    docs = value.get("docs") or [""]
    return str(docs[0]).strip()


def _variants(found: Any) -> tuple[Variant, ...]:
    return tuple(
        Variant(
            name=each.value["name"],
            index=each.value["index"],
            fields=tuple(
                Field(f["name"], f["typeName"] or str(f["type"])) for f in each.value["fields"]
            ),
            docs=_first_line(each.value),
        )
        for each in found or ()
    )
