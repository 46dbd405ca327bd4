//! Exits never fail: an escrow ends whatever became of the accounts and the counters.

use super::*;
use ainur_primitives::{EXISTENTIAL_DEPOSIT, UNIT};
use frame_support::{assert_ok, traits::fungible::Mutate};

fn fail(requester: AccountId, unpaid: Balance) {
	Reputation::on_terminal(Terminal {
		escrow: 1,
		requester,
		provider: alice(),
		paid: 0,
		unpaid,
		exposure: unpaid,
		slash_base: 200 * UNIT,
		outcome: FAILURE,
	});
}

/// Alice bonded with 200 AINU, with a treasury that owns `treasury`.
fn with_treasury(treasury: Balance, test: impl FnOnce()) {
	let bonded = vec![(alice(), 200 * UNIT)];
	ExtBuilder {
		bonded,
		treasury,
		..Default::default()
	}
	.build_and_execute(test);
}

#[test]
fn a_part_that_the_requester_cannot_be_credited_with_goes_to_the_treasury() {
	with_treasury(EXISTENTIAL_DEPOSIT, || {
		let reaped = AccountId::new([9; 32]);
		let unpaid = EXISTENTIAL_DEPOSIT;
		fail(reaped.clone(), unpaid);
		assert_eq!(free(&reaped), 0);
		assert_eq!(free(&TreasuryAccount::get()), EXISTENTIAL_DEPOSIT + unpaid);
		let slashed = Event::Slashed {
			agent: alice(),
			escrow: 1,
			amount: unpaid,
			to_requester: 0,
		};
		assert!(events().contains(&slashed));
	});
}

#[test]
fn what_the_treasury_cannot_be_credited_with_is_burned() {
	with_treasury(0, || {
		let reaped = AccountId::new([9; 32]);
		let issuance = Balances::total_issuance();
		fail(reaped, EXISTENTIAL_DEPOSIT - 1);
		assert_eq!(
			issuance - Balances::total_issuance(),
			EXISTENTIAL_DEPOSIT - 1
		);
		assert_eq!(free(&TreasuryAccount::get()), 0);
	});
}

#[test]
fn a_failure_ends_with_a_bond_of_nothing() {
	with_treasury(EXISTENTIAL_DEPOSIT, || {
		Reputation::draw(&alice(), u128::MAX, Draw::Burn);
		fail(bob(), 100 * UNIT);
		assert_eq!(record(&alice()).slashable(), 0);
		assert_eq!(record(&alice()).score, 480_000);
		assert!(!events()
			.iter()
			.any(|event| matches!(event, Event::Slashed { .. })));
	});
}

#[test]
fn a_failure_ends_for_a_provider_without_a_record() {
	ExtBuilder::default().build_and_execute(|| {
		fail(bob(), u128::MAX);
		assert_eq!(record(&alice()).score, 480_000);
	});
}

#[test]
fn every_outcome_ends_with_counters_at_their_maximum() {
	with_treasury(EXISTENTIAL_DEPOSIT, || {
		Records::<Test>::mutate(alice(), |r| {
			r.settled = u32::MAX;
			r.open_jobs = u32::MAX;
			r.exposure = u128::MAX;
			r.current = EpochCounters {
				epoch: 0,
				gained: 25_000,
				terminals: u32::MAX,
				failures: u32::MAX,
			};
		});
		Pairs::<Test>::insert(
			alice(),
			bob(),
			PairCounter {
				epoch: 0,
				successes: u32::MAX,
			},
		);
		Records::<Test>::mutate(bob(), |r| r.disputes_lost = u32::MAX);
		for outcome in [Outcome::Success, FAILURE, HALF, NAMED, Outcome::Neutral] {
			for amount in [0, 1, u128::MAX] {
				Reputation::on_terminal(Terminal {
					escrow: u64::MAX,
					requester: bob(),
					provider: alice(),
					paid: amount,
					unpaid: amount,
					exposure: amount,
					slash_base: amount,
					outcome,
				});
			}
		}
		Reputation::on_dispute_lost(&bob());
		assert_eq!(record(&bob()).disputes_lost, u32::MAX);
		assert_eq!(record(&alice()).current.failures, u32::MAX);
	});
}

#[test]
fn a_draw_to_an_account_that_cannot_be_credited_goes_to_the_treasury_or_is_burned() {
	let reaped = AccountId::new([9; 32]);
	with_treasury(EXISTENTIAL_DEPOSIT, || {
		assert_eq!(Reputation::draw(&alice(), 1, Draw::To(reaped.clone())), 1);
		assert_eq!(free(&TreasuryAccount::get()), EXISTENTIAL_DEPOSIT + 1);
	});
	with_treasury(0, || {
		let issuance = Balances::total_issuance();
		assert_eq!(Reputation::draw(&alice(), 1, Draw::To(reaped.clone())), 1);
		assert_eq!(issuance - Balances::total_issuance(), 1);
	});
}

#[test]
fn what_is_set_aside_is_out_of_a_failures_reach() {
	with_treasury(EXISTENTIAL_DEPOSIT, || {
		let (kind, evidence) = (Offence::ProtocolViolation, H256::zero());
		let root = RuntimeOrigin::root();
		assert_ok!(Reputation::report_offence(
			root,
			kind,
			alice(),
			None,
			evidence
		));
		assert_eq!(
			Reputation::draw(&alice(), u128::MAX, Draw::Burn),
			160 * UNIT
		);
		fail(bob(), 100 * UNIT);
		assert_eq!(record(&alice()).set_aside, 40 * UNIT);
		assert_eq!(held(HoldReason::Bond, &alice()), 40 * UNIT);
		go_to(7);
		assert_ok!(Reputation::apply_slash(signed(bob()), 0));
		assert_eq!(held(HoldReason::Bond, &alice()), 0);
	});
}

#[test]
fn a_slash_applies_where_the_treasury_cannot_be_credited() {
	let bonded = vec![(alice(), 100 * UNIT)];
	ExtBuilder {
		bonded,
		treasury: 0,
		..Default::default()
	}
	.build_and_execute(|| {
		Reputation::draw(&alice(), 100 * UNIT - 3, Draw::To(bob()));
		let (kind, evidence) = (Offence::ProtocolViolation, H256::zero());
		let root = RuntimeOrigin::root();
		assert_ok!(Reputation::report_offence(
			root,
			kind,
			alice(),
			None,
			evidence
		));
		assert_eq!(record(&alice()).set_aside, 0);
		go_to(7);
		assert_ok!(Reputation::apply_slash(signed(bob()), 0));
		assert_eq!(record(&alice()).score, 0);
	});
}

#[test]
fn slashes_leave_an_account_that_owns_nothing_else() {
	with_treasury(EXISTENTIAL_DEPOSIT, || {
		assert_ok!(Balances::burn_from(
			&alice(),
			free(&alice()) - EXISTENTIAL_DEPOSIT,
			frame_support::traits::tokens::Preservation::Preserve,
			frame_support::traits::tokens::Precision::Exact,
			frame_support::traits::tokens::Fortitude::Polite,
		));
		fail(bob(), 2_000 * UNIT);
		assert_eq!(record(&alice()).active, 0);
		assert_eq!(held(HoldReason::Bond, &alice()), 0);
		assert_eq!(free(&alice()), EXISTENTIAL_DEPOSIT);
		assert_eq!(free(&bob()), 1_200 * UNIT);
	});
}
