"""What the machines of a settlement are told, and what they ask for.

Effects are *levels*, not edges: at each head a machine asks again for all that it still waits for. Whoever carries
them out makes each of them harmless to repeat, by the names that they carry: a submission has a key that is
used once, a blob has a hash, work has its milestone.
"""

from enum import Enum
from typing import Literal

import attrs

from market.envelope import Opened
from market.errors import UsageError
from market.escrow.calls import Call
from market.escrow.record import Escrow, State
from market.hashing import Hash
from market.identity import AccountId
from market.messages import Agreement, AgreementTerms, Blob, Receipt
from market.offer import Offer
from market.standing import EscrowId
from market.steps import Accuse, Ignored, Opening, Send
from market.units import Planck

__all__ = [
    "AgreementReceived",
    "CallRefused",
    "CancelWanted",
    "ChainSeen",
    "Effect",
    "Ending",
    "Examine",
    "FetchInput",
    "Found",
    "Grant",
    "InputChecked",
    "OnEscrow",
    "OpenEscrow",
    "Outcome",
    "Perform",
    "ProviderEvent",
    "ReceiptReceived",
    "RequesterEvent",
    "ResultChecked",
    "Settled",
    "Stop",
    "Submit",
    "WasAway",
    "WorkDone",
    "WorkFailed",
    "WorkStarted",
    "key_of",
    "prefix_of",
    "submit_on",
    "task_of",
]


def key_of(task: AgreementTerms | Escrow, what: str) -> str:
    """Return the name of something that is done once for a task.

    Args:
        task: its terms or its record; requester, task, attempt and provider are in the name.
        what: as ``release/0``.
    """
    return f"{prefix_of(task)}{what}"


def prefix_of(task: AgreementTerms | Escrow) -> str:
    """Return what the names of everything that is done for a task begin with."""
    whose = f"{task.requester.hex()}/{task.task_id.hex()}"
    return f"task/{whose}/{task.attempt}/{task.provider.hex()}/"


@attrs.frozen
class Found:
    """The last escrow at a task, as a finalised block has it."""

    id: EscrowId
    escrow: Escrow


def task_of(terms: AgreementTerms | None, found: Found | None) -> AgreementTerms | Escrow:
    """Return what a task is known by: its terms, or else its record.

    Raises:
        UsageError: it has neither.
    """
    if terms is not None:
        return terms
    if found is None:
        raise UsageError("a task has terms or a record")
    return found.escrow


# Events.


@attrs.frozen
class ChainSeen:
    """The finalised head moved: this is what it has for the task.

    :class:`~market.steps.Step` says which block. Never a block that can be undone: what was only in a block
    may be gone in the next, and a side that took it for done would not come back to it.
    """

    found: Found | None
    """None where the task has no escrow, or one that was pruned."""


@attrs.frozen
class CallRefused:
    """The chain has refused a submission, and that is final."""

    key: str
    pallet: str
    variant: str


@attrs.frozen
class AgreementReceived:
    """An agreement arrived: the requester's proposal at the provider, countersigned at the requester."""

    message: Opened[Agreement]


@attrs.frozen
class ReceiptReceived:
    """The provider's signed digest of a result arrived."""

    message: Opened[Receipt]


@attrs.frozen
class ResultChecked:
    """A result's bytes are here, match their hash, and were checked."""

    milestone: int
    result: Hash
    is_good: bool
    """Whether they are what was asked for."""
    evidence: Hash | None = None
    """Of what says why a bad one is bad, for an arbiter; None where there is no more than the receipt."""


@attrs.frozen
class CancelWanted:
    """The requester's own decision: it does not want the work any more."""


@attrs.frozen
class WasAway:
    """The requester was not running for a while, or asleep: a provider does not answer for that time."""


RequesterEvent = (
    Opening
    | ChainSeen
    | CallRefused
    | AgreementReceived
    | ReceiptReceived
    | ResultChecked
    | CancelWanted
    | WasAway
)


@attrs.frozen
class InputChecked:
    """The input's bytes are here and match their hash; or they are nothing that can be worked on."""

    input: Hash
    is_good: bool


@attrs.frozen
class WorkStarted:
    """The agent has begun a milestone."""

    milestone: int


@attrs.frozen
class WorkDone:
    """The agent has finished a milestone, and the result is stored."""

    milestone: int
    result: Blob


@attrs.frozen
class WorkFailed:
    """The agent will not finish a milestone."""

    milestone: int
    reason: str


ProviderEvent = (
    ChainSeen | CallRefused | AgreementReceived | InputChecked | WorkStarted | WorkDone | WorkFailed
)


# Effects.


@attrs.frozen
class OpenEscrow:
    """Open the escrow: with the provider's signature both are bound, without it is proposed."""

    offer: Offer
    signature: bytes | None = attrs.field(repr=False)


@attrs.frozen
class OnEscrow:
    """Call something on the escrow."""

    escrow: EscrowId
    call: Call


@attrs.frozen
class Submit:
    """Have something carried out on chain, once.

    However often it is asked for under one key, it happens once at most; what comes of it is seen on
    the finalised chain, and a refusal is told as :class:`CallRefused`.
    """

    key: str
    what: OpenEscrow | OnEscrow


def submit_on(found: Found, what: str, call: Call) -> Submit:
    """Return the submission of a call on an escrow, under the name that it has once for the task."""
    return Submit(key_of(found.escrow, what), OnEscrow(found.id, call))


@attrs.frozen
class Grant:
    """Let an account fetch a blob of ours, by its hash."""

    to: AccountId
    blob: Hash


@attrs.frozen
class FetchInput:
    """Get the input from the requester and look whether it can be worked on; answered by :class:`InputChecked`."""

    source: AccountId
    input: Blob


@attrs.frozen
class Examine:
    """Get a result from the provider and check it; answered by :class:`ResultChecked`."""

    source: AccountId
    milestone: int
    result: Hash


@attrs.frozen
class Perform:
    """Work on a milestone, unless that is going on or done; answered by :class:`WorkStarted` and its end."""

    milestone: int


@attrs.frozen
class Stop:
    """Stop working: nobody pays for it any more."""


class Ending(Enum):
    """How a task ended that never had an escrow."""

    UNSIGNED = "unsigned"
    """The provider did not sign."""
    UNOPENED = "unopened"
    """The offer ran out, and no escrow had been opened with it."""
    REFUSED = "refused"
    """The chain refused the opening."""
    WITHDRAWN = "withdrawn"
    """The requester did not want it any more, or the input was of no use."""
    FORGOTTEN = "forgotten"
    """The escrow ended and was pruned while we were away."""


@attrs.frozen
class Outcome:
    """How a task ended."""

    state: State | Ending
    paid: Planck
    """To the provider, in all."""
    at_fault: Literal["requester", "provider"] | None = None
    """Who kept the escrow from being opened."""
    reason: str = ""


@attrs.frozen
class Settled:
    """The task is over, finally."""

    outcome: Outcome


Effect = Send | Submit | Grant | FetchInput | Examine | Perform | Stop | Settled | Ignored | Accuse
