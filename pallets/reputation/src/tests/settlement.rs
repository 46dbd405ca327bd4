use super::*;
use ainur_primitives::UNIT;
use frame_support::{assert_noop, assert_ok, assert_storage_noop};

fn take_on(amount: Balance) -> Result<Balance, sp_runtime::DispatchError> {
	Reputation::take_on(&alice(), amount)
}

#[test]
fn taking_on_work_counts_it_and_answers_the_slash_base() {
	with_alice(|| {
		assert_ok!(Reputation::unbond(signed(alice()), 50 * UNIT));
		assert_eq!(take_on(10 * UNIT), Ok(200 * UNIT));
		assert_eq!(take_on(5 * UNIT), Ok(200 * UNIT));
		let after = record(&alice());
		assert_eq!((after.exposure, after.open_jobs), (15 * UNIT, 2));
	});
}

#[test]
fn work_beyond_the_limit_is_refused() {
	with_alice(|| {
		assert_eq!(Reputation::effective(&alice()), 300);
		assert_eq!(Reputation::exposure_limit(&alice()), 300 * UNIT);
		assert_noop!(take_on(300 * UNIT + 1), Error::<Test>::ExposureExceeded);
		assert_noop!(take_on(u128::MAX), Error::<Test>::ExposureExceeded);
		assert_ok!(take_on(300 * UNIT));
		assert_noop!(take_on(1), Error::<Test>::ExposureExceeded);
		assert_noop!(take_on(u128::MAX), Error::<Test>::ExposureExceeded);
	});
}

#[test]
fn only_an_active_bond_takes_on_work() {
	with_alice(|| {
		assert_noop!(Reputation::take_on(&bob(), 1), Error::<Test>::NotBonded);
		assert_ok!(Reputation::unbond(signed(alice()), 100 * UNIT + 1));
		assert_noop!(take_on(1), Error::<Test>::Inactive);
		assert_ok!(Reputation::bond_extra(signed(alice()), 1));
		assert_ok!(take_on(1));
		Records::<Test>::mutate(alice(), |r| r.suspended_at = Some(1));
		assert_noop!(take_on(1), Error::<Test>::Suspended);
	});
}

#[test]
fn a_paid_milestone_lowers_the_exposure_and_no_more_than_there_is() {
	with_alice(|| {
		assert_ok!(take_on(10 * UNIT));
		Reputation::reduce_exposure(&alice(), 4 * UNIT);
		assert_eq!(record(&alice()).exposure, 6 * UNIT);
		Reputation::reduce_exposure(&alice(), 7 * UNIT);
		assert_eq!(record(&alice()).exposure, 0);
		assert_eq!(record(&alice()).open_jobs, 1);
	});
}

#[test]
fn a_success_for_a_requester_without_a_bond_gains_a_tenth() {
	with_alice(|| {
		settle(&alice(), UNIT, Outcome::Success);
		let moved = Event::ScoreMoved {
			agent: alice(),
			escrow: 1,
			from: 500_000,
			to: 500_500,
		};
		assert_eq!(events(), vec![moved]);
		let after = record(&alice());
		assert_eq!((after.exposure, after.open_jobs, after.settled), (0, 0, 1));
		assert_eq!(after.first_requesters.into_inner(), vec![bob()]);
		assert_eq!(
			after.current,
			EpochCounters {
				epoch: 0,
				gained: 500,
				terminals: 1,
				failures: 0
			}
		);
		assert_eq!(
			Pairs::<Test>::get(alice(), bob()),
			PairCounter {
				epoch: 0,
				successes: 1
			}
		);
	});
}

#[test]
fn a_requester_counts_fully_once_it_has_been_bonded_for_an_epoch_without_a_break() {
	with_alice(|| {
		assert_ok!(Reputation::bond(signed(bob()), 100 * UNIT));
		go_to(20);
		settle(&alice(), UNIT, Outcome::Success);
		assert_eq!(record(&alice()).score, 500_500);
		go_to(40);
		settle(&alice(), UNIT, Outcome::Success);
		// 10_000 - 5005 = 4995
		assert_eq!(record(&alice()).score, 505_495);
		assert_ok!(Reputation::unbond(signed(bob()), 1));
		assert_ok!(Reputation::bond_extra(signed(bob()), 1));
		go_to(59);
		assert!(!record(&bob()).is_established(&Params::ci(), 59));
		assert!(record(&bob()).is_established(&Params::ci(), 60));
	});
}

#[test]
fn the_gain_of_a_pair_decays_within_an_epoch_and_starts_again_in_the_next() {
	with_alice(|| {
		let mut gains = vec![];
		for block in [1, 2, 3, 20] {
			go_to(block);
			let before = record(&alice()).score;
			settle(&alice(), UNIT, Outcome::Success);
			gains.push(record(&alice()).score - before);
		}
		// (10_000 - 5000) / 10; (10_000 - 5005) / 2 / 10; (10_000 - 5007) / 3 / 10
		assert_eq!(gains, [500, 249, 166, 499]);
		assert_eq!(
			Pairs::<Test>::get(alice(), bob()),
			PairCounter {
				epoch: 1,
				successes: 1
			}
		);
	});
}

#[test]
fn a_provider_gains_at_most_twenty_five_points_an_epoch() {
	with_alice(|| {
		Records::<Test>::mutate(alice(), |r| r.current.gained = 24_800);
		settle(&alice(), UNIT, Outcome::Success);
		assert_eq!(record(&alice()).score, 500_200);
		settle(&alice(), UNIT, Outcome::Success);
		assert_eq!(record(&alice()).score, 500_200);
		assert_eq!(record(&alice()).settled, 2);
		go_to(20);
		settle(&alice(), UNIT, Outcome::Success);
		assert_eq!(record(&alice()).score, 500_699);
	});
}

#[test]
fn a_score_counts_fully_after_ten_jobs_for_five_requesters() {
	with_alice(|| {
		for job in 0..10_u8 {
			assert_eq!(Reputation::effective(&alice()), 300);
			let requester = AccountId::new([job.min(4); 32]);
			Reputation::on_terminal(Terminal {
				escrow: job.into(),
				requester,
				provider: alice(),
				paid: 0,
				unpaid: 0,
				exposure: 0,
				slash_base: 0,
				outcome: Outcome::Success,
			});
		}
		assert_eq!(Reputation::effective(&alice()), 500);
		assert_eq!(record(&alice()).first_requesters.len(), 5);
		settle(&alice(), 0, Outcome::Success);
		assert_eq!(record(&alice()).first_requesters.len(), 5);
	});
}

#[test]
fn a_failure_costs_score_and_bond_and_pays_the_requester_a_tenth() {
	with_alice(|| {
		let treasury = free(&TreasuryAccount::get());
		settle(&alice(), 10 * UNIT, FAILURE);
		assert_eq!(
			events(),
			vec![
				Event::ScoreMoved {
					agent: alice(),
					escrow: 1,
					from: 500_000,
					to: 480_000
				},
				Event::Slashed {
					agent: alice(),
					escrow: 1,
					amount: 2 * UNIT,
					to_requester: UNIT
				}
			]
		);
		assert_eq!(free(&bob()), 1_001 * UNIT);
		assert_eq!(free(&TreasuryAccount::get()), treasury + UNIT);
		let after = record(&alice());
		assert_eq!(after.active, 198 * UNIT);
		assert_eq!((after.settled, after.exposure, after.open_jobs), (0, 0, 0));
		assert_eq!(
			after.current,
			EpochCounters {
				epoch: 0,
				gained: 0,
				terminals: 1,
				failures: 1
			}
		);
		assert!(!Pairs::<Test>::contains_key(alice(), bob()));
	});
}

#[test]
fn work_given_back_weighs_half() {
	with_alice(|| {
		settle(&alice(), 10 * UNIT, HALF);
		assert_eq!(record(&alice()).score, 490_000);
		assert_eq!(record(&alice()).active, 199 * UNIT);
		assert_eq!(free(&bob()), 1_001 * UNIT);
		assert_eq!(record(&alice()).current.failures, 1);
	});
}

#[test]
fn after_the_ruling_of_a_named_arbiter_the_treasury_gets_all() {
	with_alice(|| {
		let treasury = free(&TreasuryAccount::get());
		settle(&alice(), 10 * UNIT, NAMED);
		assert_eq!(free(&bob()), 1_000 * UNIT);
		assert_eq!(free(&TreasuryAccount::get()), treasury + 2 * UNIT);
		assert_eq!(
			events()[1],
			Event::Slashed {
				agent: alice(),
				escrow: 1,
				amount: 2 * UNIT,
				to_requester: 0
			}
		);
	});
}

#[test]
fn a_failure_is_weighed_by_what_was_unpaid() {
	with_alice(|| {
		assert_ok!(take_on(4 * UNIT));
		Reputation::reduce_exposure(&alice(), 3 * UNIT);
		Reputation::on_terminal(Terminal {
			escrow: 1,
			requester: bob(),
			provider: alice(),
			paid: 3 * UNIT + UNIT / 2,
			unpaid: UNIT / 2,
			exposure: UNIT,
			slash_base: 200 * UNIT,
			outcome: FAILURE,
		});
		let after = record(&alice());
		assert_eq!(after.score, 490_000);
		assert_eq!(after.active, 200 * UNIT - UNIT / 2);
		assert_eq!((after.exposure, after.open_jobs), (0, 0));
	});
}

#[test]
fn a_slash_that_takes_the_minimum_makes_inactive() {
	let bonded = vec![(alice(), 100 * UNIT)];
	ExtBuilder {
		bonded,
		..Default::default()
	}
	.build_and_execute(|| {
		settle(&alice(), UNIT, FAILURE);
		assert_eq!(record(&alice()).bonded_since, None);
		assert_eq!(events()[1], Event::BecameInactive { agent: alice() });
	});
}

#[test]
fn a_slash_reaches_what_is_unlocking() {
	with_alice(|| {
		let slash_base = take_on(100 * UNIT).unwrap();
		Reputation::reduce_exposure(&alice(), 100 * UNIT);
		assert_ok!(Reputation::unbond(signed(alice()), 200 * UNIT));
		Reputation::on_terminal(Terminal {
			escrow: 1,
			requester: bob(),
			provider: alice(),
			paid: 0,
			unpaid: 100 * UNIT,
			exposure: 0,
			slash_base,
			outcome: FAILURE,
		});
		assert_eq!(record(&alice()).slashable(), 190 * UNIT);
		assert_eq!(record(&alice()).active, 0);
	});
}

#[test]
fn a_neutral_end_moves_neither_score_nor_bond() {
	with_alice(|| {
		settle(&alice(), 10 * UNIT, Outcome::Neutral);
		assert_eq!(events(), vec![]);
		let after = record(&alice());
		assert_eq!(
			(after.score, after.active, after.settled),
			(500_000, 200 * UNIT, 0)
		);
		assert_eq!((after.exposure, after.open_jobs), (0, 0));
		assert_eq!(after.current.terminals, 1);
	});
}

#[test]
fn a_score_stays_within_its_bounds() {
	with_alice(|| {
		Records::<Test>::mutate(alice(), |r| r.score = 999_999);
		Records::<Test>::mutate(bob(), |r| r.bonded_since = Some(0));
		go_to(20);
		settle(&alice(), UNIT, Outcome::Success);
		assert_eq!(record(&alice()).score, 1_000_000);
		Records::<Test>::remove(bob());
		Records::<Test>::mutate(alice(), |r| r.score = 19_999);
		settle(&alice(), UNIT, FAILURE);
		assert_eq!(record(&alice()).score, 0);
	});
}

#[test]
fn a_lost_dispute_is_remembered_of_the_requester() {
	with_alice(|| {
		Reputation::on_dispute_lost(&bob());
		assert_eq!(
			events(),
			vec![Event::DisputeLost {
				requester: bob(),
				disputes_lost: 1
			}]
		);
		Reputation::on_dispute_lost(&bob());
		assert_eq!(record(&bob()).disputes_lost, 2);
		assert_eq!(record(&bob()).score, 500_000);
	});
}

#[test]
fn a_pair_is_forgotten_when_its_epoch_is_over_and_not_before() {
	with_alice(|| {
		settle(&alice(), UNIT, Outcome::Success);
		go_to(19);
		assert_storage_noop!(Reputation::on_pruned(&alice(), &bob()));
		go_to(20);
		Reputation::on_pruned(&alice(), &bob());
		assert!(!Pairs::<Test>::contains_key(alice(), bob()));
		assert_storage_noop!(Reputation::on_pruned(&alice(), &bob()));
	});
}

#[test]
fn counters_of_the_epoch_before_are_kept_and_older_ones_are_not() {
	with_alice(|| {
		settle(&alice(), UNIT, FAILURE);
		go_to(25);
		settle(&alice(), UNIT, Outcome::Neutral);
		let first = EpochCounters {
			epoch: 0,
			gained: 0,
			terminals: 1,
			failures: 1,
		};
		assert_eq!(record(&alice()).previous, first);
		go_to(85);
		settle(&alice(), UNIT, Outcome::Neutral);
		assert_eq!(
			record(&alice()).previous,
			EpochCounters {
				epoch: 3,
				..Default::default()
			}
		);
	});
}
