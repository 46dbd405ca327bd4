"""What a step of a case means to its tasks, as their users are told it. Pure.

Bids are secret until the requester's root is out: a bidder's own ask is never told, and an ask of others only once it
was revealed to us.
"""

from collections.abc import Iterator
from typing import Any

from market.agreement import hash_terms
from market.auction import bidder
from market.auction import requester as auctioning
from market.cases import CaseKey, State
from market.envelope import expect, reopen
from market.identity import AccountId, ss58_from_account
from market.messages import Award
from market.settlement import provider as serving
from market.settlement import requester as buying

__all__ = ["Told", "describe"]

Told = tuple[bytes, str, dict[str, Any]]
"""Task, kind and fields."""


def describe(key: CaseKey, before: State | None, after: State) -> Iterator[Told]:
    """Yield what became true of tasks between two states of a case, in the order of a task's life."""
    match after:
        case auctioning.Requester():
            yield from _of_auction(
                before if isinstance(before, auctioning.Requester) else None, after
            )
        case buying.Requester():
            yield from _of_purchase(before if isinstance(before, buying.Requester) else None, after)
        case bidder.Bidder():
            yield from _of_bid(before if isinstance(before, bidder.Bidder) else None, after)
        case serving.Provider():
            yield from _of_service(before if isinstance(before, serving.Provider) else None, after)
        case _:
            raise TypeError(f"{key.kind} has no such state")


def _of_auction(before: auctioning.Requester | None, after: auctioning.Requester) -> Iterator[Told]:
    tasks = [task.task_id for task in after.cfp.tasks]
    auction = {"auction": _hex(after.auction)}
    told: list[tuple[str, dict[str, Any]]] = []
    if before is None:
        windows = {"close_block": after.cfp.close_block, "reveal_by": after.cfp.reveal_by}
        told.append(("called", {"to": [_who(a) for a in after.cfp.invited], **windows}))
    told += [
        ("committed", {"provider": _who(account), "commitments": len(after.taken)})
        for account in after.taken
        if before is None or account not in before.taken
    ]
    if after.root_hash and not (before and before.root_hash):
        told.append(("closed", {"root": _hex(after.root_hash), "commitments": len(after.taken)}))
    told += [
        ("revealed", {"provider": _who(account)})
        for account in after.shown
        if before is None or account not in before.shown
    ]
    for task in tasks:
        for kind, fields in told:
            yield task, kind, {**auction, **fields}
    for round_ in after.rounds[len(before.rounds) if before else 0 :]:
        award = expect(reopen(round_.award), Award).body
        for line in award.lines:
            yield (
                tasks[line.task],
                "award",
                {
                    **auction,
                    "round": award.round,
                    "method": award.method,
                    "provider": _who(line.provider),
                    "price": str(line.price),
                    "reserve": str(after.cfp.tasks[line.task].reserve),
                    **_explain(round_, line.provider),
                },
            )
    for task in tasks if after.transcript != (before.transcript if before else b"") else ():
        transcript = _hex(reopen(after.transcript).id)
        yield task, "concluded", {**auction, "phase": after.phase.value, "transcript": transcript}


def _explain(round_: auctioning.Round, provider: AccountId) -> dict[str, Any]:
    """Return the Clarke payment's parts: what others gain without it, and with it."""
    for why in round_.clearing.counterfactuals:
        if why.provider == provider:
            return {
                "payment": str(why.payment),
                "ask": str(why.ask),
                "value": str(why.value),
                "welfare_without": str(why.welfare_without),
                "welfare_of_others": str(why.welfare_of_others),
            }
    return {}


def _of_purchase(before: buying.Requester | None, after: buying.Requester) -> Iterator[Told]:
    task = after.task
    name = {"provider": _who(task.provider), "attempt": task.attempt}
    if before is None and after.terms is not None:
        terms = {"price": str(task.price), "terms": _hex(hash_terms(after.terms))}
        yield task.task_id, "proposed", {**name, **terms}
    if after.signed is not None and not (before and before.signed):
        yield task.task_id, "signed", name
    for milestone in after.verdicts.keys() - (before.verdicts.keys() if before else set()):
        good = after.verdicts[milestone][1]
        yield task.task_id, "checked", {**name, "milestone": milestone, "is_good": good}
    yield from _of_escrow(task.task_id, name, before, after)


def _of_bid(before: bidder.Bidder | None, after: bidder.Bidder) -> Iterator[Told]:
    named = {p.task for p in after.ask.prices} if after.ask else set()
    auction = {"auction": _hex(after.auction), "requester": _who(after.call.sender)}
    told = []
    if after.commitment and not (before and before.commitment):
        told.append("bid")
    if after.reveal and not (before and before.reveal):
        told.append("opened")
    for index in sorted(named):
        for kind in told:
            yield after.call.body.tasks[index].task_id, kind, auction


def _of_service(before: serving.Provider | None, after: serving.Provider) -> Iterator[Told]:
    task = after.task
    name = {"requester": _who(task.requester), "attempt": task.attempt}
    if after.answer and not (before and before.answer):
        yield task.task_id, "agreed", {**name, "price": str(task.price)}
    for milestone in after.started.keys() - (before.started.keys() if before else set()):
        yield task.task_id, "started", {**name, "milestone": milestone}
    for milestone in after.results.keys() - (before.results.keys() if before else set()):
        result = after.results[milestone]
        yield (
            task.task_id,
            "done",
            {**name, "milestone": milestone, "result": _hex(result.hash), "bytes": result.size},
        )
    if after.giving_back and not (before and before.giving_back):
        yield task.task_id, "giving-back", {**name, "reason": after.giving_back}
    yield from _of_escrow(task.task_id, name, before, after)


def _of_escrow(
    task: bytes,
    name: dict[str, Any],
    before: buying.Requester | serving.Provider | None,
    after: buying.Requester | serving.Provider,
) -> Iterator[Told]:
    found, was = after.found, before.found if before else None
    if found is not None and (was is None or was.escrow.state is not found.escrow.state):
        escrow = found.escrow
        yield (
            task,
            "escrow",
            {
                **name,
                "escrow": found.id,
                "state": escrow.state.value,
                "price": str(escrow.price),
                "paid": str(escrow.paid),
                "deadline": escrow.deadline,
                "result": None if escrow.result is None else _hex(escrow.result),
            },
        )
    if after.outcome is not None and not (before and before.outcome):
        end = after.outcome
        yield (
            task,
            "settled",
            {
                **name,
                "state": end.state.value,
                "paid": str(end.paid),
                "at_fault": end.at_fault,
                "reason": end.reason,
            },
        )


def _who(account: AccountId) -> str:
    return ss58_from_account(account)


def _hex(value: bytes) -> str:
    return f"0x{value.hex()}"
