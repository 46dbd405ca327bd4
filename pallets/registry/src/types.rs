//! What the registry stores, and the bytes that a new operator key signs.

use ainur_primitives::{AccountId, Balance, BlockNumber, MILLI_UNIT};
use alloc::vec::Vec;
use frame_support::pallet_prelude::*;
use serde::{Deserialize, Serialize};
use sp_core::H256;

/// What separates the proof of a new operator key from every other signature of the same key.
pub const OPERATOR_DOMAIN: &[u8] = b"ainur/1/operator\0";

/// The bytes that `new_key` signs to become the operator key of `agent`: the domain, then
/// BLAKE2b-256 of the SCALE encoding of genesis hash, agent and key.
pub fn operator_payload(genesis: H256, agent: &AccountId, new_key: &AccountId) -> Vec<u8> {
	let mut payload = OPERATOR_DOMAIN.to_vec();
	payload.extend_from_slice(&sp_io::hashing::blake2_256(
		&(genesis, agent, new_key).encode(),
	));
	payload
}

/// What an agent may be besides requester and provider, as bits.
#[derive(
	Clone,
	Copy,
	Default,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	TypeInfo,
	MaxEncodedLen,
	Serialize,
	Deserialize,
)]
pub struct Roles(pub u8);

impl Roles {
	/// No role.
	pub const NONE: Self = Self(0);
	/// May be named to rule on disputes.
	pub const ARBITER: Self = Self(1);

	/// Whether all of `other` is in it.
	pub fn contains(self, other: Self) -> bool {
		self.0 & other.0 == other.0
	}

	/// Whether it has no bit that this chain does not know.
	pub fn is_known(self) -> bool {
		Self::ARBITER.contains(self)
	}
}

/// A key that will sign for the agent.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct PendingRotation {
	/// The key.
	pub key: AccountId,
	/// The first block at which it is the operator key.
	pub effective_at: BlockNumber,
}

/// What an agent says of itself.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Registration {
	/// Hash of the DID document, where there is one.
	pub did_hash: Option<H256>,
	/// Hash of the agent card.
	pub card_hash: H256,
	/// Hash of the list of capabilities.
	pub capabilities_hash: H256,
	/// Roles it takes.
	pub roles: Roles,
}

/// An agent's record.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Agent {
	/// The operator key as of the last write; see [`Agent::operator_at`].
	pub operator: AccountId,
	/// A key that was announced.
	pub pending: Option<PendingRotation>,
	/// The account that may rotate at once, cancel and flag.
	pub cold: Option<AccountId>,
	/// The flag that the cold account sets.
	pub compromised: bool,
	/// Hash of the DID document, where there is one.
	pub did_hash: Option<H256>,
	/// Hash of the agent card.
	pub card_hash: H256,
	/// Hash of the list of capabilities.
	pub capabilities_hash: H256,
	/// Roles it takes.
	pub roles: Roles,
	/// What is held for this record, in planck.
	pub deposit: Balance,
	/// The block of registration.
	pub registered_at: BlockNumber,
}

impl Agent {
	/// A new agent, whose own key is its operator key.
	pub fn new(
		account: AccountId,
		cold: Option<AccountId>,
		registration: Registration,
		deposit: Balance,
		now: BlockNumber,
	) -> Self {
		let Registration {
			did_hash,
			card_hash,
			capabilities_hash,
			roles,
		} = registration;
		Self {
			operator: account,
			pending: None,
			cold,
			compromised: false,
			did_hash,
			card_hash,
			capabilities_hash,
			roles,
			deposit,
			registered_at: now,
		}
	}

	/// Replace what the agent says of itself.
	pub fn set(&mut self, registration: Registration) {
		let Registration {
			did_hash,
			card_hash,
			capabilities_hash,
			roles,
		} = registration;
		self.did_hash = did_hash;
		self.card_hash = card_hash;
		self.capabilities_hash = capabilities_hash;
		self.roles = roles;
	}

	/// The key that signs at block `now`.
	pub fn operator_at(&self, now: BlockNumber) -> &AccountId {
		match &self.pending {
			Some(pending) if now >= pending.effective_at => &pending.key,
			_ => &self.operator,
		}
	}

	/// Store a rotation that took effect by block `now`; answer whether one did.
	pub fn materialise(&mut self, now: BlockNumber) -> bool {
		match self.pending.take() {
			Some(pending) if now >= pending.effective_at => {
				self.operator = pending.key;
				true
			}
			pending => {
				self.pending = pending;
				false
			}
		}
	}
}

/// The periods and amounts that genesis sets.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen, Serialize, Deserialize,
)]
pub struct Params {
	/// Held for an agent's record, in planck.
	pub registration_deposit: Balance,
	/// Blocks from a rotation by the account to its effect.
	pub rotation_delay: BlockNumber,
	/// Blocks from a rotation by the cold account to its effect; 0 is at once.
	pub cold_rotation_delay: BlockNumber,
}

impl Params {
	/// Blocks of 6 s.
	pub const fn development() -> Self {
		Self {
			registration_deposit: 10 * MILLI_UNIT,
			rotation_delay: 14_400,
			cold_rotation_delay: 0,
		}
	}

	/// Blocks of 250 ms.
	pub const fn testnet() -> Self {
		Self::development()
	}

	/// Every period at most 20 blocks.
	pub const fn ci() -> Self {
		Self {
			rotation_delay: 5,
			..Self::development()
		}
	}

	/// Panics where the parameters contradict each other.
	pub(crate) fn check(&self) {
		assert!(
			self.cold_rotation_delay <= self.rotation_delay,
			"the cold account must not be slower than a thief of the account"
		);
	}
}

impl Default for Params {
	fn default() -> Self {
		Self::development()
	}
}
