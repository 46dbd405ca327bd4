import functools
import hashlib
import inspect
import re
import struct
from typing import Any

import coincurve
import pytest

from chain.devchain.errors import DevChainError, HostFunctionError
from chain.devchain.host import Host, host_functions
from chain.devchain.scale import encode_compact, encode_vec
from chain.devchain.state import EMPTY, Changes
from tests.support.extrinsics import ACCOUNTS, Key
from tests.support.host import HostHarness
from tests.support.trie_oracle import whole_root
from tests.support.vectors import load_vectors

# Every function that sp-io 48 (polkadot-stable2606) registers, with the number of its arguments.
SP_IO = {
    "storage": "get:1 read:3 set:2 clear:1 exists:1 clear_prefix:1 clear_prefix@2:2 clear_prefix@3:3"
    " append:2 root:0 root@2:1 changes_root:1 next_key:1 start_transaction:0 rollback_transaction:0"
    " commit_transaction:0",
    "default_child_storage": "get:2 read:4 set:3 clear:2 storage_kill:1 storage_kill@2:2"
    " storage_kill@3:2 storage_kill@4:3 exists:2 clear_prefix:2 clear_prefix@2:3 clear_prefix@3:4"
    " root:1 root@2:2 next_key:2",
    "trie": "blake2_256_root:1 blake2_256_root@2:2 blake2_256_ordered_root:1"
    " blake2_256_ordered_root@2:2 keccak_256_root:1 keccak_256_root@2:2 keccak_256_ordered_root:1"
    " keccak_256_ordered_root@2:2 blake2_256_verify_proof:4 blake2_256_verify_proof@2:5"
    " keccak_256_verify_proof:4 keccak_256_verify_proof@2:5",
    "misc": "print_num:1 print_utf8:1 print_hex:1 runtime_version:1",
    "crypto": "ed25519_public_keys:1 ed25519_generate:2 ed25519_sign:3 ed25519_verify:3"
    " ed25519_batch_verify:3 sr25519_verify@2:3 sr25519_batch_verify:3 start_batch_verify:0"
    " finish_batch_verify:0 sr25519_public_keys:1 sr25519_generate:2 sr25519_sign:3 sr25519_verify:3"
    " ecdsa_public_keys:1 ecdsa_generate:2 ecdsa_sign:3 ecdsa_sign_prehashed:3 ecdsa_verify:3"
    " ecdsa_verify@2:3 ecdsa_verify_prehashed:3 ecdsa_batch_verify:3 secp256k1_ecdsa_recover:2"
    " secp256k1_ecdsa_recover@2:2 secp256k1_ecdsa_recover_compressed:2"
    " secp256k1_ecdsa_recover_compressed@2:2 bls381_generate:2"
    " bls381_generate_proof_of_possession:3 ecdsa_bls381_generate:2 bandersnatch_generate:2"
    " bandersnatch_sign:3",
    "hashing": "keccak_256:1 keccak_512:1 sha2_256:1 blake2_128:1 blake2_256:1 twox_256:1"
    " twox_128:1 twox_64:1",
    "transaction_index": "index:3 renew:2",
    "offchain_index": "set:2 clear:1",
    "offchain": "is_validator:0 submit_transaction:1 network_state:0 timestamp:0 sleep_until:1"
    " random_seed:0 local_storage_set:3 local_storage_clear:2 local_storage_compare_and_set:4"
    " local_storage_get:2 http_request_start:3 http_request_add_header:3 http_request_write_body:3"
    " http_response_wait:2 http_response_headers:1 http_response_read_body:3 set_authorized_nodes:2",
    "panic_handler": "abort_on_panic:1",
    "logging": "log:3 max_level:0",
    "wasm_tracing": "enabled:1 enter_span:1 event:1 exit:1",
}
IMPORTS = [
    (f"ext_{interface}_{name.partition('@')[0]}_version_{name.partition('@')[2] or 1}", int(arity))
    for interface, functions in SP_IO.items()
    for name, _, arity in (f.partition(":") for f in functions.split())
]


@pytest.fixture
def harness() -> HostHarness:
    return HostHarness()


def test_every_function_that_a_runtime_may_import_is_here_and_no_other() -> None:
    assert sorted(host_functions(Host())) == sorted(name for name, _ in IMPORTS)


@pytest.mark.parametrize(("name", "arity"), IMPORTS)
def test_every_function_takes_as_many_arguments_as_its_import(
    harness: HostHarness, name: str, arity: int
) -> None:
    function = harness.functions[name]
    assert isinstance(function, functools.partial)
    inspect.signature(function).bind(*[0] * arity)


HASHES = [
    # Of the empty input; published with each function.
    ("hashing_keccak_256_version_1", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
    ("hashing_sha2_256_version_1", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("hashing_blake2_256_version_1", "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"),
    ("hashing_blake2_128_version_1", "cae66941d9efbd404e4d88758ea67670"),
    ("hashing_twox_64_version_1", "99e9d85137db46ef"),
    ("hashing_twox_128_version_1", "99e9d85137db46ef4bbea33613baafd5"),
    ("hashing_keccak_512_version_1", "0eab42de4c3ceb9235fc91acffe746b29c29a8c366b7c60e4e67c466f36a4304c00fa9caf9d87976ba469bcbe06713b435f091ef2769fb160cdab33d3670680e"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "digest"), HASHES)
def test_hashes_of_nothing_are_the_published_ones(
    harness: HostHarness, name: str, digest: str
) -> None:
    expected = bytes.fromhex(digest)
    assert harness.bytes_at(len(expected), name, harness.span(b"")) == expected


def test_twox_128_makes_the_known_prefix_of_system() -> None:
    harness = HostHarness()
    prefix = harness.bytes_at(16, "hashing_twox_128_version_1", harness.span(b"System"))
    assert prefix.hex() == "26aa394eea5630e07c48ae0c9558cef7"


def test_reading_copies_no_more_than_the_buffer_holds_and_says_how_much_there_is() -> None:
    harness = HostHarness(EMPTY.apply(Changes({b"key": b"0123456789"}), 1))
    out = harness.span(b"........")
    for offset, left, copied in [(0, 10, b"01234567"), (7, 3, b"78934567"), (99, 0, b"78934567")]:
        answer = harness.bytes_of("storage_read_version_1", harness.span(b"key"), out, offset)
        assert answer == b"\1" + struct.pack("<I", left)
        assert harness.machine.read(out) == copied
    assert harness.bytes_of("storage_read_version_1", harness.span(b"none"), out, 0) == b"\0"


def test_storage_is_written_read_and_removed() -> None:
    harness = HostHarness()
    key = harness.span(b"key")
    harness.call("storage_set_version_1", key, harness.span(b"value"))
    assert harness.bytes_of("storage_get_version_1", key) == b"\1" + encode_vec(b"value")
    assert harness.call("storage_exists_version_1", key) == 1
    harness.call("storage_append_version_1", harness.span(b"list"), harness.span(b"A"))
    assert harness.bytes_of("storage_next_key_version_1", key) == b"\1" + encode_vec(b"list")
    for version in (0, 1):
        root = harness.bytes_of("storage_root_version_2", version)
        assert root == whole_root({b"key": b"value", b"list": b"\x04A"}, version)
    harness.call("storage_start_transaction_version_1")
    harness.call("storage_clear_version_1", key)
    assert harness.bytes_of("storage_get_version_1", key) == b"\0"
    harness.call("storage_rollback_transaction_version_1")
    assert harness.call("storage_exists_version_1", key) == 1


def test_clearing_a_prefix_answers_in_both_forms() -> None:
    state = EMPTY.apply(Changes({b"p" + bytes([i]): b"v" for i in range(3)}), 1)
    two = b"\1" + struct.pack("<I", 2)
    harness = HostHarness(state)
    answer = harness.bytes_of(
        "storage_clear_prefix_version_2", harness.span(b"p"), harness.span(two)
    )
    assert answer == b"\1" + struct.pack("<I", 2)
    harness = HostHarness(state)
    none = harness.span(b"\0")
    answer = harness.bytes_of(
        "storage_clear_prefix_version_3", harness.span(b"p"), harness.span(two), none
    )
    assert answer == b"\1" + encode_vec(b"p\2") + struct.pack("<III", 2, 2, 2)
    cursor = harness.span(b"\1" + encode_vec(b"p\2"))
    answer = harness.bytes_of("storage_clear_prefix_version_3", harness.span(b"p"), none, cursor)
    assert answer == b"\0" + struct.pack("<III", 1, 1, 1)


def test_child_tries_answer_like_the_top_trie() -> None:
    harness = HostHarness()
    child, key = harness.span(b"c"), harness.span(b"key")
    prefix = "default_child_storage_"
    harness.call(f"{prefix}set_version_1", child, key, harness.span(b"value"))
    assert harness.bytes_of(f"{prefix}get_version_1", child, key) == b"\1" + encode_vec(b"value")
    assert harness.call(f"{prefix}exists_version_1", child, key) == 1
    root = harness.bytes_of(f"{prefix}root_version_2", child, 1)
    assert root == whole_root({b"key": b"value"}, 1)
    assert harness.bytes_of(f"{prefix}next_key_version_1", child, harness.span(b"")) == (
        b"\1" + encode_vec(b"key")
    )
    killed = harness.bytes_of(f"{prefix}storage_kill_version_3", child, harness.span(b"\0"))
    assert killed == b"\0" + bytes(4)  # what only the overlay held is not counted
    assert harness.call(f"{prefix}exists_version_1", child, key) == 0


@pytest.mark.parametrize("version", [0, 1])
def test_roots_of_lists_are_keyed_by_compact_indices(harness: HostHarness, version: int) -> None:
    values = [bytes([i]) * i for i in range(70)]
    data = encode_compact(len(values)) + b"".join(encode_vec(v) for v in values)
    expected = whole_root({encode_compact(i): v for i, v in enumerate(values)}, version)
    root = harness.bytes_at(
        32, "trie_blake2_256_ordered_root_version_2", harness.span(data), version
    )
    assert root == expected


@pytest.mark.parametrize("scheme", ["sr25519", "ed25519"])
def test_a_signature_is_good_for_its_message_and_key_alone(
    harness: HostHarness, scheme: str
) -> None:
    alice, bob = Key("Alice", scheme), Key("Bob", scheme)
    signature = alice.sign(b"message")[1:]
    name = f"crypto_{scheme}_verify_version_{2 if scheme == 'sr25519' else 1}"

    def verify(signature: bytes, message: bytes, public: bytes) -> int:
        return harness.call(
            name, harness.pointer(signature), harness.span(message), harness.pointer(public)
        )

    for _ in range(2):  # the second time from memory
        assert verify(signature, b"message", alice.public) == 1
        assert verify(signature, b"massage", alice.public) == 0
        assert verify(signature, b"message", bob.public) == 0
        assert verify(bytes(64), b"message", alice.public) == 0
        assert verify(b"\xff" * 64, b"message", b"\xff" * 32) == 0


def test_ed25519_follows_zip_215_in_the_corners() -> None:
    # A key and R of small order: refused by RFC 8032's cofactorless check, taken by ZIP 215.
    harness = HostHarness()
    small = bytes.fromhex("0100000000000000000000000000000000000000000000000000000000000000")
    arguments = harness.pointer(small + bytes(32)), harness.span(b"x"), harness.pointer(small)
    assert harness.call("crypto_ed25519_verify_version_1", *arguments) == 1


def test_a_secp256k1_key_is_recovered_in_both_forms() -> None:
    harness = HostHarness()
    private = coincurve.PrivateKey(b"\7" * 32)
    digest = hashlib.sha256(b"x").digest()
    signature = private.sign_recoverable(digest, hasher=None)
    short, long = private.public_key.format(), private.public_key.format(compressed=False)[1:]
    for version in (1, 2):
        for recovery_id in (signature[64], signature[64] + 27):
            arguments = (
                harness.pointer(signature[:64] + bytes([recovery_id])),
                harness.pointer(digest),
            )
            name = f"crypto_secp256k1_ecdsa_recover_version_{version}"
            assert harness.bytes_of(name, *arguments) == b"\0" + long
            name = f"crypto_secp256k1_ecdsa_recover_compressed_version_{version}"
            assert harness.bytes_of(name, *arguments) == b"\0" + short
    message = b"substrate hashes it with blake2"
    signature = private.sign_recoverable(
        hashlib.blake2b(message, digest_size=32).digest(), hasher=None
    )
    for version in (1, 2):
        assert harness.call(
            f"crypto_ecdsa_verify_version_{version}",
            harness.pointer(signature),
            harness.span(message),
            harness.pointer(short),
        )


@pytest.mark.parametrize(
    ("signature", "error"),
    [
        (bytes(64) + b"\4", b"\1\1"),  # BadV
        (b"\xff" * 64 + b"\0", b"\1\0"),  # BadRS
        (bytes(64) + b"\0", b"\1\2"),  # BadSignature
    ],
)
def test_what_cannot_be_recovered_says_why(
    harness: HostHarness, signature: bytes, error: bytes
) -> None:
    arguments = harness.pointer(signature), harness.pointer(bytes(32))
    name = "crypto_secp256k1_ecdsa_recover_version_2"
    assert harness.bytes_of(name, *arguments) == error


def test_a_batch_is_good_if_every_signature_was(harness: HostHarness) -> None:
    alice = ACCOUNTS["Alice"]
    good = harness.pointer(alice.sign(b"m")[1:]), harness.span(b"m"), harness.pointer(alice.public)
    bad = harness.pointer(bytes(64)), *good[1:]
    for batch, outcome in [([good], 1), ([good, bad, good], 0), ([good, good], 1)]:
        harness.call("crypto_start_batch_verify_version_1")
        for arguments in batch:
            harness.call("crypto_sr25519_batch_verify_version_1", *arguments)
        assert harness.call("crypto_finish_batch_verify_version_1") == outcome


@pytest.mark.parametrize(
    ("name", "arity", "why"),
    [
        ("crypto_sr25519_sign_version_1", 3, "no keystore"),
        ("offchain_http_request_start_version_1", 3, "offchain workers"),
    ],
)
def test_what_a_dev_chain_cannot_offer_says_so(
    harness: HostHarness, name: str, arity: int, why: str
) -> None:
    with pytest.raises(HostFunctionError, match=why):
        harness.call(name, *[0] * arity)


def test_a_panic_says_why() -> None:
    harness = HostHarness()
    with pytest.raises(HostFunctionError, match="it hurts"):
        harness.call("panic_handler_abort_on_panic_version_1", harness.span(b"it hurts"))
    assert harness.host.panic == "it hurts"


def decoded(pairs: dict[str, str]) -> dict[bytes, bytes | None]:
    return {bytes.fromhex(key): bytes.fromhex(value) for key, value in pairs.items()}


def assert_holds(harness: HostHarness, vector: dict[str, Any]) -> None:
    """Make a call and compare.

    ``arguments`` are hex (a span), ``{"pointer": hex}``, ``{"out": size}`` (a buffer) or integers. The
    outcome is ``result``: hex, with ``size`` where it is a pointer's, or an integer; with ``out`` what
    is in the buffer afterwards; or ``traps``.
    """
    arguments, buffer = [], 0
    for argument in vector["arguments"]:
        match argument:
            case int():
                arguments.append(argument)
            case str():
                arguments.append(harness.span(bytes.fromhex(argument)))
            case {"pointer": str(data)}:
                arguments.append(harness.pointer(bytes.fromhex(data)))
            case {"out": int(size)}:
                buffer = harness.span(b"\xee" * size)
                arguments.append(buffer)
    function = vector["function"]
    if vector.get("traps"):
        with pytest.raises((DevChainError, ValueError)):
            harness.call(function, *arguments)
        return
    result = harness.call(function, *arguments)
    match vector.get("result"):
        case int(expected):
            assert result == expected
        case str(expected) if "size" in vector:
            assert harness.machine.read_at(result, vector["size"]).hex() == expected
        case str(expected):
            assert harness.machine.read(result).hex() == expected
    if "out" in vector:
        assert harness.machine.read(buffer).hex() == vector["out"]


@pytest.mark.parametrize(("name", "cases"), load_vectors("host"))
def test_native_vectors_hold(name: str, cases: list[dict[str, Any]]) -> None:
    """Each case: calls one after the other on the storage of ``top`` and ``children``."""
    wrong = []
    for i, case in enumerate(cases):
        children = {bytes.fromhex(k): decoded(v) for k, v in case.get("children", {}).items()}
        changes = Changes(decoded(case.get("top", {})), children)
        state = EMPTY.apply(changes, case["version"])
        harness = HostHarness(state)
        for j, vector in enumerate(case["calls"]):
            try:
                assert_holds(harness, vector)
            except AssertionError as error:
                wrong.append(f"case {i}, call {j}: {vector}: {error}")
                break
    assert not wrong, f"{len(wrong)} of {len(cases)} cases:\n" + "\n".join(wrong[:10])


def test_vectors_cover_every_function_that_returns_something() -> None:
    covered = {
        call["function"]
        for _, cases in load_vectors("host")
        for case in cases
        for call in case["calls"]
    }
    # What a dev chain does not offer, what only logs, and two that differ on purpose: natively, a panic's
    # message is only noted, since the runtime traps next, and ed25519's batches always trap.
    unavailable = re.compile(
        "ext_(panic_handler|offchain|logging|wasm_tracing)_|ext_trie_.*_verify_proof|ext_misc_print_num"
        "|ext_crypto_ed25519_batch_verify|ext_crypto_.*(_public_keys|_generate|_generate_proof_of_possession|_sign|_sign_prehashed)_version"
    )
    left = [name for name, _ in IMPORTS if not unavailable.match(name)]
    assert [n for n in left if n.removeprefix("ext_") not in covered] == []
