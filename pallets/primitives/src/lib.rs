//! What ainur's pallets share: amounts, the offer that a provider signs, and the traits by which
//! one pallet asks another. No pallet depends on another pallet; the runtime joins them.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod hold;
mod offer;
#[cfg(feature = "runtime-benchmarks")]
pub mod signing;

pub use hold::{burn_from_hold, pay_from_hold};
pub use offer::{Milestones, Offer, MAX_MILESTONES, OFFER_DOMAIN};

use frame_support::pallet_prelude::*;
use sp_runtime::{traits::IdentifyAccount, traits::Verify, MultiSignature};

/// A signature by an operator key: ed25519 (our nodes) or sr25519 (polkadot.js).
pub type Signature = MultiSignature;
/// The identity that owns bond and payouts.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// An amount in planck, the smallest unit.
pub type Balance = u128;
/// A block's number; every deadline is one.
pub type BlockNumber = u32;
/// The number of an escrow, counted from 0.
pub type EscrowId = u64;

/// One AINU in planck.
pub const UNIT: Balance = 1_000_000_000_000;
/// A thousandth of an AINU.
pub const MILLI_UNIT: Balance = UNIT / 1_000;
/// Below this an account does not exist.
pub const EXISTENTIAL_DEPOSIT: Balance = MILLI_UNIT;

/// Whose key signs and acts for an agent. Answered by `pallet-ainur-registry`.
///
/// An account that never registered is its own operator.
pub trait OperatorKeys {
	/// The key that signs for `agent` at this block.
	fn operator_of(agent: &AccountId) -> AccountId;

	/// Whether `key` signs and acts for `agent` at this block.
	fn is_operator(agent: &AccountId, key: &AccountId) -> bool {
		Self::operator_of(agent) == *key
	}

	/// Whether `signature` over `payload` is by the operator key of `agent` at this block.
	fn is_signed_by(agent: &AccountId, payload: &[u8], signature: &Signature) -> bool {
		signature.verify(payload, &Self::operator_of(agent))
	}

	/// Whether `agent` is registered and not flagged as compromised, so that it may take on work.
	fn may_commit(agent: &AccountId) -> bool;

	/// Whether the cold account has flagged `agent` as compromised. While it is, the agent takes
	/// on no work and moves no bond.
	fn is_compromised(agent: &AccountId) -> bool;

	/// Whether `who` is registered with the active role of an arbiter.
	fn is_arbiter(who: &AccountId) -> bool;

	/// Make `agent` registered, and an arbiter if asked, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_register(agent: &AccountId, arbiter: bool);
}

/// How an accepted escrow ended, as far as the provider's standing goes.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	TypeInfo,
	MaxEncodedLen,
)]
pub enum Outcome {
	/// The provider was paid for what it did: the score may rise.
	Success,
	/// The provider failed: the score falls and the bond is slashed.
	Failure {
		/// The provider gave the work back of its own accord: the failure weighs half.
		half: bool,
		/// An arbiter that the parties named ruled: the whole slash goes to the treasury, so that
		/// no requester and arbiter can share a bond between them.
		named_arbiter: bool,
	},
	/// Nobody's fault, or nobody's proof.
	Neutral,
}

/// The last transition of an escrow that had been accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terminal {
	/// The escrow that ended.
	pub escrow: EscrowId,
	/// Who bought.
	pub requester: AccountId,
	/// Who performed.
	pub provider: AccountId,
	/// What the provider was paid in all, in planck, net of fees.
	pub paid: Balance,
	/// What the outcome left unpaid, in planck: the weight of a failure.
	pub unpaid: Balance,
	/// What was still counted in the provider's exposure, in planck.
	pub exposure: Balance,
	/// Active and unlocking bond at acceptance, in planck.
	pub slash_base: Balance,
	/// How it ended.
	pub outcome: Outcome,
}

/// Where a draw on a bond goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Draw {
	/// To an account; to the treasury where that account cannot be credited.
	To(AccountId),
	/// Out of existence.
	Burn,
}

/// What the escrow asks of bonds and scores. Answered by `pallet-ainur-reputation`.
///
/// Only [`BondAndScore::take_on`] may refuse. The others end an escrow, and an exit never fails.
pub trait BondAndScore {
	/// Count `amount` planck into the provider's exposure and one more open job; return the slash
	/// base of the job: active and unlocking bond now.
	///
	/// Fails when the provider is suspended, its active bond is below the minimum, or its exposure
	/// would pass its limit.
	fn take_on(provider: &AccountId, amount: Balance) -> Result<Balance, DispatchError>;

	/// A milestone of `amount` planck was paid: the exposure falls by it.
	fn reduce_exposure(provider: &AccountId, amount: Balance);

	/// Take up to `amount` planck of the provider's bond; return what was taken.
	fn draw(provider: &AccountId, amount: Balance, draw: Draw) -> Balance;

	/// The escrow's terminal transition: exposure and open jobs fall, the score moves, a failure is
	/// slashed. Called exactly once an accepted escrow.
	fn on_terminal(terminal: Terminal);

	/// A named or general arbiter ruled against this requester's dispute.
	fn on_dispute_lost(requester: &AccountId);

	/// The record of an escrow between these two was pruned: what was kept for the pair may go.
	fn on_pruned(provider: &AccountId, requester: &AccountId);

	/// Bond `provider` well enough to take on `amount`, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_bond(provider: &AccountId, amount: Balance);
}

/// An escrow that has ended, as offence reports see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
	/// Who bought.
	pub requester: AccountId,
	/// Who performed.
	pub provider: AccountId,
	/// The block of its last transition.
	pub at: BlockNumber,
}

/// What offence reports ask of escrows. Answered by `pallet-ainur-escrow`.
pub trait Escrows {
	/// The escrow, if it was accepted and has ended and its record is still kept.
	fn ended(id: EscrowId) -> Option<Ended>;

	/// The provider's current offer epoch: offers of an earlier one are revoked.
	fn offer_epoch(provider: &AccountId) -> u32;

	/// Make an ended escrow of this provider, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_ended(provider: &AccountId) -> EscrowId;
}
