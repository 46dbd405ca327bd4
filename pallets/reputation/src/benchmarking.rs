//! What each call costs at its worst: a record with as many chunks and requesters as it can have.

#![cfg(feature = "runtime-benchmarks")]
#![allow(clippy::arithmetic_side_effects, clippy::expect_used)] // as in tests

use super::*;
use ainur_primitives::{
	signing::{key, sign},
	Milestones, MAX_MILESTONES, UNIT,
};
use alloc::boxed::Box;
use frame_benchmarking::v2::*;
use frame_support::{
	assert_ok,
	traits::fungible::{Mutate, MutateHold},
};
use frame_system::RawOrigin;

/// Bond `agent` with the minimum and `amount` above it, its record as large as a record can be.
pub(crate) fn bond<T: Config>(agent: &AccountId, amount: Balance) {
	let params = Parameters::<T>::get();
	let mut record = Records::<T>::get(agent);
	let active = amount.saturating_add(params.min_bond);
	let now = Pallet::<T>::now();
	let free_from = now.saturating_add(params.unbond_period);
	record.active = record.active.saturating_add(active);
	let mut bonded = active;
	for (i, missing) in (record.unlocking.len()..MAX_CHUNKS as usize).enumerate() {
		let at = free_from.saturating_add(missing as u32);
		let amount = UNIT.saturating_add(i as u128);
		assert!(record.unlocking.try_push(Chunk { amount, at }).is_ok());
		bonded = bonded.saturating_add(amount);
	}
	for i in record.first_requesters.len()..score::PROVEN_REQUESTERS as usize {
		assert!(record
			.first_requesters
			.try_push(account("requester", i as u32, 0))
			.is_ok());
	}
	record.settled = record.settled.max(score::PROVEN_JOBS);
	record.first_bond_burned = true;
	assert_ok!(T::Currency::mint_into(agent, bonded.saturating_mul(2)));
	assert_ok!(T::Currency::hold(&HoldReason::Bond.into(), agent, bonded));
	Pallet::<T>::store(agent, record, &params);
}

fn agent<T: Config>() -> AccountId {
	let agent: AccountId = whitelisted_caller();
	bond::<T>(&agent, 100 * UNIT);
	agent
}

fn fund_treasury<T: Config>() {
	assert_ok!(T::Currency::mint_into(&T::Treasury::get(), UNIT));
}

/// A double acceptance: the reporter, the agent, and the call's arguments.
#[allow(clippy::type_complexity)]
fn double_acceptance<T: Config>() -> (AccountId, AccountId, [(Box<Offer>, Signature); 2]) {
	let agent = AccountId::new(key(1).0);
	bond::<T>(&agent, 100 * UNIT);
	let reporter: AccountId = whitelisted_caller();
	assert_ok!(T::Currency::mint_into(&reporter, 1_000 * UNIT));
	let signed = [1, 2].map(|task| {
		let offer = Offer {
			genesis: frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero()),
			requester: reporter.clone(),
			provider: agent.clone(),
			task_id: H256::repeat_byte(task),
			attempt: 0,
			price: UNIT,
			milestones: Milestones::truncate_from([UNIT; MAX_MILESTONES as usize].to_vec()),
			input_hash: H256::repeat_byte(3),
			slot: H256::repeat_byte(4),
			terms: H256::repeat_byte(5),
			arbiter: Some(reporter.clone()),
			deliver_within: 5,
			review_blocks: 5,
			valid_until: Pallet::<T>::now(),
			offer_epoch: T::Escrows::offer_epoch(&agent),
		};
		let signature = sign(1, &offer.signing_payload());
		(Box::new(offer), signature)
	});
	(reporter, agent, signed)
}

fn reported<T: Config>() -> (AccountId, AccountId) {
	let (reporter, agent, [(a, sig_a), (b, sig_b)]) = double_acceptance::<T>();
	assert_ok!(Pallet::<T>::do_report_double_acceptance(
		reporter.clone(),
		agent.clone(),
		(&a, &sig_a),
		(&b, &sig_b)
	));
	(reporter, agent)
}

fn pass<T: Config>(blocks: BlockNumber) {
	let later = Pallet::<T>::now().saturating_add(blocks);
	frame_system::Pallet::<T>::set_block_number(later.into());
}

#[benchmarks]
mod benches {
	use super::*;

	#[benchmark]
	fn bond() {
		let agent = agent::<T>();
		assert_ok!(T::Currency::mint_into(&agent, 1_000 * UNIT));
		Records::<T>::mutate(&agent, |record| {
			// All of an earlier bond is on its way out, and the burn is still due.
			let active = core::mem::take(&mut record.active);
			record
				.unlocking
				.iter_mut()
				.take(1)
				.for_each(|chunk| chunk.amount += active);
			record.bonded_since = None;
			record.first_bond_burned = false;
		});
		#[extrinsic_call]
		_(RawOrigin::Signed(agent.clone()), 100 * UNIT);
		assert_eq!(Records::<T>::get(&agent).active, 100 * UNIT);
	}

	#[benchmark]
	fn bond_extra() {
		let agent = agent::<T>();
		let before = Records::<T>::get(&agent).active;
		#[extrinsic_call]
		_(RawOrigin::Signed(agent.clone()), UNIT);
		assert_eq!(Records::<T>::get(&agent).active, before + UNIT);
	}

	#[benchmark]
	fn unbond() {
		let agent = agent::<T>();
		Records::<T>::mutate(&agent, |record| {
			// One chunk fewer, so that the call makes the last one.
			let chunk = record.unlocking.pop();
			record.active += chunk.map_or(0, |c| c.amount);
		});
		let active = Records::<T>::get(&agent).active;
		pass::<T>(MAX_CHUNKS);
		#[extrinsic_call]
		_(RawOrigin::Signed(agent.clone()), active);
		assert_eq!(
			Records::<T>::get(&agent).unlocking.len(),
			MAX_CHUNKS as usize
		);
	}

	#[benchmark]
	fn withdraw_unbonded() {
		let agent = agent::<T>();
		pass::<T>(Parameters::<T>::get().unbond_period + MAX_CHUNKS);
		#[extrinsic_call]
		_(RawOrigin::Signed(agent.clone()));
		assert!(Records::<T>::get(&agent).unlocking.is_empty());
	}

	#[benchmark]
	fn poke() {
		let agent = agent::<T>();
		Records::<T>::mutate(&agent, |record| {
			let epoch = Parameters::<T>::get().epoch_of(Pallet::<T>::now());
			record.current = EpochCounters {
				epoch,
				gained: 0,
				terminals: 5,
				failures: 5,
			};
		});
		pass::<T>(Parameters::<T>::get().epoch);
		let caller = account("caller", 0, 0);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), agent.clone());
		assert!(Records::<T>::get(&agent).set_aside > 0);
	}

	#[benchmark]
	fn report_offence() -> Result<(), BenchmarkError> {
		let agent = agent::<T>();
		let escrow = T::Escrows::benchmark_ended(&agent);
		let origin = T::SlashingOrigin::try_successful_origin()
			.map_err(|_| BenchmarkError::Stop("no slashing origin"))?;
		let (offence, evidence) = (Offence::FraudulentResult, H256::repeat_byte(1));
		#[extrinsic_call]
		_(
			origin as T::RuntimeOrigin,
			offence,
			agent.clone(),
			Some(escrow),
			evidence,
		);
		assert!(Records::<T>::get(&agent).set_aside > 0);
		Ok(())
	}

	#[benchmark]
	fn report_double_acceptance() {
		let (reporter, agent, [(a, sig_a), (b, sig_b)]) = double_acceptance::<T>();
		#[extrinsic_call]
		_(
			RawOrigin::Signed(reporter),
			agent.clone(),
			a,
			sig_a,
			b,
			sig_b,
		);
		assert!(Records::<T>::get(&agent).set_aside > 0);
	}

	#[benchmark]
	fn cancel_slash() -> Result<(), BenchmarkError> {
		let (_, agent) = reported::<T>();
		let origin = T::SlashingOrigin::try_successful_origin()
			.map_err(|_| BenchmarkError::Stop("no slashing origin"))?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, NextReport::<T>::get() - 1);
		assert_eq!(Records::<T>::get(&agent).set_aside, 0);
		Ok(())
	}

	#[benchmark]
	fn apply_slash() {
		fund_treasury::<T>();
		let (_, agent) = reported::<T>();
		pass::<T>(Parameters::<T>::get().report_deferral + 1);
		let caller = account("caller", 0, 0);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), NextReport::<T>::get() - 1);
		assert!(Records::<T>::get(&agent).suspended_at.is_some());
	}

	#[benchmark]
	fn reinstate() -> Result<(), BenchmarkError> {
		let agent = agent::<T>();
		let now = Pallet::<T>::now();
		Records::<T>::mutate(&agent, |record| record.suspended_at = Some(now));
		pass::<T>(Parameters::<T>::get().reinstate_after);
		let origin = T::SlashingOrigin::try_successful_origin()
			.map_err(|_| BenchmarkError::Stop("no slashing origin"))?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, agent.clone());
		assert_eq!(Records::<T>::get(&agent).suspended_at, None);
		Ok(())
	}

	impl_benchmark_test_suite!(
		Pallet,
		crate::mock::ExtBuilder::default().build(),
		crate::mock::Test
	);
}
