//! How each pallet is set up in this runtime.

use super::*;
use ainur_primitives::EXISTENTIAL_DEPOSIT;
use frame_support::{
	derive_impl,
	dispatch::DispatchClass,
	parameter_types,
	traits::{ConstU128, ConstU32, ConstU64, VariantCountOf},
	weights::{
		constants::{ParityDbWeight, WEIGHT_REF_TIME_PER_SECOND},
		ConstantMultiplier, IdentityFee, Weight,
	},
	PalletId,
};
use frame_system::limits::{BlockLength, BlockWeights};
use sp_runtime::{traits::AccountIdConversion, Perbill};

/// The part of a block that ordinary extrinsics may fill.
const NORMAL_DISPATCH_RATIO: Perbill = Perbill::from_percent(75);
/// Most bytes of extrinsics in a block.
const MAX_BLOCK_BYTES: u32 = 5 * 1024 * 1024;

parameter_types! {
	pub const Version: RuntimeVersion = VERSION;
	pub RuntimeBlockWeights: BlockWeights = BlockWeights::with_sensible_defaults(
		Weight::from_parts(2 * WEIGHT_REF_TIME_PER_SECOND, u64::MAX),
		NORMAL_DISPATCH_RATIO,
	);
	pub RuntimeBlockLength: BlockLength = BlockLength::builder()
		.max_length(MAX_BLOCK_BYTES)
		.modify_max_length_for_class(DispatchClass::Normal, |bytes| {
			*bytes = NORMAL_DISPATCH_RATIO.mul_floor(MAX_BLOCK_BYTES)
		})
		.build();
	pub TreasuryAccount: AccountId = PalletId(*b"ainu/trs").into_account_truncating();
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
	type AccountData = pallet_balances::AccountData<Balance>;
	type AccountId = AccountId;
	type Block = Block;
	// A mortal era may span as many blocks: at a block every 250 ms that is 17 minutes.
	type BlockHashCount = ConstU32<4096>;
	type BlockLength = RuntimeBlockLength;
	type BlockWeights = RuntimeBlockWeights;
	// The database of our dev node.
	type DbWeight = ParityDbWeight;
	type Hash = H256;
	type Hashing = BlakeTwo256;
	type Lookup = sp_runtime::traits::AccountIdLookup<AccountId, ()>;
	type MaxConsumers = ConstU32<16>;
	type Nonce = u32;
	type SS58Prefix = frame_support::traits::ConstU16<42>;
	type Version = Version;
}

impl pallet_timestamp::Config for Runtime {
	// A dev chain seals as fast as it is asked to.
	type MinimumPeriod = ConstU64<1>;
	type Moment = u64;
	type OnTimestampSet = ();
	type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_balances::Config for Runtime {
	type AccountStore = System;
	type Balance = Balance;
	type DoneSlashHandler = ();
	type DustRemoval = ();
	type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
	type FreezeIdentifier = RuntimeFreezeReason;
	type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
	type MaxLocks = ConstU32<0>;
	type MaxReserves = ConstU32<0>;
	type ReserveIdentifier = [u8; 8];
	type RuntimeEvent = RuntimeEvent;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type RuntimeHoldReason = RuntimeHoldReason;
	type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
}

impl pallet_transaction_payment::Config for Runtime {
	type FeeMultiplierUpdate = ();
	// A megabyte costs an AINU, and so does a second of execution: a task of 0.02 AINU is not eaten
	// up by the fees of its escrow.
	type LengthToFee = ConstantMultiplier<Balance, ConstU128<1_000_000>>;
	type OnChargeTransaction = pallet_transaction_payment::FungibleAdapter<Balances, ()>;
	type OperationalFeeMultiplier = frame_support::traits::ConstU8<5>;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
	type WeightToFee = IdentityFee<Balance>;
}

impl pallet_sudo::Config for Runtime {
	type RuntimeCall = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}

impl pallet_utility::Config for Runtime {
	type PalletsOrigin = OriginCaller;
	type RuntimeCall = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

impl pallet_ainur_registry::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type WeightInfo = pallet_ainur_registry::weights::SubstrateWeight<Runtime>;
}

// A dev chain has no council: sudo rules where no arbiter is named, and slashes.
impl pallet_ainur_reputation::Config for Runtime {
	type Currency = Balances;
	type Escrows = Escrow;
	type Keys = Registry;
	type RuntimeHoldReason = RuntimeHoldReason;
	type SlashingOrigin = frame_system::EnsureRoot<AccountId>;
	type Treasury = TreasuryAccount;
	type WeightInfo = pallet_ainur_reputation::weights::SubstrateWeight<Runtime>;
}

impl pallet_ainur_escrow::Config for Runtime {
	type ArbiterOrigin = frame_system::EnsureRoot<AccountId>;
	type Currency = Balances;
	type Keys = Registry;
	type MinPrice = ConstU128<EXISTENTIAL_DEPOSIT>;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Standing = Reputation;
	type Treasury = TreasuryAccount;
	type WeightInfo = pallet_ainur_escrow::weights::SubstrateWeight<Runtime>;
}
