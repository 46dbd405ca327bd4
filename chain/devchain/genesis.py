"""The first state and block, made by the runtime itself from a named preset.

A preset is a patch in JSON to the runtime's default configuration; patches are merged by RFC 7386. The
same runtime and preset give the same genesis hash here and on a real node.

A **salt** tells apart two chains that are otherwise alike: what was signed for one (era, genesis hash) is
then no good on the other. It is put into storage under :data:`SALT_KEY`, which no pallet reads.
"""

import json
from collections.abc import Mapping
from typing import Any

from chain.devchain.block import Block, encode_header, extrinsics_root
from chain.devchain.errors import UsageError
from chain.devchain.executor import Executor
from chain.devchain.overlay import Overlay
from chain.devchain.scale import decode_compact, decode_vec, encode_vec
from chain.devchain.state import EMPTY, Changes, State

__all__ = ["CODE_KEY", "SALT_KEY", "build_genesis", "merge_patch", "preset_names"]

CODE_KEY = b":code"
SALT_KEY = b":devchain:salt"
"""Where a salted chain keeps its salt."""

Json = dict[str, Any]


def merge_patch(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch: objects merge, null removes, anything else replaces.

    Source: RFC 7386, section 2.
    """
    if not isinstance(patch, Mapping):
        return patch
    result: Json = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def preset_names(executor: Executor) -> list[str]:
    """Return the names of the presets that a runtime offers."""
    data = executor.read("GenesisBuilder_preset_names", b"", EMPTY)
    count, at = decode_compact(data)
    names = []
    for _ in range(count):
        name, at = decode_vec(data, at)
        names.append(name.decode())
    return names


def _preset(executor: Executor, name: str | None) -> Json:
    argument = b"\0" if name is None else b"\1" + encode_vec(name.encode())
    data = executor.read("GenesisBuilder_get_preset", argument, EMPTY)
    if not data[0]:
        known = ", ".join(preset_names(executor)) or "none"
        raise UsageError(f"the runtime has no preset {name!r}; it offers: {known}")
    preset: Json = json.loads(decode_vec(data, 1)[0])
    return preset


def build_genesis(
    executor: Executor, preset: str | None, patch: Mapping[str, Any] | None, salt: bytes | None
) -> tuple[Block, State, Changes]:
    """Return the first block, its state, and all that is in it.

    Args:
        preset: name of a preset of the runtime; None for its bare default.
        patch: merged onto the preset.
        salt: up to 32 bytes; None for the same chain as everybody's.

    Raises:
        UsageError: there is no such preset, or the runtime refused the configuration.
    """
    config = _preset(executor, None)
    if preset is not None:
        config = merge_patch(config, _preset(executor, preset))
    config = merge_patch(config, patch or {})
    overlay = Overlay(EMPTY)
    overlay.set(CODE_KEY, executor.code)
    if salt is not None:
        overlay.set(SALT_KEY, salt)
    answer = executor.call(
        "GenesisBuilder_build_state", encode_vec(json.dumps(config).encode()), overlay
    )
    if answer[0]:
        why = decode_vec(answer, 1)[0].decode(errors="replace")
        raise UsageError(f"the runtime refused the genesis configuration: {why}")
    version = executor.state_version
    state = overlay.result(version)
    header = encode_header(bytes(32), 0, state.root, extrinsics_root((), 0))
    return Block.of(header, ()), state, overlay.changes()
