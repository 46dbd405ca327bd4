//! Agents: who they are, which key signs for them, and how that key is rotated.
//!
//! An agent is an account that owns bond and payouts and stays off the node. What signs envelopes
//! and offers, accepts, delivers, refunds and disputes is its **operator key**; at registration
//! that is the account's own key. The account rotates it with a delay; the **cold** account, named
//! once at registration, rotates it at its own delay (at once on a development chain), cancels a
//! pending rotation, and flags the agent as compromised.
//!
//! # Theory of operation
//!
//! ```text
//!                      rotate_operator by the account            now >= effective_at
//!   operator = k0  ------------------------------->  pending k1  ------------------>  operator = k1
//!        ^                                               |
//!        +------- cancel_rotation, or replaced by cold --+
//! ```
//!
//! A rotation takes effect by the passing of blocks, not by a call: [`Pallet::operator`] answers
//! the pending key once its block has come, and the next write stores what is already true.
//!
//! A key is used once. [`KeyOwner`] keeps every key that any agent ever used or announced, so that
//! a stolen, retired key never signs for anybody again; whoever proposes a key proves that it holds
//! it ([`operator_payload`]), so that nobody can use up a key of somebody else.
//!
//! A stolen account key is not recoverable: this is why it is kept off the node.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use types::{
	operator_payload, Agent, Params, PendingRotation, Registration, Roles, OPERATOR_DOMAIN,
};
pub use weights::WeightInfo;

use ainur_primitives::{AccountId, Balance, BlockNumber, OperatorKeys, Signature};
use frame_support::{pallet_prelude::*, traits::fungible};
use frame_system::pallet_prelude::*;
use sp_core::H256;
use sp_runtime::traits::{SaturatedConversion, Verify, Zero};

#[allow(clippy::expect_used)] // the pallet macros generate it; by hand only genesis does
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;

	/// Version of the storage's layout.
	pub const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config<AccountId = AccountId, Hash = H256> {
		/// The chain's hold reasons.
		type RuntimeHoldReason: From<HoldReason>;
		/// The native token.
		type Currency: fungible::MutateHold<AccountId, Balance = Balance, Reason = Self::RuntimeHoldReason>
			+ fungible::Mutate<AccountId>;
		/// What the calls cost.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The deposit for an agent's record.
		Registration,
	}

	/// The periods and amounts that genesis set.
	#[pallet::storage]
	pub type Parameters<T: Config> = StorageValue<_, Params, ValueQuery>;

	/// The registered agents. A record is never removed.
	#[pallet::storage]
	pub type Agents<T: Config> = StorageMap<_, Blake2_128Concat, AccountId, Agent>;

	/// Every key that any agent ever used or announced, and the agent. Never removed: a key that
	/// was retired or withdrawn is never accepted again. Each entry costs a call and a signature
	/// by the key.
	#[pallet::storage]
	pub type KeyOwner<T: Config> = StorageMap<_, Blake2_128Concat, AccountId, AccountId>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Periods and amounts.
		pub params: Params,
		/// Agents registered from the first block on: account, cold account, roles.
		pub agents: Vec<(AccountId, Option<AccountId>, Roles)>,
		#[serde(skip)]
		pub _config: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			self.params.check();
			Parameters::<T>::put(&self.params);
			for (account, cold, roles) in &self.agents {
				let registration = Registration {
					roles: *roles,
					..Default::default()
				};
				Pallet::<T>::do_register(account.clone(), cold.clone(), registration)
					.expect("genesis registers distinct agents that own the deposit");
			}
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An account became an agent; its own key is its operator key.
		Registered {
			agent: AccountId,
			cold: Option<AccountId>,
			roles: Roles,
			deposit: Balance,
		},
		/// An agent changed its hashes or roles.
		Updated { agent: AccountId, roles: Roles },
		/// A key was announced; it becomes the operator key at `effective_at`.
		RotationScheduled {
			agent: AccountId,
			key: AccountId,
			effective_at: BlockNumber,
		},
		/// A key is the operator key. Where it became so by the passing of blocks, this follows at
		/// the next write.
		OperatorRotated { agent: AccountId, key: AccountId },
		/// A key that was announced will not become the operator key, now or ever.
		RotationCancelled { agent: AccountId, key: AccountId },
		/// The cold account set or cleared the flag.
		CompromisedSet { agent: AccountId, compromised: bool },
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The account is registered already.
		AlreadyRegistered,
		/// The account is not registered.
		NotRegistered,
		/// The cold account must be another account.
		ColdIsSelf,
		/// A role that this chain does not know.
		UnknownRoles,
		/// The key is, or once was, an agent's.
		KeyAlreadyUsed,
		/// The cold account's key must not become the key that a node holds.
		KeyIsCold,
		/// The signature is not the new key's over this chain, agent and key.
		BadProof,
		/// A rotation is pending; only the cold account may replace it.
		RotationPending,
		/// No rotation is pending.
		NoRotationPending,
		/// The origin is neither the agent's account nor its cold account, or this one may not.
		NotAuthorised,
		/// The origin is not the agent's cold account.
		NotCold,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			for params in [Params::development(), Params::testnet(), Params::ci()] {
				params.check();
			}
			assert_eq!(
				Roles::NONE.0 | Roles::ARBITER.0,
				1,
				"a role was added: see `Roles::is_known`"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Become an agent. The record deposit is held; the origin's own key is the operator key.
		///
		/// - `cold`: the account that may rotate at once, cancel and flag. It cannot be changed
		///   later, since whoever could change it would be as strong as it is.
		/// - `did_hash`, `card_hash`, `capabilities_hash`: what the documents off chain hash to.
		///
		/// **Emits** [`Event::Registered`].
		///
		/// **Errors**: [`Error::AlreadyRegistered`], [`Error::ColdIsSelf`],
		/// [`Error::UnknownRoles`], [`Error::KeyAlreadyUsed`]; `Token::FundsUnavailable` where the
		/// deposit cannot be held.
		///
		/// **Weight**: O(1); two records written, one hold.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register())]
		pub fn register(
			origin: OriginFor<T>,
			cold: Option<AccountId>,
			did_hash: Option<H256>,
			card_hash: H256,
			capabilities_hash: H256,
			roles: Roles,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let registration = Registration {
				did_hash,
				card_hash,
				capabilities_hash,
				roles,
			};
			Self::do_register(who, cold, registration)
		}

		/// Change what the agent says of itself. By the account.
		///
		/// **Emits** [`Event::Updated`]; before it [`Event::OperatorRotated`] where a rotation
		/// took effect since the last write.
		///
		/// **Errors**: [`Error::NotRegistered`], [`Error::UnknownRoles`].
		///
		/// **Weight**: O(1); one record written.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::update())]
		pub fn update(
			origin: OriginFor<T>,
			did_hash: Option<H256>,
			card_hash: H256,
			capabilities_hash: H256,
			roles: Roles,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let registration = Registration {
				did_hash,
				card_hash,
				capabilities_hash,
				roles,
			};
			Self::do_update(who, registration)
		}

		/// Announce a new operator key. By the account, effective after its delay; or by the cold
		/// account, effective after the cold delay (none on a development chain), replacing a
		/// pending rotation.
		///
		/// - `proof`: signature by `new_key` over [`operator_payload`].
		///
		/// **Emits** [`Event::RotationScheduled`], or [`Event::OperatorRotated`] where there is no
		/// delay; [`Event::RotationCancelled`] for a pending key that this replaces.
		///
		/// **Errors**: [`Error::NotRegistered`], [`Error::NotAuthorised`],
		/// [`Error::RotationPending`], [`Error::KeyIsCold`], [`Error::KeyAlreadyUsed`],
		/// [`Error::BadProof`].
		///
		/// **Weight**: O(1); one signature checked, two records written.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::rotate_operator())]
		pub fn rotate_operator(
			origin: OriginFor<T>,
			agent: AccountId,
			new_key: AccountId,
			proof: Signature,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_rotate_operator(who, agent, new_key, proof)
		}

		/// Withdraw a pending rotation; its key is never accepted again. By the cold account; by
		/// the account itself only where no cold account was named, since a thief of the account
		/// must not be able to undo what its owner did.
		///
		/// **Emits** [`Event::RotationCancelled`].
		///
		/// **Errors**: [`Error::NotRegistered`], [`Error::NotAuthorised`],
		/// [`Error::NoRotationPending`] (also when it has taken effect).
		///
		/// **Weight**: O(1); one record written.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::cancel_rotation())]
		pub fn cancel_rotation(origin: OriginFor<T>, agent: AccountId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_cancel_rotation(who, agent)
		}

		/// Set or clear the flag: while it is set the agent takes on no work, moves no bond and is
		/// no arbiter. By the cold account.
		///
		/// **Emits** [`Event::CompromisedSet`]; before it [`Event::OperatorRotated`] where a
		/// rotation took effect since the last write.
		///
		/// **Errors**: [`Error::NotRegistered`], [`Error::NotCold`].
		///
		/// **Weight**: O(1); one record written.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::set_compromised())]
		pub fn set_compromised(
			origin: OriginFor<T>,
			agent: AccountId,
			compromised: bool,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_set_compromised(who, agent, compromised)
		}
	}
}

impl<T: Config> Pallet<T> {
	/// The key that signs for `agent` at this block.
	pub fn operator(agent: &AccountId) -> AccountId {
		match Agents::<T>::get(agent) {
			Some(record) => record.operator_at(Self::now()).clone(),
			None => agent.clone(),
		}
	}

	/// The hash of block 0.
	pub fn genesis_hash() -> H256 {
		frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero())
	}

	fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	fn do_register(
		who: AccountId,
		cold: Option<AccountId>,
		registration: Registration,
	) -> DispatchResult {
		ensure!(
			!Agents::<T>::contains_key(&who),
			Error::<T>::AlreadyRegistered
		);
		ensure!(cold.as_ref() != Some(&who), Error::<T>::ColdIsSelf);
		ensure!(registration.roles.is_known(), Error::<T>::UnknownRoles);
		ensure!(
			!KeyOwner::<T>::contains_key(&who),
			Error::<T>::KeyAlreadyUsed
		);
		let deposit = Parameters::<T>::get().registration_deposit;
		<T::Currency as fungible::MutateHold<AccountId>>::hold(
			&HoldReason::Registration.into(),
			&who,
			deposit,
		)?;
		let roles = registration.roles;
		KeyOwner::<T>::insert(&who, &who);
		let agent = Agent::new(
			who.clone(),
			cold.clone(),
			registration,
			deposit,
			Self::now(),
		);
		Agents::<T>::insert(&who, agent);
		Self::deposit_event(Event::Registered {
			agent: who,
			cold,
			roles,
			deposit,
		});
		Ok(())
	}

	fn do_update(who: AccountId, registration: Registration) -> DispatchResult {
		let mut agent = Self::read(&who)?;
		ensure!(registration.roles.is_known(), Error::<T>::UnknownRoles);
		let roles = registration.roles;
		agent.set(registration);
		Agents::<T>::insert(&who, agent);
		Self::deposit_event(Event::Updated { agent: who, roles });
		Ok(())
	}

	fn do_rotate_operator(
		who: AccountId,
		account: AccountId,
		new_key: AccountId,
		proof: Signature,
	) -> DispatchResult {
		let mut agent = Self::read(&account)?;
		let params = Parameters::<T>::get();
		let by_cold = agent.cold.as_ref() == Some(&who);
		ensure!(by_cold || who == account, Error::<T>::NotAuthorised);
		ensure!(
			by_cold || agent.pending.is_none(),
			Error::<T>::RotationPending
		);
		ensure!(agent.cold.as_ref() != Some(&new_key), Error::<T>::KeyIsCold);
		ensure!(
			!KeyOwner::<T>::contains_key(&new_key),
			Error::<T>::KeyAlreadyUsed
		);
		let payload = operator_payload(Self::genesis_hash(), &account, &new_key);
		ensure!(
			proof.verify(payload.as_slice(), &new_key),
			Error::<T>::BadProof
		);

		if let Some(replaced) = agent.pending.take() {
			let key = replaced.key;
			Self::deposit_event(Event::RotationCancelled {
				agent: account.clone(),
				key,
			});
		}
		let delay = if by_cold {
			params.cold_rotation_delay
		} else {
			params.rotation_delay
		};
		KeyOwner::<T>::insert(&new_key, &account);
		if delay == 0 {
			agent.operator = new_key.clone();
			Self::deposit_event(Event::OperatorRotated {
				agent: account.clone(),
				key: new_key,
			});
		} else {
			let effective_at = Self::now().saturating_add(delay);
			agent.pending = Some(PendingRotation {
				key: new_key.clone(),
				effective_at,
			});
			Self::deposit_event(Event::RotationScheduled {
				agent: account.clone(),
				key: new_key,
				effective_at,
			});
		}
		Agents::<T>::insert(&account, agent);
		Ok(())
	}

	fn do_cancel_rotation(who: AccountId, account: AccountId) -> DispatchResult {
		let mut agent = Self::read(&account)?;
		let allowed = match &agent.cold {
			Some(cold) => who == *cold,
			None => who == account,
		};
		ensure!(allowed, Error::<T>::NotAuthorised);
		let key = agent
			.pending
			.take()
			.ok_or(Error::<T>::NoRotationPending)?
			.key;
		Agents::<T>::insert(&account, agent);
		Self::deposit_event(Event::RotationCancelled {
			agent: account,
			key,
		});
		Ok(())
	}

	fn do_set_compromised(who: AccountId, account: AccountId, compromised: bool) -> DispatchResult {
		let mut agent = Self::read(&account)?;
		ensure!(agent.cold.as_ref() == Some(&who), Error::<T>::NotCold);
		agent.compromised = compromised;
		Agents::<T>::insert(&account, agent);
		Self::deposit_event(Event::CompromisedSet {
			agent: account,
			compromised,
		});
		Ok(())
	}

	/// Read a record to write it: a rotation that took effect since the last write is stored.
	fn read(account: &AccountId) -> Result<Agent, DispatchError> {
		let mut agent = Agents::<T>::get(account).ok_or(Error::<T>::NotRegistered)?;
		if agent.materialise(Self::now()) {
			Self::deposit_event(Event::OperatorRotated {
				agent: account.clone(),
				key: agent.operator.clone(),
			});
		}
		Ok(agent)
	}

	/// What must be true of the storage between any two calls.
	#[cfg(any(feature = "try-runtime", test))]
	pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		use frame_support::traits::fungible::InspectHold;
		for (account, agent) in Agents::<T>::iter() {
			ensure!(
				agent.cold.as_ref() != Some(&account),
				"an agent is its own cold account"
			);
			ensure!(agent.roles.is_known(), "an unknown role");
			let pending = agent.pending.as_ref().map(|p| &p.key);
			for key in [Some(&account), Some(&agent.operator), pending]
				.into_iter()
				.flatten()
			{
				ensure!(
					KeyOwner::<T>::get(key).as_ref() == Some(&account),
					"a key is not recorded as its agent's"
				);
			}
			ensure!(
				pending != Some(&agent.operator),
				"the operator key is pending again"
			);
			ensure!(
				T::Currency::balance_on_hold(&HoldReason::Registration.into(), &account)
					== agent.deposit,
				"the hold is not the deposit"
			);
		}
		for (_, owner) in KeyOwner::<T>::iter() {
			ensure!(Agents::<T>::contains_key(&owner), "a key belongs to nobody");
		}
		Ok(())
	}
}

impl<T: Config> OperatorKeys for Pallet<T> {
	fn operator_of(agent: &AccountId) -> AccountId {
		Self::operator(agent)
	}

	fn may_commit(agent: &AccountId) -> bool {
		Agents::<T>::get(agent).is_some_and(|a| !a.compromised)
	}

	fn is_compromised(agent: &AccountId) -> bool {
		Agents::<T>::get(agent).is_some_and(|a| a.compromised)
	}

	fn is_arbiter(who: &AccountId) -> bool {
		Agents::<T>::get(who).is_some_and(|a| !a.compromised && a.roles.contains(Roles::ARBITER))
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_register(agent: &AccountId, arbiter: bool) {
		let roles = if arbiter { Roles::ARBITER } else { Roles::NONE };
		let registration = Registration {
			roles,
			..Default::default()
		};
		let record = Agent::new(agent.clone(), None, registration, 0, Self::now());
		KeyOwner::<T>::insert(agent, agent);
		Agents::<T>::insert(agent, record);
	}
}
