//! What each call costs at its worst: eight milestones, and a provider whose bond unlocks in as many
//! chunks as it can.

#![allow(clippy::arithmetic_side_effects, clippy::expect_used)] // as in tests

use super::*;
use ainur_primitives::{
	signing::{key, sign},
	AccountId, Balance, BondAndScore, EscrowId, Milestones, Offer, OperatorKeys, Signature,
	MAX_MILESTONES,
};
use frame_benchmarking::v2::*;
use frame_support::{
	assert_ok,
	traits::{fungible::Mutate, Get},
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use sp_core::H256;

const SEED: u8 = 7;

fn fund<T: Config>(who: &AccountId) {
	let amount = T::MinPrice::get().saturating_mul(1_000_000_000);
	assert_ok!(T::Currency::mint_into(who, amount));
}

fn provider<T: Config>() -> AccountId {
	let provider = AccountId::new(key(SEED).0);
	T::Keys::benchmark_register(&provider, false);
	fund::<T>(&provider);
	provider
}

fn requester<T: Config>() -> AccountId {
	let requester: AccountId = account("requester", 0, 0);
	fund::<T>(&requester);
	requester
}

/// The largest offer there is, with a named arbiter.
fn offer<T: Config>(provider: AccountId, milestones: u32) -> Offer {
	let arbiter: AccountId = account("arbiter", 0, 0);
	fund::<T>(&arbiter);
	T::Keys::benchmark_register(&arbiter, true);
	fund::<T>(&T::Treasury::get());
	let params = Parameters::<T>::get();
	let unit = T::MinPrice::get().saturating_mul(1_000);
	let milestones = Milestones::truncate_from(alloc::vec![unit; milestones as usize]);
	let price: Balance = milestones.iter().sum();
	T::Standing::benchmark_bond(&provider, price);
	Offer {
		genesis: Pallet::<T>::genesis_hash(),
		requester: requester::<T>(),
		offer_epoch: OfferEpoch::<T>::get(&provider),
		provider,
		task_id: H256::repeat_byte(1),
		attempt: 0,
		price,
		milestones,
		input_hash: H256::repeat_byte(2),
		slot: H256::repeat_byte(3),
		terms: H256::repeat_byte(4),
		arbiter: Some(arbiter),
		deliver_within: 2,
		review_blocks: params.min_review,
		// A benchmark's call may run a block after what prepares it.
		valid_until: Pallet::<T>::now().saturating_add(params.default_offer_validity),
	}
}

fn opened<T: Config>() -> EscrowId {
	let offer = offer::<T>(provider::<T>(), MAX_MILESTONES);
	assert_ok!(Pallet::<T>::open(
		RawOrigin::Signed(offer.requester.clone()).into(),
		offer
	));
	NextEscrow::<T>::get() - 1
}

fn accepted<T: Config>(provider: AccountId, milestones: u32) -> EscrowId {
	let offer = offer::<T>(provider.clone(), milestones);
	let hash = offer.hash();
	assert_ok!(Pallet::<T>::open(
		RawOrigin::Signed(offer.requester.clone()).into(),
		offer
	));
	let id = NextEscrow::<T>::get() - 1;
	assert_ok!(Pallet::<T>::accept(
		RawOrigin::Signed(provider).into(),
		id,
		hash
	));
	id
}

fn delivered<T: Config>(milestones: u32) -> EscrowId {
	let provider = provider::<T>();
	let id = accepted::<T>(provider.clone(), milestones);
	assert_ok!(Pallet::<T>::deliver(
		RawOrigin::Signed(provider).into(),
		id,
		H256::zero()
	));
	id
}

fn disputed<T: Config>() -> EscrowId {
	let id = delivered::<T>(MAX_MILESTONES);
	let (reason, evidence) = (DisputeReason::ResultWrong, H256::zero());
	let who = RawOrigin::Signed(requester::<T>()).into();
	assert_ok!(Pallet::<T>::dispute(who, id, reason, evidence));
	id
}

fn pass_deadline<T: Config>(id: EscrowId) {
	let deadline = Escrows::<T>::get(id).expect("it was opened").deadline;
	frame_system::Pallet::<T>::set_block_number(BlockNumberFor::<T>::from(deadline + 1));
}

fn state<T: Config>(id: EscrowId) -> State {
	Escrows::<T>::get(id).expect("it was opened").state
}

/// An escrow of this provider that has ended after it was accepted.
pub(crate) fn ended<T: Config>(provider: &AccountId) -> EscrowId {
	T::Keys::benchmark_register(provider, false);
	fund::<T>(provider);
	let id = accepted::<T>(provider.clone(), 1);
	assert_ok!(Pallet::<T>::refund(
		RawOrigin::Signed(provider.clone()).into(),
		id
	));
	id
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn open() {
		let offer = offer::<T>(provider::<T>(), MAX_MILESTONES);
		let caller = requester::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), offer);
		assert_eq!(state::<T>(NextEscrow::<T>::get() - 1), State::Open);
	}

	#[benchmark]
	fn open_with_offer() {
		let offer = offer::<T>(provider::<T>(), MAX_MILESTONES);
		let signature: Signature = sign(SEED, &offer.signing_payload());
		let caller = requester::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), offer, signature);
		assert_eq!(state::<T>(NextEscrow::<T>::get() - 1), State::Accepted);
	}

	#[benchmark]
	fn accept() {
		let id = opened::<T>();
		let hash = Escrows::<T>::get(id).expect("it was opened").offer_hash;
		let caller = provider::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id, hash);
		assert_eq!(state::<T>(id), State::Accepted);
	}

	#[benchmark]
	fn decline() {
		let id = opened::<T>();
		let caller = provider::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id);
		assert_eq!(state::<T>(id), State::Cancelled);
	}

	#[benchmark]
	fn cancel() {
		let id = opened::<T>();
		let caller = requester::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id);
		assert_eq!(state::<T>(id), State::Cancelled);
	}

	#[benchmark]
	fn request_cancel() {
		let id = accepted::<T>(provider::<T>(), MAX_MILESTONES);
		let caller = requester::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id);
		assert!(
			Escrows::<T>::get(id)
				.expect("it was opened")
				.cancel_requested
		);
	}

	#[benchmark]
	fn deliver() {
		let id = accepted::<T>(provider::<T>(), MAX_MILESTONES);
		let caller = provider::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id, H256::repeat_byte(9));
		assert_eq!(state::<T>(id), State::Delivered);
	}

	/// The last milestone: a payment and the terminal transition.
	#[benchmark]
	fn release() {
		let id = delivered::<T>(1);
		let caller = requester::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id);
		assert_eq!(state::<T>(id), State::Released);
	}

	/// At half weight: the bond is slashed.
	#[benchmark]
	fn refund() {
		let id = accepted::<T>(provider::<T>(), MAX_MILESTONES);
		let caller = provider::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id);
		assert_eq!(state::<T>(id), State::Refunded);
	}

	#[benchmark]
	fn dispute() {
		let id = delivered::<T>(MAX_MILESTONES);
		let caller = requester::<T>();
		#[extrinsic_call]
		_(
			RawOrigin::Signed(caller),
			id,
			DisputeReason::ResultWrong,
			H256::repeat_byte(8),
		);
		assert_eq!(state::<T>(id), State::Disputed);
	}

	/// A failure with a part paid: all three are paid, and the bond is drawn on and slashed.
	#[benchmark]
	fn rule() {
		let id = disputed::<T>();
		let arbiter: AccountId = account("arbiter", 0, 0);
		#[extrinsic_call]
		_(RawOrigin::Signed(arbiter), id, FAILURE_BPS);
		assert_eq!(
			state::<T>(id),
			State::Ruled {
				provider_bps: FAILURE_BPS
			}
		);
	}

	/// A missed delivery: the terminal transition with a slash.
	#[benchmark]
	fn claim_timeout() {
		let id = accepted::<T>(provider::<T>(), MAX_MILESTONES);
		pass_deadline::<T>(id);
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), id);
		assert_eq!(state::<T>(id), State::Expired);
	}

	#[benchmark]
	fn prune() {
		let id = delivered::<T>(1);
		let who = RawOrigin::Signed(requester::<T>()).into();
		assert_ok!(Pallet::<T>::release(who, id));
		let valid_until = Escrows::<T>::get(id).expect("it was opened").valid_until;
		let after = Parameters::<T>::get().retention + valid_until + 1;
		frame_system::Pallet::<T>::set_block_number(BlockNumberFor::<T>::from(after));
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), id);
		assert!(!Escrows::<T>::contains_key(id));
	}

	#[benchmark]
	fn revoke_offers() {
		let who = provider::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));
		assert_eq!(OfferEpoch::<T>::get(who), 1);
	}

	impl_benchmark_test_suite!(Pallet, mock::ExtBuilder::default().build(), mock::Test);
}
