"""One honest message of every kind, and the people who send them."""

import msgspec

from market.hashing import AuctionId, GenesisHash, Hash, MessageId, TaskId, digest
from market.identity import AccountId, Identity, PublicKey, Signature
from market.merkle import MerkleRoot
from market.messages import (
    Acceptance,
    Agreement,
    AgreementTerms,
    Announcement,
    Ask,
    Award,
    AwardLine,
    Blob,
    Body,
    BundleAsk,
    Capability,
    Cfp,
    Commitment,
    CommitmentAck,
    CommitmentRecord,
    CommitmentRoot,
    Feature,
    Progress,
    ProviderSignature,
    Receipt,
    Reveal,
    RevealAck,
    RevealRecord,
    RoundRecord,
    TaskAsk,
    TaskCall,
    Transcript,
    Weight,
)
from market.units import BlockNumber, Planck, Ppm

GENESIS = GenesisHash(bytes(range(32)))
ALICE, BOB, CAROL, DAVE = (Identity.from_seed(bytes([n]) * 32) for n in (1, 2, 3, 4))


class OwnKeys:
    """A key directory in which every account still signs with its own key."""

    def operator_key(self, account: AccountId, at: BlockNumber) -> PublicKey | None:
        return PublicKey(account)


def block(number: int) -> BlockNumber:
    return BlockNumber(number)


def blob(name: str, size: int = 10) -> Blob:
    return Blob(hash=digest("leaf", name.encode()), size=size, media_type="application/json")


def task_call(number: int, reserve: int = 1_000, **changes: object) -> TaskCall:
    call = TaskCall(
        task_id=TaskId(bytes([number]) * 32),
        attempt=0,
        capability="text.wordcount",
        capability_version=1,
        reserve=Planck(reserve),
        input=blob(f"input {number}"),
        input_features=(Feature(name="bytes", value=512), Feature(name="words", value=80)),
        deliver_within=100,
        review_blocks=10,
        milestones_ppm=(Ppm(400_000), Ppm(600_000)),
    )
    return msgspec.structs.replace(call, **changes)


def cfp(*tasks: TaskCall, **changes: object) -> Cfp:
    call = Cfp(
        method="vcg-assignment",
        tasks=tasks or (task_call(1), task_call(2)),
        tick=Planck(10),
        quality_rule="score-1",
        facts_block=block(10),
        close_block=block(15),
        reveal_by=block(20),
        accept_blocks=10,
        arbiter=None,
        invited=(),
    )
    return msgspec.structs.replace(call, **changes)


def ask(*prices: tuple[int, int], surcharge: tuple[int, ...] = (0,)) -> Ask:
    return Ask(
        prices=tuple(TaskAsk(task=task, price=Planck(price)) for task, price in prices),
        slot_surcharge=tuple(Planck(s) for s in surcharge),
        bundles=(),
    )


AUCTION = AuctionId(digest("cfp", b"sample"))
TERMS = AgreementTerms(
    requester=ALICE.account,
    provider=BOB.account,
    task_id=TaskId(b"\1" * 32),
    attempt=0,
    capability="text.wordcount",
    capability_version=1,
    input=blob("input 1"),
    auction=AUCTION,
    transcript=digest("transcript", b"sample"),
    price=Planck(2**62),
    milestones=(Planck(2**61), Planck(2**61)),
    deliver_within=100,
    review_blocks=10,
    arbiter=CAROL.account,
)
SIGNATURE = Signature(bytes(64))

BODIES: tuple[Body, ...] = (
    Announcement(
        transport_key=ALICE.key,
        transport_proof=None,
        ttl=60,
        addresses=("/ip4/127.0.0.1/tcp/4001", "/ip6/::1/tcp/4001"),
        software="ainur/0.1.0",
        load=Ppm(125_000),
        capabilities=(
            Capability(
                name="text.summarize",
                version=1,
                description="Résumés: kürzt Texte — 要約",
                input_schema=blob("in"),
                output_schema=blob("out"),
                typical_price=Planck(20_000_000_000),
                free_slots=3,
            ),
        ),
    ),
    cfp(invited=tuple(sorted((BOB.account, CAROL.account))), arbiter=DAVE.account),
    Commitment(auction=AUCTION, seal=Hash(b"\x11" * 32)),
    CommitmentAck(auction=AUCTION, commitment=MessageId(b"\x12" * 32), block=block(12)),
    CommitmentRoot(auction=AUCTION, root=MerkleRoot(b"\x13" * 32), count=2, block=block(15)),
    Reveal(
        auction=AUCTION,
        root=MerkleRoot(b"\x13" * 32),
        ask=Ask(
            prices=(),
            slot_surcharge=(Planck(0), Planck(50)),
            bundles=(
                BundleAsk(tasks=(0,), price=Planck(300)),
                BundleAsk(tasks=(0, 1), price=Planck(500)),
            ),
        ),
        nonce=b"\x14" * 32,
    ),
    RevealAck(auction=AUCTION, reveal=MessageId(b"\x15" * 32), block=block(17)),
    Award(
        auction=AUCTION,
        round=1,
        method="vcg-assignment",
        lines=(AwardLine(task=0, provider=BOB.account, price=Planck(700)),),
        answer_by=block(30),
    ),
    Acceptance(auction=AUCTION, award=MessageId(b"\x16" * 32), accepted=False, reason="full"),
    Agreement(
        terms=TERMS,
        requester=SIGNATURE,
        provider=ProviderSignature(
            terms=SIGNATURE,
            offer=SIGNATURE,
            slot=Hash(bytes(32)),
            valid_until=block(60),
            offer_epoch=0,
        ),
    ),
    Progress(
        task_id=TaskId(b"\1" * 32), attempt=0, milestone=0, done=Ppm(500_000), note="half way"
    ),
    Receipt(
        terms=Hash(b"\x17" * 32),
        task_id=TaskId(b"\1" * 32),
        attempt=0,
        milestone=1,
        result=blob("result"),
        started=block(31),
        finished=block(33),
    ),
    Transcript(
        auction=AUCTION,
        cfp=b"cfp",
        commitments=(CommitmentRecord(commitment=b"commitment", ack=b"ack"),),
        root=b"root",
        reveals=(RevealRecord(reveal=b"reveal", ack=b"ack"),),
        weights=(Weight(provider=BOB.account, quality=Ppm(650_000), capacity=1),),
        rounds=(RoundRecord(award=b"award", refusals=(b"no",), silent=(CAROL.account,)),),
    ),
)
"""In the order of the kinds."""
