"""How much a settled escrow moves a score and a bond: pure arithmetic on integers.

Scores are in milli-points, 0 to 1,000,000; amounts in planck; weights in millionths. Every division is
floored where it stands, in the order in which it stands.

Source: ``pallets/reputation/src/score.rs``.
"""

from typing import Final

from market.units import MAX_BALANCE, Planck

__all__ = [
    "FULL_LOSS",
    "FULL_WEIGHT",
    "INITIAL_SCORE",
    "MAX_GAIN_PER_EPOCH",
    "MAX_SCORE",
    "PROVEN_JOBS",
    "PROVEN_REQUESTERS",
    "REPEATED_FAILURES",
    "UNPROVEN_CAP",
    "compute_effective",
    "compute_exposure_limit",
    "compute_gain",
    "compute_loss",
    "compute_requester_part",
    "compute_slash",
    "compute_weight",
    "is_repeated_failure",
]

MAX_SCORE: Final = 1_000_000
"""The highest score, milli-points."""
INITIAL_SCORE: Final = 500_000
"""The score of an account without a history, milli-points."""
MAX_GAIN_PER_EPOCH: Final = 25_000
"""What a provider's score may gain in one epoch, milli-points."""
FULL_LOSS: Final = 20_000
"""What a failure of full weight costs, milli-points."""
PROVEN_JOBS: Final = 10
"""Settled jobs below which a score counts at most :data:`UNPROVEN_CAP`."""
PROVEN_REQUESTERS: Final = 5
"""Distinct requesters below which it does so too."""
UNPROVEN_CAP: Final = 300
"""What an unproven score counts at most, points."""
REPEATED_FAILURES: Final = 5
"""Failures in one epoch from which they are an offence."""
FULL_WEIGHT: Final = 1_000_000
"""The weight of an amount at or above the reference price."""


def compute_weight(amount: int, ref_price: int) -> int:
    """Return the weight of an amount: ``min(10^6, amount * 10^6 / ref_price)``.

    Args:
        amount: planck.
        ref_price: planck, above zero.

    Source: ``compute_weight``.
    """
    return min(amount * FULL_WEIGHT // ref_price, FULL_WEIGHT)


def compute_gain(score: int, weight: int, earlier: int, *, is_established: bool) -> int:
    """Return what a success is worth in milli-points, before the cap of the epoch.

    ``max(0, 10_000 - score/100) * w / 10^6 / (1 + n)``, and a tenth of it for a requester that is not
    established.

    Args:
        score: before it, milli-points.
        weight: of what was paid.
        earlier: n, this pair's successes in this epoch before it.
        is_established: whether the requester has had the minimum bonded for one epoch.

    Source: ``compute_gain``.
    """
    room = max(10_000 - score // 100, 0)
    decayed = room * weight // FULL_WEIGHT // (1 + earlier)
    return decayed if is_established else decayed // 10


def compute_loss(weight: int) -> int:
    """Return what a failure costs in milli-points: ``20_000 * w / 10^6``.

    Source: ``compute_loss``.
    """
    return FULL_LOSS * weight // FULL_WEIGHT


def compute_slash(unpaid: int, base: int, weight: int) -> Planck:
    """Return what a failure takes: ``min(unpaid, max((base / 100) * w / 10^6, unpaid / 10))``.

    Args:
        unpaid: what it left unpaid, planck.
        base: active and unlocking bond at acceptance, planck.
        weight: of what was unpaid, already halved where the failure weighs half.

    Source: ``compute_slash``.
    """
    by_bond = base // 100 * weight // FULL_WEIGHT
    return Planck(min(unpaid, max(by_bond, unpaid // 10)))


def compute_requester_part(taken: int, unpaid: int, *, is_named_arbiter: bool) -> Planck:
    """Return what of a slash goes to the requester: at most a tenth of what was unpaid.

    Nothing does where the parties chose the arbiter, so that a requester and its arbiter cannot share
    a bond between them.

    Source: ``compute_requester_part``.
    """
    return Planck(0 if is_named_arbiter else min(taken, unpaid // 10))


def compute_effective(score: int, settled: int, requesters: int) -> int:
    """Return what a score counts for in points, 0 to 1000.

    Args:
        score: milli-points.
        settled: jobs.
        requesters: distinct ones among those of the settled jobs.

    Source: ``compute_effective``.
    """
    points = score // 1_000
    if settled >= PROVEN_JOBS and requesters >= PROVEN_REQUESTERS:
        return points
    return min(points, UNPROVEN_CAP)


def compute_exposure_limit(factor: int, active: int, effective: int) -> Planck:
    """Return how much work a provider may have open: ``factor * active * effective / 1000``.

    Source: ``compute_exposure_limit``, whose result ends at the largest amount on chain.
    """
    return Planck(min(active * factor * effective // 1_000, MAX_BALANCE))


def is_repeated_failure(failures: int, terminals: int) -> bool:
    """Return whether an epoch's failures are an offence: at least five, and half of its terminals.

    Source: ``is_repeated_failure``.
    """
    return failures >= REPEATED_FAILURES and failures >= terminals - failures
