//! One end of an escrow at a time, through the pallet and its balances.

use super::{json, *};
use ainur_primitives::{EXISTENTIAL_DEPOSIT, UNIT};
use frame_support::{
	assert_ok,
	traits::fungible::{Mutate, MutateHold},
};

/// What there is before an escrow of Alice's ends.
struct Case {
	name: String,
	now: BlockNumber,
	provider: Record,
	requester: Option<Record>,
	requester_id: AccountId,
	requester_free: Balance,
	treasury_free: Balance,
	pair: Option<PairCounter>,
	paid: Balance,
	unpaid: Balance,
	slash_base: Balance,
	outcome: Outcome,
}

/// A provider with one job open and 200 AINU bonded, a requester that never bonded.
fn case(name: impl Into<String>, outcome: Outcome) -> Case {
	Case {
		name: name.into(),
		now: 30_000,
		provider: Record {
			active: 200 * UNIT,
			bonded_since: Some(0),
			first_bond_burned: true,
			open_jobs: 2,
			current: EpochCounters {
				epoch: 2,
				..Default::default()
			},
			previous: EpochCounters {
				epoch: 1,
				..Default::default()
			},
			..Default::default()
		},
		requester: None,
		requester_id: bob(),
		requester_free: 1_000 * UNIT,
		treasury_free: 1_000 * UNIT,
		pair: None,
		paid: 0,
		unpaid: 0,
		slash_base: 200 * UNIT,
		outcome,
	}
}

/// A requester that has had 100 AINU bonded since block `since`.
fn bonded(since: BlockNumber) -> Option<Record> {
	let record = Record {
		active: 100 * UNIT,
		bonded_since: Some(since),
		first_bond_burned: true,
		..Default::default()
	};
	Some(record)
}

fn chunks(all: &[(Balance, BlockNumber)]) -> Vec<Chunk> {
	all.iter()
		.map(|(amount, at)| Chunk {
			amount: *amount,
			at: *at,
		})
		.collect()
}

fn label(outcome: &Outcome) -> &'static str {
	match outcome {
		Outcome::Success => "success",
		Outcome::Failure {
			half: false,
			named_arbiter: false,
		} => "failure",
		Outcome::Failure { half: true, .. } => "work given back",
		Outcome::Failure { .. } => "failure by a named arbiter",
		Outcome::Neutral => "neutral",
	}
}

fn cases() -> Vec<Case> {
	let mut all = vec![];
	let outcomes = [Outcome::Success, FAILURE, HALF, NAMED, Outcome::Neutral];
	for outcome in outcomes {
		for amount in [
			0,
			1,
			9,
			10,
			999_999,
			1_000_000,
			UNIT / 2 - 1,
			UNIT / 2,
			UNIT - 1,
			UNIT,
			UNIT + 1,
			2 * UNIT,
			19 * UNIT,
			20 * UNIT + 9,
			100 * UNIT,
		] {
			let failed = matches!(outcome, Outcome::Failure { .. });
			all.push(Case {
				paid: if failed { 0 } else { amount },
				unpaid: if failed { amount } else { 0 },
				..case(format!("{} of {amount} planck", label(&outcome)), outcome)
			});
		}
	}
	for score in [
		0, 99, 100, 300_000, 500_000, 999_899, 999_900, 999_999, 1_000_000,
	] {
		let with_score = |mut c: Case| {
			c.provider.score = score;
			c
		};
		let name = |what: &str| format!("{what} at a score of {score}");
		let success = Case {
			paid: UNIT,
			..case(name("success"), Outcome::Success)
		};
		all.push(with_score(success));
		let success = Case {
			paid: UNIT,
			requester: bonded(0),
			..case(name("full success"), Outcome::Success)
		};
		all.push(with_score(success));
		all.push(with_score(Case {
			unpaid: UNIT,
			..case(name("failure"), FAILURE)
		}));
		all.push(with_score(Case {
			unpaid: UNIT - 1,
			..case(name("smaller failure"), FAILURE)
		}));
	}
	for earlier in 0..=4 {
		for (requester, who) in [(bonded(0), "bonded"), (None, "unbonded")] {
			all.push(Case {
				paid: UNIT,
				requester,
				pair: Some(PairCounter {
					epoch: 2,
					successes: earlier,
				})
				.filter(|_| earlier > 0),
				..case(
					format!("success number {earlier} of a {who} pair"),
					Outcome::Success,
				)
			});
		}
	}
	all.push(Case {
		paid: UNIT,
		pair: Some(PairCounter {
			epoch: 1,
			successes: 4,
		}),
		..case("a pair of the epoch before", Outcome::Success)
	});
	for (since, name) in [
		(15_600, "for an epoch"),
		(15_601, "for an epoch less a block"),
	] {
		all.push(Case {
			paid: UNIT,
			requester: bonded(since),
			..case(format!("a requester bonded {name}"), Outcome::Success)
		});
	}
	for gained in [0, 20_000, 20_001, 24_999, 25_000] {
		let mut c = Case {
			paid: UNIT,
			requester: bonded(0),
			..case(format!("success after {gained} gained"), Outcome::Success)
		};
		c.provider.current = EpochCounters {
			epoch: 2,
			gained,
			terminals: 7,
			failures: 2,
		};
		all.push(c);
	}
	for (epoch, name) in [(1, "before"), (0, "before that one")] {
		let mut c = Case {
			paid: UNIT,
			..case(format!("counters of the epoch {name}"), Outcome::Success)
		};
		c.provider.current = EpochCounters {
			epoch,
			gained: 25_000,
			terminals: 7,
			failures: 2,
		};
		c.provider.previous = EpochCounters::default();
		all.push(c);
	}
	for (known, name) in [
		(vec![0], "a second requester"),
		(vec![0, 1, 2, 3], "a fifth requester"),
		(vec![0, 1, 2, 3, 4], "a sixth requester"),
	] {
		let mut c = Case {
			paid: UNIT,
			..case(name, Outcome::Success)
		};
		c.provider.settled = 10;
		c.provider.first_requesters = known
			.into_iter()
			.map(|i: u8| AccountId::new([0x10 + i; 32]))
			.collect::<Vec<_>>()
			.try_into()
			.unwrap();
		all.push(c);
	}
	let mut again = Case {
		paid: UNIT,
		..case("a requester that is known", Outcome::Success)
	};
	again.provider.settled = 1;
	again.provider.first_requesters = vec![bob()].try_into().unwrap();
	all.push(again);
	all.extend(bonds());
	all.push(Case {
		paid: 4 * UNIT,
		unpaid: UNIT,
		..case("a success that leaves a fifth unpaid", Outcome::Success)
	});
	all.push(Case {
		paid: 4 * UNIT,
		unpaid: UNIT / 4,
		..case("a failure after most was paid", FAILURE)
	});
	for (slash_base, name) in [
		(0, "nothing"),
		(99, "99 planck"),
		(199, "199 planck"),
		(10_000 * UNIT, "much more"),
	] {
		all.push(Case {
			unpaid: 5 * UNIT,
			slash_base,
			..case(format!("a failure of a job accepted on {name}"), FAILURE)
		});
	}
	let mut top = Case {
		paid: UNIT,
		..case("counters at their maximum", Outcome::Success)
	};
	top.provider.settled = u32::MAX;
	top.provider.open_jobs = u32::MAX;
	top.provider.current = EpochCounters {
		epoch: 2,
		gained: 0,
		terminals: u32::MAX,
		failures: u32::MAX,
	};
	top.pair = Some(PairCounter {
		epoch: 2,
		successes: u32::MAX,
	});
	all.push(top);
	all
}

/// What a failure finds of the bond, and whom it can pay.
fn bonds() -> Vec<Case> {
	let mut all = vec![];
	let failure = |name: &str| Case {
		unpaid: 100 * UNIT,
		..case(name, FAILURE)
	};
	for (active, unlocking, name) in [
		(0, vec![], "no bond"),
		(1, vec![], "a bond of a planck"),
		(100 * UNIT, vec![], "the minimum bond"),
		(110 * UNIT, vec![], "a bond that falls to the minimum"),
		(
			4 * UNIT,
			vec![(3 * UNIT, 40_000), (5 * UNIT, 50_000)],
			"active and the latest chunk",
		),
		(
			4 * UNIT,
			vec![(3 * UNIT, 40_000), (6 * UNIT, 50_000)],
			"active and all of the latest",
		),
		(
			0,
			vec![(3 * UNIT, 20_000), (5 * UNIT, 50_000)],
			"less than is due, all unlocking",
		),
	] {
		let mut c = failure(&format!("a failure that finds {name}"));
		c.provider.active = active;
		c.provider.bonded_since = Some(0).filter(|_| active >= 100 * UNIT);
		c.provider.unlocking = chunks(&unlocking).try_into().unwrap();
		all.push(c);
	}
	let nobody = AccountId::new([9; 32]);
	let ed = EXISTENTIAL_DEPOSIT;
	for (unpaid, treasury_free, name) in [
		(10 * ed, ed, "whose part just makes it exist"),
		(10 * ed - 1, ed, "that cannot be credited"),
		(
			5 * ed,
			0,
			"that cannot be credited, nor is there a treasury",
		),
		(ed - 1, 0, "that cannot be credited, nor can the treasury"),
	] {
		all.push(Case {
			unpaid,
			treasury_free,
			requester_id: nobody.clone(),
			requester_free: 0,
			..case(format!("a failure for a requester {name}"), FAILURE)
		});
	}
	all
}

fn fund(who: &AccountId, amount: Balance) {
	if amount > 0 {
		assert_ok!(Balances::mint_into(who, amount));
	}
}

fn run(case: Case) -> Value {
	let Case {
		provider,
		requester,
		requester_id,
		pair,
		paid,
		unpaid,
		slash_base,
		..
	} = case;
	let treasury = TreasuryAccount::get();
	let params = Params::development();
	let ext = ExtBuilder {
		params,
		treasury: case.treasury_free,
		..Default::default()
	};
	ext.build().execute_with(|| {
		for who in [alice(), bob(), eve()] {
			Balances::set_balance(&who, 0);
		}
		System::set_block_number(case.now.into());
		for (who, record, free) in [
			(alice(), Some(provider), 1_000 * UNIT),
			(requester_id.clone(), requester, case.requester_free),
		] {
			fund(&who, free);
			if let Some(record) = record {
				fund(&who, record.slashable());
				let reason = HoldReason::Bond.into();
				assert_ok!(Balances::hold(&reason, &who, record.slashable()));
				Records::<Test>::insert(who, record);
			}
		}
		if let Some(pair) = pair {
			Pairs::<Test>::insert(alice(), &requester_id, pair);
		}
		let terminal = Terminal {
			escrow: 1,
			requester: requester_id.clone(),
			provider: alice(),
			paid,
			unpaid,
			exposure: paid.checked_add(unpaid).unwrap(),
			slash_base,
			outcome: case.outcome,
		};
		Records::<Test>::mutate(alice(), |r| r.exposure = terminal.exposure + UNIT);
		let state = || {
			json!({
				"provider": json::record(&record(&alice())),
				"requester": Records::<Test>::try_get(&requester_id).ok().as_ref().map(json::record),
				"pair": json::pair(&alice(), &requester_id),
				"provider_bond": json::amount(held(HoldReason::Bond, &alice())),
				"requester_free": json::amount(free(&requester_id)),
				"treasury_free": json::amount(free(&treasury)),
			})
		};
		Reputation::do_try_state().unwrap();
		let before = state();
		let bond = held(HoldReason::Bond, &alice());
		let (to_requester, to_treasury) = (free(&requester_id), free(&treasury));
		Reputation::on_terminal(terminal.clone());
		Reputation::do_try_state().unwrap();
		json!({
			"name": case.name,
			"params": "development",
			"now": case.now,
			"terminal": json::terminal(&terminal),
			"before": before,
			"after": state(),
			"slash": json::amount(bond - held(HoldReason::Bond, &alice())),
			"to_requester": json::amount(free(&requester_id) - to_requester),
			"to_treasury": json::amount(free(&treasury) - to_treasury),
		})
	})
}

pub fn build() -> Value {
	cases().into_iter().map(run).collect()
}
