from typing import Any

import pytest

from chain.devchain.chain import DevChain
from chain.devchain.errors import UnknownBlockError, UsageError
from chain.devchain.notices import HeadChanged, Notice
from tests.support.chains import START, Watched
from tests.support.extrinsics import ALICE, BOB, UNIT, remark, sign, transfer

pytestmark = [pytest.mark.integration, pytest.mark.chain]


def test_finality_follows_the_head_at_its_distance(open_chain: Any) -> None:
    chain = open_chain(finality_lag=3)
    for number in range(1, 10):
        chain.build()
        assert chain.finalized.number == max(0, number - 3)


def test_finality_can_be_given_by_hand_and_only_grows(open_chain: Any) -> None:
    chain = open_chain(finality_lag=100)
    for _ in range(5):
        chain.build()
    assert chain.finalize(chain.block_hash(3)).number == 3
    assert chain.finalize(chain.block_hash(2)).number == 3
    assert chain.finalize().number == 5


def test_a_reorganisation_takes_transactions_back_and_includes_them_again(chain: DevChain) -> None:
    watched = Watched()
    chain.submit(sign(chain, ALICE, transfer(chain, BOB, UNIT), 0), watched)
    left = chain.build()
    notices: list[Notice] = []
    chain.listen(notices.append)
    head = chain.reorg(1)
    assert head.number == left.number + 1
    assert watched.kinds[:4] == ["ready", "inBlock", "retracted", "ready"]
    assert watched.kinds[4] == "inBlock"
    assert watched[2].hash == left.hash
    assert chain.block(left.number) != left
    assert chain.block(left.hash) == left  # still there, on a fork
    moves = [n for n in notices if isinstance(n, HeadChanged)]
    assert moves[0].left == (left,)
    assert len(chain.block(left.number).extrinsics) == 2


def test_a_reorganisation_never_passes_the_finalised_block(chain: DevChain) -> None:
    for _ in range(5):
        chain.build()
    assert chain.head.number - chain.finalized.number == 2
    with pytest.raises(UsageError, match="finality_lag"):
        chain.reorg(3)
    for depth in (2, 1):
        before = chain.head.number
        assert chain.reorg(depth).number == before + 1


def test_a_fork_becomes_the_best_chain_only_when_it_is_longer(chain: DevChain) -> None:
    base = chain.head
    main = chain.build()
    side = chain.build(parent=base.hash)
    assert side != main
    assert chain.head == main
    longer = chain.build(parent=side.hash)
    assert chain.head == longer
    assert chain.block_hash(side.number) == side.hash
    assert chain.set_head(main.hash) == main
    assert chain.block_hash(longer.number) is None


def test_forks_beside_the_finalised_block_are_forgotten(chain: DevChain) -> None:
    base = chain.head
    chain.build()
    side = chain.build(parent=base.hash)
    for _ in range(4):
        chain.build()
    with pytest.raises(UnknownBlockError):
        chain.block(side.hash)
    with pytest.raises(UnknownBlockError):
        chain.set_head(side.hash)


def test_many_blocks_on_one_parent_are_all_different(chain: DevChain) -> None:
    parent = chain.head
    siblings = {chain.build(parent=parent.hash) for _ in range(5)}
    assert len(siblings) == 5


def test_finality_forgets_what_a_longer_branch_left_behind(open_chain: Any) -> None:
    chain, other = open_chain(finality_lag=2), open_chain(finality_lag=2)
    for _ in range(3):
        other.build()
    mine = [chain.build(at=START + 500), chain.build(at=START + 600)]
    other.advance(6, seconds=60, empty_blocks=True)
    for number in range(1, other.head.number + 1):
        block = other.block(number)
        chain.import_block(block.header, block.extrinsics)
    assert chain.head == other.head
    for block in mine:
        with pytest.raises(UnknownBlockError):
            chain.block(block.hash)


def test_the_head_cannot_be_set_below_the_finalised_block(chain: DevChain) -> None:
    for _ in range(5):
        chain.build()
    low = chain.block_hash(chain.finalized.number - 1)
    assert low is not None
    with pytest.raises(UsageError, match="cannot leave the finalised block"):
        chain.set_head(low)


def test_restoring_goes_back_to_everything_but_the_identity(chain: DevChain) -> None:
    for _ in range(4):
        chain.build()
    chain.advance(seconds=50)
    snapshot, head, instance = chain.snapshot(), chain.head, chain.instance_id
    final, offset = chain.finalized, chain.time_offset
    waiting, included = Watched(), Watched()
    chain.submit(sign(chain, ALICE, remark(chain), 0), included)
    chain.build()
    chain.submit(sign(chain, ALICE, remark(chain), 1), waiting)
    chain.advance(1000, seconds=99)
    for _ in range(3):
        chain.restore(snapshot)
        assert (chain.head, chain.finalized, chain.time_offset) == (head, final, offset)
        assert chain.importable
        assert not chain.has_ready
        assert chain.instance_id != instance
        assert chain.block_hash(head.number + 1) is None
        chain.build()
    assert included.kinds[-1] == waiting.kinds[-1] == "dropped" or "finalized" in included.kinds


def test_a_snapshot_of_another_chain_is_refused(open_chain: Any) -> None:
    snapshot = open_chain(salt=b"one").snapshot()
    with pytest.raises(UsageError, match="another chain"):
        open_chain(salt=b"two").restore(snapshot)


def test_a_snapshot_outlives_pruning(open_chain: Any) -> None:
    chain = open_chain(keep_blocks=3)
    for _ in range(10):
        chain.build()
    snapshot, head = chain.snapshot(), chain.head
    for _ in range(150):
        chain.build()
    chain.restore(snapshot)
    assert chain.head == head
    assert chain.state(5).root == chain.block(5).state_root
    for _ in range(150):
        chain.build()
    assert chain.head.number == 160
    assert chain.block(100).number == 100


def test_two_forks_share_the_past_and_nothing_else(chain: DevChain) -> None:
    watched = Watched()
    chain.submit(sign(chain, ALICE, transfer(chain, BOB, UNIT), 0), watched)
    chain.build()
    other = chain.fork()
    assert other.head == chain.head
    assert other.instance_id != chain.instance_id
    told = len(watched)
    for _ in range(5):
        other.build()
    assert len(watched) == told  # the other's finality is none of ours
    chain.submit(sign(chain, ALICE, remark(chain), 1))
    chain.build()
    assert other.query("System", "Account", ALICE.public)["nonce"] == 1
    assert chain.query("System", "Account", ALICE.public)["nonce"] == 2
    other.close()
    assert chain.block(1).number == 1
    chain.build()


def test_a_fork_of_a_fork_knows_old_blocks_whose_state_is_gone(open_chain: Any) -> None:
    chain = open_chain(keep_blocks=2)
    for _ in range(100):
        chain.build()
    other = chain.fork().fork()
    chain.close()
    assert other.block(1).number == 1
    for _ in range(100):
        other.build()
    assert other.block(150).number == 150
