"""Reading what a block's state stores: one item, or all entries of a map."""

from typing import Any, Final, TypeVar

from chain.errors import MismatchError
from chain.library import CODING
from chain.queries import Item
from chain.values import decode, encode
from chain.wire import Wire

__all__ = ["Storage"]

V = TypeVar("V")
PAGE: Final = 500
_CONCAT: Final = {"Blake2_128Concat": 16, "Twox64Concat": 8, "Identity": 0}
"""Bytes of hash before the key itself."""


class Storage(Wire):
    """A connection that reads storage."""

    def _function(self, pallet: str, name: str) -> Any:
        found = self._interface.metadata.get_metadata_pallet(pallet)
        function = found and found.get_storage_function(name)
        if not function:
            raise MismatchError(f"the runtime stores no {pallet}.{name}: compare the versions")
        return function

    def _decoded(self, kind: str, raw: str, metadata: Any = None) -> Any:
        from scalecodec.base import ScaleBytes

        try:
            with CODING:
                scale = self._interface.runtime_config.create_scale_object(
                    kind, ScaleBytes(raw), metadata=metadata
                )
                return scale.decode()
        except Exception as error:
            raise MismatchError(f"{raw[:80]} is no {kind}: {error}") from error

    def _value(self, function: Any, stored: str | None) -> Any:
        if stored is None:
            if function.value["modifier"] != "Default":
                return None
            stored = function.value_object["default"].value_object.hex()
            stored = stored if stored.startswith("0x") else f"0x{stored}"
        return self._decoded(function.get_value_type_string(), stored)

    def _key(self, pallet: str, name: str, keys: tuple[Any, ...]) -> str:
        from substrateinterface.storage import StorageKey

        with CODING:
            key = StorageKey.create_from_storage_function(
                pallet,
                name,
                [encode(each) for each in keys],
                runtime_config=self._interface.runtime_config,
                metadata=self._interface.metadata,
            )
        return f"0x{bytes(key.data).hex()}"

    def _raw(self, pallet: str, name: str, *keys: Any, at: str) -> Any:
        with self._runtime(at):
            function = self._function(pallet, name)
            stored = self.rpc("state_getStorage", self._key(pallet, name, keys), at)
            return self._value(function, stored)

    def read(self, item: Item[V], *keys: Any, at: str | None = None) -> V | None:
        """Return an item's value at a block, the finalised one if None; None where nothing is stored."""
        at = at or self.rpc("chain_getFinalizedHead")
        raw = self._raw(item.pallet, item.name, *keys, at=at)
        found: V | None = None if raw is None else decode(item.value, raw)
        return found

    def entries(
        self, item: Item[V], *keys: Any, at: str | None = None
    ) -> list[tuple[tuple[Any, ...], V]]:
        """Return all entries of a map at a block, or those below its first keys, with their keys.

        Raises:
            MismatchError: one of them cannot be decoded; nothing is left out in silence.
        """
        at = at or self.rpc("chain_getFinalizedHead")
        with self._runtime(at):
            function = self._function(item.pallet, item.name)
            prefix, whole = (
                self._key(item.pallet, item.name, keys),
                self._key(item.pallet, item.name, ()),
            )
            found, start = [], None
            while True:
                page = self.rpc("state_getKeysPaged", prefix, PAGE, start, at)
                if page:
                    [changes] = self.rpc("state_queryStorageAt", page, at)
                    for key, stored in changes["changes"]:
                        read_keys = self._read_keys(item, function, key[len(whole) :])
                        found.append((read_keys, decode(item.value, self._value(function, stored))))
                if len(page) < PAGE:
                    return found
                start = page[-1]

    def _read_keys(self, item: Item[Any], function: Any, rest: str) -> tuple[Any, ...]:
        from scalecodec.base import ScaleBytes

        found = []
        data = bytes.fromhex(rest)
        kinds, hashers = function.get_params_type_string(), function.get_param_hashers()
        for hint, kind, hasher in zip(item.keys, kinds, hashers, strict=True):
            data = data[_CONCAT[hasher] :]
            with CODING:
                scale = self._interface.runtime_config.create_scale_object(kind, ScaleBytes(data))
                found.append(decode(hint, scale.decode(check_remaining=False)))
            data = data[scale.data.offset :]
        return tuple(found)
