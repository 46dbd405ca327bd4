"""``sp_io::storage``: the top trie and its transactions."""

from chain.devchain.host.registry import Host, host_function


@host_function("storage_get")
def get(host: Host, key: int) -> int:
    """Return a key's value."""
    return host.some(host.overlay.get(host.machine.read(key)))


@host_function("storage_read")
def read(host: Host, key: int, out: int, offset: int) -> int:
    """Copy a part of a value into the runtime's buffer; return the length from the offset on."""
    return copy_out(host, host.overlay.get(host.read(key)), out, offset)


def copy_out(host: Host, value: bytes | None, out: int, offset: int) -> int:
    """As :func:`read`, for a value that has been looked up."""
    if value is None:
        return host.machine.give_span(b"\0")
    part = value[offset:]
    host.machine.write_at(out & 0xFFFFFFFF, part[: out >> 32])
    return host.machine.give_span(b"\1" + len(part).to_bytes(4, "little"))


@host_function("storage_set")
def set_value(host: Host, key: int, value: int) -> None:
    """Set a key's value."""
    host.overlay.set(host.machine.read(key), host.machine.read(value))


@host_function("storage_clear")
def clear(host: Host, key: int) -> None:
    """Remove a key."""
    host.overlay.set(host.read(key), None)


@host_function("storage_exists")
def exists(host: Host, key: int) -> int:
    """Say whether a key has a value."""
    return host.overlay.get(host.read(key)) is not None


@host_function("storage_append")
def append(host: Host, key: int, value: int) -> None:
    """Append an encoded item to the vector under a key."""
    host.overlay.append(host.read(key), host.read(value))


@host_function("storage_next_key")
def next_key(host: Host, key: int) -> int:
    """Return the next key in lexicographic order."""
    return host.some(host.overlay.next_key(host.read(key)))


@host_function("storage_clear_prefix")
def clear_prefix_1(host: Host, prefix: int) -> None:
    """Remove all keys with a prefix."""
    host.overlay.remove_prefix(host.read(prefix))


@host_function("storage_clear_prefix", 2)
def clear_prefix_2(host: Host, prefix: int, limit: int) -> int:
    """Remove keys with a prefix, at most so many of the state's."""
    return host.give_killed(host.overlay.remove_prefix(host.read(prefix), host.optional_u32(limit)))


@host_function("storage_clear_prefix", 3)
def clear_prefix_3(host: Host, prefix: int, limit: int, cursor: int) -> int:
    """Remove keys with a prefix, going on from a cursor."""
    return host.give_removed(
        host.overlay.remove_prefix(
            host.read(prefix), host.optional_u32(limit), host.optional_bytes(cursor)
        )
    )


@host_function("storage_root")
def root_1(host: Host) -> int:
    """Return the state root under version 0."""
    return host.machine.give_span(host.overlay.result(0).root)


@host_function("storage_root", 2)
def root_2(host: Host, version: int) -> int:
    """Return the state root under a version."""
    return host.machine.give_span(host.overlay.result(version).root)


@host_function("storage_changes_root")
def changes_root(host: Host, _parent: int) -> int:
    """Return None: change tries are gone, the function stayed."""
    return host.some(None)


@host_function("storage_start_transaction")
def start_transaction(host: Host) -> None:
    """Open a transaction."""
    host.overlay.start()


@host_function("storage_commit_transaction")
def commit_transaction(host: Host) -> None:
    """Keep the innermost transaction's changes."""
    host.overlay.commit()


@host_function("storage_rollback_transaction")
def rollback_transaction(host: Host) -> None:
    """Undo the innermost transaction's changes."""
    host.overlay.rollback()
