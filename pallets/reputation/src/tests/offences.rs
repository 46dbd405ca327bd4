use super::*;
use ainur_primitives::UNIT;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, DispatchResult, TokenError};

const EVIDENCE: H256 = H256::repeat_byte(0xee);

fn report(offence: Offence, escrow: Option<EscrowId>) -> DispatchResult {
	Reputation::report_offence(RuntimeOrigin::root(), offence, alice(), escrow, EVIDENCE)
}

fn double(a: Offer, b: Offer) -> DispatchResult {
	let (sig_a, sig_b) = (sign("Alice", &a), sign("Alice", &b));
	double_signed(a, sig_a, b, sig_b)
}

fn double_signed(a: Offer, sig_a: Signature, b: Offer, sig_b: Signature) -> DispatchResult {
	let (a, b) = (Box::new(a), Box::new(b));
	Reputation::report_double_acceptance(signed(eve()), alice(), a, sig_a, b, sig_b)
}

fn apply(id: ReportId) -> DispatchResult {
	Reputation::apply_slash(signed(bob()), id)
}

fn cancel(id: ReportId) -> DispatchResult {
	Reputation::cancel_slash(RuntimeOrigin::root(), id)
}

// report_offence

#[test]
fn a_fraudulent_result_sets_half_of_the_bond_aside() {
	with_alice(|| {
		ended_escrow(3, alice(), 1);
		assert_ok!(Reputation::unbond(signed(alice()), 60 * UNIT));
		System::reset_events();
		assert_ok!(report(Offence::FraudulentResult, Some(3)));
		assert_eq!(
			events(),
			vec![
				Event::BecameInactive { agent: alice() },
				Event::Reported {
					report: 0,
					agent: alice(),
					offence: Offence::FraudulentResult,
					subject: Subject::Escrow(3),
					reporter: None,
					evidence: EVIDENCE,
					set_aside: 100 * UNIT,
					deferred_until: 6,
				}
			]
		);
		let after = record(&alice());
		assert_eq!((after.active, after.set_aside), (40 * UNIT, 100 * UNIT));
		assert_eq!(after.unlocking.len(), 1);
		assert_eq!((after.score, after.suspended_at), (500_000, None));
	});
}

#[test]
fn what_is_set_aside_comes_from_active_then_from_the_latest_chunk() {
	with_alice(|| {
		ended_escrow(3, alice(), 1);
		assert_ok!(Reputation::unbond(signed(alice()), 90 * UNIT));
		go_to(2);
		assert_ok!(Reputation::unbond(signed(alice()), 90 * UNIT));
		assert_ok!(report(Offence::FraudulentResult, Some(3)));
		let after = record(&alice());
		assert_eq!((after.active, after.set_aside), (0, 100 * UNIT));
		let left: Vec<_> = after.unlocking.iter().map(|c| c.amount).collect();
		assert_eq!(left, [90 * UNIT, 10 * UNIT]);
		go_to(22);
		assert_ok!(Reputation::withdraw_unbonded(signed(alice())));
		assert_eq!(held(HoldReason::Bond, &alice()), 100 * UNIT);
	});
}

#[test]
fn a_violation_may_be_of_an_escrow_or_of_conduct() {
	with_alice(|| {
		ended_escrow(3, alice(), 1);
		assert_ok!(report(Offence::ProtocolViolation, None));
		assert_eq!(record(&alice()).set_aside, 40 * UNIT);
		assert_ok!(report(Offence::ProtocolViolation, Some(3)));
		// a fifth of what the first one left
		assert_eq!(record(&alice()).set_aside, 72 * UNIT);
		assert_noop!(
			report(Offence::ProtocolViolation, None),
			Error::<Test>::AlreadyReported
		);
		assert_noop!(
			report(Offence::ProtocolViolation, Some(3)),
			Error::<Test>::AlreadyReported
		);
		assert_ok!(report(Offence::FraudulentResult, Some(3)));
	});
}

#[test]
fn only_the_slashing_origin_files_cancels_and_reinstates() {
	with_alice(|| {
		let by = || signed(alice());
		let bad = || DispatchError::BadOrigin;
		let kind = Offence::ProtocolViolation;
		assert_noop!(
			Reputation::report_offence(by(), kind, alice(), None, EVIDENCE),
			bad()
		);
		assert_noop!(Reputation::cancel_slash(by(), 0), bad());
		assert_noop!(Reputation::reinstate(by(), alice()), bad());
		let (a, b) = (offer(&alice(), 1), offer(&alice(), 2));
		let (sig_a, sig_b) = (sign("Alice", &a), sign("Alice", &b));
		let (a, b) = (Box::new(a), Box::new(b));
		let root = RuntimeOrigin::root();
		assert_noop!(
			Reputation::report_double_acceptance(root, alice(), a, sig_a, b, sig_b),
			bad()
		);
	});
}

#[test]
fn what_the_chain_checks_itself_is_not_filed_by_the_origin() {
	with_alice(|| {
		for offence in [Offence::DoubleTaskAcceptance, Offence::RepeatedFailures] {
			assert_noop!(report(offence, None), Error::<Test>::NotReportable);
		}
	});
}

#[test]
fn a_fraudulent_result_is_of_an_escrow_of_this_provider_that_just_ended() {
	with_alice(|| {
		let fraud = Offence::FraudulentResult;
		assert_noop!(report(fraud, None), Error::<Test>::EscrowNeeded);
		assert_noop!(report(fraud, Some(3)), Error::<Test>::EscrowNotEnded);
		ended_escrow(3, bob(), 1);
		assert_noop!(report(fraud, Some(3)), Error::<Test>::NotTheProvider);
		ended_escrow(3, alice(), 1);
		go_to(7);
		assert_noop!(report(fraud, Some(3)), Error::<Test>::TooLate);
		go_to(6);
		assert_ok!(report(fraud, Some(3)));
	});
}

#[test]
fn an_account_that_never_bonded_cannot_be_reported() {
	with_alice(|| {
		let (root, kind) = (RuntimeOrigin::root(), Offence::ProtocolViolation);
		assert_noop!(
			Reputation::report_offence(root, kind, bob(), None, EVIDENCE),
			Error::<Test>::NoRecord
		);
		assert_noop!(
			Reputation::poke(signed(bob()), bob()),
			Error::<Test>::NoRecord
		);
		let (a, b) = (Box::new(offer(&bob(), 1)), Box::new(offer(&bob(), 2)));
		let (sig_a, sig_b) = (sign("Bob", &a), sign("Bob", &b));
		assert_noop!(
			Reputation::report_double_acceptance(signed(eve()), bob(), a, sig_a, b, sig_b),
			Error::<Test>::NoRecord
		);
	});
}

// report_double_acceptance

#[test]
fn one_slot_offered_for_two_tasks_is_reported_by_anyone_who_stands_for_it() {
	with_alice(|| {
		let (a, b) = (offer(&alice(), 1), offer(&alice(), 2));
		let evidence = sp_io::hashing::blake2_256(&(a.hash(), b.hash()).encode());
		assert_ok!(double(a, b));
		assert_eq!(
			events(),
			vec![Event::Reported {
				report: 0,
				agent: alice(),
				offence: Offence::DoubleTaskAcceptance,
				subject: Subject::Slot(H256::repeat_byte(1)),
				reporter: Some(eve()),
				evidence: H256(evidence),
				set_aside: 60 * UNIT,
				deferred_until: 6,
			}]
		);
		assert_eq!(held(HoldReason::Report, &eve()), 10 * UNIT);
		assert_eq!(record(&alice()).active, 140 * UNIT);
		assert_noop!(
			double(offer(&alice(), 2), offer(&alice(), 3)),
			Error::<Test>::AlreadyReported
		);
	});
}

#[test]
fn offers_that_prove_nothing_are_refused() {
	with_alice(|| {
		let a = || offer(&alice(), 1);
		let b = || offer(&alice(), 2);
		assert_noop!(double(a(), offer(&bob(), 2)), Error::<Test>::NotTheProvider);
		assert_noop!(double(offer(&bob(), 1), b()), Error::<Test>::NotTheProvider);
		let elsewhere = Offer {
			genesis: H256::zero(),
			..b()
		};
		assert_noop!(double(a(), elsewhere.clone()), Error::<Test>::WrongGenesis);
		assert_noop!(double(elsewhere, a()), Error::<Test>::WrongGenesis);
		let ahead = |offer: Offer| Offer {
			offer_epoch: 1,
			..offer
		};
		assert_noop!(
			double(ahead(a()), ahead(b())),
			Error::<Test>::OfferEpochAhead
		);
		let slot = |offer: Offer, slot| Offer { slot, ..offer };
		let zero = H256::zero();
		assert_noop!(
			double(slot(a(), zero), slot(b(), zero)),
			Error::<Test>::SlotsDiffer
		);
		assert_noop!(double(a(), slot(b(), zero)), Error::<Test>::SlotsDiffer);
		let again = Offer { attempt: 1, ..a() };
		assert_noop!(double(a(), again), Error::<Test>::SameTask);
		OfferEpoch::set(1);
		assert_noop!(double(ahead(a()), b()), Error::<Test>::OfferEpochsDiffer);
		assert_ok!(double(ahead(a()), ahead(b())));
	});
}

#[test]
fn both_offers_are_signed_by_the_key_that_signs_now() {
	with_alice(|| {
		let (a, b) = (offer(&alice(), 1), offer(&alice(), 2));
		let (sig_a, sig_b) = (sign("Alice", &a), sign("Alice", &b));
		let bad = |sig_a, sig_b| {
			assert_noop!(
				double_signed(a.clone(), sig_a, b.clone(), sig_b),
				Error::<Test>::BadSignature
			);
		};
		bad(sign("Eve", &a), sig_b.clone());
		bad(sig_a.clone(), sign("Eve", &b));
		bad(sig_b.clone(), sig_a.clone());
		Operators::mutate(|all| all.insert(alice(), account("Node")));
		bad(sig_a, sig_b);
		assert_ok!(double_signed(
			a.clone(),
			sign("Node", &a),
			b.clone(),
			sign("Node", &b)
		));
	});
}

#[test]
fn offers_are_reported_within_the_window_after_the_later_one_lapsed() {
	with_alice(|| {
		let a = || Offer {
			valid_until: 3,
			..offer(&alice(), 1)
		};
		let b = || offer(&alice(), 2);
		go_to(16);
		assert_noop!(double(a(), b()), Error::<Test>::TooLate);
		assert_noop!(double(b(), a()), Error::<Test>::TooLate);
		go_to(15);
		assert_ok!(double(b(), a()));
	});
}

#[test]
fn a_reporter_without_the_hold_is_refused() {
	with_alice(|| {
		let (a, b) = (Box::new(offer(&alice(), 1)), Box::new(offer(&alice(), 2)));
		let (sig_a, sig_b) = (sign("Alice", &a), sign("Alice", &b));
		let poor = signed(account("Poor"));
		assert_noop!(
			Reputation::report_double_acceptance(poor, alice(), a, sig_a, b, sig_b),
			TokenError::FundsUnavailable
		);
	});
}

// poke

#[test]
fn repeated_failures_are_judged_once_their_epoch_has_closed() {
	with_alice(|| {
		go_to(39);
		for _ in 0..5 {
			settle(&alice(), UNIT, FAILURE);
		}
		let poke = || Reputation::poke(signed(eve()), alice());
		assert_noop!(poke(), Error::<Test>::NoRepeatedFailures);
		go_to(40);
		let active = record(&alice()).active;
		assert_ok!(poke());
		assert_eq!(
			events(),
			vec![Event::Reported {
				report: 0,
				agent: alice(),
				offence: Offence::RepeatedFailures,
				subject: Subject::Epoch(1),
				reporter: None,
				evidence: H256::zero(),
				set_aside: active / 4,
				deferred_until: 45,
			}]
		);
		assert_eq!(held(HoldReason::Report, &eve()), 0);
		assert_noop!(poke(), Error::<Test>::AlreadyJudged);
		assert_ok!(cancel(0));
		assert_noop!(poke(), Error::<Test>::AlreadyJudged);
		go_to(60);
		assert_noop!(poke(), Error::<Test>::NoRepeatedFailures);
	});
}

#[test]
fn failures_that_other_work_outweighs_are_no_offence() {
	with_alice(|| {
		for _ in 0..5 {
			settle(&alice(), UNIT, FAILURE);
		}
		for _ in 0..6 {
			settle(&alice(), UNIT, Outcome::Neutral);
		}
		go_to(20);
		let poke = || Reputation::poke(signed(eve()), alice());
		assert_noop!(poke(), Error::<Test>::NoRepeatedFailures);
	});
}

#[test]
fn failures_are_not_judged_an_epoch_later() {
	with_alice(|| {
		for _ in 0..5 {
			settle(&alice(), UNIT, FAILURE);
		}
		go_to(40);
		let poke = || Reputation::poke(signed(eve()), alice());
		assert_noop!(poke(), Error::<Test>::NoRepeatedFailures);
	});
}

#[test]
fn each_epoch_is_judged_for_itself() {
	with_alice(|| {
		for (epoch, block) in [(0, 19), (1, 39)] {
			System::set_block_number(block);
			(0..5).for_each(|_| settle(&alice(), 1, FAILURE));
			System::set_block_number(block + 1);
			assert_ok!(Reputation::poke(signed(eve()), alice()));
			assert_eq!(record(&alice()).judged, Some(epoch));
			assert_ok!(cancel(epoch));
		}
	});
}

// cancel_slash

#[test]
fn a_cancelled_report_makes_the_bond_whole_and_burns_the_hold() {
	with_alice(|| {
		assert_ok!(Reputation::unbond(signed(alice()), 100 * UNIT));
		assert_ok!(double(offer(&alice(), 1), offer(&alice(), 2)));
		assert_eq!(record(&alice()).bonded_since, None);
		let issuance = Balances::total_issuance();
		go_to(4);
		assert_ok!(cancel(0));
		assert_eq!(
			events(),
			vec![
				Event::BecameActive { agent: alice() },
				Event::SlashCancelled {
					report: 0,
					agent: alice(),
					returned: 60 * UNIT,
					burned: 10 * UNIT
				}
			]
		);
		assert_eq!(issuance - Balances::total_issuance(), 10 * UNIT);
		assert_eq!(
			(free(&eve()), held(HoldReason::Report, &eve())),
			(990 * UNIT, 0)
		);
		let after = record(&alice());
		assert_eq!(
			(after.active, after.set_aside, after.score),
			(100 * UNIT, 0, 500_000)
		);
		assert_eq!(after.bonded_since, Some(4));
		assert_noop!(cancel(0), Error::<Test>::NoSuchReport);
		assert_noop!(apply(0), Error::<Test>::NoSuchReport);
		assert_ok!(double(offer(&alice(), 1), offer(&alice(), 2)));
	});
}

#[test]
fn a_report_is_cancelled_even_after_its_deferral_as_long_as_nobody_applied_it() {
	with_alice(|| {
		assert_ok!(report(Offence::ProtocolViolation, None));
		go_to(100);
		assert_ok!(cancel(0));
		assert_eq!(
			events(),
			vec![Event::SlashCancelled {
				report: 0,
				agent: alice(),
				returned: 40 * UNIT,
				burned: 0
			}]
		);
	});
}

// apply_slash

#[test]
fn a_report_is_applied_after_its_deferral_by_anyone() {
	with_alice(|| {
		assert_ok!(double(offer(&alice(), 1), offer(&alice(), 2)));
		let treasury = free(&TreasuryAccount::get());
		go_to(6);
		assert_noop!(apply(0), Error::<Test>::StillDeferred);
		go_to(7);
		assert_ok!(apply(0));
		assert_eq!(
			events(),
			vec![Event::SlashApplied {
				report: 0,
				agent: alice(),
				amount: 60 * UNIT
			}]
		);
		assert_eq!(free(&TreasuryAccount::get()), treasury + 60 * UNIT);
		assert_eq!(
			(free(&eve()), held(HoldReason::Report, &eve())),
			(1_000 * UNIT, 0)
		);
		let after = record(&alice());
		assert_eq!(
			(after.active, after.set_aside, after.score),
			(140 * UNIT, 0, 0)
		);
		assert_eq!(after.suspended_at, Some(7));
		assert_noop!(Reputation::take_on(&alice(), 1), Error::<Test>::Suspended);
		assert_noop!(apply(0), Error::<Test>::NoSuchReport);
		assert_noop!(apply(9), Error::<Test>::NoSuchReport);
		assert_noop!(cancel(0), Error::<Test>::NoSuchReport);
	});
}

#[test]
fn a_slot_or_an_escrow_is_punished_once_and_conduct_again() {
	with_alice(|| {
		ended_escrow(3, alice(), 10);
		go_to(10);
		assert_ok!(double(offer(&alice(), 1), offer(&alice(), 2)));
		assert_ok!(report(Offence::FraudulentResult, Some(3)));
		assert_ok!(report(Offence::ProtocolViolation, None));
		go_to(16);
		for id in 0..3 {
			assert_ok!(apply(id));
		}
		go_to(15);
		assert_noop!(
			double(offer(&alice(), 3), offer(&alice(), 4)),
			Error::<Test>::AlreadyPunished
		);
		assert_noop!(
			report(Offence::FraudulentResult, Some(3)),
			Error::<Test>::AlreadyPunished
		);
		assert_ok!(report(Offence::ProtocolViolation, None));
	});
}

#[test]
fn two_reports_of_one_reporter_are_held_and_returned_apart() {
	with_alice(|| {
		let slot = |task| Offer {
			slot: H256::repeat_byte(9),
			..offer(&alice(), task)
		};
		assert_ok!(double(offer(&alice(), 1), offer(&alice(), 2)));
		assert_ok!(double(slot(1), slot(2)));
		assert_eq!(held(HoldReason::Report, &eve()), 20 * UNIT);
		assert_ok!(cancel(0));
		assert_eq!(held(HoldReason::Report, &eve()), 10 * UNIT);
		Reputation::do_try_state().unwrap();
		go_to(7);
		assert_ok!(apply(1));
		assert_eq!(free(&eve()), 990 * UNIT);
	});
}

// reinstate

#[test]
fn a_suspension_ends_by_the_origin_and_not_before_its_time_and_raises_no_score() {
	with_alice(|| {
		let reinstate = || Reputation::reinstate(RuntimeOrigin::root(), alice());
		assert_noop!(reinstate(), Error::<Test>::NotSuspended);
		assert_ok!(report(Offence::ProtocolViolation, None));
		go_to(7);
		assert_ok!(apply(0));
		go_to(26);
		assert_noop!(reinstate(), Error::<Test>::TooEarly);
		go_to(27);
		assert_ok!(reinstate());
		assert_eq!(events(), vec![Event::Reinstated { agent: alice() }]);
		assert_eq!(
			(record(&alice()).score, record(&alice()).suspended_at),
			(0, None)
		);
		assert_noop!(
			Reputation::take_on(&alice(), 1),
			Error::<Test>::ExposureExceeded
		);
	});
}

#[test]
fn a_suspended_agent_unbonds_what_no_report_reserves() {
	with_alice(|| {
		assert_ok!(report(Offence::ProtocolViolation, None));
		go_to(7);
		assert_ok!(apply(0));
		assert_ok!(Reputation::unbond(signed(alice()), 160 * UNIT));
	});
}
