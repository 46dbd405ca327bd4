//! The presets from which a chain's first state is made.

use crate::{config::TreasuryAccount, AccountId, Balance, RuntimeGenesisConfig};
use ainur_primitives::UNIT;
use alloc::{string::ToString, vec, vec::Vec};
use frame_support::build_struct_json_patch;
use pallet_ainur_registry::Roles;
use serde_json::Value;
use sp_genesis_builder::PresetId;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

/// What each well-known account and the treasury start with, in planck.
pub const ENDOWMENT: Balance = 1_000_000 * UNIT;

/// What each provider of the presets bonds, in planck.
pub const BOND: Balance = 1_000 * UNIT;

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

/// The providers of the presets, registered and bonded: //Bob and //Charlie.
fn providers() -> [AccountId; 4] {
	[
		Sr25519Keyring::Bob.to_account_id(),
		Sr25519Keyring::Charlie.to_account_id(),
		Ed25519Keyring::Bob.to_account_id(),
		Ed25519Keyring::Charlie.to_account_id(),
	]
}

/// The providers, and an arbiter: //Ferdie.
fn registered() -> Vec<(AccountId, Option<AccountId>, Roles)> {
	let arbiters = [
		Sr25519Keyring::Ferdie.to_account_id(),
		Ed25519Keyring::Ferdie.to_account_id(),
	];
	providers()
		.into_iter()
		.map(|who| (who, None, Roles::NONE))
		.chain(arbiters.into_iter().map(|who| (who, None, Roles::ARBITER)))
		.collect()
}

fn bonded() -> Vec<(AccountId, Balance)> {
	providers().into_iter().map(|who| (who, BOND)).collect()
}

/// The periods of a preset, in each pallet.
struct Periods {
	registry: pallet_ainur_registry::Params,
	reputation: pallet_ainur_reputation::Params,
	escrow: pallet_ainur_escrow::Params,
}

fn preset(periods: Periods) -> Value {
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
		registry: pallet_ainur_registry::GenesisConfig {
			params: periods.registry,
			agents: registered(),
		},
		reputation: pallet_ainur_reputation::GenesisConfig {
			params: periods.reputation,
			bonded: bonded(),
		},
		escrow: pallet_ainur_escrow::GenesisConfig {
			params: periods.escrow
		},
	})
}

/// The patch of the preset of that name, as JSON.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
	use pallet_ainur_escrow::Params as Escrow;
	use pallet_ainur_registry::Params as Registry;
	use pallet_ainur_reputation::Params as Reputation;
	let periods = match id.as_ref() {
		"development" => Periods {
			registry: Registry::development(),
			reputation: Reputation::development(),
			escrow: Escrow::development(),
		},
		"testnet" => Periods {
			registry: Registry::testnet(),
			reputation: Reputation::testnet(),
			escrow: Escrow::testnet(),
		},
		"ci" => Periods {
			registry: Registry::ci(),
			reputation: Reputation::ci(),
			escrow: Escrow::ci(),
		},
		_ => return None,
	};
	Some(preset(periods).to_string().into_bytes())
}

/// The names of all presets.
pub fn preset_names() -> Vec<PresetId> {
	vec!["development".into(), "testnet".into(), "ci".into()]
}
