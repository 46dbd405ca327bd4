//! The pure functions, at every boundary of their rounding.

use super::json::amount;
use crate::{score::*, Offence};
use ainur_primitives::{Balance, UNIT};
use serde_json::{json, Value};

const AMOUNTS: [Balance; 12] = [
	0,
	1,
	9,
	10,
	999_999,
	1_000_000,
	UNIT / 2,
	UNIT - 1,
	UNIT,
	UNIT + 1,
	100 * UNIT,
	u128::MAX,
];
const SCORES: [u32; 14] = [
	0, 99, 100, 199, 299_999, 300_000, 499_999, 500_000, 500_001, 999_899, 999_900, 999_999,
	1_000_000, 300_999,
];

pub fn build() -> Value {
	json!({
		"weight": weights(),
		"gain": gains(),
		"loss": losses(),
		"slash": slashes(),
		"requester_part": requester_parts(),
		"effective": effectives(),
		"exposure_limit": limits(),
		"repeated_failures": repeated(),
		"percent": percents(),
	})
}

fn weights() -> Vec<Value> {
	let weight = |a| compute_weight(a, UNIT);
	AMOUNTS
		.map(|a| json!({"amount": amount(a), "ref_price": amount(UNIT), "weight": weight(a)}))
		.to_vec()
}

fn losses() -> Vec<Value> {
	[
		0,
		1,
		49,
		50,
		99,
		100,
		499_999,
		500_000,
		999_999,
		FULL_WEIGHT,
	]
	.map(|w| json!({"weight": w, "loss": compute_loss(w)}))
	.to_vec()
}

fn percents() -> Vec<Value> {
	[
		Offence::FraudulentResult,
		Offence::ProtocolViolation,
		Offence::DoubleTaskAcceptance,
		Offence::RepeatedFailures,
	]
	.map(|o| json!({"offence": format!("{o:?}"), "percent": o.percent()}))
	.to_vec()
}

fn gains() -> Vec<Value> {
	let mut all = vec![];
	for score in SCORES {
		for weight in [0, 1, 999_999, FULL_WEIGHT] {
			for established in [true, false] {
				all.push((score, weight, 0, established));
			}
		}
	}
	for earlier in [1, 2, 3, 4, 99, u32::MAX] {
		for established in [true, false] {
			all.push((500_000, FULL_WEIGHT, earlier, established));
			all.push((100, 999_999, earlier, established));
		}
	}
	all.into_iter()
		.map(|(score, weight, earlier, established)| {
			json!({
				"score": score, "weight": weight, "earlier": earlier, "established": established,
				"gain": compute_gain(score, weight, earlier, established),
			})
		})
		.collect()
}

fn slashes() -> Vec<Value> {
	let mut all = vec![];
	for unpaid in AMOUNTS {
		for base in [0, 99, 100, 199, 100 * UNIT, 200 * UNIT + 99, u128::MAX] {
			for weight in [0, 1, 500_000, 999_999, FULL_WEIGHT] {
				all.push(json!({
					"unpaid": amount(unpaid), "base": amount(base), "weight": weight,
					"slash": amount(compute_slash(unpaid, base, weight)),
				}));
			}
		}
	}
	all
}

fn requester_parts() -> Vec<Value> {
	let mut all = vec![];
	for taken in [0, 1, 5, UNIT] {
		for unpaid in [0, 9, 10, 50, 51, UNIT, 10 * UNIT, 11 * UNIT] {
			for named in [false, true] {
				all.push(json!({
					"taken": amount(taken), "unpaid": amount(unpaid), "named_arbiter": named,
					"part": amount(compute_requester_part(taken, unpaid, named)),
				}));
			}
		}
	}
	all
}

fn effectives() -> Vec<Value> {
	let mut all = vec![];
	for score in SCORES {
		for (settled, requesters) in [(0, 0), (9, 5), (10, 4), (10, 5), (11, 5)] {
			all.push(json!({
				"score": score, "settled": settled, "requesters": requesters,
				"effective": compute_effective(score, settled, requesters),
			}));
		}
	}
	all
}

fn limits() -> Vec<Value> {
	let mut all = vec![];
	for active in [0, 1, 199, 200, 100 * UNIT, 100 * UNIT + 1, u128::MAX] {
		for effective in [0, 1, 299, 300, 500, 999, 1_000] {
			all.push(json!({
				"factor": 5, "active": amount(active), "effective": effective,
				"limit": amount(compute_exposure_limit(5, active, effective)),
			}));
		}
	}
	all
}

fn repeated() -> Vec<Value> {
	[
		(0, 0),
		(4, 4),
		(5, 5),
		(5, 9),
		(5, 10),
		(5, 11),
		(6, 12),
		(6, 13),
	]
	.map(|(failures, terminals)| {
		json!({
			"failures": failures, "terminals": terminals,
			"offence": is_repeated_failure(failures, terminals),
		})
	})
	.to_vec()
}
