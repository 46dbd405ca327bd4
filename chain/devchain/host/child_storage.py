"""``sp_io::default_child_storage``: child tries, each named by a key of its own."""

from chain.devchain.host.registry import Host, host_function
from chain.devchain.host.storage import copy_out
from chain.devchain.overlay import Removed


@host_function("default_child_storage_get")
def get(host: Host, child: int, key: int) -> int:
    """Return a key's value."""
    return host.some(host.overlay.child_get(host.read(child), host.read(key)))


@host_function("default_child_storage_read")
def read(host: Host, child: int, key: int, out: int, offset: int) -> int:
    """Copy a part of a value into the runtime's buffer; return the length from the offset on."""
    return copy_out(host, host.overlay.child_get(host.read(child), host.read(key)), out, offset)


@host_function("default_child_storage_set")
def set_value(host: Host, child: int, key: int, value: int) -> None:
    """Set a key's value."""
    host.overlay.child_set(host.read(child), host.read(key), host.read(value))


@host_function("default_child_storage_clear")
def clear(host: Host, child: int, key: int) -> None:
    """Remove a key."""
    host.overlay.child_set(host.read(child), host.read(key), None)


@host_function("default_child_storage_exists")
def exists(host: Host, child: int, key: int) -> int:
    """Say whether a key has a value."""
    return host.overlay.child_get(host.read(child), host.read(key)) is not None


@host_function("default_child_storage_next_key")
def next_key(host: Host, child: int, key: int) -> int:
    """Return the next key in lexicographic order."""
    return host.some(host.overlay.child_next_key(host.read(child), host.read(key)))


def _kill(host: Host, child: int, limit: int | None, cursor: bytes | None = None) -> Removed:
    return host.overlay.child_remove_prefix(host.read(child), b"", limit, cursor)


@host_function("default_child_storage_storage_kill")
def storage_kill_1(host: Host, child: int) -> None:
    """Remove a child trie."""
    _kill(host, child, None)


@host_function("default_child_storage_storage_kill", 2)
def storage_kill_2(host: Host, child: int, limit: int) -> int:
    """Remove keys of a child trie; say whether all are gone."""
    return _kill(host, child, host.optional_u32(limit)).cursor is None


@host_function("default_child_storage_storage_kill", 3)
def storage_kill_3(host: Host, child: int, limit: int) -> int:
    """Remove keys of a child trie; return how many were looked at."""
    return host.give_killed(_kill(host, child, host.optional_u32(limit)))


@host_function("default_child_storage_storage_kill", 4)
def storage_kill_4(host: Host, child: int, limit: int, cursor: int) -> int:
    """Remove keys of a child trie, going on from a cursor."""
    removed = _kill(host, child, host.optional_u32(limit), host.optional_bytes(cursor))
    return host.give_removed(removed)


@host_function("default_child_storage_clear_prefix")
def clear_prefix_1(host: Host, child: int, prefix: int) -> None:
    """Remove all keys with a prefix."""
    host.overlay.child_remove_prefix(host.read(child), host.read(prefix))


@host_function("default_child_storage_clear_prefix", 2)
def clear_prefix_2(host: Host, child: int, prefix: int, limit: int) -> int:
    """Remove keys with a prefix, at most so many of the state's."""
    return host.give_killed(
        host.overlay.child_remove_prefix(
            host.read(child), host.read(prefix), host.optional_u32(limit)
        )
    )


@host_function("default_child_storage_clear_prefix", 3)
def clear_prefix_3(host: Host, child: int, prefix: int, limit: int, cursor: int) -> int:
    """Remove keys with a prefix, going on from a cursor."""
    return host.give_removed(
        host.overlay.child_remove_prefix(
            host.read(child),
            host.read(prefix),
            host.optional_u32(limit),
            host.optional_bytes(cursor),
        )
    )


@host_function("default_child_storage_root")
def root_1(host: Host, child: int) -> int:
    """Return a child trie's root under version 0."""
    return host.machine.give_span(host.overlay.child_root(host.read(child), 0))


@host_function("default_child_storage_root", 2)
def root_2(host: Host, child: int, version: int) -> int:
    """Return a child trie's root under a version."""
    return host.machine.give_span(host.overlay.child_root(host.read(child), version))
