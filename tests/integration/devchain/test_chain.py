import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chain.devchain.blob import decompress, version_of
from chain.devchain.block import encode_body, encode_header
from chain.devchain.chain import DevChain
from chain.devchain.errors import (
    ImportRefusedError,
    InvalidTransactionError,
    RefusedError,
    RuntimeTrapError,
    UnknownBlockError,
    UsageError,
)
from chain.devchain.genesis import SALT_KEY
from chain.devchain.hashing import storage_prefix
from chain.devchain.notices import BlockFinalized, BlockImported, HeadChanged, Notice
from chain.devchain.pool import PoolLimits
from chain.devchain.scale import encode_compact, encode_vec
from tests.support.chains import START, Clock, Watched
from tests.support.extrinsics import (
    ACCOUNTS,
    ALICE,
    BOB,
    UNIT,
    Key,
    call_index,
    remark,
    sign,
    sudo,
    transfer,
)
from tests.support.trie_oracle import whole_root

pytestmark = [pytest.mark.integration, pytest.mark.chain]


def free(chain: DevChain, key: Key, at: Any = None) -> int:
    account: dict[str, Any] = chain.query("System", "Account", key.public, at=at)
    return int(account["data"]["free"])


def names(chain: DevChain, at: Any = None) -> list[str]:
    return [f"{event.pallet}.{event.name}" for event in chain.events(at)]


def assert_true_root(chain: DevChain) -> None:
    everything = dict(chain.pairs(count=10**9))
    assert chain.head.state_root == whole_root(everything, 1)


def test_genesis_is_the_runtimes_own_with_its_true_root(open_chain: Any) -> None:
    chain = open_chain()
    genesis = chain.genesis
    assert genesis.number == 0
    assert genesis.parent == bytes(32)
    assert_true_root(chain)
    assert genesis.header == encode_header(bytes(32), 0, genesis.state_root, whole_root({}, 1))
    assert chain.storage(b":code") == chain.runtime().code


def test_the_same_runtime_clock_and_calls_make_the_same_blocks(open_chain: Any) -> None:
    heads = []
    for _ in range(2):
        chain = open_chain()
        chain.build()
        # An ed25519 signature is the same each time; sr25519's are randomised.
        chain.submit(sign(chain, Key("Alice", "ed25519"), remark(chain), 0, era=(64, 1)))
        chain.build()
        chain.advance(10, 60)
        heads.append(chain.head)
    assert heads[0] == heads[1]


def test_a_preset_can_be_patched_and_an_unknown_one_names_the_known(open_chain: Any) -> None:
    nobody = open_chain(genesis_patch={"sudo": {"key": None}})
    assert nobody.query("Sudo", "Key") is None
    with pytest.raises(UsageError, match="development"):
        open_chain(preset="unheard of")
    with pytest.raises(UsageError, match="refused the genesis"):
        open_chain(genesis_patch={"balances": {"balances": "nonsense"}})


def test_a_salt_makes_a_chain_on_which_nothing_signed_for_another_is_good(open_chain: Any) -> None:
    plain, salted = open_chain(), open_chain(salt=b"salt")
    assert plain.genesis != salted.genesis
    assert salted.storage(SALT_KEY) == b"salt"
    for chain in (plain, salted):
        chain.build()
    extrinsic = sign(plain, ALICE, remark(plain), 0)
    plain.submit(extrinsic)
    with pytest.raises(InvalidTransactionError) as refused:
        salted.submit(extrinsic)
    assert refused.value.kind == "BadProof"


@pytest.mark.parametrize("scheme", ["sr25519", "ed25519"])
def test_a_transfer_moves_money_costs_a_fee_and_leaves_events(chain: DevChain, scheme: str) -> None:
    sender = Key("Alice", scheme)
    before = free(chain, sender), free(chain, BOB)
    watched = Watched()
    hash_ = chain.submit(sign(chain, sender, transfer(chain, BOB, 5 * UNIT), 0), watched)
    assert watched.kinds == ["ready"]
    assert [t.hash for t in chain.pending()] == [hash_]
    block = chain.build()
    assert len(block.extrinsics) == 2
    assert free(chain, BOB) == before[1] + 5 * UNIT
    (fee,) = [
        int(e.attributes["actual_fee"]) for e in chain.events() if e.name == "TransactionFeePaid"
    ]
    assert free(chain, sender) == before[0] - 5 * UNIT - fee
    assert "Balances.Transfer" in names(chain)
    assert {e.extrinsic for e in chain.events() if e.name == "Transfer"} == {1}
    chain.build()
    chain.build()
    assert watched.kinds == ["ready", "inBlock", "finalized"]
    assert watched[1].hash == watched[2].hash == block.hash
    assert_true_root(chain)


def test_every_block_has_the_true_root_and_reads_at_any_height_stay(chain: DevChain) -> None:
    balances = {}
    for nonce in range(12):
        chain.submit(sign(chain, ALICE, transfer(chain, BOB, UNIT), nonce))
        chain.build()
        assert_true_root(chain)
        balances[chain.head.number] = free(chain, BOB)
    for number, balance in balances.items():
        assert free(chain, BOB, at=number) == balance
        assert chain.state(number).root == chain.block(number).state_root


def test_nonces_out_of_order_wait_and_go_in_together(chain: DevChain) -> None:
    watched = [Watched() for _ in range(3)]
    for nonce in (2, 1, 0):
        chain.submit(sign(chain, ALICE, remark(chain), nonce), watched[nonce])
    assert [w.kinds for w in watched] == [["ready"], ["future", "ready"], ["future", "ready"]]
    assert len(chain.build().extrinsics) == 4
    assert chain.query("System", "Account", ALICE.public)["nonce"] == 3


def test_a_higher_tip_replaces(chain: DevChain) -> None:
    watched = Watched()
    chain.submit(sign(chain, ALICE, remark(chain), 0), watched)
    usurper = chain.submit(sign(chain, ALICE, remark(chain), 0, tip=UNIT))
    assert watched.kinds == ["ready", "usurped"]
    assert watched[-1].hash == usurper
    with pytest.raises(RefusedError) as refused:
        chain.submit(sign(chain, ALICE, remark(chain, b"other"), 0))
    assert refused.value.code == 1014


def refused_cases(chain: DevChain) -> list[tuple[bytes, int, str]]:
    poor = Key("Nobody")
    good = sign(chain, ALICE, remark(chain), 0)
    return [
        (sign(chain, poor, remark(chain), 0), 1010, "Inability to pay"),
        (good[:-1] + bytes([good[-1] ^ 1]), 1010, "bad signature"),
        (sign(chain, ALICE, remark(chain), 0, genesis=bytes(32)), 1010, "bad signature"),
        (good[:-1], 1001, "one extrinsic"),
        (b"", 1001, "one extrinsic"),
        (encode_vec(b"\x84\xff"), 1002, "trapped"),
    ]


@pytest.mark.parametrize("case", range(6))
def test_what_the_runtime_refuses_says_why_with_the_nodes_code(chain: DevChain, case: int) -> None:
    raw, code, why = refused_cases(chain)[case]
    with pytest.raises(RefusedError, match=why) as refused:
        chain.submit(raw)
    assert refused.value.code == code
    assert not chain.has_ready
    chain.submit(sign(chain, ALICE, remark(chain), 0))  # and the chain goes on
    assert len(chain.build().extrinsics) == 2


def test_a_stale_or_repeated_transaction_is_refused(chain: DevChain) -> None:
    raw = sign(chain, ALICE, remark(chain), 0)
    chain.submit(raw)
    with pytest.raises(RefusedError) as refused:
        chain.submit(raw)
    assert refused.value.code == 1013
    chain.build()
    with pytest.raises(InvalidTransactionError) as stale:
        chain.submit(raw)
    assert stale.value.kind == "Stale"


def test_a_failed_dispatch_pays_its_fee_and_changes_nothing_else(chain: DevChain) -> None:
    before = free(chain, BOB)
    chain.submit(sign(chain, ALICE, transfer(chain, BOB, 10**30), 0))
    chain.build()
    assert "System.ExtrinsicFailed" in names(chain)
    assert free(chain, BOB) == before
    assert_true_root(chain)


def test_a_trap_costs_the_call_alone(chain: DevChain) -> None:
    before = chain.head
    with pytest.raises(RuntimeTrapError) as trapped:
        chain.call("BlockBuilder_apply_extrinsic", b"\xff")
    assert trapped.value.method == "BlockBuilder_apply_extrinsic"
    assert trapped.value.panic is not None
    with pytest.raises(UsageError, match="no function"):
        chain.call("Unheard_of")
    assert chain.head == before
    assert chain.build().number == before.number + 1


def test_a_runtime_that_traps_outside_of_transactions_makes_no_block_and_changes_nothing(
    chain: DevChain,
) -> None:
    head, root = chain.head, chain.state().root
    # A number in storage that the block does not follow: frame-system panics.
    with pytest.raises(RuntimeTrapError, match="Core_initialize_block"):
        chain.set_storage([(storage_prefix("System", "Number"), struct.pack("<I", 1000))])
    assert (chain.head, chain.state().root) == (head, root)
    assert chain.importable
    assert chain.build().number == head.number + 1


def kill_storage(chain: DevChain, key: bytes) -> bytes:
    keys = encode_compact(1) + encode_vec(key)
    return sudo(chain, call_index(chain, "System", "kill_storage") + keys)


def set_time_as_nobody(chain: DevChain) -> bytes:
    # Timestamp::set takes no origin, and panics when the block has its time already.
    nobody = b"\0\2"  # the system pallet's origin, None
    set_time = call_index(chain, "Timestamp", "set") + encode_compact(0)
    dispatch_as = call_index(chain, "Utility", "dispatch_as") + nobody + set_time
    # A batch hides that the call is a mandatory one, which no transaction may be.
    return sudo(chain, call_index(chain, "Utility", "batch") + encode_compact(1) + dispatch_as)


def test_a_transaction_that_traps_costs_itself_alone(chain: DevChain) -> None:
    watched = [Watched() for _ in range(4)]
    for nonce, call in enumerate(
        [remark(chain), set_time_as_nobody(chain), remark(chain), remark(chain)]
    ):
        chain.submit(sign(chain, ALICE, call, nonce), watched[nonce])
    chain.submit(sign(chain, BOB, remark(chain), 0))
    block = chain.build()
    assert len(block.extrinsics) == 3
    assert [w.kinds[-1] for w in watched] == ["inBlock", "invalid", "future", "future"]
    assert_true_root(chain)
    chain.submit(sign(chain, ALICE, remark(chain, b"in its place"), 1))
    assert len(chain.build().extrinsics) == 4


def test_a_transaction_that_makes_the_block_itself_trap_costs_itself_alone(
    chain: DevChain,
) -> None:
    # At the block's end the timestamp pallet panics if the time was not set in it.
    trap = kill_storage(chain, storage_prefix("Timestamp", "DidUpdate"))
    watched = Watched()
    for nonce in range(5):
        call = trap if nonce == 3 else remark(chain)
        chain.submit(sign(chain, ALICE, call, nonce), watched if nonce == 3 else None)
    block = chain.build()
    assert len(block.extrinsics) == 4
    assert watched.kinds == ["ready", "invalid"]
    assert [len(chain.pending()), len(chain.future())] == [0, 1]
    assert_true_root(chain)


def test_time_is_the_clocks_and_never_stands_still(chain: DevChain, clock: Clock) -> None:
    now = chain.query("Timestamp", "Now")
    chain.build()
    assert chain.query("Timestamp", "Now") == now + 1
    clock.millis = START + 5000
    chain.build()
    assert chain.query("Timestamp", "Now") == START + 5000


def test_a_jump_goes_there_in_one_block_and_chain_and_clients_go_on(chain: DevChain) -> None:
    old = Watched()
    chain.submit(sign(chain, ALICE, remark(chain), 1, era=(64, 1)), old)  # waits for nonce 0
    young = Watched()
    chain.submit(sign(chain, BOB, remark(chain), 0), young)
    block = chain.advance(400_000, seconds=86_400)
    assert block.number == 400_001
    assert chain.query("System", "Number") == 400_001
    assert chain.query("Timestamp", "Now") == START + 86_400_000
    assert not chain.importable
    assert old.kinds == ["future", "invalid"]
    assert young.kinds == ["ready"]
    chain.submit(sign(chain, ALICE, remark(chain), 0, era=(64, chain.head.number)))
    assert len(chain.build().extrinsics) == 3
    assert chain.block_hash(400_000) is None
    assert chain.block_hash(400_001) == block.hash
    assert_true_root(chain)


def test_who_signed_over_the_head_before_a_jump_is_taken_after_it_while_the_era_lasts(
    chain: DevChain,
) -> None:
    chain.submit(sign(chain, BOB, remark(chain), 0))
    before = chain.build()
    late = sign(chain, BOB, remark(chain), 1, era=(64, before.number))
    assert chain.advance(20).number == before.number + 20
    assert bytes.fromhex(chain.query("System", "BlockHash", before.number)[2:]) == before.hash
    chain.submit(late)
    assert len(chain.build().extrinsics) == 2
    assert_true_root(chain)


def test_a_jump_from_genesis_builds_block_1_first(open_chain: Any) -> None:
    chain = open_chain()
    assert chain.advance(100).number == 100
    assert chain.block(1).parent == chain.genesis.hash
    chain.submit(sign(chain, ALICE, remark(chain), 0))
    assert len(chain.build().extrinsics) == 2


def test_advancing_by_empty_blocks_builds_each_and_stays_importable(chain: DevChain) -> None:
    chain.submit(sign(chain, ALICE, remark(chain), 0))
    chain.advance(10, seconds=10, empty_blocks=True)
    assert chain.head.number == 11
    assert all(len(chain.block(n).extrinsics) == 1 for n in range(2, 12))
    assert chain.query("Timestamp", "Now") == START + 10_000
    assert chain.importable
    assert chain.has_ready


def test_storage_written_by_hand_is_there_and_the_chain_says_so(chain: DevChain) -> None:
    chain.set_storage([(b"hand", b"made"), (SALT_KEY, None)])
    assert chain.storage(b"hand") == b"made"
    assert not chain.importable
    assert_true_root(chain)


def test_keys_come_in_pages(chain: DevChain) -> None:
    prefix = chain.metadata().storage_key("System", "Account")
    everything = chain.keys(prefix, count=1000)
    pages: list[bytes] = []
    while page := chain.keys(prefix, start=pages[-1] if pages else None, count=4):
        pages += page
    assert pages == everything == sorted(everything)
    assert len(everything) >= len(ACCOUNTS)
    assert chain.keys(b"none such") == []


def test_a_block_made_here_is_imported_by_another(open_chain: Any, chain: DevChain) -> None:
    other = open_chain()
    chain.submit(sign(chain, ALICE, transfer(chain, BOB, UNIT), 0))
    chain.build()
    chain.advance(3, seconds=1, empty_blocks=True)
    for number in range(1, chain.head.number + 1):
        block = chain.block(number)
        assert other.import_block(block.header, block.extrinsics) == block
    assert other.head == chain.head
    assert names(other, 2) == names(chain, 2)


def test_the_runtime_itself_finds_every_block_correct(chain: DevChain) -> None:
    chain.submit(sign(chain, ALICE, transfer(chain, BOB, UNIT), 0))
    chain.submit(sign(chain, ALICE, transfer(chain, BOB, 10**30), 1))
    chain.build()
    block = chain.head
    for number in range(1, block.number + 1):
        block = chain.block(number)
        # It panics at the first root or digest that differs from what it finds.
        chain.call("Core_execute_block", block.header + encode_body(block.extrinsics), block.parent)
    forged = encode_header(block.parent, block.number, bytes(32), block.extrinsics_root)
    with pytest.raises(RuntimeTrapError, match=r"[Ss]torage root"):
        chain.call("Core_execute_block", forged + encode_body(block.extrinsics), block.parent)


def test_importing_takes_what_is_in_the_block_out_of_the_pool(
    open_chain: Any, chain: DevChain
) -> None:
    other = open_chain()
    first = chain.block(1)
    other.import_block(first.header, first.extrinsics)
    raw = sign(chain, ALICE, remark(chain), 0)
    watched = Watched()
    other.submit(raw, watched)
    chain.submit(raw)
    block = chain.build()
    other.import_block(block.header, block.extrinsics)
    assert watched.kinds == ["ready", "inBlock", "finalized"]
    assert not other.has_ready


def test_a_block_that_is_not_what_it_claims_is_refused(open_chain: Any, chain: DevChain) -> None:
    other = open_chain()
    first = chain.block(1)
    header = first.header
    forged_state = encode_header(first.parent, 1, bytes(32), first.extrinsics_root, first.digest)
    forged_parent = encode_header(b"?" * 32, 1, first.state_root, first.extrinsics_root)
    junk = encode_vec(b"\x84junk")
    for head, extrinsics, why in [
        (forged_state, first.extrinsics, "state_root"),
        (forged_parent, first.extrinsics, "parent"),
        (header, (*first.extrinsics, junk), "extrinsics have the root"),
        (header[:-1], first.extrinsics, "cannot be decoded"),
    ]:
        with pytest.raises(ImportRefusedError, match=why):
            other.import_block(head, extrinsics)
    assert other.head.number == 0
    other.import_block(header, first.extrinsics)


def test_faults_stall_and_refuse_on_demand(chain: DevChain) -> None:
    chain.faults.stall = True
    with pytest.raises(UsageError, match="stalled on demand"):
        chain.build()
    chain.faults.stall = False
    chain.faults.refuse = 1
    raw = sign(chain, ALICE, remark(chain), 0)
    with pytest.raises(RefusedError, match="refused on demand"):
        chain.submit(raw)
    chain.submit(raw)
    assert len(chain.build().extrinsics) == 2


def test_a_limited_block_leaves_the_rest_ready(chain: DevChain) -> None:
    for nonce in range(5):
        chain.submit(sign(chain, ALICE, remark(chain), nonce))
    assert len(chain.build(limit=2).extrinsics) == 3
    for _ in range(4):
        chain.build(limit=0)
    assert len(chain.pending()) == 3
    assert len(chain.build().extrinsics) == 4


def test_what_does_not_fit_into_a_block_goes_into_the_next(chain: DevChain) -> None:
    big = bytes(900_000)
    for i, key in enumerate(ACCOUNTS.values()):
        chain.submit(sign(chain, key, remark(chain, big + bytes([i])), 0))
    sizes = []
    while chain.has_ready:
        sizes.append(len(chain.build().extrinsics) - 1)
    assert sum(sizes) == len(ACCOUNTS)
    assert len(sizes) > 1
    assert 0 not in sizes


def test_the_pool_is_bounded(open_chain: Any) -> None:
    chain = open_chain(pool_limits=PoolLimits(ready_count=2, future_count=1, ready_bytes=1000))
    chain.build()
    for nonce in range(2):
        chain.submit(sign(chain, ALICE, remark(chain), nonce))
    with pytest.raises(RefusedError) as refused:
        chain.submit(sign(chain, BOB, remark(chain), 0))
    assert refused.value.code == 1016
    with pytest.raises(RefusedError, match="larger than the whole pool"):
        chain.submit(sign(chain, BOB, remark(chain, bytes(2000)), 0))


def test_a_mortal_transaction_expires(chain: DevChain) -> None:
    watched = Watched()
    chain.submit(sign(chain, ALICE, remark(chain), 0, era=(4, 1)), watched)
    for _ in range(6):
        chain.build(limit=0)
    assert watched.kinds == ["ready", "invalid"]


def test_listeners_are_told_in_order_and_may_call_the_chain(chain: DevChain) -> None:
    told: list[Notice] = []

    def listener(notice: Notice) -> None:
        told.append(notice)
        if isinstance(notice, HeadChanged) and notice.head.number < 4:
            chain.build()

    stop = chain.listen(listener)
    chain.build()
    stop()
    chain.build()
    kinds = [(type(n), (n.head if isinstance(n, HeadChanged) else n.block).number) for n in told]
    assert kinds == [
        (BlockImported, 2),
        (HeadChanged, 2),
        (BlockImported, 3),
        (HeadChanged, 3),
        (BlockFinalized, 1),
        (BlockImported, 4),
        (HeadChanged, 4),
        (BlockFinalized, 2),
    ]


def test_old_states_are_pruned_and_blocks_and_events_stay(open_chain: Any) -> None:
    chain = open_chain(keep_blocks=5)
    chain.build()
    chain.submit(sign(chain, ALICE, remark(chain), 0))
    chain.build()
    events, block = names(chain), chain.head
    for _ in range(200):
        chain.build()
    with pytest.raises(UnknownBlockError, match="no longer kept"):
        chain.storage(b":code", 2)
    assert chain.block(2) == chain.block(block.hash) == block
    assert chain.block(2).extrinsics == block.extrinsics
    assert names(chain, 2) == events
    assert_true_root(chain)


def test_a_chain_in_memory_keeps_a_bounded_number_of_blocks(open_chain: Any) -> None:
    chain = open_chain(keep_blocks=2, keep_bodies=10)
    for _ in range(300):
        chain.build()
    assert chain.block(0) == chain.genesis
    with pytest.raises(UnknownBlockError):
        chain.block(100)
    assert chain.block(295).number == 295


def test_the_version_in_the_blob_is_the_one_that_the_runtime_returns(chain: DevChain) -> None:
    embedded, returned = version_of(chain.runtime().code), chain.call("Core_version")
    assert embedded is not None
    start = embedded.index(struct.pack("<III", 1, 1, 1)) + 13  # behind the versions and the count
    assert embedded[:start] == returned[:start]
    assert embedded[-5:] == returned[-5:]

    def apis(version: bytes) -> list[bytes]:
        return sorted(version[i : i + 12] for i in range(start, len(version) - 5, 12))

    assert apis(embedded) == apis(returned)  # the linker orders them otherwise


START_UP = """
import sys
from pathlib import Path
from chain.devchain.chain import DevChain
with DevChain.open(Path(sys.argv[1])) as chain:
    chain.build()
heavy = {"scalecodec", "substrateinterface", "coincurve", "Crypto", "trio", "requests"}
print(*sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""


def test_starting_imports_nothing_that_only_some_use(devchain_runtime: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", START_UP, str(devchain_runtime)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == []


def test_a_runtime_upgrade_takes_effect_at_the_next_block(chain: DevChain) -> None:
    old = chain.runtime().code
    # The same runtime with one more custom section: another code, and no other behaviour.
    new = decompress(old) + b"\0\x05\x04note"
    set_code = call_index(chain, "System", "set_code_without_checks") + encode_vec(new)
    weight = encode_compact(1000) + encode_compact(0)
    call = call_index(chain, "Sudo", "sudo_unchecked_weight") + set_code + weight
    chain.submit(sign(chain, ALICE, call, 0))
    upgraded = chain.build()
    assert chain.storage(b":code") == new
    assert chain.runtime().code == new
    assert chain.runtime(upgraded.number - 1).code == old
    assert b"\x08" in upgraded.digest  # RuntimeEnvironmentUpdated
    chain.submit(sign(chain, ALICE, remark(chain), 1))
    assert len(chain.build().extrinsics) == 2
    assert_true_root(chain)


def test_sudo_writes_storage_through_the_runtime(chain: DevChain) -> None:
    pairs = encode_compact(1) + encode_vec(b"by sudo") + encode_vec(b"value")
    set_storage = call_index(chain, "System", "set_storage") + pairs
    chain.submit(sign(chain, ALICE, sudo(chain, set_storage), 0))
    chain.build()
    assert chain.storage(b"by sudo") == b"value"
    assert chain.importable


def test_the_fixture_gives_each_test_a_chain_of_its_own(devchain: DevChain, tmp_path: Path) -> None:
    assert devchain.head.number == 1
    devchain.submit(sign(devchain, ALICE, remark(devchain), 0))
    devchain.build()


def test_the_fixture_does_not_show_what_another_test_did(devchain: DevChain) -> None:
    assert devchain.head.number == 1
    assert not devchain.has_ready
