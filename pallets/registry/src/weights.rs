//! Weights for `pallet_ainur_registry`
//!
//! Estimates, to be replaced by measured ones: base times by comparison with calls of the same
//! shape in the SDK, reads and writes counted by hand, proof sizes from the maps' maximal lengths.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::{constants::RocksDbWeight, Weight}};

/// Weight functions needed for `pallet_ainur_registry`.
pub trait WeightInfo {
	fn register() -> Weight;
	fn update() -> Weight;
	fn rotate_operator() -> Weight;
	fn cancel_rotation() -> Weight;
	fn set_compromised() -> Weight;
}

/// Weights for `pallet_ainur_registry` on the runtime's database.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `Registry::Agents` (r:1 w:1), `Registry::KeyOwner` (r:1 w:1),
	/// `Registry::Parameters` (r:1 w:0), `Balances::Holds` (r:1 w:1), `System::Account` (r:1 w:1)
	fn register() -> Weight {
		Weight::from_parts(60_000_000, 4_000)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Registry::Agents` (r:1 w:1)
	fn update() -> Weight {
		Weight::from_parts(20_000_000, 3_750)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Registry::Agents` (r:1 w:1), `Registry::KeyOwner` (r:1 w:1),
	/// `Registry::Parameters` (r:1 w:0), `System::BlockHash` (r:1 w:0)
	fn rotate_operator() -> Weight {
		Weight::from_parts(100_000_000, 4_000)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Registry::Agents` (r:1 w:1)
	fn cancel_rotation() -> Weight {
		Weight::from_parts(20_000_000, 3_750)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Registry::Agents` (r:1 w:1)
	fn set_compromised() -> Weight {
		Weight::from_parts(20_000_000, 3_750)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
}

// For tests.
impl WeightInfo for () {
	fn register() -> Weight {
		Weight::from_parts(60_000_000, 4_000)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	fn update() -> Weight {
		Weight::from_parts(20_000_000, 3_750)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn rotate_operator() -> Weight {
		Weight::from_parts(100_000_000, 4_000)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	fn cancel_rotation() -> Weight {
		Weight::from_parts(20_000_000, 3_750)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn set_compromised() -> Weight {
		Weight::from_parts(20_000_000, 3_750)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
}
