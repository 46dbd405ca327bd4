//! What is stored of an escrow, and the chain's periods and deposits.

use ainur_primitives::{AccountId, Balance, BlockNumber, Milestones, Offer, MILLI_UNIT};
use frame_support::pallet_prelude::*;
use serde::{Deserialize, Serialize};
use sp_core::H256;

/// Ten thousand basis points are the whole.
pub const BPS: u32 = 10_000;
/// From here on a ruling is a success of the provider.
pub const SUCCESS_BPS: u16 = 8_000;
/// Up to here a ruling is a failure of the provider.
pub const FAILURE_BPS: u16 = 2_000;

/// Where an escrow stands. The last six are terminal.
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
pub enum State {
	/// Funded by the requester; the provider has not bound itself.
	Open,
	/// Both are bound; the provider works on the current milestone.
	Accepted,
	/// The provider has put the current milestone's result hash on chain.
	Delivered,
	/// The arbiter is asked.
	Disputed,
	/// The named arbiter was silent; the chain's own is asked.
	Escalated,
	/// Paid.
	Released,
	/// Ended before the provider bound itself.
	Cancelled,
	/// Given back by the provider.
	Refunded,
	/// The provider missed its deadline.
	Expired,
	/// Ruled upon.
	Ruled {
		/// The provider's part of the disputed milestone, in basis points.
		provider_bps: u16,
	},
	/// Both arbiters were silent.
	Split,
}

impl State {
	/// Whether nothing follows.
	pub fn is_terminal(&self) -> bool {
		!matches!(
			self,
			State::Open | State::Accepted | State::Delivered | State::Disputed | State::Escalated
		)
	}

	/// Whether the provider had bound itself before this terminal state.
	pub fn ended_after_acceptance(&self) -> bool {
		self.is_terminal() && *self != State::Cancelled
	}
}

/// One of the two sides.
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
pub enum Party {
	/// Who buys.
	Requester,
	/// Who performs.
	Provider,
}

/// What a dispute is about.
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
pub enum DisputeReason {
	/// The provider never got the bytes of the input, or not those of its hash. The provider's only
	/// reason, and only before it delivers.
	InputWithheld,
	/// The bytes behind the result's hash were not handed over.
	ResultWithheld,
	/// The result is not what the terms ask for.
	ResultWrong,
}

/// A dispute, from when it is raised to the end.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct Dispute {
	/// Who raised it.
	pub by: Party,
	/// What it is about.
	pub reason: DisputeReason,
	/// Hash of what the arbiter is shown.
	pub evidence: H256,
}

/// An escrow's record.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct EscrowRecord {
	/// Who pays. Everything held is held from this account.
	pub requester: AccountId,
	/// Who is paid.
	pub provider: AccountId,
	/// The requester's name for the task.
	pub task_id: H256,
	/// Which try at the task this is.
	pub attempt: u8,
	/// Net to the provider, in planck: the sum of the milestones.
	pub price: Balance,
	/// The amounts, first to last, in planck.
	pub milestones: Milestones,
	/// The milestone at hand, counted from 0; those before it are paid.
	pub milestone: u8,
	/// What the provider was paid so far, in planck.
	pub paid: Balance,
	/// Hash of the input's bytes.
	pub input_hash: H256,
	/// The provider's unit of capacity, or zero.
	pub slot: H256,
	/// Hash of the agreement's terms.
	pub terms: H256,
	/// Who rules first; the chain's own arbiter where none is named.
	pub arbiter: Option<AccountId>,
	/// Blocks for each milestone.
	pub deliver_within: BlockNumber,
	/// Blocks in which a delivery may be disputed.
	pub review_blocks: BlockNumber,
	/// The last block at which the offer binds; the record is kept past it.
	pub valid_until: BlockNumber,
	/// What [`Offer::hash`] gave: what the provider signed, or names when it accepts.
	pub offer_hash: H256,
	/// Where it stands.
	pub state: State,
	/// The last block of this state; of a terminal state, the block at which it was reached.
	pub deadline: BlockNumber,
	/// Hash of the current milestone's result, once delivered.
	pub result: Option<H256>,
	/// The dispute, once there is one.
	pub dispute: Option<Dispute>,
	/// The requester has asked the provider to give the work back.
	pub cancel_requested: bool,
	/// Active and unlocking bond of the provider when it accepted, in planck.
	pub slash_base: Balance,
	/// What the loser of a dispute pays, in planck; held from the requester until the end.
	pub dispute_deposit: Balance,
	/// What the record itself costs, in planck; held from the requester until it is pruned.
	pub record_deposit: Balance,
}

impl EscrowRecord {
	/// The current milestone's amount in planck.
	pub fn unit(&self) -> Balance {
		self.milestones
			.get(usize::from(self.milestone))
			.copied()
			.unwrap_or(0)
	}

	/// What is not paid yet in planck, the current milestone included.
	pub fn remaining(&self) -> Balance {
		self.price.saturating_sub(self.paid)
	}

	/// What the requester's hold carries for this escrow, in planck.
	pub fn held(&self, params: &Params) -> Balance {
		if self.state.is_terminal() {
			return self.record_deposit;
		}
		let left = self.milestones.iter().skip(usize::from(self.milestone));
		left.fold(Balance::default(), |sum, unit| {
			sum.saturating_add(*unit).saturating_add(params.fee(*unit))
		})
		.saturating_add(self.dispute_deposit)
		.saturating_add(self.record_deposit)
	}
}

/// Periods, in blocks, and deposits, in planck: set at genesis.
#[derive(
	Clone,
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
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Params {
	/// How long a block is meant to take: nodes turn clock times into blocks by it, and compare it
	/// with the chain's timestamps.
	pub millis_per_block: u64,
	/// What a record costs while it is kept.
	pub record_deposit: Balance,
	/// The fee on what is paid, in basis points, burned.
	pub fee_bps: u32,
	/// A dispute's deposit in basis points of the price, and at least so much.
	pub dispute_bps: u32,
	/// The least dispute deposit.
	pub min_dispute_deposit: Balance,
	/// The longest time a provider has to accept.
	pub accept_within: BlockNumber,
	/// The longest an offer may still bind when it is used.
	pub offer_validity: BlockNumber,
	/// What clients choose for it.
	pub default_offer_validity: BlockNumber,
	/// The longest time for one milestone.
	pub max_deliver_within: BlockNumber,
	/// The longest time for all milestones together.
	pub max_deliver_total: BlockNumber,
	/// The shortest review.
	pub min_review: BlockNumber,
	/// The longest review.
	pub max_review: BlockNumber,
	/// What clients choose for it.
	pub default_review: BlockNumber,
	/// How long the first arbiter has.
	pub arbiter_window: BlockNumber,
	/// How long the chain's own arbiter has after it.
	pub escalated_window: BlockNumber,
	/// How long a record is kept after its end.
	pub retention: BlockNumber,
}

impl Params {
	/// Blocks of six seconds, days and weeks as they are.
	pub fn development() -> Self {
		Params {
			millis_per_block: 6_000,
			record_deposit: 10 * MILLI_UNIT,
			fee_bps: 200,
			dispute_bps: 1_000,
			min_dispute_deposit: 10 * MILLI_UNIT,
			accept_within: 100,
			offer_validity: 600,
			default_offer_validity: 50,
			max_deliver_within: 100_800,
			max_deliver_total: 201_600,
			min_review: 10,
			max_review: 100_800,
			default_review: 600,
			arbiter_window: 14_400,
			escalated_window: 43_200,
			retention: 403_200,
		}
	}

	/// Blocks of a quarter of a second; reviews and rulings while one watches.
	pub fn testnet() -> Self {
		Params {
			millis_per_block: 250,
			default_review: 20,
			arbiter_window: 120,
			escalated_window: 120,
			..Self::development()
		}
	}

	/// Every period at most twenty blocks.
	pub fn ci() -> Self {
		Params {
			millis_per_block: 250,
			accept_within: 5,
			offer_validity: 20,
			default_offer_validity: 10,
			max_deliver_within: 20,
			max_deliver_total: 20,
			min_review: 2,
			max_review: 20,
			default_review: 10,
			arbiter_window: 10,
			escalated_window: 10,
			retention: 20,
			..Self::development()
		}
	}

	/// The fee on a payment of `paid` planck, rounded up, in planck.
	pub fn fee(&self, paid: Balance) -> Balance {
		let scaled = paid.saturating_mul(self.fee_bps.into());
		scaled.div_ceil(BPS.into())
	}

	/// The dispute deposit D of an escrow of this price, in planck.
	pub fn dispute_deposit(&self, price: Balance) -> Balance {
		self.min_dispute_deposit.max(part(price, self.dispute_bps))
	}
}

impl Default for Params {
	fn default() -> Self {
		Self::development()
	}
}

/// `bps` basis points of an amount, rounded down.
pub fn part(amount: Balance, bps: u32) -> Balance {
	// Split first, so that no amount can overflow.
	let whole = (amount / 10_000).saturating_mul(bps.into());
	let rest = (amount % 10_000).saturating_mul(bps.into()) / 10_000;
	whole.saturating_add(rest)
}

/// The record that an offer opens.
pub fn record(offer: &Offer, offer_hash: H256, params: &Params) -> EscrowRecord {
	EscrowRecord {
		requester: offer.requester.clone(),
		provider: offer.provider.clone(),
		task_id: offer.task_id,
		attempt: offer.attempt,
		price: offer.price,
		milestones: offer.milestones.clone(),
		milestone: 0,
		paid: 0,
		input_hash: offer.input_hash,
		slot: offer.slot,
		terms: offer.terms,
		arbiter: offer.arbiter.clone(),
		deliver_within: offer.deliver_within,
		review_blocks: offer.review_blocks,
		valid_until: offer.valid_until,
		offer_hash,
		state: State::Open,
		deadline: offer.valid_until,
		result: None,
		dispute: None,
		cancel_requested: false,
		slash_base: 0,
		dispute_deposit: params.dispute_deposit(offer.price),
		record_deposit: params.record_deposit,
	}
}
