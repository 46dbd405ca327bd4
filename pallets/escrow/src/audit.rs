//! What offence reports read of escrows.

use crate::pallet::*;
use ainur_primitives::{AccountId, Ended, EscrowId};

impl<T: Config> ainur_primitives::Escrows for Pallet<T> {
	fn ended(id: EscrowId) -> Option<Ended> {
		let record = Escrows::<T>::get(id)?;
		record.state.ended_after_acceptance().then_some(Ended {
			requester: record.requester,
			provider: record.provider,
			at: record.deadline,
		})
	}

	fn offer_epoch(provider: &AccountId) -> u32 {
		OfferEpoch::<T>::get(provider)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_ended(provider: &AccountId) -> EscrowId {
		crate::benchmarking::ended::<T>(provider)
	}
}
