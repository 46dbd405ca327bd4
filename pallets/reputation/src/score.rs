//! How much a settled escrow moves a score and a bond: pure arithmetic on integers.
//!
//! Scores are in milli-points, 0 to 1,000,000; amounts in planck; weights in millionths. Every
//! division is floored where it stands, in the order in which it stands: the mirror in Python does
//! the same, and the shared vectors hold both to it. Products are formed in 256 bits, so that no
//! intermediate value overflows; a result that does not fit is the type's maximum.

use ainur_primitives::Balance;
use sp_core::U256;
use sp_runtime::traits::SaturatedConversion;

/// The highest score, in milli-points.
pub const MAX_SCORE: u32 = 1_000_000;
/// The score of an account without a history, in milli-points.
pub const INITIAL_SCORE: u32 = 500_000;
/// What a provider's score may gain in one epoch, in milli-points.
pub const MAX_GAIN_PER_EPOCH: u32 = 25_000;
/// What a failure of full weight costs, in milli-points.
pub const FULL_LOSS: u32 = 20_000;
/// Settled jobs below which a score counts at most [`UNPROVEN_CAP`].
pub const PROVEN_JOBS: u32 = 10;
/// Distinct requesters below which a score counts at most [`UNPROVEN_CAP`].
pub const PROVEN_REQUESTERS: u32 = 5;
/// What an unproven score counts at most, in points.
pub const UNPROVEN_CAP: u32 = 300;
/// Failures in one epoch from which they are an offence.
pub const REPEATED_FAILURES: u32 = 5;
/// The weight of an amount at or above the reference price.
pub const FULL_WEIGHT: u32 = 1_000_000;

/// `floor(a * b / divisor)`; the maximum where it does not fit, 0 where `divisor` is 0.
pub fn mul_div(a: u128, b: u128, divisor: u128) -> u128 {
	U256::from(a)
		.saturating_mul(U256::from(b)) // of two 128-bit numbers: never saturates
		.checked_div(U256::from(divisor))
		.map_or(0, |quotient| quotient.try_into().unwrap_or(u128::MAX))
}

/// The weight of an amount in millionths: `min(10^6, amount * 10^6 / ref_price)`.
pub fn compute_weight(amount: Balance, ref_price: Balance) -> u32 {
	mul_div(amount, FULL_WEIGHT.into(), ref_price)
		.min(FULL_WEIGHT.into())
		.saturated_into()
}

/// What a success is worth, in milli-points, before the cap of the epoch:
/// `max(0, 10_000 - score/100) * w / 10^6 / (1 + n)`, then `/ 10` where the requester is not
/// established.
///
/// - `score`: before it, in milli-points.
/// - `weight`: of what was paid, in millionths.
/// - `earlier`: this pair's successes in this epoch before it.
/// - `established`: whether the requester has had the minimum bond for one epoch.
pub fn compute_gain(score: u32, weight: u32, earlier: u32, established: bool) -> u32 {
	let room = 10_000_u32.saturating_sub(score / 100);
	let full = mul_div(room.into(), weight.into(), FULL_WEIGHT.into());
	let decayed = mul_div(full, 1, u128::from(earlier).saturating_add(1));
	let gain = if established { decayed } else { decayed / 10 };
	gain.saturated_into()
}

/// What a failure costs, in milli-points: `20_000 * w / 10^6`.
pub fn compute_loss(weight: u32) -> u32 {
	mul_div(FULL_LOSS.into(), weight.into(), FULL_WEIGHT.into()).saturated_into()
}

/// What a failure takes from the bond, in planck:
/// `min(unpaid, max((base / 100) * w / 10^6, unpaid / 10))`.
///
/// - `unpaid`: what the failure left unpaid, in planck.
/// - `base`: active and unlocking bond at acceptance, in planck.
/// - `weight`: of what was unpaid, in millionths, already halved where the failure weighs half.
pub fn compute_slash(unpaid: Balance, base: Balance, weight: u32) -> Balance {
	let by_bond = mul_div(base / 100, weight.into(), FULL_WEIGHT.into());
	unpaid.min(by_bond.max(unpaid / 10))
}

/// What of a slash goes to the requester, in planck: at most a tenth of what was unpaid, and
/// nothing where the parties chose the arbiter themselves.
pub fn compute_requester_part(taken: Balance, unpaid: Balance, named_arbiter: bool) -> Balance {
	if named_arbiter {
		0
	} else {
		taken.min(unpaid / 10)
	}
}

/// What a score counts for, in points, 0 to 1000: all of it once the account settled
/// [`PROVEN_JOBS`] jobs for [`PROVEN_REQUESTERS`] distinct requesters, else at most
/// [`UNPROVEN_CAP`].
pub fn compute_effective(score: u32, settled: u32, requesters: u32) -> u32 {
	let points = score / 1_000;
	if settled >= PROVEN_JOBS && requesters >= PROVEN_REQUESTERS {
		points
	} else {
		points.min(UNPROVEN_CAP)
	}
}

/// How much work a provider may have open, in planck: `factor * active * effective / 1000`.
pub fn compute_exposure_limit(factor: u32, active: Balance, effective: u32) -> Balance {
	mul_div(
		active,
		u128::from(factor).saturating_mul(effective.into()),
		1_000,
	)
}

/// Whether the failures of a closed epoch are an offence: at least five, and at least half of the
/// epoch's terminals.
pub fn is_repeated_failure(failures: u32, terminals: u32) -> bool {
	failures >= REPEATED_FAILURES && failures >= terminals.saturating_sub(failures)
}
