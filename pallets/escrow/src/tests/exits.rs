//! No exit fails, whatever has become of the accounts it pays.

use crate::{mock::*, *};
use ainur_primitives::{AccountId, EscrowId, Offer, EXISTENTIAL_DEPOSIT, UNIT};
use frame_support::{
	assert_ok,
	traits::{
		fungible::{InspectHold, Mutate, MutateHold},
		tokens::{Fortitude, Precision, Preservation},
	},
};
use pallet_ainur_reputation::{EpochCounters, Records};

/// Every exit of every state, by whoever has it.
type Exit = (
	&'static str,
	fn(&Offer) -> EscrowId,
	fn(EscrowId) -> sp_runtime::DispatchResult,
);

fn timeout(id: EscrowId) -> sp_runtime::DispatchResult {
	pass_deadline(id);
	Escrow::claim_timeout(signed(stranger()), id)
}

const EXITS: [Exit; 17] = [
	("expired", accepted, timeout),
	("refunded", accepted, |id| {
		Escrow::refund(signed(provider()), id)
	}),
	("released", delivered, |id| {
		Escrow::release(signed(requester()), id)
	}),
	("silent", delivered, timeout),
	("given back", delivered, |id| {
		Escrow::refund(signed(provider()), id)
	}),
	("ruled for", disputed, |id| {
		Escrow::rule(signed(arbiter()), id, 10_000)
	}),
	("ruled against", disputed, |id| {
		Escrow::rule(signed(arbiter()), id, 0)
	}),
	("ruled between", disputed, |id| {
		Escrow::rule(signed(arbiter()), id, 5_000)
	}),
	("a ruling of a planck", disputed, |id| {
		Escrow::rule(signed(arbiter()), id, 1)
	}),
	("requester concedes", disputed, |id| {
		Escrow::release(signed(requester()), id)
	}),
	("provider concedes", disputed, |id| {
		Escrow::refund(signed(provider()), id)
	}),
	("withheld, for", withheld, |id| {
		Escrow::rule(signed(arbiter()), id, 10_000)
	}),
	("withheld, against", withheld, |id| {
		Escrow::rule(signed(arbiter()), id, 0)
	}),
	("chain rules for", escalated, |id| {
		Escrow::rule(root(), id, 10_000)
	}),
	("chain rules against", escalated, |id| {
		Escrow::rule(root(), id, 0)
	}),
	("split", escalated, timeout),
	("split, undelivered", |o| escalate(withheld(o)), timeout),
];

/// Run every exit after `ruin`, which comes after everything but the last call.
fn every_exit(build: impl Fn() -> ExtBuilder, offer: fn() -> Offer, ruin: fn(EscrowId)) {
	for (label, reach, exit) in EXITS {
		build().build_and_execute(|| {
			let id = reach(&offer());
			ruin(id);
			let (issued, ended) = (Balances::total_issuance(), exit(id));
			assert_ok!(ended);
			assert!(get(id).state.is_terminal(), "{label}");
			assert_eq!(
				Balances::balance_on_hold(&HoldReason::Escrow.into(), &requester()),
				get(id).record_deposit,
				"{label}: something is still held"
			);
			assert!(Balances::total_issuance() <= issued);
			let standing = Records::<Test>::get(provider());
			assert_eq!((standing.exposure, standing.open_jobs), (0, 0), "{label}");
		});
	}
}

#[test]
fn with_everybody_in_order() {
	every_exit(ExtBuilder::default, offer, |_| ());
}

#[test]
fn with_the_treasury_at_the_existential_deposit() {
	let build = || ExtBuilder {
		treasury: EXISTENTIAL_DEPOSIT,
		..Default::default()
	};
	every_exit(build, offer, |_| ());
}

#[test]
fn with_no_treasury_at_all() {
	// What would leave it below the existential deposit is burned.
	let build = || ExtBuilder {
		treasury: 0,
		..Default::default()
	};
	every_exit(build, || offer_of(&[EXISTENTIAL_DEPOSIT]), |_| ());
}

/// Take an account off the chain, deposit and all.
fn erase(who: &AccountId) {
	pallet_ainur_registry::Agents::<Test>::mutate(who, |agent| agent.as_mut().unwrap().deposit = 0);
	assert_ok!(Balances::burn_held(
		&pallet_ainur_registry::HoldReason::Registration.into(),
		who,
		Balances::total_balance_on_hold(who),
		Precision::Exact,
		Fortitude::Force,
	));
	assert_ok!(Balances::burn_from(
		who,
		Balances::free_balance(who),
		Preservation::Expendable,
		Precision::Exact,
		Fortitude::Force,
	));
	assert_eq!((wealth(who), System::providers(who)), ((0, 0), 0));
}

#[test]
fn with_an_arbiter_that_is_gone() {
	every_exit(
		ExtBuilder::default,
		|| offer_of(&[EXISTENTIAL_DEPOSIT]),
		|_| erase(&arbiter()),
	);
}

#[test]
fn with_no_bond_left() {
	every_exit(ExtBuilder::default, offer, |_| {
		let bond = Records::<Test>::get(provider()).active;
		let taken = <Reputation as ainur_primitives::BondAndScore>::draw(
			&provider(),
			bond,
			ainur_primitives::Draw::Burn,
		);
		assert_eq!(taken, bond);
	});
}

#[test]
fn with_counters_at_their_maximum() {
	every_exit(ExtBuilder::default, offer, |_| {
		for who in [provider(), requester()] {
			Records::<Test>::mutate(who, |record| {
				record.settled = u32::MAX;
				record.disputes_lost = u32::MAX;
				record.score = 1_000_000;
				record.current = EpochCounters {
					terminals: u32::MAX,
					failures: u32::MAX,
					gained: 25_000,
					..record.current
				};
			});
		}
		NextEscrow::<Test>::put(u64::MAX);
	});
}

#[test]
fn with_a_deadline_at_the_end_of_time() {
	every_exit(ExtBuilder::default, offer, |id| {
		Parameters::<Test>::mutate(|p| {
			p.arbiter_window = u32::MAX;
			p.escalated_window = u32::MAX;
			p.retention = u32::MAX;
		});
		assert!(get(id).deadline < 100);
	});
}

#[test]
fn with_a_hold_that_somebody_has_already_emptied() {
	// Cannot happen by any call; an exit still ends with what is there.
	for (label, reach, exit) in EXITS {
		ExtBuilder::default().build().execute_with(|| {
			let id = reach(&offer());
			let held = Balances::balance_on_hold(&HoldReason::Escrow.into(), &requester());
			assert_ok!(Balances::burn_held(
				&HoldReason::Escrow.into(),
				&requester(),
				held - UNIT,
				Precision::Exact,
				Fortitude::Force
			));
			assert_ok!(exit(id));
			assert!(get(id).state.is_terminal(), "{label}");
		});
	}
}

#[test]
fn what_a_party_cannot_be_credited_with_goes_to_the_treasury() {
	// A quarter of a dispute deposit of the existential deposit cannot make an account.
	ExtBuilder::default().build_and_execute(|| {
		Parameters::<Test>::mutate(|p| p.min_dispute_deposit = EXISTENTIAL_DEPOSIT);
		erase(&arbiter());
		let id = disputed(&offer_of(&[EXISTENTIAL_DEPOSIT]));
		let (before, _) = wealth(&treasury());
		assert_ok!(Escrow::rule(signed(arbiter()), id, 5_000));
		assert_eq!(wealth(&arbiter()), (0, 0));
		assert!(wealth(&treasury()).0 > before);
	});
}
