"""What happens in the demo, in order. The words hold no number: numbers are facts, and come from the chain."""

from chain.calls import escrow, registry, reputation
from chain.calls.frame import Sudo
from chain.events.escrow import Accepted, Delivered, Disputed, Opened, Ruled
from chain.events.registry import Registered
from chain.events.reputation import Bonded, Reported, SlashApplied
from chain.units import BasisPoints, Roles
from market.escrow.params import Params
from market.escrow.record import Reason
from market.hashing import Hash, TaskId, digest
from market.identity import AccountId
from market.offer import NO_SLOT, Offer, hash_offer, offer_payload
from market.reputation.book import Offence
from market.standing import EscrowId
from market.units import AINU, BlockNumber, Planck
from node.demo.chain import said
from node.demo.chain.stage import ARBITER, OTHER, PROVIDER, REQUESTER, ROOT, Stage
from node.demo.facts import Fact, Step

__all__ = ["tell_story"]

PRICE = Planck(3 * AINU // 2)
RULING = BasisPoints(6_000)
DAY_MILLIS = 24 * 3_600 * 1_000


def _hash(what: str) -> Hash:
    """Return what stands on the chain for a document that this demo does not have."""
    return digest("demo", what.encode())


async def tell_story(stage: Stage) -> None:
    """Let everything happen."""
    await _a_chain(stage)
    await _a_provider(stage)
    await _a_good_job(stage)
    await _a_job_never_done(stage)
    disputed = await _a_disputed_job(stage)
    await _a_slash(stage, disputed)
    await _a_job_left_open(stage)


async def _a_chain(stage: Stage) -> None:
    stage.begin(
        "A chain of your own",
        "A blockchain is a ledger that is written in blocks, each naming the one before, so that nobody can change"
        " the past. What may be written is decided by a program that lives on the chain itself, its runtime. Ours"
        " is running now, the real one: accounts, escrows, bonds, scores.",
    )
    params = await stage.chain.queries.escrow_params()
    stage.show(
        Step(
            "The chain is up",
            "Its first block is called genesis, and the hash of that is the chain's name: what is signed for this"
            " chain is good on no other.",
            (
                Fact("runtime", "runtime", stage.record.runtime, "text"),
                Fact("genesis", "genesis", f"0x{(await stage.chain.genesis()).hex()}", "hash"),
                Fact(
                    "millis_per_block",
                    "a block is meant to take",
                    params.millis_per_block,
                    "millis",
                ),
            ),
        )
    )
    before = await stage.remember()
    people = (REQUESTER, PROVIDER, ARBITER)
    stage.show(
        Step(
            "Three accounts",
            "An account is a pair of keys; whoever has the secret one may act for it. Every development chain knows"
            f" these. {REQUESTER.name} {REQUESTER.role}, {PROVIDER.name} {PROVIDER.role}, {ARBITER.name}"
            f" {ARBITER.role}. AINU is the chain's money.",
            tuple(
                Fact(f"free_{person.name.lower()}", f"{person.name} has", before.free[person.name], "planck")
                for person in people
            ),
        )
    )  # fmt: skip


async def _a_provider(stage: Stage) -> None:
    stage.begin(
        "A provider takes a risk",
        "Whoever wants to change something on the chain signs a request, called an extrinsic. It is put into a block,"
        " and the runtime carries it out or refuses it; either way that is on record, and costs a small fee.",
    )
    await stage.act(
        PROVIDER,
        registry.Register(None, None, _hash("card"), _hash("capabilities"), Roles.NONE),
        f"{PROVIDER.name} registers as an agent",
        "From now on the chain knows which key signs for it. A deposit keeps the register free of rubbish.",
        lambda r: [Fact("deposit", "deposit", said.event_of(r, Registered).deposit, "planck")],
    )
    least = (await stage.chain.queries.reputation_params()).min_bond
    bond = Planck(3 * least // 2)
    await stage.act(
        PROVIDER,
        reputation.Bond(bond),
        f"{PROVIDER.name} bonds",
        "A bond is money that a provider can lose. A part of the first one is burned, so that a ruined name is not"
        " simply exchanged for a new one. Whoever falls below the least bond gets no work until it is filled up.",
        lambda r: [
            Fact("least_bond", "at least", least, "planck"),
            Fact("bond", "bond", said.event_of(r, Bonded).active, "planck"),
            Fact("burned", "burned", said.event_of(r, Bonded).burned, "planck"),
        ],
    )
    now = await stage.remember()
    stage.show(
        Step(
            "What a newcomer is worth",
            "Everybody starts in the middle. Until it has worked for enough different requesters, a newcomer's score"
            " counts for less than it says, and limits how much work it may have open.",
            (
                Fact("score", "score", now.score, "points"),
                Fact("effective", "counts for", now.effective * 1_000, "points"),
            ),
        )
    )


async def _offer(
    stage: Stage,
    task: str,
    arbiter: AccountId | None = None,
    provider: AccountId = PROVIDER.account,
) -> Offer:
    """Return what requester and provider have agreed on."""
    params = await stage.chain.queries.escrow_params()
    now = (await stage.chain.finalized()).number
    return Offer(
        genesis=await stage.chain.genesis(),
        requester=REQUESTER.account,
        provider=provider,
        task_id=TaskId(_hash(f"task {task}")),
        attempt=0,
        price=PRICE,
        milestones=(PRICE,),
        input_hash=_hash(f"input {task}"),
        slot=NO_SLOT,
        terms=_hash(f"terms {task}"),
        arbiter=arbiter,
        deliver_within=_a_day(params),
        review_blocks=params.default_review,
        valid_until=BlockNumber(now + params.default_offer_validity),
        offer_epoch=await stage.chain.queries.offer_epoch(provider),
    )


def _a_day(params: Params) -> int:
    return min(DAY_MILLIS // params.millis_per_block, params.max_deliver_within)


async def _a_good_job(stage: Stage) -> None:
    stage.begin(
        "A job that goes well",
        f"{REQUESTER.name} wants something done and does not know {PROVIDER.name}. Neither needs to trust the other:"
        " the price waits in an escrow that belongs to neither until the work is done.",
    )
    offer = await _offer(stage, "well")
    opened = await stage.act(
        REQUESTER,
        escrow.Open(offer),
        f"{REQUESTER.name} opens an escrow",
        "The price is put on hold in her own account, and with it the fee and what a dispute would cost. She cannot"
        " spend it any more, and nobody can take it yet.",
        said.of_opening,
    )
    number = said.event_of(opened, Opened).escrow
    await stage.act(
        PROVIDER,
        escrow.Accept(number, hash_offer(offer)),
        f"{PROVIDER.name} accepts it",
        "By naming the hash of the terms he agrees to exactly these. Now he has a deadline.",
        lambda r: [Fact("deliver_by", "to deliver by", said.event_of(r, Accepted).deliver_by, "block")],
    )  # fmt: skip
    await _deliver(stage, number, "well")
    await stage.act(
        REQUESTER,
        escrow.Release(number),
        f"{REQUESTER.name} releases the price",
        f"{PROVIDER.name} is paid and the rest comes back to her. Only a payment like this one raises a score, and it"
        " raises it by less where the requester has nothing at stake herself: friends are cheap to invent.",
        lambda r: [*said.of_payment(r), *said.of_end(r), *said.of_score(r)],
    )
    await stage.remember()


async def _deliver(stage: Stage, number: EscrowId, task: str) -> None:
    await stage.act(
        PROVIDER,
        escrow.Deliver(number, _hash(f"result {task}")),
        f"{PROVIDER.name} delivers",
        "The result itself goes to the requester; the chain keeps its hash, by which everybody can tell later what"
        " was delivered. If she stays silent, he is paid.",
        lambda r: [Fact("review_by", "to object by", said.event_of(r, Delivered).review_by, "block")],
    )  # fmt: skip


async def _a_job_never_done(stage: Stage) -> None:
    stage.begin(
        "A job that is never done",
        f"{PROVIDER.name} takes another job and forgets it. On this chain nobody has to wait for the deadline: a"
        " development chain can jump.",
    )
    offer = await _offer(stage, "never")
    signature = PROVIDER.signer.sign(offer_payload(offer))
    opened = await stage.act(
        REQUESTER,
        escrow.OpenWithOffer(offer, signature),
        f"{REQUESTER.name} opens an escrow with {PROVIDER.name}'s signed offer",
        "He has signed it already, outside of the chain. The runtime checks the signature, and one extrinsic is"
        " enough to bind both.",
        lambda r: [
            *said.of_opening(r),
            Fact("deliver_by", "to deliver by", said.event_of(r, Accepted).deliver_by, "block"),
        ],
    )
    event = said.event_of(opened, Accepted)
    await stage.jump_past(
        event.deliver_by, "Time passes", "Blocks are the chain's clock: deadlines are numbers of blocks."
    )  # fmt: skip
    await stage.act(
        ARBITER,
        escrow.ClaimTimeout(event.escrow),
        f"{ARBITER.name} claims the timeout",
        f"Anybody may, since the chain does nothing by itself. {REQUESTER.name} gets everything back. {PROVIDER.name}"
        " loses score, and a part of his bond goes to her for her trouble.",
        lambda r: [*said.of_end(r), *said.of_score(r), *said.of_failure(r)],
    )
    await stage.remember()


async def _a_disputed_job(stage: Stage) -> EscrowId:
    stage.begin(
        "A job that ends in a dispute",
        "This time both have named an arbiter beforehand: somebody who looks at the work where they cannot agree.",
    )
    offer = await _offer(stage, "disputed", ARBITER.account)
    signature = PROVIDER.signer.sign(offer_payload(offer))
    opened = await stage.act(
        REQUESTER,
        escrow.OpenWithOffer(offer, signature),
        f"{REQUESTER.name} opens an escrow",
        f"Again with {PROVIDER.name}'s signature, which covers the arbiter's name, too.",
        said.of_opening,
    )
    number = said.event_of(opened, Opened).escrow
    await _deliver(stage, number, "disputed")
    await stage.act(
        REQUESTER,
        escrow.Dispute(number, Reason.RESULT_WRONG, _hash("evidence")),
        f"{REQUESTER.name} disputes the result",
        f"Now it is {ARBITER.name}'s turn. If he stayed silent too long, the chain's own arbiter would be asked, and"
        " after that the price would be split: an escrow always ends.",
        lambda r: [Fact("rule_by", "to rule by", said.event_of(r, Disputed).rule_by, "block")],
    )
    await stage.act(
        ARBITER,
        escrow.Rule(number, RULING),
        f"{ARBITER.name} rules",
        "A part of the work was good. Nobody has clearly won, so no score moves, and both sides pay the arbiter.",
        lambda r: [
            Fact("ruling", "the provider's part", said.event_of(r, Ruled).provider_bps, "bps"),
            *said.of_payment(r),
            *said.paid_to(r, ARBITER.account, "arbiter", "to the arbiter"),
            *said.of_end(r),
        ],
    )
    await stage.remember()
    return number


async def _a_slash(stage: Stage, number: EscrowId) -> None:
    stage.begin(
        "A bond is slashed",
        f"It turns out that what {PROVIDER.name} delivered in the disputed job was made up. That is more than a"
        " failure, it is an offence.",
    )
    reported = await stage.act(
        ROOT,
        Sudo(reputation.ReportOffence(
            Offence.FRAUDULENT_RESULT, PROVIDER.account, number, _hash("forgery")
        )),
        f"{ROOT.name} reports the offence",
        "Here the chain's authority is one key. A part of the bond is set aside at once, and cannot be withdrawn; it"
        " is taken only later, so that a wrong report can be cancelled.",
        lambda r: [
            Fact("set_aside", "set aside", said.event_of(r, Reported).set_aside, "planck"),
            Fact("deferred_until", "not taken before the end of", said.event_of(r, Reported).deferred_until, "block"),
        ],
    )  # fmt: skip
    event = said.event_of(reported, Reported)
    await stage.jump_past(event.deferred_until, "Time passes", "Nobody cancels the report.")
    await stage.act(
        ARBITER,
        reputation.ApplySlash(event.report),
        f"{ARBITER.name} has the slash applied",
        f"Again anybody may. The money goes to the chain's treasury, {PROVIDER.name}'s score is nothing now, and he is"
        " suspended.",
        lambda r: [Fact("slashed", "slashed from the bond", said.event_of(r, SlashApplied).amount, "planck")],
    )  # fmt: skip
    now = await stage.remember()
    stage.show(
        Step(
            f"What is left of {PROVIDER.name}",
            "Without enough of a bond, and suspended, he is offered no more work.",
            (
                Fact("bond", "bond", now.bond, "planck"),
                Fact("score", "score", now.score, "points"),
                Fact("suspended", "suspended", "yes" if now.suspended else "no", "text"),
            ),
        )
    )


async def _a_job_left_open(stage: Stage) -> None:
    stage.begin(
        "A job that is left for you",
        f"{REQUESTER.name} asks {OTHER.name} instead, who has been a provider since genesis.",
    )
    await stage.act(
        REQUESTER,
        escrow.Open(await _offer(stage, "open", provider=OTHER.account)),
        f"{REQUESTER.name} opens an escrow",
        f"Whether {OTHER.name} accepts it is up to whoever has his key.",
        lambda r: [
            *said.of_opening(r),
            Fact("accept_by", "to accept by", said.event_of(r, Opened).accept_by, "block"),
        ],
    )
    await stage.remember()
