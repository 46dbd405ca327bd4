//! Weights for `pallet_ainur_reputation`
//!
//! Measured by ainur-bencher (frame-benchmarking-cli 64.0.0) on 2026-11-21, 50 steps, 20 repeats;
//! machine `AMD EPYC`, WebAssembly compiled. Command:
//!   ainur-bencher
//!   --runtime
//!   runtime.wasm
//!   --genesis-builder=runtime
//!   --genesis-builder-preset=development
//!   --pallet
//!   pallet_ainur_reputation
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
	/// Storage: `Reputation::Parameters` (r:1 w:0)
	/// Proof: `Reputation::Parameters` (`max_values`: Some(1), `max_size`: Some(88), added: 583, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Records` (r:1 w:1)
	/// Proof: `Reputation::Records` (`max_values`: None, `max_size`: Some(642), added: 3117, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	fn bond() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `1179`
		//  Estimated: `4107`
		// Minimum execution time: 92_257_000 picoseconds.
		Weight::from_parts(95_032_000, 4107)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Reputation::Records` (r:1 w:1)
	/// Proof: `Reputation::Records` (`max_values`: None, `max_size`: Some(642), added: 3117, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Parameters` (r:1 w:0)
	/// Proof: `Reputation::Parameters` (`max_values`: Some(1), `max_size`: Some(88), added: 583, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	fn bond_extra() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `1183`
		//  Estimated: `4107`
		// Minimum execution time: 68_271_000 picoseconds.
		Weight::from_parts(70_836_000, 4107)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Registry::Agents` (r:1 w:0)
	/// Proof: `Registry::Agents` (`max_values`: None, `max_size`: Some(269), added: 2744, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Parameters` (r:1 w:0)
	/// Proof: `Reputation::Parameters` (`max_values`: Some(1), `max_size`: Some(88), added: 583, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Records` (r:1 w:1)
	/// Proof: `Reputation::Records` (`max_values`: None, `max_size`: Some(642), added: 3117, mode: `MaxEncodedLen`)
	fn unbond() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `1248`
		//  Estimated: `4107`
		// Minimum execution time: 26_729_000 picoseconds.
		Weight::from_parts(28_433_000, 4107)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Registry::Agents` (r:1 w:0)
	/// Proof: `Registry::Agents` (`max_values`: None, `max_size`: Some(269), added: 2744, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Records` (r:1 w:1)
	/// Proof: `Reputation::Records` (`max_values`: None, `max_size`: Some(642), added: 3117, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	fn withdraw_unbonded() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `1454`
		//  Estimated: `4107`
		// Minimum execution time: 62_583_000 picoseconds.
		Weight::from_parts(64_977_000, 4107)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Reputation::Parameters` (r:1 w:0)
	/// Proof: `Reputation::Parameters` (`max_values`: Some(1), `max_size`: Some(88), added: 583, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Records` (r:1 w:1)
	/// Proof: `Reputation::Records` (`max_values`: None, `max_size`: Some(642), added: 3117, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Cases` (r:1 w:1)
	/// Proof: `Reputation::Cases` (`max_values`: None, `max_size`: Some(102), added: 2577, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::NextReport` (r:1 w:1)
	/// Proof: `Reputation::NextReport` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Reports` (r:0 w:1)
	/// Proof: `Reputation::Reports` (`max_values`: None, `max_size`: Some(179), added: 2654, mode: `MaxEncodedLen`)
	fn poke() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `920`
		//  Estimated: `4107`
		// Minimum execution time: 28_903_000 picoseconds.
		Weight::from_parts(30_595_000, 4107)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Reputation::Parameters` (r:1 w:0)
	/// Proof: `Reputation::Parameters` (`max_values`: Some(1), `max_size`: Some(88), added: 583, mode: `MaxEncodedLen`)
	/// Storage: `Escrow::Escrows` (r:1 w:0)
	/// Proof: `Escrow::Escrows` (`max_values`: None, `max_size`: Some(572), added: 3047, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Records` (r:1 w:1)
	/// Proof: `Reputation::Records` (`max_values`: None, `max_size`: Some(642), added: 3117, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Cases` (r:1 w:1)
	/// Proof: `Reputation::Cases` (`max_values`: None, `max_size`: Some(102), added: 2577, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::NextReport` (r:1 w:1)
	/// Proof: `Reputation::NextReport` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Reports` (r:0 w:1)
	/// Proof: `Reputation::Reports` (`max_values`: None, `max_size`: Some(179), added: 2654, mode: `MaxEncodedLen`)
	fn report_offence() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `1439`
		//  Estimated: `4107`
		// Minimum execution time: 36_765_000 picoseconds.
		Weight::from_parts(38_998_000, 4107)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Reputation::Parameters` (r:1 w:0)
	/// Proof: `Reputation::Parameters` (`max_values`: Some(1), `max_size`: Some(88), added: 583, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	/// Storage: `Escrow::OfferEpoch` (r:1 w:0)
	/// Proof: `Escrow::OfferEpoch` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Records` (r:1 w:1)
	/// Proof: `Reputation::Records` (`max_values`: None, `max_size`: Some(642), added: 3117, mode: `MaxEncodedLen`)
	/// Storage: `Registry::Agents` (r:1 w:0)
	/// Proof: `Registry::Agents` (`max_values`: None, `max_size`: Some(269), added: 2744, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Cases` (r:1 w:1)
	/// Proof: `Reputation::Cases` (`max_values`: None, `max_size`: Some(102), added: 2577, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::NextReport` (r:1 w:1)
	/// Proof: `Reputation::NextReport` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Reports` (r:0 w:1)
	/// Proof: `Reputation::Reports` (`max_values`: None, `max_size`: Some(179), added: 2654, mode: `MaxEncodedLen`)
	fn report_double_acceptance() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `1580`
		//  Estimated: `4107`
		// Minimum execution time: 203_093_000 picoseconds.
		Weight::from_parts(218_435_000, 4107)
			.saturating_add(T::DbWeight::get().reads(8_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	/// Storage: `Reputation::Reports` (r:1 w:1)
	/// Proof: `Reputation::Reports` (`max_values`: None, `max_size`: Some(179), added: 2654, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Records` (r:1 w:1)
	/// Proof: `Reputation::Records` (`max_values`: None, `max_size`: Some(642), added: 3117, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Parameters` (r:1 w:0)
	/// Proof: `Reputation::Parameters` (`max_values`: Some(1), `max_size`: Some(88), added: 583, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Cases` (r:0 w:1)
	/// Proof: `Reputation::Cases` (`max_values`: None, `max_size`: Some(102), added: 2577, mode: `MaxEncodedLen`)
	fn cancel_slash() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `1453`
		//  Estimated: `4107`
		// Minimum execution time: 64_486_000 picoseconds.
		Weight::from_parts(69_653_000, 4107)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Reputation::Reports` (r:1 w:1)
	/// Proof: `Reputation::Reports` (`max_values`: None, `max_size`: Some(179), added: 2654, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Records` (r:1 w:1)
	/// Proof: `Reputation::Records` (`max_values`: None, `max_size`: Some(642), added: 3117, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:2 w:2)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:2 w:2)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	fn apply_slash() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `1763`
		//  Estimated: `6196`
		// Minimum execution time: 124_435_000 picoseconds.
		Weight::from_parts(131_316_000, 6196)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(6_u64))
	}
	/// Storage: `Reputation::Records` (r:1 w:1)
	/// Proof: `Reputation::Records` (`max_values`: None, `max_size`: Some(642), added: 3117, mode: `MaxEncodedLen`)
	/// Storage: `Reputation::Parameters` (r:1 w:0)
	/// Proof: `Reputation::Parameters` (`max_values`: Some(1), `max_size`: Some(88), added: 583, mode: `MaxEncodedLen`)
	fn reinstate() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `924`
		//  Estimated: `4107`
		// Minimum execution time: 17_626_000 picoseconds.
		Weight::from_parts(18_909_000, 4107)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
}

// For tests.
impl WeightInfo for () {
	fn bond() -> Weight {
		Weight::from_parts(95_032_000, 4107)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	fn bond_extra() -> Weight {
		Weight::from_parts(70_836_000, 4107)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	fn unbond() -> Weight {
		Weight::from_parts(28_433_000, 4107)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn withdraw_unbonded() -> Weight {
		Weight::from_parts(64_977_000, 4107)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	fn poke() -> Weight {
		Weight::from_parts(30_595_000, 4107)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	fn report_offence() -> Weight {
		Weight::from_parts(38_998_000, 4107)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	fn report_double_acceptance() -> Weight {
		Weight::from_parts(218_435_000, 4107)
			.saturating_add(RocksDbWeight::get().reads(8_u64))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	fn cancel_slash() -> Weight {
		Weight::from_parts(69_653_000, 4107)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	fn apply_slash() -> Weight {
		Weight::from_parts(131_316_000, 6196)
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().writes(6_u64))
	}
	fn reinstate() -> Weight {
		Weight::from_parts(18_909_000, 4107)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
}
