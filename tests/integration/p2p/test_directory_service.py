"""Directories of nodes whose networks are real: announced, learned late, withdrawn, forged."""

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from market.envelope import seal
from market.hashing import audience_of_topic
from market.identity import AccountId, Identity, PeerId, PublicKey
from market.units import BlockNumber
from node.directory.announcer import Announcer, Pace
from node.directory.service import DirectoryService
from node.p2p.config import NetworkConfig
from node.p2p.gossip import Verdict, presence_topic
from node.p2p.network import Network, open_network
from node.process.heads import ClockHead
from tests.support.announced import announcement, capability
from tests.support.networks import eventually, networks, seed_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

TOPIC = presence_topic(0)


def service_on(
    network: Network, seed: bytes, *names: str, ttl: int = 60, head: ClockHead | None = None
) -> DirectoryService:
    identity = Identity.from_seed(seed)
    counter = itertools.count(1)
    announcer = Announcer(
        topic=TOPIC, head=head or ClockHead(), operator=lambda: identity, transport=identity,
        sequence=lambda: next(counter), addresses=lambda: (), software="test", pace=Pace(ttl),
    )  # fmt: skip
    announcer.capabilities = tuple(capability(name) for name in names)
    return DirectoryService(network, head or ClockHead(), announcer)


def peers(service: DirectoryService) -> set[PeerId]:
    book, head = service.directory, ClockHead()
    return {entry.peer for entry in book.entries(head.now())}


@asynccontextmanager
async def services(count: int) -> AsyncIterator[tuple[list[Network], list[DirectoryService]]]:
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(networks(count, star=False))
        made = [service_on(n, seed_of(i), f"agent.number{i}") for i, n in enumerate(opened)]
        for each in made:
            await stack.enter_async_context(each.running())
        for network in opened[1:]:
            await network.connect(opened[0].multiaddrs[0])
        yield opened, made


async def test_everybody_learns_of_everybody_and_a_late_joiner_too() -> None:
    async with services(3) as (opened, made):
        everybody = {network.peer_id for network in opened}
        for each in made:
            await eventually(lambda each=each: peers(each) == everybody)
        async with open_network(NetworkConfig(), seed_of("late")) as late:
            joined = service_on(late, seed_of("late"), "late.comer")
            async with joined.running():
                # From one peer alone, and long before anybody's next announcement.
                await late.connect(opened[1].multiaddrs[0])
                await eventually(lambda: peers(joined) == everybody | {late.peer_id})
                for each in made:
                    await eventually(lambda each=each: late.peer_id in peers(each))
            # It has left with a word.
            for each in made:
                await eventually(lambda each=each: late.peer_id not in peers(each))


class Unregistered(ClockHead):
    """A head at which our key is not the account's operator key yet."""

    known = False

    def operator_key(self, account: AccountId, at: BlockNumber) -> PublicKey | None:
        return super().operator_key(account, at) if self.known else None


async def test_a_node_whose_key_does_not_count_yet_says_so_once_and_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    head = Unregistered()
    async with open_network(NetworkConfig(), seed_of(0)) as network:
        service = service_on(network, seed_of(0), "a.one", ttl=2, head=head)
        async with service.running():
            await eventually(lambda: "in vain" in caplog.text)
            told = service.announcer.message(service.announcer.capabilities)
            service._admit_own(told)
            assert caplog.text.count("in vain") == 1
            head.known = True
            await eventually(lambda: peers(service) == {network.peer_id})


async def test_a_forged_announcement_is_listed_nowhere_and_blamed() -> None:
    async with services(2) as (opened, made):
        await eventually(lambda: peers(made[0]) == {n.peer_id for n in opened} == peers(made[1]))
        victim, forger = Identity.from_seed(seed_of(0)), Identity.from_seed(seed_of(1))
        head = ClockHead()

        def envelope(body: object, identity: Identity) -> bytes:
            return seal(
                body, identity=identity, genesis=head.genesis, audience=audience_of_topic(TOPIC),
                sequence=10**18, issued_at=head.now().block, expires_at=head.now().block,
            )  # type: ignore[arg-type]  # fmt: skip

        stolen = envelope(announcement(forger, transport_key=victim.key), forger)
        of_another = envelope(announcement(victim), victim)
        garbage = b"\xff" * 100
        for data in (stolen, of_another, garbage):
            assert made[0].hear(opened[1].peer_id, data) is Verdict.REJECT
            await opened[1].publish(TOPIC, data)
        await eventually(lambda: made[0].counts.get("malformed", 0) >= 2)
        assert made[0].counts["author"] >= 1
        assert made[0].counts["transport"] >= 1
        assert peers(made[0]) == {n.peer_id for n in opened}
