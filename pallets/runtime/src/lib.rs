//! The runtime of ainur's chain: registry, escrow and reputation, without a consensus pallet, so
//! that a chain made of it seals blocks when it is told to.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod apis;
mod config;
pub mod genesis;
#[cfg(test)]
mod tests;

use ainur_primitives::{AccountId, Balance, BlockNumber, Signature};
use alloc::vec::Vec; // the macros below name it
use sp_core::H256;
use sp_runtime::{generic, traits::BlakeTwo256, MultiAddress};
use sp_version::RuntimeVersion;

pub use apis::RUNTIME_API_VERSIONS;
pub use config::TreasuryAccount;

/// What this runtime is.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
	spec_name: alloc::borrow::Cow::Borrowed("ainur"),
	impl_name: alloc::borrow::Cow::Borrowed("ainur"),
	authoring_version: 1,
	spec_version: 1,
	impl_version: 1,
	apis: apis::RUNTIME_API_VERSIONS,
	transaction_version: 1,
	system_version: 1,
};

/// How an account is named in a call.
pub type Address = MultiAddress<AccountId, ()>;
/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// What every signed extrinsic carries beside its call. Clients encode them by name: only those
/// that substrate-interface knows, and the last, which is one byte.
pub type TxExtension = (
	frame_system::CheckNonZeroSender<Runtime>,
	frame_system::CheckSpecVersion<Runtime>,
	frame_system::CheckTxVersion<Runtime>,
	frame_system::CheckGenesis<Runtime>,
	frame_system::CheckEra<Runtime>,
	frame_system::CheckNonce<Runtime>,
	frame_system::CheckWeight<Runtime>,
	pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
	frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
);
/// An extrinsic as it stands in a block.
pub type UncheckedExtrinsic =
	generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
/// What runs a block.
pub type Executive = frame_executive::Executive<
	Runtime,
	Block,
	frame_system::ChainContext<Runtime>,
	Runtime,
	AllPalletsWithSystem,
>;

sp_runtime::impl_opaque_keys! {
	/// None: the chain has no validators.
	pub struct SessionKeys {}
}

#[frame_support::runtime]
mod runtime {
	/// The runtime.
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Timestamp = pallet_timestamp;
	#[runtime::pallet_index(2)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(3)]
	pub type TransactionPayment = pallet_transaction_payment;
	#[runtime::pallet_index(4)]
	pub type Sudo = pallet_sudo;
	#[runtime::pallet_index(5)]
	pub type Utility = pallet_utility;

	#[runtime::pallet_index(10)]
	pub type Registry = pallet_ainur_registry;
	#[runtime::pallet_index(11)]
	pub type Reputation = pallet_ainur_reputation;
	#[runtime::pallet_index(12)]
	pub type Escrow = pallet_ainur_escrow;
}

#[cfg(feature = "runtime-benchmarks")]
mod benches {
	frame_benchmarking::define_benchmarks!(
		[pallet_ainur_registry, Registry]
		[pallet_ainur_reputation, Reputation]
		[pallet_ainur_escrow, Escrow]
	);
}
