"""Asking and submitting, with nothing in the way."""

import logging

import pytest
import trio

from chain.calls import escrow, registry, reputation
from chain.calls.frame import Remark, RemarkWithEvent, Sudo, TransferKeepAlive
from chain.client import open_chain
from chain.errors import (
    ArithmeticRefusedError,
    EscrowError,
    Fault,
    FrameError,
    HistoryError,
    PoolRefusedError,
    TokenError,
    UsageError,
)
from chain.events.escrow import Accepted, Ended, Opened
from chain.records.escrow import Stage
from chain.signing import Signer, development_signer, signer_from_seed
from chain.units import BasisPoints, Roles
from market.escrow.record import Party, Reason, State
from market.hashing import GenesisHash, Hash, TaskId
from market.offer import Offer, hash_offer, offer_payload
from market.standing import EscrowId
from market.units import BlockNumber, Planck, parse_amount
from tests.integration.chain.conftest import QUICK, QUICK_SUBMISSION
from tests.support.backends import Backend, MemoryStore
from tests.support.node import embedded_only

pytestmark = [pytest.mark.integration, pytest.mark.chain]

ALICE, DAVE = development_signer("Alice"), development_signer("Dave", "ed25519")
PRICE = parse_amount("1.5 AINU")
ZERO, ONE = Hash(bytes(32)), Hash(b"\1" * 32)


def offer(genesis: GenesisHash, now: BlockNumber, task: bytes, provider: Signer = DAVE) -> Offer:
    return Offer(
        genesis=genesis, requester=ALICE.account, provider=provider.account,
        task_id=TaskId(task.ljust(32, b"\0")), attempt=0, price=PRICE, milestones=(PRICE,),
        input_hash=ONE, slot=ZERO, terms=ONE, arbiter=None, deliver_within=20,
        review_blocks=20, valid_until=BlockNumber(now + 10), offer_epoch=0,
    )  # fmt: skip


async def test_an_escrow_goes_from_offer_to_payment_and_moves_the_score(
    backend: Backend, store: MemoryStore
) -> None:
    async with open_chain(
        backend.url, store, patience=QUICK, submission_patience=QUICK_SUBMISSION
    ) as chain:
        ask = chain.queries
        await chain.submit("register", registry.Register(None, None, ONE, ONE, Roles.NONE), DAVE)
        await chain.submit("bond", reputation.Bond(parse_amount("100 AINU")), DAVE)
        agent = await ask.agent(DAVE.account)
        assert agent is not None
        assert agent.operator == DAVE.account
        before = await ask.standing(DAVE.account)
        assert before.active == parse_amount("100 AINU")

        now = (await chain.finalized()).number
        made = offer(await chain.genesis(), now, b"task")
        signature = DAVE.sign(offer_payload(made))
        opened = await chain.submit("open", escrow.OpenWithOffer(made, signature), ALICE)
        [event] = [e for e in opened.events if isinstance(e, Opened)]
        assert (event.requester, event.provider, event.price) == (
            ALICE.account,
            DAVE.account,
            PRICE,
        )
        assert any(isinstance(e, Accepted) for e in opened.events)
        number = event.escrow
        assert await ask.live(DAVE.account) == {number: Party.PROVIDER}
        task = await ask.task(ALICE.account, made.task_id)
        assert task is not None
        assert task.escrow == number

        await chain.submit("deliver", escrow.Deliver(number, ONE), DAVE)
        record = await ask.escrow(number)
        assert record is not None
        assert record.state is State.DELIVERED
        assert record.offer_hash == hash_offer(made)
        released = await chain.submit("release", escrow.Release(number), ALICE)
        [end] = [e for e in released.events if isinstance(e, Ended)]
        assert (end.state, end.paid) == (Stage(State.RELEASED), PRICE)

        after = await ask.standing(DAVE.account)
        assert after.score > before.score
        assert await ask.live(DAVE.account) == {}
        assert await ask.escrows() == {number: await ask.escrow(number)}
        assert DAVE.account in await ask.agents()
        assert DAVE.account in await ask.standings()
        assert (await ask.pair(DAVE.account, ALICE.account)).successes == 1


async def test_the_parameters_of_every_pallet_are_read(
    backend: Backend, store: MemoryStore
) -> None:
    async with open_chain(backend.url, store, patience=QUICK) as chain:
        escrow_params = await chain.queries.escrow_params()
        assert escrow_params.fee(Planck(101)) == 3
        assert escrow_params.dispute_deposit(Planck(10**13)) == 10**12
        assert (await chain.queries.reputation_params()).epoch == 20
        assert (await chain.queries.registry_params()).rotation_delay == 5
        assert await chain.queries.escrow(EscrowId(9)) is None
        newcomer = await chain.queries.standing(signer_from_seed(b"\5" * 32).account)
        assert (newcomer.score, newcomer.effective, newcomer.active) == (500_000, 300, 0)
        assert await chain.queries.offer_epoch(DAVE.account) == 0


async def test_refusals_of_every_kind_are_exceptions_of_their_own(
    backend: Backend, store: MemoryStore
) -> None:
    poor = signer_from_seed(b"\6" * 32, "sr25519")
    async with open_chain(
        backend.url, store, patience=QUICK, submission_patience=QUICK_SUBMISSION
    ) as chain:
        with pytest.raises(EscrowError) as refused:
            await chain.submit("1", escrow.Release(EscrowId(77)), ALICE)
        assert (refused.value.variant, refused.value.fault) == ("NotFound", Fault.STATE)
        with pytest.raises(ArithmeticRefusedError) as number:
            await chain.submit("2", TransferKeepAlive(DAVE.account, Planck(10**30)), ALICE)
        assert number.value.call == "Balances.transfer_keep_alive"
        assert (number.value.variant, number.value.fault) == ("Underflow", Fault.FUNDS)
        with pytest.raises(TokenError) as token:
            await chain.submit("bond", reputation.Bond(Planck(10**30)), ALICE)
        assert token.value.variant == "FundsUnavailable"
        with pytest.raises(FrameError) as origin:
            await chain.submit("3", reputation.Reinstate(DAVE.account), ALICE)
        assert origin.value.variant == "BadOrigin"
        with pytest.raises(EscrowError) as inside:
            await chain.submit("4", Sudo(escrow.Rule(EscrowId(77), BasisPoints(1))), ALICE)
        assert (inside.value.variant, inside.value.call) == ("NotFound", "Escrow.rule")
        with pytest.raises(PoolRefusedError, match="Fund the account"):
            await chain.submit("5", Remark(b""), poor)
        # What was refused by the pool may be tried again under the same key, once it is mended.
        await chain.submit("6", TransferKeepAlive(poor.account, parse_amount("1 AINU")), ALICE)
        assert (await chain.submit("5", Remark(b""), poor)).attempt == 1


async def test_a_refusal_is_the_answer_to_its_key_for_good(
    backend: Backend, store: MemoryStore
) -> None:
    async with open_chain(
        backend.url, store, patience=QUICK, submission_patience=QUICK_SUBMISSION
    ) as chain:
        for _ in range(2):
            with pytest.raises(EscrowError):
                await chain.submit("key", escrow.Release(EscrowId(77)), ALICE)
        assert await nonce_of(backend, ALICE) == 1


async def test_a_key_does_one_thing_once(backend: Backend, store: MemoryStore) -> None:
    async with open_chain(
        backend.url, store, patience=QUICK, submission_patience=QUICK_SUBMISSION
    ) as chain:
        first = await chain.submit("key", Remark(b"1"), ALICE)
        assert await chain.submit("key", Remark(b"1"), ALICE) == first
        assert await nonce_of(backend, ALICE) == 1
        with pytest.raises(UsageError, match="a key of its own"):
            await chain.submit("key", escrow.RevokeOffers(), ALICE)
        with pytest.raises(UsageError, match="a key of its own"):
            await chain.submit("key", Remark(b"1"), DAVE)


async def test_many_at_once_from_one_account_each_get_a_nonce_and_are_all_done(
    backend: Backend, store: MemoryStore
) -> None:
    async with (
        open_chain(
            backend.url, store, patience=QUICK, submission_patience=QUICK_SUBMISSION
        ) as chain,
        trio.open_nursery() as nursery,
    ):
        for number in range(8):
            nursery.start_soon(chain.submit, f"key {number}", Remark(b""), ALICE)
    assert sorted(each.nonce for each in store.saved if each.place) == list(range(8))
    assert await nonce_of(backend, ALICE) == 8


async def test_what_is_sent_was_stored_before_and_is_mortal(
    backend: Backend,
) -> None:
    class Full(MemoryStore):
        async def save(self, submission: object) -> None:
            raise OSError("disk full")

    async with open_chain(backend.url, Full(), patience=QUICK) as chain:
        with pytest.raises(OSError, match="disk full"):
            await chain.submit("key", Remark(b""), ALICE)
    assert await nonce_of(backend, ALICE) == 0
    store = MemoryStore()
    async with open_chain(backend.url, store, patience=QUICK) as chain:
        await chain.submit("key", Remark(b""), ALICE)
    assert store.saved[0].place is None
    era = store.saved[0].raw
    signed_part = era[era.index(bytes(ALICE.account)) + 32 + 65 :]
    assert signed_part[0] != 0  # the first byte of an immortal era


async def test_payloads_are_not_logged_and_logging_is_not_configured_behind_our_back(
    backend: Backend, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    root = logging.getLogger()
    handlers = list(root.handlers)
    with caplog.at_level(logging.DEBUG):
        async with open_chain(backend.url, store, patience=QUICK) as chain:
            await chain.submit("key", Remark(b""), ALICE)
    assert root.handlers == handlers
    assert not [record for record in caplog.records if record.name == "root"]


@embedded_only("no storage of a node can be written by hand")
async def test_an_entry_that_cannot_be_decoded_is_an_error_and_not_left_out(
    backend: Backend, store: MemoryStore
) -> None:
    from chain.errors import MismatchError
    from chain.queries import ESCROWS
    from chain.session import Session

    async with open_chain(backend.url, store, patience=QUICK) as chain:
        connection = chain._connection

        def key(session: Session) -> str:
            session.metadata()
            return session._key("Escrow", "Escrows", (EscrowId(5),))

        broken = await connection.call(key)
        await backend.call("dev_setStorage", [[broken, "0x0102"]])
        with pytest.raises(MismatchError):
            await connection.call(lambda session: session.entries(ESCROWS))


async def test_a_dispute_that_is_ruled_is_read_with_its_reason_and_its_ruling(
    backend: Backend, store: MemoryStore
) -> None:
    async with open_chain(
        backend.url, store, patience=QUICK, submission_patience=QUICK_SUBMISSION
    ) as chain:
        await chain.submit("register", registry.Register(None, None, ONE, ONE, Roles.NONE), DAVE)
        await chain.submit("bond", reputation.Bond(parse_amount("100 AINU")), DAVE)
        made = offer(await chain.genesis(), (await chain.finalized()).number, b"task")
        await chain.submit(
            "open", escrow.OpenWithOffer(made, DAVE.sign(offer_payload(made))), ALICE
        )
        number = EscrowId(0)
        await chain.submit("deliver", escrow.Deliver(number, ONE), DAVE)
        await chain.submit("dispute", escrow.Dispute(number, Reason.RESULT_WRONG, ONE), ALICE)
        record = await chain.queries.escrow(number)
        assert record is not None
        assert record.dispute is not None
        assert (record.dispute.by, record.dispute.reason) == (
            Party.REQUESTER,
            Reason.RESULT_WRONG,
        )
        await chain.submit("rule", Sudo(escrow.Rule(number, BasisPoints(2_500))), ALICE)
        ruled = await chain.queries.escrow(number)
        assert ruled is not None
        assert (ruled.state, ruled.ruling) == (State.RULED, 2_500)


async def nonce_of(backend: Backend, signer: Signer) -> int:
    from market.identity import ss58_from_account

    return int(await backend.call("system_accountNextIndex", ss58_from_account(signer.account)))


async def test_remarks_come_back_byte_for_byte(backend: Backend, store: MemoryStore) -> None:
    posted = [b"", b"text", b"0x4142", b"0xzz", b"\x8c\x01\xff", b"A" * 300]
    async with open_chain(backend.url, store, patience=QUICK) as chain:
        places = [
            (await chain.submit(f"{n}", RemarkWithEvent(data), ALICE)).place.block.number
            for n, data in enumerate(posted)
        ]
        found = await chain.remarks(places[0], places[-1])
        assert [(each.block, each.data) for each in found] == list(zip(places, posted, strict=True))
        assert await chain.remarks(places[-1], BlockNumber(places[-1] + 5)) == found[-1:]


async def test_the_past_is_asked_by_block(backend: Backend, store: MemoryStore) -> None:
    async with open_chain(backend.url, store, patience=QUICK) as chain:
        before = await chain.finalized()
        await chain.submit("register", registry.Register(None, None, ONE, ONE, Roles.NONE), DAVE)
        assert await chain.queries.agent(DAVE.account) is not None
        assert await chain.queries.at(before.hash).agent(DAVE.account) is None
        assert await chain.block_at(before.number) == before
        now = await chain.free_balance(DAVE.account)
        assert await chain.free_balance(DAVE.account, before.hash) > now
        assert await chain.existential_deposit() > 0
        with pytest.raises(HistoryError, match="yet to come"):
            await chain.block_at(BlockNumber(before.number + 1_000))
