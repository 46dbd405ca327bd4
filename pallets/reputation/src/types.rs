//! What the pallet stores.

use crate::score::{self, INITIAL_SCORE};
use ainur_primitives::{AccountId, Balance, BlockNumber, EscrowId, UNIT};
use frame_support::pallet_prelude::*;
use serde::{Deserialize, Serialize};
use sp_core::H256;

/// Most chunks that unlock at a time.
pub const MAX_CHUNKS: u32 = 16;

/// The number of a report, counted from 0.
pub type ReportId = u32;

/// A part of a bond on its way out. It is slashable until it is withdrawn.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Chunk {
	/// In planck, not zero.
	pub amount: Balance,
	/// The first block at which it may be withdrawn.
	pub at: BlockNumber,
}

/// What happened to a provider in one epoch.
#[derive(Clone, Default, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct EpochCounters {
	/// The epoch: block number by epoch length, floored.
	pub epoch: u32,
	/// What the score gained, in milli-points.
	pub gained: u32,
	/// Accepted escrows that ended.
	pub terminals: u32,
	/// Those that were the provider's failure.
	pub failures: u32,
}

/// The standing of an account. It is never removed: bonding again resets nothing.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Record {
	/// In milli-points, 0 to 1,000,000.
	pub score: u32,
	/// Bond that counts for the exposure limit, in planck.
	pub active: Balance,
	/// Bond on its way out, earliest first.
	pub unlocking: BoundedVec<Chunk, ConstU32<MAX_CHUNKS>>,
	/// Bond that pending reports reserve, in planck.
	pub set_aside: Balance,
	/// What is unpaid in accepted escrows, in planck.
	pub exposure: Balance,
	/// Accepted escrows that have not ended.
	pub open_jobs: u32,
	/// Accepted escrows that ended in success.
	pub settled: u32,
	/// The first requesters for whom jobs were settled, each once.
	pub first_requesters: BoundedVec<AccountId, ConstU32<{ score::PROVEN_REQUESTERS }>>,
	/// Since when the active bond has been at the minimum or above without a break.
	pub bonded_since: Option<BlockNumber>,
	/// Whether the first bond's burn was paid.
	pub first_bond_burned: bool,
	/// Disputes that this account lost as a requester.
	pub disputes_lost: u32,
	/// When it was suspended, if it is.
	pub suspended_at: Option<BlockNumber>,
	/// The epoch of the last write.
	pub current: EpochCounters,
	/// The epoch before that one.
	pub previous: EpochCounters,
	/// The last epoch that was judged for repeated failures.
	pub judged: Option<u32>,
}

impl Default for Record {
	fn default() -> Self {
		Self {
			score: INITIAL_SCORE,
			active: 0,
			unlocking: BoundedVec::new(),
			set_aside: 0,
			exposure: 0,
			open_jobs: 0,
			settled: 0,
			first_requesters: BoundedVec::new(),
			bonded_since: None,
			first_bond_burned: false,
			disputes_lost: 0,
			suspended_at: None,
			current: EpochCounters::default(),
			previous: EpochCounters::default(),
			judged: None,
		}
	}
}

impl Record {
	/// Active and unlocking bond, in planck: what a slash or a report can reach.
	pub fn slashable(&self) -> Balance {
		self.unlocking
			.iter()
			.fold(self.active, |sum, chunk| sum.saturating_add(chunk.amount))
	}

	/// Take up to `due` planck: from the active bond first, then from the chunk that would be free
	/// last, and so on. Return what was taken.
	pub fn take(&mut self, due: Balance) -> Balance {
		let from_active = due.min(self.active);
		self.active = self.active.saturating_sub(from_active);
		let mut left = due.saturating_sub(from_active);
		for chunk in self.unlocking.iter_mut().rev() {
			let part = left.min(chunk.amount);
			chunk.amount = chunk.amount.saturating_sub(part);
			left = left.saturating_sub(part);
		}
		self.unlocking.retain(|chunk| chunk.amount > 0);
		due.saturating_sub(left)
	}

	/// Bring the counters to `epoch`: what was current becomes previous if it just closed.
	pub fn roll(&mut self, epoch: u32) {
		if self.current.epoch == epoch {
			return;
		}
		let closed = core::mem::replace(
			&mut self.current,
			EpochCounters {
				epoch,
				..EpochCounters::default()
			},
		);
		let before = epoch.saturating_sub(1);
		self.previous = if closed.epoch == before {
			closed
		} else {
			EpochCounters {
				epoch: before,
				..EpochCounters::default()
			}
		};
	}

	/// What the score counts for, in points; see [`score::compute_effective`].
	pub fn effective(&self) -> u32 {
		let requesters = u32::try_from(self.first_requesters.len()).unwrap_or(u32::MAX);
		score::compute_effective(self.score, self.settled, requesters)
	}

	/// How much work may be open, in planck; see [`score::compute_exposure_limit`].
	pub fn exposure_limit(&self, params: &Params) -> Balance {
		score::compute_exposure_limit(params.exposure_factor, self.active, self.effective())
	}

	/// Whether the minimum has been bonded for one epoch at block `now`.
	pub fn is_established(&self, params: &Params, now: BlockNumber) -> bool {
		self.bonded_since
			.is_some_and(|since| now >= since.saturating_add(params.epoch))
	}
}

/// How often a pair settled in an epoch.
#[derive(Clone, Default, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct PairCounter {
	/// The epoch of the last success.
	pub epoch: u32,
	/// The successes in it.
	pub successes: u32,
}

/// What an agent may be slashed for besides a failed job. All are severe: the score falls to 0 and
/// the agent is suspended.
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
pub enum Offence {
	/// A delivery was not the work it claimed to be. Filed by the slashing origin.
	FraudulentResult,
	/// Filed by the slashing origin.
	ProtocolViolation,
	/// One slot of capacity was offered for two tasks. By anyone, checked on chain.
	DoubleTaskAcceptance,
	/// Computed from the counters of a closed epoch.
	RepeatedFailures,
}

impl Offence {
	/// The share of active and unlocking bond, in percent.
	pub const fn percent(self) -> u8 {
		match self {
			Self::FraudulentResult => 50,
			Self::ProtocolViolation => 20,
			Self::DoubleTaskAcceptance => 30,
			Self::RepeatedFailures => 25,
		}
	}
}

/// What a report is about: of one kind and subject there is one report at a time.
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
pub enum Subject {
	/// The agent's conduct in general.
	Conduct,
	/// An escrow that ended.
	Escrow(EscrowId),
	/// A slot of capacity.
	Slot(H256),
	/// A closed epoch.
	Epoch(u32),
}

impl Subject {
	/// Whether it is punished once for ever. Conduct is not one event, and an epoch is guarded by
	/// [`Record::judged`].
	pub const fn is_once(&self) -> bool {
		matches!(self, Self::Escrow(_) | Self::Slot(_))
	}
}

/// A report that was neither applied nor cancelled.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Report {
	/// Who is accused.
	pub agent: AccountId,
	/// Of what.
	pub offence: Offence,
	/// About what.
	pub subject: Subject,
	/// Whose hold stands for it; none for the slashing origin and for counters.
	pub reporter: Option<AccountId>,
	/// The reporter's hold, in planck.
	pub hold: Balance,
	/// What it reserves of the bond, in planck.
	pub set_aside: Balance,
	/// Hash of the evidence.
	pub evidence: H256,
	/// The last block at which it cannot be applied yet.
	pub deferred_until: BlockNumber,
}

/// The periods and amounts that genesis sets.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen, Serialize, Deserialize,
)]
pub struct Params {
	/// The amount, in planck, that moves a score by full weight.
	pub ref_price: Balance,
	/// The bond, in planck, below which no work is taken on.
	pub min_bond: Balance,
	/// Burned at the first bond ever, in planck.
	pub first_bond_burn: Balance,
	/// A reporter's hold, in planck.
	pub report_hold: Balance,
	/// How many times its bond a provider of full score may have open.
	pub exposure_factor: u32,
	/// Blocks of an epoch.
	pub epoch: BlockNumber,
	/// Blocks after an escrow's end, or an offer's, in which it may be reported.
	pub report_window: BlockNumber,
	/// Blocks between a report and its slash.
	pub report_deferral: BlockNumber,
	/// Blocks between unbonding and withdrawal.
	pub unbond_period: BlockNumber,
	/// Blocks of suspension before the slashing origin may reinstate.
	pub reinstate_after: BlockNumber,
}

impl Params {
	/// Blocks of 6 s.
	pub const fn development() -> Self {
		Self {
			ref_price: UNIT,
			min_bond: 100 * UNIT,
			first_bond_burn: 5 * UNIT,
			report_hold: 10 * UNIT,
			exposure_factor: 5,
			epoch: 14_400,
			report_window: 100_800,
			report_deferral: 100_800,
			unbond_period: 403_200,
			reinstate_after: 403_200,
		}
	}

	/// Blocks of 250 ms.
	pub const fn testnet() -> Self {
		Self {
			epoch: 240,
			..Self::development()
		}
	}

	/// Every period at most 20 blocks.
	pub const fn ci() -> Self {
		Self {
			epoch: 20,
			report_window: 5,
			report_deferral: 5,
			unbond_period: 20,
			reinstate_after: 20,
			..Self::development()
		}
	}

	/// The epoch of a block.
	pub fn epoch_of(&self, now: BlockNumber) -> u32 {
		now.checked_div(self.epoch).unwrap_or(0)
	}

	/// Panics where the parameters contradict each other.
	pub(crate) fn check(&self) {
		assert!(self.ref_price > 0, "the reference price divides");
		assert!(self.min_bond > 0, "a bond of nothing is no bond");
		assert!(self.epoch > 0, "the epoch's length divides");
		assert!(
			self.unbond_period > self.report_window.saturating_add(self.report_deferral),
			"a bond must not be withdrawn before what it stands for can be reported and slashed"
		);
	}
}

impl Default for Params {
	fn default() -> Self {
		Self::development()
	}
}
