//! The presets from which a chain's first state is made.

use crate::{config::TreasuryAccount, AccountId, Balance, RuntimeGenesisConfig};
use ainur_primitives::UNIT;
use alloc::{string::ToString, vec, vec::Vec};
use frame_support::build_struct_json_patch;
use serde_json::Value;
use sp_genesis_builder::PresetId;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

/// What each well-known account and the treasury start with, in planck.
pub const ENDOWMENT: Balance = 1_000_000 * UNIT;

/// //Alice to //Ferdie, as sr25519 (polkadot.js) and as ed25519 (our nodes).
pub fn well_known_accounts() -> Vec<AccountId> {
	let sr = [
		Sr25519Keyring::Alice,
		Sr25519Keyring::Bob,
		Sr25519Keyring::Charlie,
		Sr25519Keyring::Dave,
		Sr25519Keyring::Eve,
		Sr25519Keyring::Ferdie,
	];
	let ed = [
		Ed25519Keyring::Alice,
		Ed25519Keyring::Bob,
		Ed25519Keyring::Charlie,
		Ed25519Keyring::Dave,
		Ed25519Keyring::Eve,
		Ed25519Keyring::Ferdie,
	];
	sr.iter()
		.map(|k| k.to_account_id())
		.chain(ed.iter().map(|k| k.to_account_id()))
		.collect()
}

fn preset() -> Value {
	let endowed = well_known_accounts()
		.into_iter()
		.chain([TreasuryAccount::get()]);
	build_struct_json_patch!(RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig {
			balances: endowed.map(|who| (who, ENDOWMENT)).collect::<Vec<_>>(),
		},
		sudo: pallet_sudo::GenesisConfig {
			key: Some(Sr25519Keyring::Alice.to_account_id())
		},
	})
}

/// The patch of the preset of that name, as JSON.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
	let patch = match id.as_ref() {
		"development" | "testnet" | "ci" => preset(),
		_ => return None,
	};
	Some(patch.to_string().into_bytes())
}

/// The names of all presets.
pub fn preset_names() -> Vec<PresetId> {
	vec!["development".into(), "testnet".into(), "ci".into()]
}
