"""``sp_io::{misc, logging, panic_handler, transaction_index, wasm_tracing}``."""

import logging

from chain.devchain.blob import version_of
from chain.devchain.errors import BlobError, HostFunctionError
from chain.devchain.host.registry import Host, host_function

_LOG = logging.getLogger("devchain.runtime")
_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG, logging.DEBUG - 5)
"""``RuntimeInterfaceLogLevel``: error, warn, info, debug, trace. As a filter, one more; 0 is off."""
_ERROR = 0


@host_function("misc_print_num")
def print_num(_host: Host, number: int) -> None:
    """Log a number."""
    _LOG.debug("%d", number)


@host_function("misc_print_utf8")
def print_utf8(host: Host, text: int) -> None:
    """Log a text."""
    _LOG.debug("%s", host.read(text).decode(errors="replace"))


@host_function("misc_print_hex")
def print_hex(host: Host, data: int) -> None:
    """Log bytes."""
    _LOG.debug("%s", host.read(data).hex())


@host_function("misc_runtime_version")
def runtime_version(host: Host, code: int) -> int:
    """Return the version that a runtime's blob embeds, or None."""
    try:
        return host.some(version_of(host.read(code)))
    except BlobError:
        return host.some(None)


@host_function("logging_log")
def log(host: Host, level: int, target: int, message: int) -> None:
    """Log a message; an error is kept as the reason of the trap that mostly follows it."""
    text = host.read(message).decode(errors="replace")
    if level == _ERROR:
        host.panic = text
    # An error is the last word before a trap, which tells the caller: here it would be said twice.
    python = logging.INFO if level == _ERROR else _LEVELS[min(level, len(_LEVELS) - 1)]
    _LOG.log(python, "%s: %s", host.read(target).decode(errors="replace"), text)


@host_function("logging_max_level")
def max_level(_host: Host) -> int:
    """Return the filter of what is listened to, from 0 (off) to 5 (trace); errors always are."""
    wanted = _LOG.getEffectiveLevel()
    return max(1, sum(python >= wanted for python in _LEVELS))


@host_function("panic_handler_abort_on_panic")
def abort_on_panic(host: Host, message: int) -> None:
    """Trap, with the panic's message."""
    host.panic = host.read(message).decode(errors="replace")
    raise HostFunctionError(host.panic)


@host_function("transaction_index_index")
def index(_host: Host, _extrinsic: int, _size: int, _hash: int) -> None:
    """Do nothing: there is no archive of indexed transactions."""


@host_function("transaction_index_renew")
def renew(_host: Host, _extrinsic: int, _hash: int) -> None:
    """Do nothing, as above."""


@host_function("wasm_tracing_enabled")
def tracing_enabled(_host: Host, _metadata: int) -> int:
    """Say that nobody traces."""
    return 0


@host_function("wasm_tracing_enter_span")
def tracing_enter(_host: Host, _span: int) -> int:
    """Return no span."""
    return 0


@host_function("wasm_tracing_event")
def tracing_event(_host: Host, _event: int) -> None:
    """Do nothing."""


@host_function("wasm_tracing_exit")
def tracing_exit(_host: Host, _span: int) -> None:
    """Do nothing."""
