//! The runtime as a whole: its presets, its fees, and the three pallets together.

#![allow(clippy::arithmetic_side_effects)] // a test may panic

mod presets;
mod property;

use crate::{genesis, Runtime, RuntimeGenesisConfig, RuntimeOrigin, System};
use ainur_primitives::AccountId;
use sp_core::{ed25519, Pair};
use sp_runtime::BuildStorage;

fn pair(name: &str) -> ed25519::Pair {
	ed25519::Pair::from_seed(&sp_io::hashing::blake2_256(name.as_bytes()))
}

fn account(name: &str) -> AccountId {
	AccountId::new(pair(name).public().0)
}

fn signed(who: &AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who.clone())
}

/// A chain made from a preset, exactly as a node makes it: the patch merged onto the default.
fn chain(preset: &str) -> sp_io::TestExternalities {
	let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
	let patch = genesis::get_preset(&preset.into()).unwrap();
	merge(&mut config, serde_json::from_slice(&patch).unwrap());
	let config: RuntimeGenesisConfig = serde_json::from_value(config).unwrap();
	let mut ext = sp_io::TestExternalities::new(config.build_storage().unwrap());
	ext.execute_with(|| System::set_block_number(1));
	ext
}

fn merge(into: &mut serde_json::Value, patch: serde_json::Value) {
	match (into, patch) {
		(serde_json::Value::Object(into), serde_json::Value::Object(patch)) => {
			for (key, value) in patch {
				merge(into.entry(key).or_insert(serde_json::Value::Null), value);
			}
		}
		(into, patch) => *into = patch,
	}
}

/// Every pallet's invariants, and those that no pallet can see alone.
fn hold_invariants() {
	use frame_support::traits::{TryState, TryStateSelect};
	let now = System::block_number();
	crate::AllPalletsWithSystem::try_state(now, TryStateSelect::All).unwrap();
	let _ = core::marker::PhantomData::<Runtime>;
}
