//! What opens an escrow and binds a provider, and what does not.

use crate::{mock::*, *};
use ainur_primitives::{AccountId, Milestones, Offer, Signature, EXISTENTIAL_DEPOSIT, UNIT};
use frame_support::{assert_noop, assert_ok};
use pallet_ainur_registry::Roles;
use sp_core::{Pair, H256};
use sp_runtime::TokenError;

fn open(offer: Offer) -> sp_runtime::DispatchResult {
	Escrow::open(signed(offer.requester.clone()), offer)
}

/// The offer with one thing changed.
fn but(change: impl FnOnce(&mut Offer)) -> Offer {
	let mut changed = offer();
	change(&mut changed);
	changed
}

#[test]
fn opening_holds_price_fee_and_deposits_and_proposes_the_escrow() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(open(offer()));
		let held = 10 * UNIT + 200 * UNIT / 1_000 + UNIT + 10 * UNIT / 1_000;
		assert_eq!(wealth(&requester()), (10_000 * UNIT - held, held));
		let record = get(0);
		assert_eq!(record.state, State::Open);
		assert_eq!(
			record.deadline,
			1 + 5,
			"the chain's acceptance period is shorter than the offer's"
		);
		assert_eq!(record.offer_hash, offer().hash());
		assert_eq!(
			last_event(),
			Event::Opened {
				escrow: 0,
				requester: requester(),
				provider: provider(),
				task_id: offer().task_id,
				price: 10 * UNIT,
				accept_by: 6,
			}
			.into()
		);
		assert_eq!(
			TaskIndex::<Test>::get(requester(), offer().task_id),
			Some((0, 0))
		);
		assert_eq!(Live::<Test>::get(requester(), 0), Some(Party::Requester));
		assert_eq!(Live::<Test>::get(provider(), 0), Some(Party::Provider));
	});
}

#[test]
fn an_open_escrow_is_not_kept_past_what_the_requester_offered() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(open(but(|o| o.valid_until = 3)));
		assert_eq!(get(0).deadline, 3);
	});
}

#[test]
fn a_signed_offer_binds_both_at_once() {
	ExtBuilder::default().build_and_execute(|| {
		let id = accepted(&offer());
		let record = get(id);
		assert_eq!(record.state, State::Accepted);
		assert_eq!(record.deadline, 1 + 6);
		assert_eq!(record.slash_base, 1_000 * UNIT);
		assert_eq!(
			last_event(),
			Event::Accepted {
				escrow: id,
				deliver_by: 7
			}
			.into()
		);
		let standing = pallet_ainur_reputation::Records::<Test>::get(provider());
		assert_eq!((standing.exposure, standing.open_jobs), (10 * UNIT, 1));
	});
}

#[test]
fn an_accepted_escrow_is_bound_like_a_signed_one() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(open(offer()));
		assert_ok!(Escrow::accept(signed(provider()), 0, offer().hash()));
		let by_acceptance = get(0);
		System::set_block_number(1);
		let other = but(|o| o.task_id = H256::repeat_byte(7));
		let by_signature = get(accepted(&other));
		assert_eq!(
			EscrowRecord {
				task_id: by_acceptance.task_id,
				offer_hash: by_acceptance.offer_hash,
				..by_signature
			},
			by_acceptance
		);
	});
}

#[test]
fn an_offer_that_the_rules_do_not_allow_opens_nothing() {
	type Case = (&'static str, Offer, Error<Test>);
	let cases = || -> Vec<Case> {
		vec![
			(
				"chain",
				but(|o| o.genesis = H256::zero()),
				Error::WrongChain,
			),
			("self", but(|o| o.provider = requester()), Error::SameParty),
			("no milestone", offer_of(&[]), Error::BadMilestones),
			("sum", but(|o| o.price += 1), Error::BadMilestones),
			("a zero", offer_of(&[10 * UNIT, 0]), Error::BadMilestones),
			(
				"too small",
				offer_of(&[10 * UNIT, EXISTENTIAL_DEPOSIT - 1]),
				Error::BadMilestones,
			),
			(
				"overflow",
				but(|o| o.milestones = Milestones::truncate_from(vec![u128::MAX, UNIT])),
				Error::BadMilestones,
			),
			("no time", but(|o| o.deliver_within = 0), Error::BadPeriod),
			("too long", but(|o| o.deliver_within = 21), Error::BadPeriod),
			(
				"too long in all",
				Offer {
					deliver_within: 11,
					..offer_of(&[UNIT, UNIT])
				},
				Error::BadPeriod,
			),
			(
				"endless",
				but(|o| o.deliver_within = u32::MAX),
				Error::BadPeriod,
			),
			(
				"short review",
				but(|o| o.review_blocks = 1),
				Error::BadPeriod,
			),
			(
				"long review",
				but(|o| o.review_blocks = 21),
				Error::BadPeriod,
			),
			("past", but(|o| o.valid_until = 0), Error::BadValidity),
			("far", but(|o| o.valid_until = 22), Error::BadValidity),
			("epoch", but(|o| o.offer_epoch = 1), Error::Revoked),
			(
				"judge and party",
				but(|o| o.arbiter = Some(provider())),
				Error::BadArbiter,
			),
			(
				"party and judge",
				but(|o| o.arbiter = Some(requester())),
				Error::BadArbiter,
			),
			(
				"no arbiter",
				but(|o| o.arbiter = Some(stranger())),
				Error::BadArbiter,
			),
			("attempt", but(|o| o.attempt = 1), Error::BadAttempt),
		]
	};
	let count = ExtBuilder::default().build().execute_with(|| cases().len());
	for i in 0..count {
		ExtBuilder::default().build_and_execute(|| {
			let (label, offer, error) = cases().swap_remove(i);
			println!("{label}");
			let signature = sign(&offer, "Provider");
			assert_noop!(open(offer.clone()), error);
			let error = cases().swap_remove(i).2;
			assert_noop!(
				Escrow::open_with_offer(signed(requester()), offer, signature),
				error
			);
		});
	}
}

#[test]
fn the_bounds_themselves_are_allowed() {
	for change in [
		|o: &mut Offer| o.valid_until = 1,
		|o: &mut Offer| o.valid_until = 21,
		|o: &mut Offer| o.review_blocks = 2,
		|o: &mut Offer| o.review_blocks = 20,
		|o: &mut Offer| o.deliver_within = 1,
		|o: &mut Offer| o.deliver_within = 20,
		|o: &mut Offer| o.arbiter = None,
	] {
		ExtBuilder::default().build_and_execute(|| open(but(change)).unwrap());
	}
	ExtBuilder::default().build_and_execute(|| {
		let eight = offer_of(&[EXISTENTIAL_DEPOSIT; 8]);
		assert_ok!(open(Offer {
			deliver_within: 2,
			..eight
		}));
	});
}

#[test]
fn only_the_offers_requester_opens_with_it() {
	ExtBuilder::default().build_and_execute(|| {
		let (offer, signature) = (offer(), sign(&offer(), "Provider"));
		let by_stranger = Escrow::open(signed(stranger()), offer.clone());
		assert_noop!(by_stranger, Error::<Test>::NotAllowed);
		let with_offer = Escrow::open_with_offer(signed(stranger()), offer, signature);
		assert_noop!(with_offer, Error::<Test>::NotAllowed);
	});
}

#[test]
fn who_cannot_afford_it_opens_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			open(offer_of(&[9_900 * UNIT])),
			TokenError::FundsUnavailable
		);
	});
}

#[test]
fn a_signature_must_be_the_operator_keys_over_this_very_offer() {
	ExtBuilder::default().build_and_execute(|| {
		let with = |offer: Offer, signature: Signature| {
			Escrow::open_with_offer(signed(requester()), offer, signature)
		};
		let bad = Error::<Test>::BadSignature;
		assert_noop!(with(offer(), sign(&offer(), "Stranger")), bad);
		let mut seen = 0;
		for change in [
			|o: &mut Offer| o.task_id = H256::zero(),
			|o: &mut Offer| o.input_hash = H256::zero(),
			|o: &mut Offer| o.slot = H256::zero(),
			|o: &mut Offer| o.terms = H256::zero(),
			|o: &mut Offer| o.arbiter = None,
			|o: &mut Offer| o.deliver_within = 5,
			|o: &mut Offer| o.review_blocks = 5,
			|o: &mut Offer| o.valid_until = 10,
			|o: &mut Offer| {
				o.price = 11 * UNIT;
				o.milestones = Milestones::truncate_from(vec![11 * UNIT]);
			},
			|o: &mut Offer| o.milestones = Milestones::truncate_from(vec![UNIT, 9 * UNIT]),
		] {
			let changed = Offer {
				deliver_within: 5,
				..but(change)
			};
			let signed_for = Offer {
				deliver_within: 6,
				..offer()
			};
			assert_noop!(
				with(changed, sign(&signed_for, "Provider")),
				Error::<Test>::BadSignature
			);
			seen += 1;
		}
		assert_eq!(seen, 10);
		// Signed without the domain, the same key over the same hash counts for nothing.
		let bare: Signature = ed("Provider").sign(offer().hash().as_bytes()).into();
		assert_noop!(with(offer(), bare), Error::<Test>::BadSignature);
		assert_ok!(with(offer(), sign(&offer(), "Provider")));
	});
}

#[test]
fn an_sr25519_key_signs_offers_too() {
	ExtBuilder::default().build_and_execute(|| {
		let pair = sr("Polkadot");
		let provider = AccountId::new(pair.public().0);
		assert_ok!(Balances::force_set_balance(
			root(),
			provider.clone(),
			1_000 * UNIT
		));
		let who = signed(provider.clone());
		assert_ok!(Registry::register(
			who.clone(),
			None,
			None,
			H256::zero(),
			H256::zero(),
			Roles::default()
		));
		assert_ok!(Reputation::bond(who, 500 * UNIT));
		let offer = but(|o| o.provider = provider);
		let signature: Signature = pair.sign(&offer.signing_payload()).into();
		assert_ok!(Escrow::open_with_offer(
			signed(requester()),
			offer,
			signature
		));
	});
}

#[test]
fn after_a_rotation_the_new_key_acts_and_the_accounts_own_does_not() {
	ExtBuilder::default().build_and_execute(|| {
		let payload = pallet_ainur_registry::operator_payload(
			Escrow::genesis_hash(),
			&provider(),
			&account("Operator"),
		);
		let proof = ed("Operator").sign(&payload).into();
		assert_ok!(Registry::rotate_operator(
			signed(cold()),
			provider(),
			account("Operator"),
			proof
		));
		let with = |seed| {
			let signature = sign(&offer(), seed);
			Escrow::open_with_offer(signed(requester()), offer(), signature)
		};
		assert_noop!(with("Provider"), Error::<Test>::BadSignature);
		assert_ok!(with("Operator"));
		let deliver = |who| Escrow::deliver(signed(who), 0, H256::zero());
		assert_noop!(deliver(provider()), Error::<Test>::NotAllowed);
		assert_ok!(deliver(account("Operator")));
		assert_noop!(
			Escrow::refund(signed(provider()), 0),
			Error::<Test>::NotAllowed
		);
		assert_ok!(Escrow::refund(signed(account("Operator")), 0));
	});
}

#[test]
fn a_compromised_agent_takes_on_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(open(but(|o| o.task_id = H256::zero())));
		assert_ok!(Registry::set_compromised(signed(cold()), provider(), true));
		let hash = get(0).offer_hash;
		let accept = Escrow::accept(signed(provider()), 0, hash);
		assert_noop!(accept, Error::<Test>::MayNotCommit);
		let signature = sign(&offer(), "Provider");
		let with_offer = Escrow::open_with_offer(signed(requester()), offer(), signature);
		assert_noop!(with_offer, Error::<Test>::MayNotCommit);
		// It may still refuse.
		assert_ok!(Escrow::decline(signed(provider()), 0));
	});
}

#[test]
fn a_provider_must_be_registered_and_bonded() {
	ExtBuilder::default().build_and_execute(|| {
		let other = but(|o| o.provider = stranger());
		let with = || {
			let signature = sign(&other, "Stranger");
			Escrow::open_with_offer(signed(requester()), other.clone(), signature)
		};
		assert_noop!(with(), Error::<Test>::MayNotCommit);
		let who = signed(stranger());
		assert_ok!(Registry::register(
			who.clone(),
			None,
			None,
			H256::zero(),
			H256::zero(),
			Roles::default()
		));
		assert_noop!(with(), pallet_ainur_reputation::Error::<Test>::NotBonded);
		assert_ok!(Reputation::bond(who, 200 * UNIT));
		assert_ok!(with());
	});
}

#[test]
fn a_provider_takes_on_no_more_than_its_limit() {
	// A new provider's score counts 300 of 1000: five times 1,000 AINU of bond, by that.
	ExtBuilder::default().build_and_execute(|| {
		let limit = 1_500 * UNIT;
		accepted(&offer_of(&[limit]));
		let more = Offer {
			task_id: H256::zero(),
			..offer_of(&[EXISTENTIAL_DEPOSIT])
		};
		let signature = sign(&more, "Provider");
		assert_noop!(
			Escrow::open_with_offer(signed(requester()), more, signature),
			pallet_ainur_reputation::Error::<Test>::ExposureExceeded
		);
	});
}

#[test]
fn revoked_offers_open_nothing_and_what_is_open_stays() {
	ExtBuilder::default().build_and_execute(|| {
		let id = accepted(&offer());
		assert_ok!(Escrow::revoke_offers(signed(provider())));
		let revoked = Event::OffersRevoked {
			provider: provider(),
			offer_epoch: 1,
		};
		assert_eq!(last_event(), revoked.into());
		let old = but(|o| o.task_id = H256::zero());
		let signature = sign(&old, "Provider");
		assert_noop!(
			Escrow::open_with_offer(signed(requester()), old.clone(), signature),
			Error::<Test>::Revoked
		);
		let new = Offer {
			offer_epoch: 1,
			..old
		};
		let signature = sign(&new, "Provider");
		assert_ok!(Escrow::open_with_offer(signed(requester()), new, signature));
		assert_ok!(Escrow::deliver(signed(provider()), id, H256::zero()));
		OfferEpoch::<Test>::insert(provider(), u32::MAX);
		assert_noop!(
			Escrow::revoke_offers(signed(provider())),
			Error::<Test>::Overflow
		);
	});
}

#[test]
fn a_task_has_one_live_escrow_and_none_after_it_was_paid() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(open(offer()));
		assert_noop!(open(offer()), Error::<Test>::TaskTaken);
		assert_noop!(open(but(|o| o.attempt = 1)), Error::<Test>::TaskTaken);
		assert_ok!(Escrow::cancel(signed(requester()), 0));
		assert_noop!(open(offer()), Error::<Test>::BadAttempt);
		assert_noop!(open(but(|o| o.attempt = 2)), Error::<Test>::BadAttempt);
		let second = delivered(&but(|o| o.attempt = 1));
		assert_eq!(
			TaskIndex::<Test>::get(requester(), offer().task_id),
			Some((1, second))
		);
		assert_ok!(Escrow::release(signed(requester()), second));
		assert_noop!(open(but(|o| o.attempt = 2)), Error::<Test>::TaskTaken);
	});
}

#[test]
fn no_number_or_attempt_is_given_twice() {
	ExtBuilder::default().build_and_execute(|| {
		NextEscrow::<Test>::put(u64::MAX);
		assert_noop!(open(offer()), Error::<Test>::Overflow);
		NextEscrow::<Test>::put(0);
		assert_ok!(open(offer()));
		assert_ok!(Escrow::cancel(signed(requester()), 0));
		TaskIndex::<Test>::insert(requester(), offer().task_id, (u8::MAX, 0));
		assert_noop!(open(offer()), Error::<Test>::BadAttempt);
	});
}

#[test]
fn a_record_is_kept_for_its_retention_then_pruned_by_anyone() {
	ExtBuilder::default().build_and_execute(|| {
		let late = but(|o| o.valid_until = 21);
		assert_ok!(open(late));
		assert_ok!(Escrow::cancel(signed(requester()), 0));
		let before = wealth(&requester());
		System::set_block_number(21 + 20);
		assert_noop!(
			Escrow::prune(signed(stranger()), 0),
			Error::<Test>::Retained
		);
		System::set_block_number(21 + 20 + 1);
		assert_ok!(Escrow::prune(signed(stranger()), 0));
		let deposit = UNIT / 100;
		assert_eq!(last_event(), Event::Pruned { escrow: 0, deposit }.into());
		assert_eq!(
			wealth(&requester()),
			(before.0 + deposit, before.1 - deposit)
		);
		assert_eq!(wealth(&requester()), (10_000 * UNIT, 0));
		assert_eq!(
			Escrows::<Test>::iter().count() + TaskIndex::<Test>::iter().count(),
			0
		);
	});
}

#[test]
fn pruning_an_earlier_attempt_leaves_the_tasks_index() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(open(offer()));
		assert_ok!(Escrow::cancel(signed(requester()), 0));
		System::set_block_number(30);
		let second = Offer {
			attempt: 1,
			valid_until: 35,
			..offer()
		};
		assert_ok!(open(second));
		System::set_block_number(32);
		assert_ok!(Escrow::prune(signed(stranger()), 0));
		assert_eq!(
			TaskIndex::<Test>::get(requester(), offer().task_id),
			Some((1, 1))
		);
	});
}

#[test]
fn contradictory_periods_make_no_chain() {
	for change in [
		|p: &mut Params| p.retention = p.offer_validity - 1,
		|p: &mut Params| p.millis_per_block = 0,
		|p: &mut Params| p.default_review = p.max_review + 1,
		|p: &mut Params| p.fee_bps = 10_001,
		|p: &mut Params| p.default_offer_validity = p.offer_validity + 1,
		|p: &mut Params| p.max_deliver_within = p.max_deliver_total + 1,
	] {
		let mut params = Params::ci();
		change(&mut params);
		let build = std::panic::catch_unwind(|| {
			ExtBuilder {
				params,
				..Default::default()
			}
			.build()
		});
		assert!(build.is_err());
	}
}
