"""Whether an extrinsic was carried out or refused: read from the events of its block.

substrate-interface names a reason for errors of pallets alone; ``Token``, ``Arithmetic``, ``BadOrigin`` and the like it
gives as none at all. So the event is read here.
"""

from typing import Any

from chain.errors import DispatchError, MismatchError, dispatch_error
from chain.events import Event, Other

__all__ = ["refusal_in"]


def refusal_in(events: list[Event | Other], call: str, metadata: Any) -> DispatchError | None:
    """Return why an extrinsic was refused, given its events; None where it was carried out.

    A call made as root succeeds on the outside when the call inside was refused, so ``Sudo.Sudid`` is read too.
    """
    for event in events:
        match event:
            case Other("System", "ExtrinsicFailed", {"dispatch_error": raw}):
                return _read_dispatch_error(raw, call, metadata)
            case Other("Sudo", "Sudid", {"sudo_result": {"Err": raw}}):
                return _read_dispatch_error(raw, call, metadata)
    return None


def _read_dispatch_error(raw: Any, call: str, metadata: Any) -> DispatchError:
    match raw:
        case str():
            return dispatch_error("Dispatch", raw, call)
        case {"Module": {"index": int(index), "error": error}}:
            number = error if isinstance(error, int) else bytes.fromhex(error[2:])[0]
            for pallet in metadata.pallets:
                if pallet.value["index"] == index and pallet.errors:
                    for variant in pallet.errors:
                        if variant.value["index"] == number:
                            return dispatch_error(pallet.value["name"], variant.value["name"], call)
            return dispatch_error(f"pallet {index}", f"error {number}", call)
        case dict() if len(raw) == 1:
            [(kind, variant)] = raw.items()
            return dispatch_error(str(kind), str(variant), call)
    raise MismatchError(f"{raw!r} is no refusal: compare the versions")
