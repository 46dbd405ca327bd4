"""Where the runtime and this client disagree.

Theory of operation: the runtime's metadata names every call, event, error and stored item with the full tree of
its types. :func:`shape` writes a type of the metadata in one line, with newtypes removed and accounts and
hashes by name; :func:`chain.values.shape_of` writes the same of our classes. :func:`differences` compares
all of them, so a renamed call, a changed width, a field more or less, and an error for which there is no next
action are each one line of its answer.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from chain.calls import Call, escrow, frame, registry, reputation
from chain.calls.frame import Sudo
from chain.events.known import COMPLETE, KNOWN
from chain.meanings import MEANINGS
from chain.queries import ITEMS
from chain.refusals import REFUSALS
from chain.values import fields_of, shape_of

__all__ = ["differences", "shape"]

CALLS: Final[tuple[type[Call], ...]] = (
    *(registry.CALLS + reputation.CALLS + escrow.CALLS + frame.CALLS),
)
_NAMED: Final = {
    "AccountId32": "AccountId",
    "MultiAddress": "AccountId",
    "H256": "H256",
    "MultiSignature": "MultiSignature",
    "RuntimeCall": "Call",
}
"""Types that our side has one name for. An address is an account: there are no indices on this chain."""
_FRAME_ERRORS: Final = {
    "Dispatch": ("sp_runtime", "DispatchError"),
    "Token": ("sp_runtime", "TokenError"),
    "Arithmetic": ("sp_arithmetic", "ArithmeticError"),
    "Transactional": ("sp_runtime", "TransactionalError"),
    "Trie": ("sp_runtime", "proving_trie", "TrieError"),
}


def shape(types: Mapping[int, Any], number: int) -> str:
    """Return a type of the metadata in one line.

    Args:
        types: the metadata's types by number.
    """
    kind = types[number]
    path, definition = kind["path"], kind["def"]
    if path and path[-1] in _NAMED:
        return _NAMED[path[-1]]
    match definition:
        case {"primitive": name}:
            return str(name).lower()
        case {"sequence": {"type": item}}:
            return f"Vec<{shape(types, item)}>"
        case {"array": {"len": length, "type": item}}:
            return f"[{shape(types, item)}; {length}]"
        case {"compact": {"type": item}}:
            return shape(types, item)
        case {"tuple": items}:
            return f"({', '.join(shape(types, item) for item in items)})"
        case {"composite": {"fields": fields}}:
            return _fields(types, fields)
        case {"variant": {"variants": variants}}:
            if path == ["Option"]:
                return f"Option<{shape(types, variants[1]['fields'][0]['type'])}>"
            return f"enum({'|'.join(_variant(types, each) for each in variants)})"
    return f"unknown {definition}"


def _variant(types: Mapping[int, Any], variant: Any) -> str:
    inside = _fields(types, variant["fields"]) if variant["fields"] else ""
    return f"{variant['name']}: {inside}" if inside else str(variant["name"])


def _fields(types: Mapping[int, Any], fields: Any) -> str:
    if len(fields) == 1 and fields[0]["name"] is None:
        return shape(types, fields[0]["type"])
    inside = (f"{field['name']}: {shape(types, field['type'])}" for field in fields)
    return f"{{{', '.join(inside)}}}"


def differences(metadata: Any) -> list[str]:
    """Return every disagreement, in words; an empty list where there is none.

    Args:
        metadata: the SCALE library's decoded metadata, version 14.
    """
    found = metadata.portable_registry.value["types"]
    types = {each["id"]: each["type"] for each in found}
    pallets = {pallet.value["name"]: pallet for pallet in metadata.pallets}
    return [
        *_calls(types, pallets),
        *_events(types, pallets),
        *_items(types, pallets),
        *_errors(types, pallets),
    ]


def _calls(types: Mapping[int, Any], pallets: Mapping[str, Any]) -> Iterator[str]:
    chain = {
        f"{name}.{call.value['name']}": {
            field["name"]: shape(types, field["type"]) for field in call.value["fields"]
        }
        for name, pallet in pallets.items()
        for call in pallet.calls or ()
    }
    ours = {
        f"{kind.pallet}.{kind.function()}": {
            wire: "Call" if kind is Sudo else shape_of(hint)
            for wire, (_, hint) in fields_of(kind).items()
        }
        for kind in CALLS
    }
    yield from _compare("call", ours, chain)


def _events(types: Mapping[int, Any], pallets: Mapping[str, Any]) -> Iterator[str]:
    chain = {
        f"{name}.{event.value['name']}": {
            field["name"]: shape(types, field["type"]) for field in event.value["fields"]
        }
        for name, pallet in pallets.items()
        for event in pallet.events or ()
    }
    ours = {
        f"{pallet}.{name}": {wire: shape_of(hint) for wire, (_, hint) in fields_of(kind).items()}
        for pallet, kinds in KNOWN.items()
        for name, kind in kinds.items()
    }
    yield from _compare("event", ours, chain)


def _items(types: Mapping[int, Any], pallets: Mapping[str, Any]) -> Iterator[str]:
    chain = {}
    for name, pallet in pallets.items():
        for item in pallet.value["storage"]["entries"] if pallet.value["storage"] else ():
            shapes = {}
            match item["type"]:
                case {"Map": {"key": key, "value": value}}:
                    shapes = {"key": shape(types, key), "value": shape(types, value)}
                case {"Plain": value}:
                    shapes = {"key": "()", "value": shape(types, value)}
            chain[f"{name}.{item['name']}"] = shapes
    ours = {
        f"{item.pallet}.{item.name}": {"key": item.key_shape(), "value": shape_of(item.value)}
        for item in ITEMS
    }
    yield from _compare("item", ours, chain)


def _compare(
    what: str, ours: Mapping[str, Mapping[str, str]], chain: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    for name, shapes in ours.items():
        if name not in chain:
            yield f"{what} {name}: the runtime has none"
        elif list(shapes.items()) != list(chain[name].items()):
            yield f"{what} {name}: we have {dict(shapes)}, the runtime has {chain[name]}"
    if what != "item":
        for name in chain:
            if name.split(".")[0] in COMPLETE and name not in ours:
                yield f"{what} {name}: this client has none"


def _errors(types: Mapping[int, Any], pallets: Mapping[str, Any]) -> Iterator[str]:
    chain = {
        name: {error.value["name"]: _told(error.value) for error in pallet.errors}
        for name, pallet in pallets.items()
        if pallet.errors
    }
    by_path = {tuple(kind["path"]): kind for kind in types.values()}
    for name, path in _FRAME_ERRORS.items():
        variants = by_path[path]["def"]["variant"]["variants"]
        # A variant with something in it leads to a table of its own.
        chain[name] = {each["name"]: _told(each) for each in variants if not each["fields"]}
    for name, told in chain.items():
        known, meant = REFUSALS.get(name, {}), MEANINGS.get(name, {})
        yield from (f"error {name}.{each}: no next action" for each in told if each not in known)
        yield from (
            f"error {name}.{each}: the runtime has none" for each in known if each not in told
        )
        yield from (
            f"error {name}.{each}: we say {meant.get(each)!r}, the runtime {text!r}"
            for each, text in told.items()
            if each in known and (meant.get(each) != text if text else not meant.get(each))
        )
    yield from (
        f"errors of {name}: the runtime has no such pallet"
        for name in {**REFUSALS, **MEANINGS}
        if name not in chain
    )


def _told(variant: Any) -> str:
    """Return a variant's documentation as one line."""
    return " ".join(line.strip() for line in variant["docs"] if line.strip())
