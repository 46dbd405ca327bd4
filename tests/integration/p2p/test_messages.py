"""The market's messages between nodes: checked once, in full, before anybody acts."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trio

from market.envelope import Opened, seal
from market.hashing import GenesisHash, audience_of_topic
from market.identity import AccountId, Identity
from market.messages import Body, Cfp, Progress
from market.units import BlockNumber
from node.p2p.errors import AnswerError, RequestError
from node.p2p.gossip import cfp_topic
from node.p2p.messages import Mail
from node.process.sequence import Sequence
from tests.support.networks import eventually, networks, seed_of
from tests.support.samples import OwnKeys, cfp, task_call

pytestmark = pytest.mark.integration

GENESIS = GenesisHash(bytes(32))
TOPIC = cfp_topic(0)
ASK = "/ainur/test/ask/1.0.0"
LIFETIME = 100


def progress(done: int) -> Progress:
    return Progress(task_id=bytes(32), attempt=0, milestone=0, done=done, note="")  # type: ignore[arg-type]


@asynccontextmanager
async def mails(count: int) -> AsyncIterator[list[Mail]]:
    with TemporaryDirectory() as folder:
        async with networks(count) as opened:
            yield [
                Mail(
                    network=network,
                    identity=Identity.from_seed(seed_of(i)),
                    genesis=GENESIS,
                    keys=OwnKeys(),
                    head=lambda: BlockNumber(100),
                    sequence=Sequence(Path(folder) / str(i)),
                )
                for i, network in enumerate(opened)
            ]


async def test_a_call_published_on_a_topic_arrives_opened_and_checked() -> None:
    async with (
        mails(2) as (a, b),
        a.listen(TOPIC, Cfp, lifetime=LIFETIME) as calls,
        b.listen(TOPIC, Cfp, lifetime=LIFETIME),
    ):
        await eventually(lambda: a.network.peer_id in b.network.listeners(TOPIC))
        await trio.sleep(1.5)
        body = cfp(task_call(1))
        await b.publish(TOPIC, body, lifetime=LIFETIME)
        with trio.fail_after(60):
            heard = await calls.receive()
        assert heard.body == body
        assert heard.sender == b.identity.account


BAD: dict[str, tuple[Callable[[Mail], bytes], bool]] = {
    "rubbish": (lambda _: b"\xff" * 50, True),
    "another kind": (lambda m: m.seal(progress(1), audience_of_topic(TOPIC), LIFETIME), True),
    "another topic": (lambda m: m.seal(cfp(task_call(1)), audience_of_topic("x"), LIFETIME), True),
    "too long a life": (lambda m: m.seal(cfp(task_call(1)), audience_of_topic(TOPIC), 999), True),
    "another chain": (lambda m: sealed(m, genesis=GenesisHash(b"\1" * 32)), True),
    "a broken signature": (lambda m: sealed(m)[:-1] + bytes([sealed(m)[-1] ^ 1]), True),
    "expired": (lambda m: sealed(m, issued=1, expires=2), False),
    "from the future": (lambda m: sealed(m, issued=200, expires=210), False),
}


def sealed(
    mail: Mail, *, genesis: GenesisHash = GENESIS, issued: int = 100, expires: int = 150
) -> bytes:
    return seal(
        cfp(task_call(1)),
        identity=mail.identity,
        genesis=genesis,
        audience=audience_of_topic(TOPIC),
        sequence=mail.sequence(),
        issued_at=BlockNumber(issued),
        expires_at=BlockNumber(expires),
    )


@pytest.mark.parametrize("name", BAD)
async def test_what_is_wrong_is_not_heard_and_costs_its_forwarder_where_he_could_know(
    name: str,
) -> None:
    make, blamed = BAD[name]
    async with mails(2) as (a, b), a.listen(TOPIC, Cfp, lifetime=LIFETIME) as calls:
        await eventually(lambda: a.network.peer_id in b.network.listeners(TOPIC))
        await trio.sleep(1.5)
        await b.network.publish(TOPIC, make(b))
        good = cfp(task_call(2))
        await b.publish(TOPIC, good, lifetime=LIFETIME)
        with trio.fail_after(60):
            assert (await calls.receive()).body == good
        [score] = [p.score for p in a.network.peers()]
        assert (score < 0) is blamed


async def test_an_envelope_heard_before_is_not_heard_again() -> None:
    async with mails(2) as (a, b), a.listen(TOPIC, Cfp, lifetime=LIFETIME) as calls:
        await eventually(lambda: a.network.peer_id in b.network.listeners(TOPIC))
        await trio.sleep(1.5)
        once = sealed(b)
        for _ in range(3):
            await b.network.publish(TOPIC, once)
        last = cfp(task_call(2))
        await b.publish(TOPIC, last, lifetime=LIFETIME)
        with trio.fail_after(60):
            assert (await calls.receive()).sequence < (await calls.receive()).sequence
        with pytest.raises(trio.WouldBlock):
            calls._channel.receive_nowait()


async def test_a_question_is_answered_by_the_account_that_was_asked() -> None:
    async with mails(2) as (a, b):

        async def answer(peer: str, message: Opened[Progress]) -> Body:
            assert message.sender == b.identity.account
            return progress(message.body.done + 1)

        a.serve(ASK, Progress, answer, lifetime=LIFETIME)
        peer, account = a.network.peer_id, a.identity.account
        got = await b.ask(peer, account, ASK, progress(1), Progress, lifetime=LIFETIME, timeout=60)
        assert got.body.done == 2
        assert got.sender == account
        other = AccountId(Identity.from_seed(seed_of("x")).account)
        with pytest.raises(RequestError):  # addressed to somebody else: broken off
            await b.ask(peer, other, ASK, progress(1), Progress, lifetime=LIFETIME, timeout=60)
        with pytest.raises(AnswerError, match="where a"):
            await b.ask(peer, account, ASK, progress(1), Cfp, lifetime=LIFETIME, timeout=60)


async def test_a_request_that_is_no_message_is_broken_off_and_the_next_one_answered() -> None:
    async with mails(2) as (a, b):
        seen: list[int] = []

        async def take(peer: str, message: Opened[Progress]) -> None:
            seen.append(message.body.done)

        a.serve(ASK, Progress, take, lifetime=LIFETIME)
        for rubbish in (b"", b"\xc1" * 9, sealed(b)):
            with pytest.raises(RequestError):
                await b.network.request(a.network.peer_id, ASK, rubbish, 60)
        await b.tell(
            a.network.peer_id, a.identity.account, ASK, progress(7), lifetime=LIFETIME, timeout=60
        )
        assert seen == [7]
