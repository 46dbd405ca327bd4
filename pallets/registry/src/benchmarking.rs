//! What each call costs at its worst: a cold account is named, a rotation is pending and has taken
//! effect, so that every call also stores it.

#![cfg(feature = "runtime-benchmarks")]
#![allow(clippy::expect_used)] // as in tests

use super::*;
use ainur_primitives::UNIT;
use frame_benchmarking::v2::*;
use frame_support::{assert_ok, traits::fungible::Mutate};
use frame_system::RawOrigin;
use sp_core::ed25519;

const COLD: AccountId = AccountId::new([0xc0; 32]);

#[cfg(not(feature = "std"))]
const KEYS: sp_core::crypto::KeyTypeId = sp_core::crypto::KeyTypeId(*b"ainu");

// Natively the key is here; in the runtime only the host can sign, with a key of its keystore.
#[cfg(feature = "std")]
fn key(seed: u8) -> ed25519::Public {
	sp_core::Pair::public(&<ed25519::Pair as sp_core::Pair>::from_seed(&[seed; 32]))
}

#[cfg(not(feature = "std"))]
fn key(seed: u8) -> ed25519::Public {
	sp_io::crypto::ed25519_generate(KEYS, Some(alloc::format!("//{seed}").into_bytes()))
}

#[cfg(feature = "std")]
fn sign(seed: u8, payload: &[u8]) -> Signature {
	sp_core::Pair::sign(
		&<ed25519::Pair as sp_core::Pair>::from_seed(&[seed; 32]),
		payload,
	)
	.into()
}

#[cfg(not(feature = "std"))]
fn sign(seed: u8, payload: &[u8]) -> Signature {
	sp_io::crypto::ed25519_sign(KEYS, &key(seed), payload)
		.expect("the key is there")
		.into()
}

fn registered<T: Config>() -> AccountId {
	let agent: AccountId = whitelisted_caller();
	assert_ok!(T::Currency::mint_into(&agent, 1_000 * UNIT));
	let registration = Registration::default();
	assert_ok!(Pallet::<T>::do_register(
		agent.clone(),
		Some(COLD),
		registration
	));
	agent
}

fn announce<T: Config>(agent: &AccountId) {
	let new_key = AccountId::new(key(1).0);
	let payload = operator_payload(Pallet::<T>::genesis_hash(), agent, &new_key);
	let proof = sign(1, &payload);
	assert_ok!(Pallet::<T>::do_rotate_operator(
		agent.clone(),
		agent.clone(),
		new_key,
		proof
	));
}

fn pass_the_delay<T: Config>() {
	let later = Pallet::<T>::now().saturating_add(Parameters::<T>::get().rotation_delay);
	frame_system::Pallet::<T>::set_block_number(later.into());
}

#[benchmarks]
mod benches {
	use super::*;

	#[benchmark]
	fn register() {
		let agent: AccountId = whitelisted_caller();
		assert_ok!(T::Currency::mint_into(&agent, 1_000 * UNIT));
		let (hash, origin) = (H256::repeat_byte(1), RawOrigin::Signed(agent.clone()));
		#[extrinsic_call]
		_(origin, Some(COLD), Some(hash), hash, hash, Roles::ARBITER);
		assert!(Agents::<T>::contains_key(&agent));
	}

	#[benchmark]
	fn update() {
		let agent = registered::<T>();
		announce::<T>(&agent);
		pass_the_delay::<T>();
		let hash = H256::repeat_byte(1);
		#[extrinsic_call]
		_(
			RawOrigin::Signed(agent.clone()),
			Some(hash),
			hash,
			hash,
			Roles::ARBITER,
		);
		assert_eq!(Agents::<T>::get(&agent).map(|a| a.card_hash), Some(hash));
	}

	#[benchmark]
	fn rotate_operator() {
		let agent = registered::<T>();
		announce::<T>(&agent);
		pass_the_delay::<T>();
		let new_key = AccountId::new(key(2).0);
		let proof = sign(
			2,
			&operator_payload(Pallet::<T>::genesis_hash(), &agent, &new_key),
		);
		#[extrinsic_call]
		_(
			RawOrigin::Signed(COLD),
			agent.clone(),
			new_key.clone(),
			proof,
		);
		assert_eq!(KeyOwner::<T>::get(&new_key), Some(agent));
	}

	#[benchmark]
	fn cancel_rotation() {
		let agent = registered::<T>();
		announce::<T>(&agent);
		#[extrinsic_call]
		_(RawOrigin::Signed(COLD), agent.clone());
		assert_eq!(Agents::<T>::get(&agent).and_then(|a| a.pending), None);
	}

	#[benchmark]
	fn set_compromised() {
		let agent = registered::<T>();
		announce::<T>(&agent);
		pass_the_delay::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(COLD), agent.clone(), true);
		assert!(<Pallet<T> as OperatorKeys>::is_compromised(&agent));
	}

	impl_benchmark_test_suite!(
		Pallet,
		crate::mock::ExtBuilder::default().build(),
		crate::mock::Test
	);
}
