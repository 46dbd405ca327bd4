//! A chain with balances and this pallet. Keys really sign; who signs for whom, and what became of
//! escrows, is what the test says.

use crate as pallet_ainur_reputation;
use crate::*;
use ainur_primitives::{Ended, Milestones, EXISTENTIAL_DEPOSIT, UNIT};
use frame_support::{derive_impl, parameter_types};
use sp_core::{ed25519, Pair};
use sp_runtime::{traits::IdentityLookup, BuildStorage};
use std::collections::BTreeMap;

pub type Block = frame_system::mocking::MockBlock<Test>;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		Reputation: pallet_ainur_reputation,
	}
);

parameter_types! {
	pub const ExistentialDeposit: Balance = EXISTENTIAL_DEPOSIT;
	pub static Operators: BTreeMap<AccountId, AccountId> = BTreeMap::new();
	pub static CompromisedAgents: Vec<AccountId> = vec![];
	pub static EndedEscrows: BTreeMap<EscrowId, Ended> = BTreeMap::new();
	pub static OfferEpoch: u32 = 0;
	pub static TreasuryAccount: AccountId = AccountId::new([0x77; 32]);
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

/// The registry: every account is registered, and its own operator unless the test says otherwise.
pub struct FakeKeys;

impl OperatorKeys for FakeKeys {
	fn operator_of(agent: &AccountId) -> AccountId {
		Operators::get().get(agent).unwrap_or(agent).clone()
	}
	fn may_commit(agent: &AccountId) -> bool {
		!Self::is_compromised(agent)
	}
	fn is_compromised(agent: &AccountId) -> bool {
		CompromisedAgents::get().contains(agent)
	}
	fn is_arbiter(_: &AccountId) -> bool {
		false
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_register(_: &AccountId, _: bool) {}
}

/// The escrows that the test says have ended.
pub struct FakeEscrows;

impl Escrows for FakeEscrows {
	fn ended(id: EscrowId) -> Option<Ended> {
		EndedEscrows::get().get(&id).cloned()
	}
	fn offer_epoch(_: &AccountId) -> u32 {
		OfferEpoch::get()
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_ended(provider: &AccountId) -> EscrowId {
		ended_escrow(7, provider.clone(), System::block_number() as u32);
		7
	}
}

impl Config for Test {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type Keys = FakeKeys;
	type Escrows = FakeEscrows;
	type SlashingOrigin = frame_system::EnsureRoot<AccountId>;
	type Treasury = TreasuryAccount;
	type WeightInfo = ();
}

pub fn ed(seed: &str) -> ed25519::Pair {
	ed25519::Pair::from_seed(&sp_io::hashing::blake2_256(seed.as_bytes()))
}

pub fn account(seed: &str) -> AccountId {
	AccountId::new(ed(seed).public().0)
}

/// The provider of most tests, bonded by [`with_alice`].
pub fn alice() -> AccountId {
	account("Alice")
}
/// The requester of most tests.
pub fn bob() -> AccountId {
	account("Bob")
}
/// The reporter of most tests.
pub fn eve() -> AccountId {
	account("Eve")
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

/// An offer by `provider`, on slot 1, valid until block 10.
pub fn offer(provider: &AccountId, task: u8) -> Offer {
	Offer {
		genesis: System::block_hash(0),
		requester: bob(),
		provider: provider.clone(),
		task_id: H256::repeat_byte(task),
		attempt: 0,
		price: UNIT,
		milestones: Milestones::truncate_from(vec![UNIT]),
		input_hash: H256::repeat_byte(2),
		slot: H256::repeat_byte(1),
		terms: H256::repeat_byte(3),
		arbiter: None,
		deliver_within: 5,
		review_blocks: 5,
		valid_until: 10,
		offer_epoch: 0,
	}
}

pub fn sign(seed: &str, offer: &Offer) -> Signature {
	ed(seed).sign(&offer.signing_payload()).into()
}

pub fn ended_escrow(id: EscrowId, provider: AccountId, at: BlockNumber) {
	EndedEscrows::mutate(|all| {
		all.insert(
			id,
			Ended {
				requester: bob(),
				provider,
				at,
			},
		)
	});
}

pub struct ExtBuilder {
	pub params: Params,
	pub bonded: Vec<(AccountId, Balance)>,
	pub treasury: Balance,
}

impl Default for ExtBuilder {
	fn default() -> Self {
		Self {
			params: Params::ci(),
			bonded: vec![],
			treasury: 1_000 * UNIT,
		}
	}
}

impl ExtBuilder {
	pub fn build(self) -> sp_io::TestExternalities {
		Operators::set(BTreeMap::new());
		CompromisedAgents::set(vec![]);
		EndedEscrows::set(BTreeMap::new());
		OfferEpoch::set(0);
		let mut balances: Vec<_> = [alice(), bob(), eve()]
			.into_iter()
			.map(|who| (who, 1_000 * UNIT))
			.collect();
		balances.push((account("Poor"), EXISTENTIAL_DEPOSIT));
		if self.treasury > 0 {
			balances.push((TreasuryAccount::get(), self.treasury));
		}
		let storage = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig {
				balances,
				..Default::default()
			},
			reputation: GenesisConfig {
				params: self.params,
				bonded: self.bonded,
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

	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			Reputation::do_try_state().unwrap();
		});
	}
}

/// Run with the parameters of the ci column, Alice bonded with 200 AINU.
pub fn with_alice(test: impl FnOnce()) {
	let bonded = vec![(alice(), 200 * UNIT)];
	ExtBuilder {
		bonded,
		..Default::default()
	}
	.build_and_execute(test);
}

pub fn record(who: &AccountId) -> Record {
	Records::<Test>::get(who)
}

pub fn free(who: &AccountId) -> Balance {
	Balances::free_balance(who)
}

pub fn held(reason: HoldReason, who: &AccountId) -> Balance {
	use frame_support::traits::fungible::InspectHold;
	Balances::balance_on_hold(&reason.into(), who)
}

pub fn go_to(block: u64) {
	System::set_block_number(block);
	System::reset_events();
}

pub fn events() -> Vec<Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|r| match r.event {
			RuntimeEvent::Reputation(event) => Some(event),
			_ => None,
		})
		.collect()
}
