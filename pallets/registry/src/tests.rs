use crate::{mock::*, Error, Event, *};
use ainur_primitives::MILLI_UNIT;
use frame_support::{
	assert_noop, assert_ok,
	traits::{fungible::InspectHold, Hooks},
};
use sp_core::Pair;
use sp_runtime::TokenError;

const H1: H256 = H256::repeat_byte(1);
const H2: H256 = H256::repeat_byte(2);

fn register(who: AccountId, cold: Option<AccountId>) -> DispatchResult {
	Registry::register(
		RuntimeOrigin::signed(who),
		cold,
		Some(H1),
		H1,
		H1,
		Roles::NONE,
	)
}

fn rotate(by: AccountId, agent: AccountId, seed: &str) -> DispatchResult {
	let proof = proof(&agent, seed);
	Registry::rotate_operator(RuntimeOrigin::signed(by), agent, account(seed), proof)
}

fn agent(who: &AccountId) -> Agent {
	Agents::<Test>::get(who).unwrap()
}

// register

#[test]
fn registering_holds_the_deposit_and_names_the_own_key() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(Registry::register(
			RuntimeOrigin::signed(alice()),
			Some(cold()),
			Some(H1),
			H2,
			H1,
			Roles::ARBITER
		));
		assert_eq!(
			last_event(),
			Event::Registered {
				agent: alice(),
				cold: Some(cold()),
				roles: Roles::ARBITER,
				deposit: 10 * MILLI_UNIT
			}
		);
		assert_eq!(
			agent(&alice()),
			Agent {
				operator: alice(),
				pending: None,
				cold: Some(cold()),
				compromised: false,
				did_hash: Some(H1),
				card_hash: H2,
				capabilities_hash: H1,
				roles: Roles::ARBITER,
				deposit: 10 * MILLI_UNIT,
				registered_at: 1,
			}
		);
		let held = Balances::balance_on_hold(&HoldReason::Registration.into(), &alice());
		assert_eq!(held, 10 * MILLI_UNIT);
		assert_eq!(KeyOwner::<Test>::get(alice()), Some(alice()));
		assert!(Registry::may_commit(&alice()));
		assert!(Registry::is_arbiter(&alice()));
	});
}

#[test]
fn an_agent_registers_once() {
	with_alice(|| {
		assert_noop!(register(alice(), None), Error::<Test>::AlreadyRegistered);
	});
}

#[test]
fn the_cold_account_is_another_account() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(register(alice(), Some(alice())), Error::<Test>::ColdIsSelf);
	});
}

#[test]
fn a_role_that_the_chain_does_not_know_is_refused() {
	with_alice(|| {
		let roles = Roles(3);
		assert_noop!(
			Registry::register(RuntimeOrigin::signed(bob()), None, None, H1, H1, roles),
			Error::<Test>::UnknownRoles
		);
		assert_noop!(
			Registry::update(RuntimeOrigin::signed(alice()), None, H1, H1, roles),
			Error::<Test>::UnknownRoles
		);
	});
}

#[test]
fn an_account_whose_key_signs_for_another_agent_cannot_register() {
	with_alice(|| {
		assert_ok!(rotate(cold(), alice(), "Bob"));
		assert_noop!(register(bob(), None), Error::<Test>::KeyAlreadyUsed);
	});
}

#[test]
fn registering_without_the_deposit_is_refused() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			register(account("Poor"), None),
			TokenError::FundsUnavailable
		);
	});
}

#[test]
fn calls_need_a_signature() {
	ExtBuilder::default().build_and_execute(|| {
		let bad = sp_runtime::DispatchError::BadOrigin;
		let root = RuntimeOrigin::root;
		assert_noop!(
			Registry::register(root(), None, None, H1, H1, Roles::NONE),
			bad
		);
		assert_noop!(Registry::update(root(), None, H1, H1, Roles::NONE), bad);
		assert_noop!(
			Registry::rotate_operator(root(), alice(), bob(), proof(&alice(), "Bob")),
			bad
		);
		assert_noop!(Registry::cancel_rotation(root(), alice()), bad);
		assert_noop!(Registry::set_compromised(root(), alice(), true), bad);
	});
}

#[test]
fn calls_on_an_account_that_is_no_agent_are_refused() {
	ExtBuilder::default().build_and_execute(|| {
		let missing = sp_runtime::DispatchError::from(Error::<Test>::NotRegistered);
		let by = || RuntimeOrigin::signed(bob());
		assert_noop!(Registry::update(by(), None, H1, H1, Roles::NONE), missing);
		assert_noop!(rotate(bob(), bob(), "K1"), missing);
		assert_noop!(Registry::cancel_rotation(by(), bob()), missing);
		assert_noop!(Registry::set_compromised(by(), bob(), true), missing);
	});
}

#[test]
fn an_account_that_never_registered_is_its_own_operator_but_may_not_commit() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(Registry::operator_of(&bob()), bob());
		assert!(Registry::is_operator(&bob(), &bob()));
		assert!(!Registry::may_commit(&bob()));
		assert!(!Registry::is_compromised(&bob()));
		assert!(!Registry::is_arbiter(&bob()));
	});
}

// update

#[test]
fn updating_replaces_what_the_agent_says_of_itself() {
	with_alice(|| {
		assert_ok!(Registry::update(
			RuntimeOrigin::signed(alice()),
			Some(H2),
			H2,
			H2,
			Roles::ARBITER
		));
		assert_eq!(
			last_event(),
			Event::Updated {
				agent: alice(),
				roles: Roles::ARBITER
			}
		);
		let agent = agent(&alice());
		assert_eq!(
			(
				agent.did_hash,
				agent.card_hash,
				agent.capabilities_hash,
				agent.roles
			),
			(Some(H2), H2, H2, Roles::ARBITER)
		);
		assert_eq!(agent.cold, Some(cold()));
		assert!(Registry::is_arbiter(&alice()));
	});
}

// rotate_operator

#[test]
fn a_rotation_by_the_account_takes_effect_after_the_delay_without_a_call() {
	with_alice(|| {
		assert_ok!(rotate(alice(), alice(), "K1"));
		let scheduled = Event::RotationScheduled {
			agent: alice(),
			key: account("K1"),
			effective_at: 6,
		};
		assert_eq!(last_event(), scheduled);
		System::set_block_number(5);
		assert_eq!(Registry::operator_of(&alice()), alice());
		System::set_block_number(6);
		assert_eq!(Registry::operator_of(&alice()), account("K1"));
		assert!(!Registry::is_operator(&alice(), &alice()));
		assert_eq!(agent(&alice()).operator, alice());
	});
}

#[test]
fn the_next_write_stores_a_rotation_that_took_effect() {
	with_alice(|| {
		assert_ok!(rotate(alice(), alice(), "K1"));
		System::set_block_number(6);
		System::reset_events();
		assert_ok!(Registry::update(
			RuntimeOrigin::signed(alice()),
			None,
			H2,
			H2,
			Roles::NONE
		));
		assert_eq!(
			events(),
			vec![
				Event::OperatorRotated {
					agent: alice(),
					key: account("K1")
				},
				Event::Updated {
					agent: alice(),
					roles: Roles::NONE
				}
			]
		);
		assert_eq!(agent(&alice()).operator, account("K1"));
		assert_eq!(agent(&alice()).pending, None);
	});
}

#[test]
fn after_a_rotation_took_effect_the_account_may_announce_the_next() {
	with_alice(|| {
		assert_ok!(rotate(alice(), alice(), "K1"));
		System::set_block_number(6);
		assert_ok!(rotate(alice(), alice(), "K2"));
		assert_eq!(Registry::operator_of(&alice()), account("K1"));
		System::set_block_number(11);
		assert_eq!(Registry::operator_of(&alice()), account("K2"));
	});
}

#[test]
fn a_rotation_by_the_cold_account_takes_effect_at_once() {
	with_alice(|| {
		assert_ok!(rotate(cold(), alice(), "K1"));
		assert_eq!(
			last_event(),
			Event::OperatorRotated {
				agent: alice(),
				key: account("K1")
			}
		);
		assert_eq!(Registry::operator_of(&alice()), account("K1"));
	});
}

#[test]
fn a_cold_delay_is_kept_where_genesis_set_one() {
	let params = Params {
		cold_rotation_delay: 2,
		..Params::ci()
	};
	let agents = vec![(alice(), Some(cold()), Roles::NONE)];
	ExtBuilder { params, agents }.build_and_execute(|| {
		assert_ok!(rotate(alice(), alice(), "Thief"));
		assert_ok!(rotate(cold(), alice(), "K1"));
		let scheduled = Event::RotationScheduled {
			agent: alice(),
			key: account("K1"),
			effective_at: 3,
		};
		assert_eq!(last_event(), scheduled);
		System::set_block_number(6);
		assert_eq!(Registry::operator_of(&alice()), account("K1"));
	});
}

#[test]
fn the_cold_account_replaces_a_pending_rotation_whose_key_is_never_accepted_again() {
	with_alice(|| {
		assert_ok!(rotate(alice(), alice(), "Thief"));
		System::reset_events();
		assert_ok!(rotate(cold(), alice(), "K1"));
		assert_eq!(
			events(),
			vec![
				Event::RotationCancelled {
					agent: alice(),
					key: account("Thief")
				},
				Event::OperatorRotated {
					agent: alice(),
					key: account("K1")
				}
			]
		);
		System::set_block_number(100);
		assert_eq!(Registry::operator_of(&alice()), account("K1"));
		assert_noop!(
			rotate(cold(), alice(), "Thief"),
			Error::<Test>::KeyAlreadyUsed
		);
	});
}

#[test]
fn a_second_rotation_by_the_account_waits_for_the_first() {
	with_alice(|| {
		assert_ok!(rotate(alice(), alice(), "K1"));
		assert_noop!(
			rotate(alice(), alice(), "K2"),
			Error::<Test>::RotationPending
		);
	});
}

#[test]
fn nobody_else_rotates_not_even_the_operator() {
	with_alice(|| {
		assert_ok!(rotate(cold(), alice(), "K1"));
		assert_noop!(
			rotate(account("K1"), alice(), "K2"),
			Error::<Test>::NotAuthorised
		);
		assert_noop!(rotate(bob(), alice(), "K2"), Error::<Test>::NotAuthorised);
	});
}

#[test]
fn a_used_key_is_never_accepted_again() {
	with_alice(|| {
		assert_ok!(register(bob(), None));
		assert_ok!(rotate(cold(), alice(), "K1"));
		assert_ok!(rotate(cold(), alice(), "K2"));
		for used in ["Alice", "Bob", "K1", "K2"] {
			assert_noop!(rotate(cold(), alice(), used), Error::<Test>::KeyAlreadyUsed);
			assert_noop!(rotate(bob(), bob(), used), Error::<Test>::KeyAlreadyUsed);
		}
	});
}

#[test]
fn the_cold_key_does_not_become_the_operator_key() {
	with_alice(|| {
		assert_noop!(rotate(alice(), alice(), "Cold"), Error::<Test>::KeyIsCold);
	});
}

#[test]
fn a_key_is_not_taken_without_its_own_proof() {
	with_alice(|| {
		let try_with = |key: AccountId, proof: Signature| {
			Registry::rotate_operator(RuntimeOrigin::signed(alice()), alice(), key, proof)
		};
		let k1 = account("K1");
		let genesis = Registry::genesis_hash();
		let bad = [
			// another key's signature
			proof(&alice(), "K2"),
			// for another agent
			ed("K1")
				.sign(&operator_payload(genesis, &bob(), &k1))
				.into(),
			// on another chain
			ed("K1").sign(&operator_payload(H1, &alice(), &k1)).into(),
			// for another key
			ed("K1")
				.sign(&operator_payload(genesis, &alice(), &bob()))
				.into(),
			// without the domain
			ed("K1")
				.sign(&operator_payload(genesis, &alice(), &k1)[OPERATOR_DOMAIN.len()..])
				.into(),
		];
		for proof in bad {
			assert_noop!(try_with(k1.clone(), proof), Error::<Test>::BadProof);
		}
		assert_ok!(try_with(k1.clone(), proof(&alice(), "K1")));
	});
}

#[test]
fn a_key_of_either_curve_signs_for_the_agent() {
	with_alice(|| {
		let pair = sr("K1");
		let key = AccountId::new(pair.public().0);
		let proof = pair
			.sign(&operator_payload(Registry::genesis_hash(), &alice(), &key))
			.into();
		assert_ok!(Registry::rotate_operator(
			RuntimeOrigin::signed(cold()),
			alice(),
			key,
			proof
		));
		assert!(Registry::is_signed_by(
			&alice(),
			b"payload",
			&pair.sign(b"payload").into()
		));
		assert!(!Registry::is_signed_by(
			&alice(),
			b"payload",
			&ed("Alice").sign(b"payload").into()
		));
	});
}

#[test]
fn the_signed_bytes_are_the_domain_and_the_hash_of_the_fields_in_order() {
	let by_hand = [[1; 32], [2; 32], [3; 32]].concat();
	assert_eq!(
		operator_payload(H1, &AccountId::new([2; 32]), &AccountId::new([3; 32])),
		[
			b"ainur/1/operator\0".as_slice(),
			&sp_io::hashing::blake2_256(&by_hand)
		]
		.concat()
	);
}

// cancel_rotation

#[test]
fn the_cold_account_cancels_a_rotation() {
	with_alice(|| {
		assert_ok!(rotate(alice(), alice(), "K1"));
		assert_ok!(Registry::cancel_rotation(
			RuntimeOrigin::signed(cold()),
			alice()
		));
		assert_eq!(
			last_event(),
			Event::RotationCancelled {
				agent: alice(),
				key: account("K1")
			}
		);
		System::set_block_number(100);
		assert_eq!(Registry::operator_of(&alice()), alice());
		assert_noop!(
			rotate(alice(), alice(), "K1"),
			Error::<Test>::KeyAlreadyUsed
		);
	});
}

#[test]
fn the_account_cancels_only_where_no_cold_account_was_named() {
	with_alice(|| {
		assert_ok!(register(bob(), None));
		assert_ok!(rotate(alice(), alice(), "K1"));
		assert_ok!(rotate(bob(), bob(), "K2"));
		let cancel = |by, agent| Registry::cancel_rotation(RuntimeOrigin::signed(by), agent);
		assert_noop!(cancel(alice(), alice()), Error::<Test>::NotAuthorised);
		assert_noop!(cancel(alice(), bob()), Error::<Test>::NotAuthorised);
		assert_ok!(cancel(bob(), bob()));
		assert_eq!(
			last_event(),
			Event::RotationCancelled {
				agent: bob(),
				key: account("K2")
			}
		);
	});
}

#[test]
fn a_rotation_that_took_effect_cannot_be_cancelled() {
	with_alice(|| {
		let cancel = || Registry::cancel_rotation(RuntimeOrigin::signed(cold()), alice());
		assert_noop!(cancel(), Error::<Test>::NoRotationPending);
		assert_ok!(rotate(alice(), alice(), "K1"));
		System::set_block_number(6);
		assert_noop!(cancel(), Error::<Test>::NoRotationPending);
	});
}

// set_compromised

#[test]
fn a_compromised_agent_commits_to_nothing_and_rules_nothing_until_cleared() {
	let agents = vec![(alice(), Some(cold()), Roles::ARBITER)];
	ExtBuilder {
		agents,
		..Default::default()
	}
	.build_and_execute(|| {
		let set = |by, flag| Registry::set_compromised(RuntimeOrigin::signed(by), alice(), flag);
		assert_ok!(set(cold(), true));
		assert_eq!(
			last_event(),
			Event::CompromisedSet {
				agent: alice(),
				compromised: true
			}
		);
		assert!(Registry::is_compromised(&alice()));
		assert!(!Registry::may_commit(&alice()));
		assert!(!Registry::is_arbiter(&alice()));
		assert_ok!(set(cold(), false));
		assert_eq!(
			last_event(),
			Event::CompromisedSet {
				agent: alice(),
				compromised: false
			}
		);
		assert!(Registry::may_commit(&alice()));
		assert!(Registry::is_arbiter(&alice()));
	});
}

#[test]
fn only_the_cold_account_flags() {
	with_alice(|| {
		assert_ok!(register(bob(), None));
		let set = |by, agent| Registry::set_compromised(RuntimeOrigin::signed(by), agent, true);
		assert_noop!(set(alice(), alice()), Error::<Test>::NotCold);
		assert_noop!(set(bob(), bob()), Error::<Test>::NotCold);
		assert_noop!(set(cold(), bob()), Error::<Test>::NotCold);
	});
}

// genesis

#[test]
fn genesis_registers_agents_and_stores_the_parameters() {
	with_alice(|| {
		assert_eq!(agent(&alice()).cold, Some(cold()));
		assert_eq!(agent(&alice()).registered_at, 0);
		assert_eq!(Parameters::<Test>::get(), Params::ci());
		assert_eq!(Params::default(), Params::development());
		<Registry as Hooks<_>>::integrity_test();
	});
}

#[test]
#[should_panic(expected = "slower than a thief")]
fn genesis_refuses_a_cold_account_that_is_slower_than_a_thief() {
	let params = Params {
		cold_rotation_delay: 6,
		..Params::ci()
	};
	ExtBuilder {
		params,
		..Default::default()
	}
	.build();
}
