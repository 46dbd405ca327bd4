//! The presets, and what calls cost.

use super::*;
use crate::{
	genesis::{preset_names, well_known_accounts, BOND, ENDOWMENT},
	Balances, RuntimeCall, TransactionPayment, TreasuryAccount, UncheckedExtrinsic,
};
use ainur_primitives::{EXISTENTIAL_DEPOSIT, UNIT};
use codec::Encode;
use frame_support::{
	dispatch::GetDispatchInfo,
	traits::{fungible::Inspect, GetStorageVersion, StorageVersion},
};
use pallet_ainur_registry::Agents;
use pallet_ainur_reputation::Records;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

#[test]
fn each_preset_endows_the_well_known_accounts_and_bonds_the_providers() {
	assert_eq!(preset_names().len(), 3);
	for preset in preset_names() {
		chain(preset.as_ref()).execute_with(|| {
			hold_invariants();
			assert_eq!(well_known_accounts().len(), 12);
			for who in well_known_accounts() {
				let burned = if Records::<Runtime>::get(&who).active > 0 {
					5 * UNIT
				} else {
					0
				};
				assert_eq!(Balances::total_balance(&who), ENDOWMENT - burned);
			}
			assert_eq!(Balances::free_balance(TreasuryAccount::get()), ENDOWMENT);
			for bob in [
				Sr25519Keyring::Bob.to_account_id(),
				Ed25519Keyring::Bob.to_account_id(),
			] {
				assert_eq!(Records::<Runtime>::get(&bob).active, BOND);
				assert!(Agents::<Runtime>::contains_key(&bob));
			}
			for pallet in [
				crate::Registry::on_chain_storage_version(),
				crate::Reputation::on_chain_storage_version(),
				crate::Escrow::on_chain_storage_version(),
			] {
				assert_eq!(pallet, StorageVersion::new(1));
			}
		});
	}
	assert_eq!(genesis::get_preset(&"mainnet".into()), None);
}

#[test]
fn the_presets_periods_are_those_of_the_table() {
	let read = |preset: &str| {
		chain(preset).execute_with(|| {
			let e = pallet_ainur_escrow::Parameters::<Runtime>::get();
			let r = pallet_ainur_reputation::Parameters::<Runtime>::get();
			let blocks = [
				e.accept_within,
				e.offer_validity,
				e.default_offer_validity,
				e.max_deliver_within,
				e.max_deliver_total,
				e.default_review,
				e.min_review,
				e.max_review,
				e.arbiter_window,
				e.escalated_window,
				e.retention,
				r.epoch,
				r.report_window,
				r.report_deferral,
				r.unbond_period,
			];
			(e.millis_per_block, blocks)
		})
	};
	#[rustfmt::skip]
	assert_eq!(read("development"), (6_000, [
		100, 600, 50, 100_800, 201_600, 600, 10, 100_800, 14_400, 43_200, 403_200, 14_400, 100_800,
		100_800, 403_200,
	]));
	#[rustfmt::skip]
	assert_eq!(read("testnet"), (250, [
		100, 600, 50, 100_800, 201_600, 20, 10, 100_800, 120, 120, 403_200, 240, 100_800,
		100_800, 403_200,
	]));
	let (millis, blocks) = read("ci");
	assert_eq!(
		(millis, blocks),
		(
			250,
			[5, 20, 10, 20, 20, 10, 2, 20, 10, 10, 20, 20, 5, 5, 20]
		)
	);
	assert!(blocks.iter().all(|b| *b <= 20));
}

#[test]
fn the_fees_of_a_small_task_are_small_beside_it() {
	// All its calls together: opened with an offer, delivered, released, pruned.
	chain("development").execute_with(|| {
		let offer = ainur_primitives::Offer {
			genesis: Default::default(),
			requester: account("a"),
			provider: account("b"),
			task_id: Default::default(),
			attempt: 0,
			price: UNIT / 50,
			milestones: vec![UNIT / 50].try_into().unwrap(),
			input_hash: Default::default(),
			slot: Default::default(),
			terms: Default::default(),
			arbiter: None,
			deliver_within: 100,
			review_blocks: 600,
			valid_until: 50,
			offer_epoch: 0,
		};
		let signature = pair("b").sign(&offer.signing_payload()).into();
		let calls: [RuntimeCall; 4] = [
			pallet_ainur_escrow::Call::open_with_offer { offer, signature }.into(),
			pallet_ainur_escrow::Call::deliver {
				escrow: 0,
				result: Default::default(),
			}
			.into(),
			pallet_ainur_escrow::Call::release { escrow: 0 }.into(),
			pallet_ainur_escrow::Call::prune { escrow: 0 }.into(),
		];
		let total: u128 = calls
			.into_iter()
			.map(|call| {
				let info = call.get_dispatch_info();
				assert!(info.call_weight.proof_size() > 0 && info.call_weight.ref_time() > 0);
				let bytes = UncheckedExtrinsic::new_bare(call).encode().len() as u32 + 110;
				TransactionPayment::compute_fee(bytes, &info, 0)
			})
			.sum();
		assert!(
			total < UNIT / 50 / 5,
			"the fees are {total} planck of {}",
			UNIT / 50
		);
		assert!(total > EXISTENTIAL_DEPOSIT, "a call costs something");
	});
}
