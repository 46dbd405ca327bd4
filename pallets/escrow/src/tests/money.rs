//! What each exit moves, to the planck.

use crate::{mock::*, *};
use ainur_primitives::{AccountId, Balance, Offer, UNIT};
use frame_support::{assert_ok, traits::fungible::InspectHold};
use pallet_ainur_reputation::Records;
use sp_core::H256;

const MILLI: Balance = UNIT / 1_000;
const DEPOSIT: Balance = 10 * MILLI;

fn total(who: &AccountId) -> Balance {
	let (free, held) = wealth(who);
	free + held
}

/// Run `test` and return what it changed of everybody's total, and of the issuance.
fn moved(test: impl FnOnce()) -> (std::collections::BTreeMap<&'static str, i128>, i128) {
	let read = || everybody().map(|(name, who)| (name, total(&who)));
	let (before, issued) = (read(), Balances::total_issuance());
	test();
	let after = read();
	let changes = before
		.iter()
		.zip(after)
		.map(|((name, was), (_, is))| (*name, is as i128 - *was as i128))
		.filter(|(_, change)| *change != 0)
		.collect();
	(changes, Balances::total_issuance() as i128 - issued as i128)
}

fn assert_moved(test: impl FnOnce(), expected: &[(&'static str, i128)], burned: Balance) {
	let (changes, issued) = moved(test);
	assert_eq!(changes, expected.iter().copied().collect());
	assert_eq!(issued, -(burned as i128));
	assert_eq!(
		changes.values().sum::<i128>(),
		issued,
		"value came from nowhere or went there"
	);
}

fn units(n: i128) -> i128 {
	n * UNIT as i128
}

fn millis(n: i128) -> i128 {
	n * MILLI as i128
}

#[test]
fn a_release_pays_the_price_burns_the_fee_and_returns_the_rest() {
	ExtBuilder::default().build_and_execute(|| {
		let id = delivered(&offer());
		assert_moved(
			|| Escrow::release(signed(requester()), id).unwrap(),
			&[
				("requester", units(-10) - millis(200)),
				("provider", units(10)),
			],
			200 * MILLI,
		);
		assert_eq!(
			wealth(&requester()).1,
			DEPOSIT,
			"the record's deposit stays until it is pruned"
		);
		assert_eq!(get(id).paid, 10 * UNIT);
		assert_eq!(
			last_event(),
			Event::Ended {
				escrow: id,
				state: State::Released,
				paid: 10 * UNIT,
				refunded: UNIT
			}
			.into()
		);
	});
}

#[test]
fn silence_pays_like_a_release() {
	ExtBuilder::default().build_and_execute(|| {
		let id = delivered(&offer());
		pass_deadline(id);
		assert_moved(
			|| Escrow::claim_timeout(signed(stranger()), id).unwrap(),
			&[
				("requester", units(-10) - millis(200)),
				("provider", units(10)),
			],
			200 * MILLI,
		);
		assert_eq!(get(id).state, State::Released);
	});
}

#[test]
fn a_fee_is_rounded_up_per_payment() {
	let params = Params::ci();
	for (paid, fee) in [
		(0, 0),
		(1, 1),
		(49, 1),
		(50, 1),
		(51, 2),
		(100, 2),
		(101, 3),
		(UNIT + 1, 20 * MILLI + 1),
	] {
		assert_eq!(params.fee(paid), fee, "{paid}");
	}
	ExtBuilder::default().build_and_execute(|| {
		let odd = 1_000_000_007;
		let id = delivered(&offer_of(&[odd, odd]));
		assert_moved(
			|| Escrow::release(signed(requester()), id).unwrap(),
			&[
				("requester", -(odd as i128) - 20_000_001),
				("provider", odd as i128),
			],
			20_000_001,
		);
	});
}

#[test]
fn an_unaccepted_escrow_returns_everything_and_touches_no_score() {
	for how in 0..3 {
		ExtBuilder::default().build_and_execute(|| {
			let before = Records::<Test>::get(provider());
			let (free, _) = wealth(&requester());
			assert_ok!(Escrow::open(signed(requester()), offer()));
			match how {
				0 => Escrow::cancel(signed(requester()), 0).unwrap(),
				1 => Escrow::decline(signed(provider()), 0).unwrap(),
				_ => {
					pass_deadline(0);
					assert_ok!(Escrow::claim_timeout(signed(stranger()), 0));
				}
			}
			assert_eq!(wealth(&requester()), (free - DEPOSIT, DEPOSIT));
			assert_eq!(get(0).state, State::Cancelled);
			assert_eq!(Records::<Test>::get(provider()), before);
		});
	}
}

#[test]
fn a_missed_deadline_returns_the_price_and_slashes_the_bond() {
	// Price 10 AINU, bond 1,000: one per cent of the bond is more than a tenth of the price, and
	// no more than the price.
	ExtBuilder::default().build_and_execute(|| {
		let id = accepted(&offer());
		pass_deadline(id);
		assert_moved(
			|| Escrow::claim_timeout(signed(stranger()), id).unwrap(),
			&[
				("requester", units(1)),
				("provider", units(-10)),
				("treasury", units(9)),
			],
			0,
		);
		assert_eq!(get(id).state, State::Expired);
		assert_eq!(Records::<Test>::get(provider()).score, 500_000 - 20_000);
	});
}

#[test]
fn a_refund_of_ones_own_accord_is_half_a_failure() {
	for state in [accepted as fn(&Offer) -> u64, delivered] {
		ExtBuilder::default().build_and_execute(|| {
			let id = state(&offer());
			assert_moved(
				|| Escrow::refund(signed(provider()), id).unwrap(),
				&[
					("requester", units(1)),
					("provider", units(-5)),
					("treasury", units(4)),
				],
				0,
			);
			assert_eq!(Records::<Test>::get(provider()).score, 500_000 - 10_000);
		});
	}
}

#[test]
fn a_refund_that_was_asked_for_is_nobodys_failure() {
	ExtBuilder::default().build_and_execute(|| {
		let id = accepted(&offer());
		assert_ok!(Escrow::request_cancel(signed(requester()), id));
		assert_eq!(last_event(), Event::CancelRequested { escrow: id }.into());
		assert_moved(|| Escrow::refund(signed(provider()), id).unwrap(), &[], 0);
		assert_eq!(Records::<Test>::get(provider()).score, 500_000);
		assert_eq!(Records::<Test>::get(provider()).open_jobs, 0);
	});
}

#[test]
fn asking_for_the_work_back_does_not_excuse_a_missed_deadline() {
	ExtBuilder::default().build_and_execute(|| {
		let id = accepted(&offer());
		assert_ok!(Escrow::request_cancel(signed(requester()), id));
		pass_deadline(id);
		assert_ok!(Escrow::claim_timeout(signed(stranger()), id));
		assert_eq!(Records::<Test>::get(provider()).score, 480_000);
	});
}

#[test]
fn giving_in_to_a_dispute_is_a_whole_failure_and_costs_no_deposit() {
	for state in [disputed as fn(&Offer) -> u64, escalated, withheld] {
		ExtBuilder::default().build_and_execute(|| {
			let id = state(&offer());
			assert_moved(
				|| Escrow::refund(signed(provider()), id).unwrap(),
				&[
					("requester", units(1)),
					("provider", units(-10)),
					("treasury", units(9)),
				],
				0,
			);
			assert_eq!(get(id).state, State::Refunded);
		});
	}
}

#[test]
fn a_conceding_requester_pays_the_disputed_milestone_and_no_later_one() {
	for state in [disputed as fn(&Offer) -> u64, escalated, withheld] {
		ExtBuilder::default().build_and_execute(|| {
			let id = state(&offer_of(&[4 * UNIT, 6 * UNIT]));
			assert_moved(
				|| Escrow::release(signed(requester()), id).unwrap(),
				&[
					("requester", units(-4) - millis(80)),
					("provider", units(4)),
				],
				80 * MILLI,
			);
			assert_eq!((get(id).state, get(id).paid), (State::Released, 4 * UNIT));
		});
	}
}

#[test]
fn a_ruling_pays_by_basis_points_and_the_loser_pays_the_deposit() {
	// D is 1 AINU: a tenth of the price.
	// A failure also slashes 10 AINU, all to the treasury, as a named arbiter ruled.
	for bps in [
		0, 1, 1_999, 2_000, 2_001, 5_000, 7_999, 8_000, 8_001, 9_999, 10_000,
	] {
		ExtBuilder::default().build_and_execute(|| {
			let id = disputed(&offer());
			let paid = 10 * UNIT as i128 * i128::from(bps) / 10_000;
			let fee = (paid * 2 + 99) / 100;
			let (half, quarter) = (millis(500), millis(250));
			let unpaid = units(10) - paid;
			let expected = match bps {
				8_000.. => [-paid - fee - 2 * half, paid + half, half, 0],
				..=2_000 => [half - paid - fee, paid - 2 * half - unpaid, half, unpaid],
				_ => [-paid - fee - quarter, paid - quarter, 2 * quarter, 0],
			};
			let names = ["requester", "provider", "arbiter", "treasury"];
			let expected: Vec<_> = names
				.into_iter()
				.zip(expected)
				.filter(|(_, change)| *change != 0)
				.collect();
			assert_moved(
				|| Escrow::rule(signed(arbiter()), id, bps as u16).unwrap(),
				&expected,
				fee as Balance,
			);
			assert_eq!(
				get(id).state,
				State::Ruled {
					provider_bps: bps as u16
				}
			);
			assert_eq!(get(id).paid, paid as Balance);
			let score = Records::<Test>::get(provider()).score;
			match bps {
				8_000.. => assert!(score > 500_000, "a success"),
				..=2_000 => assert!(score < 500_000, "a failure"),
				_ => assert_eq!(score, 500_000, "neutral"),
			}
			let lost = Records::<Test>::get(requester()).disputes_lost;
			assert_eq!(lost, u32::from(bps >= 8_000));
		});
	}
}

#[test]
fn the_chains_own_arbiters_share_goes_to_the_treasury() {
	ExtBuilder::default().build_and_execute(|| {
		let id = disputed(&Offer {
			arbiter: None,
			..offer()
		});
		assert_moved(
			|| Escrow::rule(root(), id, 10_000).unwrap(),
			&[
				("requester", units(-10) - millis(200) - units(1)),
				("provider", units(10) + millis(500)),
				("treasury", millis(500)),
			],
			200 * MILLI,
		);
	});
	ExtBuilder::default().build_and_execute(|| {
		let id = escalated(&offer());
		assert_moved(
			|| Escrow::rule(root(), id, 0).unwrap(),
			// No named arbiter ruled: the requester gets its tenth of the slash.
			&[
				("requester", millis(500) + units(1)),
				("provider", units(-11)),
				("treasury", millis(500) + units(9)),
			],
			0,
		);
	});
}

#[test]
fn two_silent_arbiters_split_a_delivered_milestone_and_burn_the_disputers_deposit() {
	ExtBuilder::default().build_and_execute(|| {
		let id = escalated(&offer_of(&[4 * UNIT + 1, 6 * UNIT]));
		pass_deadline(id);
		assert_moved(
			|| Escrow::claim_timeout(signed(stranger()), id).unwrap(),
			&[
				("requester", units(-2) - millis(40) - units(1)),
				("provider", units(2)),
			],
			40 * MILLI + UNIT,
		);
		assert_eq!(get(id).state, State::Split);
		assert_eq!(Records::<Test>::get(provider()).score, 500_000);
	});
}

#[test]
fn two_silent_arbiters_return_an_undelivered_milestone_and_burn_of_the_providers_bond() {
	ExtBuilder::default().build_and_execute(|| {
		let id = escalate(withheld(&offer()));
		pass_deadline(id);
		assert_moved(
			|| Escrow::claim_timeout(signed(stranger()), id).unwrap(),
			&[("provider", units(-1))],
			UNIT,
		);
		assert_eq!(Records::<Test>::get(provider()).score, 500_000);
	});
}

#[test]
fn milestones_are_paid_one_after_the_other_and_exposure_falls_with_them() {
	ExtBuilder::default().build_and_execute(|| {
		let amounts = [3 * UNIT, 2 * UNIT, 5 * UNIT];
		let id = accepted(&offer_of(&amounts));
		let mut left = 10 * UNIT;
		for (i, amount) in amounts.into_iter().enumerate() {
			assert_eq!(Records::<Test>::get(provider()).exposure, left);
			assert_eq!(usize::from(get(id).milestone), i);
			System::set_block_number(u64::from(get(id).deadline));
			assert_ok!(Escrow::deliver(
				signed(provider()),
				id,
				H256::repeat_byte(i as u8)
			));
			let before = total(&provider());
			assert_ok!(Escrow::release(signed(requester()), id));
			assert_eq!(total(&provider()), before + amount);
			left -= amount;
			if i < 2 {
				let deliver_by = System::block_number() as u32 + 6;
				let milestone = i as u8 + 1;
				let next = Event::NextMilestone {
					escrow: id,
					milestone,
					deliver_by,
				};
				assert_eq!(last_event(), next.into());
				assert_eq!((get(id).deadline, get(id).result), (deliver_by, None));
			}
		}
		assert_eq!(get(id).state, State::Released);
		let standing = Records::<Test>::get(provider());
		assert_eq!(
			(standing.exposure, standing.open_jobs, standing.settled),
			(0, 0, 1)
		);
	});
}

#[test]
fn a_later_milestone_that_expires_weighs_only_what_is_unpaid() {
	ExtBuilder::default().build_and_execute(|| {
		let id = delivered(&offer_of(&[9 * UNIT + UNIT / 2, UNIT / 2]));
		assert_ok!(Escrow::release(signed(requester()), id));
		pass_deadline(id);
		assert_moved(
			|| Escrow::claim_timeout(signed(stranger()), id).unwrap(),
			// Half an AINU: the slash is at most that, a tenth of it is the requester's.
			&[
				("requester", millis(50)),
				("provider", millis(-500)),
				("treasury", millis(450)),
			],
			0,
		);
		assert_eq!(Records::<Test>::get(provider()).score, 490_000);
	});
}

#[test]
fn the_hold_of_several_escrows_is_their_sum() {
	ExtBuilder::default().build_and_execute(|| {
		let params = Params::ci();
		let ids: Vec<_> = (0..4u8)
			.map(|i| {
				let amounts = [UNIT * Balance::from(i + 1), 7 * MILLI + Balance::from(i)];
				accepted(&Offer {
					task_id: H256::repeat_byte(i),
					..offer_of(&amounts)
				})
			})
			.collect();
		let sum: Balance = ids.iter().map(|id| get(*id).held(&params)).sum();
		let hold = Balances::balance_on_hold(&HoldReason::Escrow.into(), &requester());
		assert_eq!(hold, sum);
	});
}
