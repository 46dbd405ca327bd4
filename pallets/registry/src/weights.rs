//! Weights for `pallet_ainur_registry`
//!
//! Measured by ainur-bencher (frame-benchmarking-cli 64.0.0) on 2026-11-21, 50 steps, 20 repeats;
//! machine `AMD EPYC`, WebAssembly compiled. Command:
//!   ainur-bencher
//!   --runtime
//!   runtime.wasm
//!   --genesis-builder=runtime
//!   --genesis-builder-preset=development
//!   --pallet
//!   pallet_ainur_registry
//!   --extrinsic
//!   *
//!   --steps
//!   50
//!   --repeat
//!   20
//!   --template
//!   scripts/weights.hbs
//!   --output
//!   weights.rs
//! Run `scripts/measure-weights` to measure them anew.

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
	/// Storage: `Registry::Agents` (r:1 w:1)
	/// Proof: `Registry::Agents` (`max_values`: None, `max_size`: Some(269), added: 2744, mode: `MaxEncodedLen`)
	/// Storage: `Registry::KeyOwner` (r:1 w:1)
	/// Proof: `Registry::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Registry::Parameters` (r:1 w:0)
	/// Proof: `Registry::Parameters` (`max_values`: Some(1), `max_size`: Some(24), added: 519, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	fn register() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `836`
		//  Estimated: `3734`
		// Minimum execution time: 71_918_000 picoseconds.
		Weight::from_parts(74_791_000, 3734)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// Storage: `Registry::Agents` (r:1 w:1)
	/// Proof: `Registry::Agents` (`max_values`: None, `max_size`: Some(269), added: 2744, mode: `MaxEncodedLen`)
	fn update() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `545`
		//  Estimated: `3734`
		// Minimum execution time: 22_804_000 picoseconds.
		Weight::from_parts(27_801_000, 3734)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Registry::Agents` (r:1 w:1)
	/// Proof: `Registry::Agents` (`max_values`: None, `max_size`: Some(269), added: 2744, mode: `MaxEncodedLen`)
	/// Storage: `Registry::Parameters` (r:1 w:0)
	/// Proof: `Registry::Parameters` (`max_values`: Some(1), `max_size`: Some(24), added: 519, mode: `MaxEncodedLen`)
	/// Storage: `Registry::KeyOwner` (r:1 w:1)
	/// Proof: `Registry::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	fn rotate_operator() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `829`
		//  Estimated: `3734`
		// Minimum execution time: 83_665_000 picoseconds.
		Weight::from_parts(95_172_000, 3734)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Registry::Agents` (r:1 w:1)
	/// Proof: `Registry::Agents` (`max_values`: None, `max_size`: Some(269), added: 2744, mode: `MaxEncodedLen`)
	fn cancel_rotation() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `545`
		//  Estimated: `3734`
		// Minimum execution time: 19_118_000 picoseconds.
		Weight::from_parts(24_396_000, 3734)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Registry::Agents` (r:1 w:1)
	/// Proof: `Registry::Agents` (`max_values`: None, `max_size`: Some(269), added: 2744, mode: `MaxEncodedLen`)
	fn set_compromised() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `545`
		//  Estimated: `3734`
		// Minimum execution time: 22_142_000 picoseconds.
		Weight::from_parts(25_849_000, 3734)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
}

// For tests.
impl WeightInfo for () {
	fn register() -> Weight {
		Weight::from_parts(74_791_000, 3734)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn update() -> Weight {
		Weight::from_parts(27_801_000, 3734)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn rotate_operator() -> Weight {
		Weight::from_parts(95_172_000, 3734)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	fn cancel_rotation() -> Weight {
		Weight::from_parts(24_396_000, 3734)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn set_compromised() -> Weight {
		Weight::from_parts(25_849_000, 3734)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
}
