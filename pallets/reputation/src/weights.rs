//! Weights for `pallet_ainur_reputation`
//!
//! Estimates, to be replaced by measured ones: base times by comparison with calls of the same
//! shape in the SDK, reads and writes counted by hand for a record with 16 chunks, proof sizes from
//! the maps' maximal lengths.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::{constants::RocksDbWeight, Weight}};

/// Weight functions needed for `pallet_ainur_reputation`.
pub trait WeightInfo {
	fn bond() -> Weight;
	fn bond_extra() -> Weight;
	fn unbond() -> Weight;
	fn withdraw_unbonded() -> Weight;
	fn poke() -> Weight;
	fn report_offence() -> Weight;
	fn report_double_acceptance() -> Weight;
	fn cancel_slash() -> Weight;
	fn apply_slash() -> Weight;
	fn reinstate() -> Weight;
}

/// Weights for `pallet_ainur_reputation` on the runtime's database.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `Reputation::Parameters` (r:1 w:0), `Reputation::Records` (r:1 w:1), `Balances::Holds` (r:1 w:1), `System::Account` (r:1 w:1)
	fn bond() -> Weight {
		Weight::from_parts(90_000_000, 4_300)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// Storage: `Reputation::Parameters` (r:1 w:0), `Reputation::Records` (r:1 w:1), `Balances::Holds` (r:1 w:1), `System::Account` (r:1 w:1)
	fn bond_extra() -> Weight {
		Weight::from_parts(70_000_000, 4_300)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// Storage: `Registry::Agents` (r:1 w:0), `Reputation::Parameters` (r:1 w:0), `Reputation::Records` (r:1 w:1)
	fn unbond() -> Weight {
		Weight::from_parts(40_000_000, 4_300)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Registry::Agents` (r:1 w:0), `Reputation::Records` (r:1 w:1), `Balances::Holds` (r:1 w:1), `System::Account` (r:1 w:1)
	fn withdraw_unbonded() -> Weight {
		Weight::from_parts(80_000_000, 4_300)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// Storage: `Reputation::Parameters` (r:1 w:0), `Reputation::Records` (r:1 w:1), `Reputation::Cases` (r:1 w:1), `Reputation::NextReport` (r:1 w:1), `Reputation::Reports` (r:0 w:1)
	fn poke() -> Weight {
		Weight::from_parts(60_000_000, 4_300)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Reputation::Parameters` (r:1 w:0), `Escrow::Escrows` (r:1 w:0), `Reputation::Records` (r:1 w:1), `Reputation::Cases` (r:1 w:1), `Reputation::NextReport` (r:1 w:1), `Reputation::Reports` (r:0 w:1)
	fn report_offence() -> Weight {
		Weight::from_parts(60_000_000, 4_300)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Reputation::Parameters` (r:1 w:0), `System::BlockHash` (r:1 w:0), `Escrow::OfferEpochs` (r:1 w:0), `Registry::Agents` (r:1 w:0), `Reputation::Records` (r:1 w:1), `Reputation::Cases` (r:1 w:1), `Reputation::NextReport` (r:1 w:1), `Reputation::Reports` (r:0 w:1), `Balances::Holds` (r:1 w:1), `System::Account` (r:1 w:1)
	fn report_double_acceptance() -> Weight {
		Weight::from_parts(260_000_000, 4_300)
			.saturating_add(T::DbWeight::get().reads(9_u64))
			.saturating_add(T::DbWeight::get().writes(6_u64))
	}
	/// Storage: `Reputation::Reports` (r:1 w:1), `Reputation::Cases` (r:0 w:1), `Reputation::Parameters` (r:1 w:0), `Reputation::Records` (r:1 w:1), `Balances::Holds` (r:1 w:1), `System::Account` (r:1 w:1)
	fn cancel_slash() -> Weight {
		Weight::from_parts(100_000_000, 4_300)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	/// Storage: `Reputation::Reports` (r:1 w:1), `Reputation::Cases` (r:0 w:1), `Reputation::Records` (r:1 w:1), `Balances::Holds` (r:2 w:2), `System::Account` (r:3 w:3)
	fn apply_slash() -> Weight {
		Weight::from_parts(180_000_000, 8_200)
			.saturating_add(T::DbWeight::get().reads(7_u64))
			.saturating_add(T::DbWeight::get().writes(8_u64))
	}
	/// Storage: `Reputation::Parameters` (r:1 w:0), `Reputation::Records` (r:1 w:1)
	fn reinstate() -> Weight {
		Weight::from_parts(25_000_000, 4_300)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
}

// For tests.
impl WeightInfo for () {
	fn bond() -> Weight {
		Weight::from_parts(90_000_000, 4_300)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn bond_extra() -> Weight {
		Weight::from_parts(70_000_000, 4_300)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn unbond() -> Weight {
		Weight::from_parts(40_000_000, 4_300)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn withdraw_unbonded() -> Weight {
		Weight::from_parts(80_000_000, 4_300)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn poke() -> Weight {
		Weight::from_parts(60_000_000, 4_300)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	fn report_offence() -> Weight {
		Weight::from_parts(60_000_000, 4_300)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	fn report_double_acceptance() -> Weight {
		Weight::from_parts(260_000_000, 4_300)
			.saturating_add(RocksDbWeight::get().reads(9_u64))
			.saturating_add(RocksDbWeight::get().writes(6_u64))
	}
	fn cancel_slash() -> Weight {
		Weight::from_parts(100_000_000, 4_300)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	fn apply_slash() -> Weight {
		Weight::from_parts(180_000_000, 8_200)
			.saturating_add(RocksDbWeight::get().reads(7_u64))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
	}
	fn reinstate() -> Weight {
		Weight::from_parts(25_000_000, 4_300)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
}
