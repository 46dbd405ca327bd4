//! A chain with balances and this pallet, nothing else. Keys really sign.

use crate as pallet_ainur_registry;
use crate::*;
use ainur_primitives::{EXISTENTIAL_DEPOSIT, UNIT};
use frame_support::{derive_impl, parameter_types};
use sp_core::{ed25519, sr25519, Pair};
use sp_runtime::{traits::IdentityLookup, BuildStorage};

pub type Block = frame_system::mocking::MockBlock<Test>;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		Registry: pallet_ainur_registry,
	}
);

parameter_types! {
	pub const ExistentialDeposit: Balance = EXISTENTIAL_DEPOSIT;
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

impl Config for Test {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type WeightInfo = ();
}

/// An ed25519 key, as our nodes use.
pub fn ed(seed: &str) -> ed25519::Pair {
	ed25519::Pair::from_seed(&sp_io::hashing::blake2_256(seed.as_bytes()))
}

/// An sr25519 key, as polkadot.js uses.
pub fn sr(seed: &str) -> sr25519::Pair {
	sr25519::Pair::from_seed(&sp_io::hashing::blake2_256(seed.as_bytes()))
}

pub fn account(seed: &str) -> AccountId {
	AccountId::new(ed(seed).public().0)
}

pub fn alice() -> AccountId {
	account("Alice")
}
pub fn bob() -> AccountId {
	account("Bob")
}
pub fn cold() -> AccountId {
	account("Cold")
}

/// The proof that the ed25519 key of `seed` may sign for `agent`.
pub fn proof(agent: &AccountId, seed: &str) -> Signature {
	ed(seed)
		.sign(&operator_payload(
			Registry::genesis_hash(),
			agent,
			&account(seed),
		))
		.into()
}

pub struct ExtBuilder {
	pub params: Params,
	pub agents: Vec<(AccountId, Option<AccountId>, Roles)>,
}

impl Default for ExtBuilder {
	fn default() -> Self {
		Self {
			params: Params::ci(),
			agents: vec![],
		}
	}
}

impl ExtBuilder {
	pub fn build(self) -> sp_io::TestExternalities {
		let storage = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig {
				balances: vec![
					(alice(), 1_000 * UNIT),
					(bob(), 1_000 * UNIT),
					(account("Poor"), EXISTENTIAL_DEPOSIT),
				],
				..Default::default()
			},
			registry: GenesisConfig {
				params: self.params,
				agents: self.agents,
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
			Registry::do_try_state().unwrap();
		});
	}
}

/// Run with the parameters of the ci column, Alice registered with a cold account.
pub fn with_alice(test: impl FnOnce()) {
	let agents = vec![(alice(), Some(cold()), Roles::NONE)];
	ExtBuilder {
		agents,
		..Default::default()
	}
	.build_and_execute(test);
}

pub fn last_event() -> Event<Test> {
	match System::events().pop().unwrap().event {
		RuntimeEvent::Registry(event) => event,
		other => panic!("not ours: {other:?}"),
	}
}

pub fn events() -> Vec<Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|r| match r.event {
			RuntimeEvent::Registry(event) => Some(event),
			_ => None,
		})
		.collect()
}
