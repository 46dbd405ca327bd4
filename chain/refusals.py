"""Every refusal that the runtime can answer with: who is at fault, and what to do next.

One table. A test holds it to the runtime's metadata: an error that is new, renamed or gone fails there. The
pallets' sources say what each means; this says what the one who gets it should do.
"""

import enum
from typing import Final

import attrs

__all__ = ["REFUSALS", "Advice", "Fault", "advice_for"]


class Fault(enum.Enum):
    """Who is at fault."""

    CALLER = "caller"
    """We asked for what may not be asked: a defect of ours, or a wrong choice."""
    PEER = "peer"
    """What the other side gave us does not hold: count it against the peer."""
    STATE = "state"
    """The chain has moved on, or not far enough: read the state, then decide anew."""
    FUNDS = "funds"
    """Money or bond does not suffice."""
    CHAIN = "chain"
    """The runtime or its node: nothing that we can mend."""


@attrs.frozen
class Advice:
    """What is to be made of a refusal."""

    fault: Fault
    action: str
    """A sentence that says what to do."""


CALLER, PEER, STATE, FUNDS, CHAIN = Fault.CALLER, Fault.PEER, Fault.STATE, Fault.FUNDS, Fault.CHAIN

_TRIE: Final = (
    *("InvalidStateRoot", "IncompleteDatabase", "ValueAtIncompleteKey", "DecoderError"),
    *(
        "InvalidHash",
        "DuplicateKey",
        "ExtraneousNode",
        "ExtraneousValue",
        "ExtraneousHashReference",
    ),
    *("InvalidChildReference", "ValueMismatch", "IncompleteProof", "RootMismatch", "DecodeError"),
)

_TABLE: Final[dict[str, dict[str, tuple[Fault, str]]]] = {
    "Escrow": {
        "NotFound": (STATE, "The escrow was pruned, or its number is wrong: look it up by requester and task."),
        "NotAllowed": (CALLER, "Sign with the key that this call is for: the requester, the provider's operator key or the arbiter."),
        "WrongState": (STATE, "Read the escrow: the other side, or a timeout, was faster."),
        "TooLate": (STATE, "The deadline has passed: claim the timeout."),
        "TooEarly": (STATE, "Wait until the deadline has passed."),
        "WrongChain": (CALLER, "Make the offer anew with the genesis hash of this chain."),
        "SameParty": (CALLER, "Name another account as the provider."),
        "BadMilestones": (CALLER, "Give 1 to 8 milestones, each at least the minimum price, that sum up to the price."),
        "BadPeriod": (CALLER, "Choose periods within the chain's parameters."),
        "BadArbiter": (CALLER, "Name an active arbiter that is neither party, or none."),
        "BadValidity": (STATE, "Ask the provider for a fresh offer: this one has lapsed, or reaches too far ahead."),
        "Revoked": (PEER, "Ask the provider for a fresh offer: it revoked this one."),
        "BadSignature": (PEER, "Ask the provider for an offer that its present operator key has signed."),
        "WrongOffer": (PEER, "Do not accept: the escrow was opened with other terms than those agreed."),
        "TaskTaken": (STATE, "The task has an escrow: go on with that one."),
        "BadAttempt": (CALLER, "Use the attempt that follows the last one in the task's index."),
        "MayNotCommit": (PEER, "Choose another provider, or clear the flag: a party is unregistered or compromised."),
        "BadReason": (CALLER, "Use a reason that this party has in this state."),
        "BadRuling": (CALLER, "Rule with at most 10,000 basis points."),
        "Retained": (STATE, "Prune once the retention has passed."),
        "Overflow": (CHAIN, "Report it: a counter of the chain is used up."),
    },
    "Registry": {
        "AlreadyRegistered": (STATE, "Use update: the account is an agent already."),
        "NotRegistered": (CALLER, "Register the account first."),
        "ColdIsSelf": (CALLER, "Name another account as the cold one."),
        "UnknownRoles": (CALLER, "Use roles that this chain knows."),
        "KeyAlreadyUsed": (CALLER, "Make a fresh key: a key is used once, by one agent."),
        "KeyIsCold": (CALLER, "Make a fresh key: the cold one must stay off the node."),
        "BadProof": (CALLER, "Sign chain, agent and key with the new key itself."),
        "RotationPending": (STATE, "Wait for the pending rotation, or replace it by the cold account."),
        "NoRotationPending": (STATE, "Nothing to cancel: the rotation took effect, or was cancelled."),
        "NotAuthorised": (CALLER, "Sign with the agent's account or its cold account."),
        "NotCold": (CALLER, "Sign with the agent's cold account."),
    },
    "Reputation": {
        "AlreadyBonded": (STATE, "Use bond_extra: there is an active bond."),
        "NotBonded": (STATE, "Use bond: there is no active bond."),
        "BelowMinimum": (FUNDS, "Bond the minimum at least."),
        "ZeroAmount": (CALLER, "Ask for more than nothing."),
        "InsufficientBond": (FUNDS, "Ask for no more than the active bond."),
        "ExposureExceeded": (FUNDS, "Bond more, or wait until open work has ended."),
        "TooManyChunks": (STATE, "Withdraw what is free, or wait."),
        "NothingToWithdraw": (STATE, "Wait until a part of the bond is free."),
        "Compromised": (STATE, "Clear the flag with the cold account, after rotating the key."),
        "Inactive": (FUNDS, "Bring the bond back to the minimum with bond_extra."),
        "Suspended": (STATE, "Take on no work: the agent is suspended until it is reinstated."),
        "NoRecord": (CALLER, "Name an account that has bonded."),
        "NotReportable": (CALLER, "Report this offence by the call that is for it."),
        "EscrowNeeded": (CALLER, "Name the escrow of the fraudulent result."),
        "EscrowNotEnded": (STATE, "Report once the escrow has ended, and before it is pruned."),
        "NotTheProvider": (CALLER, "Accuse the provider of the escrow or of both offers."),
        "TooLate": (STATE, "Drop the report: its window is over."),
        "AlreadyReported": (STATE, "Wait for the pending report on the same."),
        "AlreadyPunished": (STATE, "Drop the report: the same was punished."),
        "WrongGenesis": (CALLER, "Report offers of this chain only."),
        "OfferEpochAhead": (CALLER, "Report offers of an epoch that the provider has begun."),
        "OfferEpochsDiffer": (CALLER, "Report two offers of one epoch."),
        "SlotsDiffer": (CALLER, "Report two offers on one non-zero slot."),
        "SameTask": (CALLER, "Report two offers for different tasks."),
        "BadSignature": (CALLER, "Report offers that the present operator key has signed."),
        "AlreadyJudged": (STATE, "Wait for the next epoch: this one was judged."),
        "NoRepeatedFailures": (STATE, "Nothing to judge: the epoch had too few failures."),
        "NoSuchReport": (STATE, "The report was applied or cancelled."),
        "StillDeferred": (STATE, "Apply the slash once its deferral is over."),
        "NotSuspended": (STATE, "Nothing to end: the agent is not suspended."),
        "TooEarly": (STATE, "Reinstate once the suspension is old enough."),
    },
    "Balances": {
        "VestingBalance": (FUNDS, "Wait for the vesting, or use other funds."),
        "LiquidityRestrictions": (FUNDS, "Use funds that are not locked."),
        "InsufficientBalance": (FUNDS, "Fund the account."),
        "ExistentialDeposit": (FUNDS, "Send at least the existential deposit to a new account."),
        "Expendability": (FUNDS, "Leave the existential deposit, or allow the account to be reaped."),
        "ExistingVestingSchedule": (STATE, "The account has a vesting schedule already."),
        "DeadAccount": (STATE, "Fund the destination with the existential deposit first."),
        "TooManyReserves": (STATE, "Release a reserve first."),
        "TooManyHolds": (STATE, "Release a hold first."),
        "TooManyFreezes": (STATE, "Thaw a freeze first."),
        "IssuanceDeactivated": (CHAIN, "The issuance cannot be changed on this chain."),
        "DeltaZero": (CALLER, "Ask for a change other than zero."),
    },
    "System": {
        "InvalidSpecName": (CALLER, "Upgrade to a runtime of the same name."),
        "SpecVersionNeedsToIncrease": (CALLER, "Raise the runtime's spec version."),
        "FailedToExtractRuntimeVersion": (CALLER, "Give a runtime that carries its version."),
        "NonDefaultComposite": (STATE, "The account still holds data of another pallet."),
        "NonZeroRefCount": (STATE, "The account is still referred to."),
        "CallFiltered": (CHAIN, "The chain does not take this call at present."),
        "MultiBlockMigrationsOngoing": (CHAIN, "Wait until the migration has ended."),
        "NothingAuthorized": (STATE, "Authorise the upgrade first."),
        "Unauthorized": (CALLER, "Give the code that was authorised."),
    },
    "Sudo": {"RequireSudo": (CALLER, "Sign with the chain's root key.")},
    "Utility": {
        "TooManyCalls": (CALLER, "Put fewer calls into the batch."),
    },
    "Token": {
        "FundsUnavailable": (FUNDS, "Fund the account: what is free does not cover amount, deposits and fee."),
        "OnlyProvider": (FUNDS, "Leave the existential deposit: the account is still needed."),
        "BelowMinimum": (FUNDS, "Send at least the existential deposit."),
        "CannotCreate": (FUNDS, "Fund the destination with the existential deposit first."),
        "UnknownAsset": (CALLER, "Name an asset that exists."),
        "Frozen": (FUNDS, "Use funds that are not frozen."),
        "Unsupported": (CALLER, "The token does not do this."),
        "CannotCreateHold": (FUNDS, "Release another hold, or fund the account first."),
        "NotExpendable": (FUNDS, "Leave the existential deposit on the account."),
        "Blocked": (STATE, "Use another account: this one may not receive."),
    },
    "Arithmetic": {
        "Underflow": (FUNDS, "Ask for no more than there is."),
        "Overflow": (CALLER, "Use a smaller amount."),
        "DivisionByZero": (CHAIN, "Report it: the chain's parameters divide by zero."),
    },
    "Transactional": {
        "LimitReached": (CALLER, "Nest fewer calls."),
        "NoLayer": (CHAIN, "Report it: the runtime expected a storage layer."),
    },
    "Trie": dict.fromkeys(_TRIE, (CHAIN, "Report it: the node's proof of storage does not hold.")),
    "Dispatch": {
        "Other": (CHAIN, "Look the call up in the runtime: it refused without a reason."),
        "CannotLookup": (CALLER, "Name an account that exists."),
        "BadOrigin": (CALLER, "Sign with the account that this call is for; some want the chain's root key."),
        "ConsumerRemaining": (STATE, "Release holds and bond first: the account is still used."),
        "NoProviders": (FUNDS, "Fund the account with the existential deposit first."),
        "TooManyConsumers": (STATE, "Release a hold first: too many uses of one account."),
        "Exhausted": (CHAIN, "Try again in a later block."),
        "Corruption": (CHAIN, "Report it: the chain's storage is corrupt."),
        "Unavailable": (CHAIN, "Try again later."),
        "RootNotAllowed": (CALLER, "Sign as an account; root may not make this call."),
    },
}  # fmt: skip

REFUSALS: Final[dict[str, dict[str, Advice]]] = {
    pallet: {variant: Advice(*advice) for variant, advice in variants.items()}
    for pallet, variants in _TABLE.items()
}
"""Advice by pallet, or by kind of FRAME's own refusals, and variant."""

_UNKNOWN = Advice(CHAIN, "This client does not know it: compare the runtime's version with ours.")


def advice_for(pallet: str, variant: str) -> Advice:
    """Return what is to be made of a refusal; of one that is not in the table, that it is unknown."""
    return REFUSALS.get(pallet, {}).get(variant, _UNKNOWN)
