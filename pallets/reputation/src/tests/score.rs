use crate::score::*;
use ainur_primitives::UNIT;

#[test]
fn a_weight_is_the_share_of_the_reference_price_and_at_most_one() {
	for (amount, weight) in [
		(0, 0),
		(1, 0),
		(999_999, 0),
		(1_000_000, 1),
		(UNIT / 2, 500_000),
		(UNIT - 1, 999_999),
		(UNIT, 1_000_000),
		(UNIT + 1, 1_000_000),
		(u128::MAX, 1_000_000),
	] {
		assert_eq!(compute_weight(amount, UNIT), weight, "{amount}");
	}
	assert_eq!(compute_weight(u128::MAX - 1, u128::MAX), 999_999);
}

#[test]
fn a_gain_shrinks_as_the_score_rises_and_never_passes_the_highest() {
	for (score, gain) in [
		(0, 10_000),
		(99, 10_000),
		(100, 9_999),
		(500_000, 5_000),
		(999_899, 2),
		(999_900, 1),
		(999_999, 1),
		(1_000_000, 0),
	] {
		assert_eq!(compute_gain(score, FULL_WEIGHT, 0, true), gain, "{score}");
	}
	// The gain is constant over a hundred: its last score is the worst.
	for score in (99..=MAX_SCORE).step_by(100) {
		assert!(score + compute_gain(score, FULL_WEIGHT, 0, true) <= MAX_SCORE);
	}
	assert_eq!(compute_gain(u32::MAX, FULL_WEIGHT, 0, true), 0);
}

#[test]
fn a_gain_decays_with_the_pairs_earlier_successes() {
	let gains: Vec<_> = (0..5)
		.map(|n| compute_gain(500_000, FULL_WEIGHT, n, true))
		.collect();
	assert_eq!(gains, [5_000, 2_500, 1_666, 1_250, 1_000]);
	assert_eq!(compute_gain(0, FULL_WEIGHT, u32::MAX, true), 0);
}

#[test]
fn a_gain_is_a_tenth_for_a_requester_that_is_not_established_floored_last() {
	// 5000 / 3 = 1666, then 166; not 500 / 3 = 166.67
	assert_eq!(compute_gain(500_000, FULL_WEIGHT, 2, false), 166);
	// 9999 * 999_999 / 10^6 = 9998, / 4 = 2499, / 10 = 249
	assert_eq!(compute_gain(100, 999_999, 3, false), 249);
}

#[test]
fn a_loss_is_not_divided_by_anything() {
	for (weight, loss) in [
		(0, 0),
		(49, 0),
		(50, 1),
		(500_000, 10_000),
		(FULL_WEIGHT, 20_000),
	] {
		assert_eq!(compute_loss(weight), loss, "{weight}");
	}
}

#[test]
fn a_slash_is_the_larger_of_two_shares_and_at_most_the_price() {
	let base = 200 * UNIT;
	// 1 % of the bond is 2 AINU: more than a job of 1 AINU is worth.
	assert_eq!(compute_slash(UNIT, base, FULL_WEIGHT), UNIT);
	// 10 % of the price is more than 1 % of the bond.
	assert_eq!(compute_slash(100 * UNIT, base, FULL_WEIGHT), 10 * UNIT);
	assert_eq!(compute_slash(10 * UNIT, base, FULL_WEIGHT), 2 * UNIT);
	// The half weight halves only the share of the bond.
	assert_eq!(compute_slash(10 * UNIT, base, FULL_WEIGHT / 2), UNIT);
	assert_eq!(compute_slash(100 * UNIT, base, FULL_WEIGHT / 2), 10 * UNIT);
	assert_eq!(compute_slash(0, base, 0), 0);
	assert_eq!(compute_slash(9, 0, FULL_WEIGHT), 0);
	assert_eq!(compute_slash(10, 0, FULL_WEIGHT), 1);
	assert_eq!(
		compute_slash(u128::MAX, u128::MAX, FULL_WEIGHT),
		u128::MAX / 10
	);
	// One percent is floored before it is weighed: 199 / 100 = 1, not 1.99 * w.
	assert_eq!(compute_slash(5, 199, 999_999), 0);
	assert_eq!(compute_slash(5, 199, FULL_WEIGHT), 1);
}

#[test]
fn the_requester_gets_at_most_a_tenth_and_nothing_from_an_arbiter_it_named() {
	assert_eq!(compute_requester_part(UNIT, UNIT, false), UNIT / 10);
	assert_eq!(compute_requester_part(5, 100, false), 5);
	assert_eq!(compute_requester_part(5, 9, false), 0);
	assert_eq!(compute_requester_part(UNIT, UNIT, true), 0);
}

#[test]
fn an_unproven_score_counts_at_most_three_hundred_points() {
	assert_eq!(compute_effective(500_000, 10, 5), 500);
	assert_eq!(compute_effective(500_000, 9, 5), 300);
	assert_eq!(compute_effective(500_000, 10, 4), 300);
	assert_eq!(compute_effective(299_999, 0, 0), 299);
	assert_eq!(compute_effective(999_999, 10, 5), 999);
}

#[test]
fn the_exposure_limit_is_floored_and_does_not_overflow() {
	assert_eq!(compute_exposure_limit(5, 100 * UNIT, 300), 150 * UNIT);
	assert_eq!(compute_exposure_limit(5, 199, 1), 0);
	assert_eq!(compute_exposure_limit(5, 200, 1), 1);
	assert_eq!(compute_exposure_limit(5, u128::MAX, 1_000), u128::MAX);
	assert_eq!(
		compute_exposure_limit(u32::MAX, u128::MAX, u32::MAX),
		u128::MAX
	);
}

#[test]
fn failures_are_an_offence_from_five_on_where_they_are_half() {
	for (failures, terminals, offence) in [
		(4, 4, false),
		(5, 5, true),
		(5, 10, true),
		(5, 11, false),
		(u32::MAX, u32::MAX, true),
	] {
		assert_eq!(
			is_repeated_failure(failures, terminals),
			offence,
			"{failures}/{terminals}"
		);
	}
}

#[test]
fn a_division_by_nothing_is_nothing() {
	assert_eq!(mul_div(1, 1, 0), 0);
}
