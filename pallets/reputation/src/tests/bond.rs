use super::*;
use ainur_primitives::UNIT;
use frame_support::{assert_noop, assert_ok, traits::Hooks};
use sp_runtime::{DispatchError, TokenError};

#[test]
fn the_first_bond_ever_burns_a_fee_and_makes_active() {
	ExtBuilder::default().build_and_execute(|| {
		let issuance = Balances::total_issuance();
		assert_ok!(Reputation::bond(signed(alice()), 100 * UNIT));
		assert_eq!(
			events(),
			vec![
				Event::BecameActive { agent: alice() },
				Event::Bonded {
					agent: alice(),
					amount: 100 * UNIT,
					active: 100 * UNIT,
					burned: 5 * UNIT
				}
			]
		);
		assert_eq!(free(&alice()), 895 * UNIT);
		assert_eq!(held(HoldReason::Bond, &alice()), 100 * UNIT);
		assert_eq!(issuance - Balances::total_issuance(), 5 * UNIT);
		let expected = Record {
			active: 100 * UNIT,
			bonded_since: Some(1),
			first_bond_burned: true,
			..Default::default()
		};
		assert_eq!(record(&alice()), expected);
		assert_eq!(expected.score, 500_000);
	});
}

#[test]
fn a_bond_starts_with_the_minimum() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Reputation::bond(signed(alice()), 100 * UNIT - 1),
			Error::<Test>::BelowMinimum
		);
	});
}

#[test]
fn a_bond_that_is_not_owned_is_refused_with_its_burn() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Reputation::bond(signed(alice()), 996 * UNIT),
			TokenError::FundsUnavailable
		);
		assert_noop!(
			Reputation::bond(signed(account("Poor")), 100 * UNIT),
			TokenError::FundsUnavailable
		);
	});
}

#[test]
fn a_second_bond_is_an_extra_one() {
	with_alice(|| {
		assert_noop!(
			Reputation::bond(signed(alice()), 100 * UNIT),
			Error::<Test>::AlreadyBonded
		);
		assert_ok!(Reputation::bond_extra(signed(alice()), UNIT));
		assert_eq!(
			events(),
			vec![Event::Bonded {
				agent: alice(),
				amount: UNIT,
				active: 201 * UNIT,
				burned: 0
			}]
		);
		assert_eq!(record(&alice()).bonded_since, Some(0));
	});
}

#[test]
fn an_extra_bond_needs_a_bond_an_amount_and_the_funds() {
	with_alice(|| {
		let extra = |who, amount| Reputation::bond_extra(signed(who), amount);
		assert_noop!(extra(bob(), UNIT), Error::<Test>::NotBonded);
		assert_noop!(extra(alice(), 0), Error::<Test>::ZeroAmount);
		assert_noop!(extra(alice(), 1_000 * UNIT), TokenError::FundsUnavailable);
	});
}

#[test]
fn calls_on_a_bond_need_a_signature() {
	with_alice(|| {
		let root = RuntimeOrigin::root;
		assert_noop!(
			Reputation::bond(root(), 100 * UNIT),
			DispatchError::BadOrigin
		);
		assert_noop!(
			Reputation::bond_extra(root(), UNIT),
			DispatchError::BadOrigin
		);
		assert_noop!(Reputation::unbond(root(), UNIT), DispatchError::BadOrigin);
		assert_noop!(
			Reputation::withdraw_unbonded(root()),
			DispatchError::BadOrigin
		);
		assert_noop!(Reputation::poke(root(), alice()), DispatchError::BadOrigin);
		assert_noop!(Reputation::apply_slash(root(), 0), DispatchError::BadOrigin);
	});
}

#[test]
fn below_the_minimum_an_account_is_inactive_until_it_bonds_more() {
	with_alice(|| {
		assert_ok!(Reputation::unbond(signed(alice()), 150 * UNIT));
		assert_eq!(
			events(),
			vec![
				Event::BecameInactive { agent: alice() },
				Event::Unbonding {
					agent: alice(),
					amount: 150 * UNIT,
					at: 21
				}
			]
		);
		assert_noop!(Reputation::take_on(&alice(), 1), Error::<Test>::Inactive);
		System::reset_events();
		go_to(3);
		assert_ok!(Reputation::bond_extra(signed(alice()), 50 * UNIT));
		assert_eq!(events()[0], Event::BecameActive { agent: alice() });
		assert_eq!(record(&alice()).bonded_since, Some(3));
		assert_ok!(Reputation::take_on(&alice(), 1));
	});
}

#[test]
fn what_unbonds_is_held_until_its_block_and_then_withdrawn() {
	with_alice(|| {
		assert_ok!(Reputation::unbond(signed(alice()), 60 * UNIT));
		go_to(2);
		assert_ok!(Reputation::unbond(signed(alice()), 40 * UNIT));
		assert_eq!(held(HoldReason::Bond, &alice()), 200 * UNIT);
		go_to(20);
		let withdraw = || Reputation::withdraw_unbonded(signed(alice()));
		assert_noop!(withdraw(), Error::<Test>::NothingToWithdraw);
		go_to(21);
		assert_ok!(withdraw());
		assert_eq!(
			events(),
			vec![Event::Withdrawn {
				agent: alice(),
				amount: 60 * UNIT
			}]
		);
		assert_eq!(held(HoldReason::Bond, &alice()), 140 * UNIT);
		go_to(22);
		assert_ok!(withdraw());
		assert_eq!(
			events(),
			vec![Event::Withdrawn {
				agent: alice(),
				amount: 40 * UNIT
			}]
		);
		assert_eq!(record(&alice()).unlocking.len(), 0);
		assert_eq!(free(&alice()), 895 * UNIT);
	});
}

#[test]
fn unbonding_nothing_or_more_than_is_active_is_refused() {
	with_alice(|| {
		let unbond = |who, amount| Reputation::unbond(signed(who), amount);
		assert_noop!(unbond(alice(), 0), Error::<Test>::ZeroAmount);
		assert_noop!(
			unbond(alice(), 200 * UNIT + 1),
			Error::<Test>::InsufficientBond
		);
		assert_noop!(unbond(bob(), 1), Error::<Test>::InsufficientBond);
		assert_noop!(
			Reputation::withdraw_unbonded(signed(bob())),
			Error::<Test>::NothingToWithdraw
		);
	});
}

#[test]
fn what_open_work_stands_on_stays_active() {
	with_alice(|| {
		// 5 * 300 / 1000 = 1.5 times the bond
		assert_ok!(Reputation::take_on(&alice(), 150 * UNIT));
		let unbond = |amount| Reputation::unbond(signed(alice()), amount);
		assert_noop!(unbond(100 * UNIT + 1), Error::<Test>::ExposureExceeded);
		assert_noop!(unbond(200 * UNIT), Error::<Test>::ExposureExceeded);
		assert_ok!(unbond(100 * UNIT));
		assert_noop!(unbond(1), Error::<Test>::ExposureExceeded);
		Reputation::reduce_exposure(&alice(), 75 * UNIT);
		assert_ok!(unbond(50 * UNIT));
		assert_noop!(unbond(50 * UNIT), Error::<Test>::ExposureExceeded);
	});
}

#[test]
fn unbonding_is_refused_where_the_limit_would_be_one_planck_short() {
	with_alice(|| {
		assert_ok!(Reputation::take_on(&alice(), 150 * UNIT - 1));
		let unbond = |amount| Reputation::unbond(signed(alice()), amount);
		assert_ok!(unbond(100 * UNIT));
		// floor(1.5 * (100 AINU - 1)) = 150 AINU - 2
		assert_noop!(unbond(1), Error::<Test>::ExposureExceeded);
		Reputation::reduce_exposure(&alice(), 1);
		assert_ok!(unbond(1));
	});
}

#[test]
fn chunks_of_one_block_are_one_and_a_seventeenth_is_refused() {
	with_alice(|| {
		for block in 1..=16 {
			go_to(block);
			assert_ok!(Reputation::unbond(signed(alice()), 1));
			assert_ok!(Reputation::unbond(signed(alice()), 1));
		}
		assert_eq!(record(&alice()).unlocking.len(), 16);
		assert_eq!(record(&alice()).unlocking[15], Chunk { amount: 2, at: 36 });
		go_to(17);
		assert_noop!(
			Reputation::unbond(signed(alice()), 1),
			Error::<Test>::TooManyChunks
		);
		go_to(21);
		assert_ok!(Reputation::withdraw_unbonded(signed(alice())));
		assert_ok!(Reputation::unbond(signed(alice()), 1));
	});
}

#[test]
fn while_compromised_nothing_leaves_the_bond() {
	with_alice(|| {
		assert_ok!(Reputation::unbond(signed(alice()), UNIT));
		go_to(100);
		CompromisedAgents::set(vec![alice()]);
		assert_noop!(
			Reputation::unbond(signed(alice()), UNIT),
			Error::<Test>::Compromised
		);
		assert_noop!(
			Reputation::withdraw_unbonded(signed(alice())),
			Error::<Test>::Compromised
		);
		CompromisedAgents::set(vec![]);
		assert_ok!(Reputation::withdraw_unbonded(signed(alice())));
	});
}

#[test]
fn bonding_again_resets_no_score_and_burns_no_second_fee() {
	with_alice(|| {
		settle(&alice(), UNIT, FAILURE);
		let before = record(&alice());
		assert_eq!(before.score, 480_000);
		assert_ok!(Reputation::unbond(signed(alice()), before.active));
		go_to(30);
		assert_ok!(Reputation::withdraw_unbonded(signed(alice())));
		assert_eq!(held(HoldReason::Bond, &alice()), 0);
		System::reset_events();
		assert_ok!(Reputation::bond(signed(alice()), 100 * UNIT));
		assert_eq!(
			events()[1],
			Event::Bonded {
				agent: alice(),
				amount: 100 * UNIT,
				active: 100 * UNIT,
				burned: 0
			}
		);
		assert_eq!(record(&alice()).score, 480_000);
	});
}

#[test]
fn a_bond_may_start_again_while_the_last_one_unlocks() {
	with_alice(|| {
		assert_ok!(Reputation::unbond(signed(alice()), 200 * UNIT));
		assert_noop!(Reputation::take_on(&alice(), 0), Error::<Test>::NotBonded);
		assert_ok!(Reputation::bond(signed(alice()), 100 * UNIT));
		assert_eq!(held(HoldReason::Bond, &alice()), 300 * UNIT);
	});
}

#[test]
fn a_draw_takes_from_active_then_from_the_latest_chunk() {
	with_alice(|| {
		assert_ok!(Reputation::unbond(signed(alice()), 30 * UNIT));
		go_to(2);
		assert_ok!(Reputation::unbond(signed(alice()), 30 * UNIT));
		System::reset_events();
		assert_eq!(
			Reputation::draw(&alice(), 150 * UNIT, Draw::To(bob())),
			150 * UNIT
		);
		assert_eq!(
			events(),
			vec![
				Event::BecameInactive { agent: alice() },
				Event::Drawn {
					agent: alice(),
					amount: 150 * UNIT
				}
			]
		);
		let after = record(&alice());
		assert_eq!((after.active, after.bonded_since), (0, None));
		let left = vec![
			Chunk {
				amount: 30 * UNIT,
				at: 21,
			},
			Chunk {
				amount: 20 * UNIT,
				at: 22,
			},
		];
		assert_eq!(after.unlocking.into_inner(), left);
		assert_eq!(free(&bob()), 1_150 * UNIT);
		let issuance = Balances::total_issuance();
		assert_eq!(
			Reputation::draw(&alice(), 1_000 * UNIT, Draw::Burn),
			50 * UNIT
		);
		assert_eq!(issuance - Balances::total_issuance(), 50 * UNIT);
		assert_eq!(Reputation::draw(&alice(), 1, Draw::Burn), 0);
	});
}

#[test]
fn genesis_bonds_accounts_and_stores_the_parameters() {
	with_alice(|| {
		assert_eq!(record(&alice()).active, 200 * UNIT);
		assert_eq!(record(&alice()).bonded_since, Some(0));
		assert_eq!(Parameters::<Test>::get(), Params::ci());
		assert_eq!(Params::default(), Params::development());
		<Reputation as Hooks<_>>::integrity_test();
	});
}

#[test]
#[should_panic(expected = "before what it stands for")]
fn genesis_refuses_a_bond_that_is_free_before_it_can_be_slashed() {
	let params = Params {
		unbond_period: 10,
		..Params::ci()
	};
	ExtBuilder {
		params,
		..Default::default()
	}
	.build();
}
