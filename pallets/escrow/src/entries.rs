//! The ways into an escrow: what an offer must be, and how both sides are bound by it. Here alone a
//! call may be refused for what an account has or is.

use crate::{pallet::*, types::*};
use ainur_primitives::{
	AccountId, Balance, BlockNumber, BondAndScore, EscrowId, Offer, OperatorKeys,
};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult},
	traits::{fungible::MutateHold, Get},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::SaturatedConversion;

impl<T: Config> Pallet<T> {
	/// The block being made.
	pub fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	/// The hash of block 0, which offers name.
	pub fn genesis_hash() -> H256 {
		frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::from(0u32))
	}

	/// The escrow, if it is in one of these states and within its deadline.
	pub(crate) fn live(id: EscrowId, states: &[State]) -> Result<EscrowRecord, Error<T>> {
		let record = Escrows::<T>::get(id).ok_or(Error::<T>::NotFound)?;
		ensure!(states.contains(&record.state), Error::<T>::WrongState);
		ensure!(Self::now() <= record.deadline, Error::<T>::TooLate);
		Ok(record)
	}

	pub(crate) fn ensure_provider(record: &EscrowRecord, who: &AccountId) -> DispatchResult {
		ensure!(
			T::Keys::is_operator(&record.provider, who),
			Error::<T>::NotAllowed
		);
		Ok(())
	}

	/// What [`Pallet::open`] and [`Pallet::open_with_offer`] ask of an offer alike.
	pub(crate) fn validate(
		who: &AccountId,
		offer: &Offer,
		params: &Params,
		now: BlockNumber,
	) -> DispatchResult {
		ensure!(*who == offer.requester, Error::<T>::NotAllowed);
		ensure!(
			offer.genesis == Self::genesis_hash(),
			Error::<T>::WrongChain
		);
		ensure!(offer.requester != offer.provider, Error::<T>::SameParty);

		let sum = offer
			.milestones
			.iter()
			.try_fold(0, |sum: Balance, m| sum.checked_add(*m));
		let smallest = offer.milestones.iter().min().copied().unwrap_or(0);
		ensure!(sum == Some(offer.price), Error::<T>::BadMilestones);
		ensure!(
			smallest >= T::MinPrice::get() && smallest > 0,
			Error::<T>::BadMilestones
		);

		let milestones = u32::try_from(offer.milestones.len()).unwrap_or(u32::MAX);
		let total = offer.deliver_within.saturating_mul(milestones);
		ensure!(
			(1..=params.max_deliver_within).contains(&offer.deliver_within)
				&& total <= params.max_deliver_total
				&& (params.min_review..=params.max_review).contains(&offer.review_blocks),
			Error::<T>::BadPeriod
		);

		let furthest = now.saturating_add(params.offer_validity);
		ensure!(
			(now..=furthest).contains(&offer.valid_until),
			Error::<T>::BadValidity
		);
		ensure!(
			offer.offer_epoch == OfferEpoch::<T>::get(&offer.provider),
			Error::<T>::Revoked
		);
		if let Some(arbiter) = &offer.arbiter {
			ensure!(
				*arbiter != offer.requester
					&& *arbiter != offer.provider
					&& T::Keys::is_arbiter(arbiter),
				Error::<T>::BadArbiter
			);
		}
		match TaskIndex::<T>::get(&offer.requester, offer.task_id) {
			None => ensure!(offer.attempt == 0, Error::<T>::BadAttempt),
			Some((attempt, last)) => {
				let over =
					Escrows::<T>::get(last).is_none_or(|e| e.state.is_terminal() && e.paid == 0);
				ensure!(over, Error::<T>::TaskTaken);
				ensure!(
					Some(offer.attempt) == attempt.checked_add(1),
					Error::<T>::BadAttempt
				);
			}
		}
		Ok(())
	}

	/// Hold the requester's money and write the record.
	pub(crate) fn do_open(
		escrow: EscrowRecord,
		params: &Params,
	) -> Result<(EscrowId, EscrowRecord), DispatchError> {
		let id = NextEscrow::<T>::get();
		let next = id.checked_add(1).ok_or(Error::<T>::Overflow)?;
		T::Currency::hold(
			&HoldReason::Escrow.into(),
			&escrow.requester,
			escrow.held(params),
		)?;
		NextEscrow::<T>::put(next);
		TaskIndex::<T>::insert(&escrow.requester, escrow.task_id, (escrow.attempt, id));
		Live::<T>::insert(&escrow.requester, id, Party::Requester);
		Live::<T>::insert(&escrow.provider, id, Party::Provider);
		Escrows::<T>::insert(id, &escrow);
		Self::deposit_event(Event::Opened {
			escrow: id,
			requester: escrow.requester.clone(),
			provider: escrow.provider.clone(),
			task_id: escrow.task_id,
			price: escrow.price,
			accept_by: escrow.deadline,
		});
		Ok((id, escrow))
	}

	/// Bind the provider.
	pub(crate) fn do_accept(id: EscrowId, record: &mut EscrowRecord) -> DispatchResult {
		ensure!(
			T::Keys::may_commit(&record.provider),
			Error::<T>::MayNotCommit
		);
		record.slash_base = T::Standing::take_on(&record.provider, record.price)?;
		record.state = State::Accepted;
		record.deadline = Self::now().saturating_add(record.deliver_within);
		Escrows::<T>::insert(id, &*record);
		Self::deposit_event(Event::Accepted {
			escrow: id,
			deliver_by: record.deadline,
		});
		Ok(())
	}
}
