//! A chain with the three pallets as the runtime joins them, and keys that really sign.

#![allow(clippy::arithmetic_side_effects)] // a test may panic

use crate as pallet_ainur_escrow;
use crate::*;
use ainur_primitives::{
	AccountId, Balance, BondAndScore, Draw, EscrowId, Milestones, Offer, Signature, Terminal,
	EXISTENTIAL_DEPOSIT, UNIT,
};
use core::cell::RefCell;
use frame_support::{derive_impl, parameter_types, traits::fungible::InspectHold, PalletId};
use frame_system::{EnsureRoot, RawOrigin};
use pallet_ainur_registry::Roles;
use sp_core::{ed25519, sr25519, Pair, H256};
use sp_runtime::{
	traits::{AccountIdConversion, IdentityLookup},
	BuildStorage, DispatchError,
};

pub type Block = frame_system::mocking::MockBlock<Test>;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		Registry: pallet_ainur_registry,
		Reputation: pallet_ainur_reputation,
		Escrow: pallet_ainur_escrow,
	}
);

parameter_types! {
	pub const ExistentialDeposit: Balance = EXISTENTIAL_DEPOSIT;
	pub TreasuryAccount: AccountId = PalletId(*b"ainu/trs").into_account_truncating();
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountId = AccountId;
	type Lookup = IdentityLookup<AccountId>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type ExistentialDeposit = ExistentialDeposit;
	type AccountStore = System;
}

impl pallet_ainur_registry::Config for Test {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type WeightInfo = ();
}

impl pallet_ainur_reputation::Config for Test {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type Keys = Registry;
	type Escrows = Escrow;
	type SlashingOrigin = EnsureRoot<AccountId>;
	type Treasury = TreasuryAccount;
	type WeightInfo = ();
}

impl Config for Test {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type Keys = Registry;
	type Standing = Recorder;
	type ArbiterOrigin = EnsureRoot<AccountId>;
	type Treasury = TreasuryAccount;
	type MinPrice = ExistentialDeposit;
	type WeightInfo = ();
}

std::thread_local! {
	/// What the escrow has asked of bonds and scores, for the shared vectors.
	pub static ASKED: RefCell<Vec<Asked>> = const { RefCell::new(Vec::new()) };
}

/// One call of the escrow's to bonds and scores.
#[derive(Clone, Debug)]
pub enum Asked {
	TakeOn(Balance),
	ReduceExposure(Balance),
	Draw(Balance, Draw),
	Terminal(Terminal),
	DisputeLost,
}

/// Bonds and scores, with a record of what was asked.
pub struct Recorder;

fn note(asked: Asked) {
	ASKED.with_borrow_mut(|all| all.push(asked));
}

impl BondAndScore for Recorder {
	fn take_on(provider: &AccountId, amount: Balance) -> Result<Balance, DispatchError> {
		note(Asked::TakeOn(amount));
		Reputation::take_on(provider, amount)
	}
	fn reduce_exposure(provider: &AccountId, amount: Balance) {
		note(Asked::ReduceExposure(amount));
		Reputation::reduce_exposure(provider, amount)
	}
	fn draw(provider: &AccountId, amount: Balance, draw: Draw) -> Balance {
		note(Asked::Draw(amount, draw.clone()));
		Reputation::draw(provider, amount, draw)
	}
	fn on_terminal(terminal: Terminal) {
		note(Asked::Terminal(terminal.clone()));
		Reputation::on_terminal(terminal)
	}
	fn on_dispute_lost(requester: &AccountId) {
		note(Asked::DisputeLost);
		Reputation::on_dispute_lost(requester)
	}
	fn on_pruned(provider: &AccountId, requester: &AccountId) {
		Reputation::on_pruned(provider, requester)
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_bond(provider: &AccountId, amount: Balance) {
		Reputation::benchmark_bond(provider, amount)
	}
}

/// An ed25519 key, as our nodes use. Its seed is the hash of a name: a phrase takes thousands of
/// hashes.
pub fn ed(name: &str) -> ed25519::Pair {
	ed25519::Pair::from_seed(&sp_io::hashing::blake2_256(name.as_bytes()))
}

/// An sr25519 key, as polkadot.js uses.
pub fn sr(name: &str) -> sr25519::Pair {
	sr25519::Pair::from_seed(&sp_io::hashing::blake2_256(name.as_bytes()))
}

pub fn account(seed: &str) -> AccountId {
	AccountId::new(ed(seed).public().0)
}

pub fn requester() -> AccountId {
	account("Requester")
}
pub fn provider() -> AccountId {
	account("Provider")
}
pub fn arbiter() -> AccountId {
	account("Arbiter")
}
pub fn stranger() -> AccountId {
	account("Stranger")
}
pub fn cold() -> AccountId {
	account("Cold")
}
pub fn treasury() -> AccountId {
	TreasuryAccount::get()
}
/// Everybody whose balance a test may move.
pub fn everybody() -> [(&'static str, AccountId); 5] {
	[
		("requester", requester()),
		("provider", provider()),
		("arbiter", arbiter()),
		("stranger", stranger()),
		("treasury", treasury()),
	]
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
	RawOrigin::Signed(who).into()
}
pub fn root() -> RuntimeOrigin {
	RawOrigin::Root.into()
}

pub fn sign(offer: &Offer, seed: &str) -> Signature {
	ed(seed).sign(&offer.signing_payload()).into()
}

/// An offer of one milestone of 10 AINU with a named arbiter, good until block 11.
pub fn offer() -> Offer {
	offer_of(&[10 * UNIT])
}

pub fn offer_of(milestones: &[Balance]) -> Offer {
	Offer {
		genesis: Escrow::genesis_hash(),
		requester: requester(),
		provider: provider(),
		task_id: H256::repeat_byte(1),
		attempt: 0,
		price: milestones.iter().sum(),
		milestones: Milestones::truncate_from(milestones.to_vec()),
		input_hash: H256::repeat_byte(2),
		slot: H256::repeat_byte(3),
		terms: H256::repeat_byte(4),
		arbiter: Some(arbiter()),
		deliver_within: 6,
		review_blocks: 4,
		valid_until: System::block_number() as u32 + 10,
		offer_epoch: 0,
	}
}

/// Open with a signed offer; return the number.
pub fn accepted(offer: &Offer) -> EscrowId {
	let signature = sign(offer, "Provider");
	Escrow::open_with_offer(signed(requester()), offer.clone(), signature).unwrap();
	NextEscrow::<Test>::get() - 1
}

pub fn delivered(offer: &Offer) -> EscrowId {
	let id = accepted(offer);
	Escrow::deliver(signed(provider()), id, H256::repeat_byte(9)).unwrap();
	id
}

/// Disputed by the requester after delivery.
pub fn disputed(offer: &Offer) -> EscrowId {
	let id = delivered(offer);
	let reason = DisputeReason::ResultWrong;
	Escrow::dispute(signed(requester()), id, reason, H256::repeat_byte(8)).unwrap();
	id
}

/// Disputed by the provider before delivery.
pub fn withheld(offer: &Offer) -> EscrowId {
	let id = accepted(offer);
	let reason = DisputeReason::InputWithheld;
	Escrow::dispute(signed(provider()), id, reason, H256::repeat_byte(8)).unwrap();
	id
}

pub fn escalated(offer: &Offer) -> EscrowId {
	escalate(disputed(offer))
}

pub fn escalate(id: EscrowId) -> EscrowId {
	pass_deadline(id);
	Escrow::claim_timeout(signed(stranger()), id).unwrap();
	id
}

/// Go to the first block after the deadline of the escrow's state.
pub fn pass_deadline(id: EscrowId) {
	System::set_block_number(u64::from(get(id).deadline) + 1);
}

pub fn get(id: EscrowId) -> EscrowRecord {
	Escrows::<Test>::get(id).unwrap()
}

/// What an account has that nobody holds, and what is held of it.
pub fn wealth(who: &AccountId) -> (Balance, Balance) {
	(
		Balances::free_balance(who),
		Balances::total_balance_on_hold(who),
	)
}

pub fn last_event() -> RuntimeEvent {
	System::events().pop().unwrap().event
}

pub struct ExtBuilder {
	pub params: Params,
	pub bond: Balance,
	pub treasury: Balance,
}

impl Default for ExtBuilder {
	fn default() -> Self {
		let treasury = 1_000 * UNIT;
		Self {
			params: Params::ci(),
			bond: 1_000 * UNIT,
			treasury,
		}
	}
}

impl ExtBuilder {
	pub fn build(self) -> sp_io::TestExternalities {
		let endowed = [
			(requester(), 10_000 * UNIT),
			(provider(), 10_000 * UNIT),
			(stranger(), 1_000 * UNIT),
			(arbiter(), 1_000 * UNIT),
			(treasury(), self.treasury),
		];
		let agents = [
			(provider(), Some(cold()), Roles::default()),
			(arbiter(), None, Roles::ARBITER),
		];
		let storage = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig {
				balances: endowed
					.into_iter()
					.filter(|(_, amount)| *amount > 0)
					.collect(),
				..Default::default()
			},
			registry: pallet_ainur_registry::GenesisConfig {
				params: pallet_ainur_registry::Params::ci(),
				agents: agents.to_vec(),
				_config: Default::default(),
			},
			reputation: pallet_ainur_reputation::GenesisConfig {
				params: pallet_ainur_reputation::Params::ci(),
				bonded: vec![(provider(), self.bond)],
				_config: Default::default(),
			},
			escrow: GenesisConfig {
				params: self.params,
				_config: Default::default(),
			},
			..Default::default()
		}
		.build_storage()
		.unwrap();
		let mut ext = sp_io::TestExternalities::new(storage);
		ext.execute_with(|| System::set_block_number(1));
		ext
	}

	/// Run a test, then hold every pallet to its invariants.
	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			Escrow::do_try_state().unwrap();
			Reputation::do_try_state().unwrap();
			Registry::do_try_state().unwrap();
		});
	}
}
