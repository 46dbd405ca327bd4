//! What must hold at every block.

use crate::pallet::*;
use ainur_primitives::{AccountId, Balance};
use alloc::collections::BTreeMap;
use frame_support::{ensure, traits::fungible::InspectHold};

impl<T: Config> Pallet<T> {
	/// The holds are the records', and the indices agree with them.
	pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		let params = Parameters::<T>::get();
		let next = NextEscrow::<T>::get();
		let (mut held, mut live) = (BTreeMap::<AccountId, Balance>::new(), 0u64);
		for (id, e) in Escrows::<T>::iter() {
			ensure!(id < next, "an escrow has a number that was not given out");
			let sum = held.entry(e.requester.clone()).or_default();
			*sum = sum.saturating_add(e.held(&params));
			let paid: Balance = e
				.milestones
				.iter()
				.take(e.milestone.into())
				.fold(0, |a, m| a.saturating_add(*m));
			ensure!(
				e.state.is_terminal() || e.paid == paid,
				"paid is not the sum of the milestones before the current one"
			);
			ensure!(e.paid <= e.price, "more was paid than the price");
			let is_live = !e.state.is_terminal();
			live = live.saturating_add(if is_live { 2 } else { 0 });
			ensure!(
				Live::<T>::contains_key(&e.requester, id) == is_live
					&& Live::<T>::contains_key(&e.provider, id) == is_live,
				"the index of live escrows disagrees with the records"
			);
			ensure!(
				!is_live || TaskIndex::<T>::get(&e.requester, e.task_id) == Some((e.attempt, id)),
				"the task's index does not know its live escrow"
			);
		}
		ensure!(
			Live::<T>::iter().count() as u64 == live,
			"the index of live escrows is stale"
		);
		for (who, sum) in held {
			ensure!(
				T::Currency::balance_on_hold(&HoldReason::Escrow.into(), &who) == sum,
				"an account's hold is not the sum of its records"
			);
		}
		Ok(())
	}
}
