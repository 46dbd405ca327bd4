//! Bonds, scores that only a settled escrow can move, and slashing.
//!
//! A provider bonds tokens; the bond times its standing bounds the work it may have open. When an
//! escrow ends, [`BondAndScore::on_terminal`] moves the provider's score, once, inside the escrow's
//! storage transaction, and slashes a failure. No call raises a score. The record outlives the
//! bond, so that bonding again resets nothing; what is on its way out stays slashable; and what a
//! report reserves cannot leave while the report is pending.
//!
//! # Rooms
//!
//! - `types`: what is stored, and the parameters that genesis sets.
//! - `score`: the arithmetic, pure and total.
//! - `bond`: in, out, and what is drawn.
//! - `settlement`: what an escrow does to a provider.
//! - `offences`: reported, deferred, applied or cancelled.
//! - `invariants`: what must be true between any two calls.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod bond;
#[cfg(any(feature = "try-runtime", test))]
mod invariants;
mod offences;
pub mod score;
mod settlement;
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
	Chunk, EpochCounters, Offence, PairCounter, Params, Record, Report, ReportId, Subject,
	MAX_CHUNKS,
};
pub use weights::WeightInfo;

use ainur_primitives::{
	burn_from_hold, pay_from_hold, AccountId, Balance, BlockNumber, BondAndScore, Draw, EscrowId,
	Escrows, Offer, OperatorKeys, Outcome, Signature, Terminal,
};
use frame_support::{pallet_prelude::*, traits::fungible};
use frame_system::pallet_prelude::*;
use sp_core::H256;
use sp_runtime::traits::{SaturatedConversion, Zero};

#[allow(clippy::expect_used)] // the pallet macros generate it; by hand only genesis does
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::{boxed::Box, vec::Vec};

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
		/// Whose key signs for an agent.
		type Keys: OperatorKeys;
		/// What became of escrows.
		type Escrows: Escrows;
		/// Files and cancels reports, and reinstates.
		type SlashingOrigin: EnsureOrigin<Self::RuntimeOrigin>;
		/// Where slashes go.
		type Treasury: Get<AccountId>;
		/// What the calls cost.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// An account's bond: active, unlocking and set aside.
		Bond,
		/// What stands for a report by anyone, until it is applied or cancelled.
		Report,
	}

	/// The periods and amounts that genesis set.
	#[pallet::storage]
	pub type Parameters<T: Config> = StorageValue<_, Params, ValueQuery>;

	/// The standing of every account that ever bonded, or lost a dispute. Never removed: each entry
	/// costs a burned bond or a lost deposit.
	#[pallet::storage]
	pub type Records<T: Config> = StorageMap<_, Blake2_128Concat, AccountId, Record, ValueQuery>;

	/// How often a provider and a requester settled in an epoch. Removed when an escrow between
	/// them is pruned after the epoch.
	#[pallet::storage]
	pub type Pairs<T: Config> = StorageDoubleMap<
		_,
		Blake2_128Concat,
		AccountId,
		Blake2_128Concat,
		AccountId,
		PairCounter,
		ValueQuery,
	>;

	/// The reports that were neither applied nor cancelled.
	#[pallet::storage]
	pub type Reports<T: Config> = StorageMap<_, Twox64Concat, ReportId, Report>;

	/// The number of the next report.
	#[pallet::storage]
	pub type NextReport<T: Config> = StorageValue<_, ReportId, ValueQuery>;

	/// The report on an agent by offence and subject: pending, or applied where the subject is
	/// punished once for ever.
	#[pallet::storage]
	pub type Cases<T: Config> = StorageDoubleMap<
		_,
		Blake2_128Concat,
		AccountId,
		Blake2_128Concat,
		(Offence, Subject),
		ReportId,
	>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Periods and amounts.
		pub params: Params,
		/// Accounts bonded from the first block on, and what they bond in planck.
		pub bonded: Vec<(AccountId, Balance)>,
		#[serde(skip)]
		pub _config: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			self.params.check();
			Parameters::<T>::put(&self.params);
			for (account, amount) in &self.bonded {
				Pallet::<T>::do_bond(account.clone(), *amount)
					.expect("genesis bonds distinct accounts that own bond and burn");
			}
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// `amount` joined the bond, which is `active` now; `burned` was burned at the first ever.
		Bonded {
			agent: AccountId,
			amount: Balance,
			active: Balance,
			burned: Balance,
		},
		/// The active bond reached the minimum.
		BecameActive { agent: AccountId },
		/// The active bond fell below the minimum: no work is taken on until it is bonded again.
		BecameInactive { agent: AccountId },
		/// `amount` is on its way out, free from block `at` on, slashable until it is withdrawn.
		Unbonding {
			agent: AccountId,
			amount: Balance,
			at: BlockNumber,
		},
		/// `amount` left the bond.
		Withdrawn { agent: AccountId, amount: Balance },
		/// An escrow took `amount` of the bond.
		Drawn { agent: AccountId, amount: Balance },
		/// An escrow's end moved a score, in milli-points.
		ScoreMoved {
			agent: AccountId,
			escrow: EscrowId,
			from: u32,
			to: u32,
		},
		/// A failure took `amount` of the bond; what did not reach the requester went to the
		/// treasury.
		Slashed {
			agent: AccountId,
			escrow: EscrowId,
			amount: Balance,
			to_requester: Balance,
		},
		/// An arbiter ruled against a requester's dispute.
		DisputeLost {
			requester: AccountId,
			disputes_lost: u32,
		},
		/// An offence was reported; `set_aside` of the bond is reserved for it.
		Reported {
			report: ReportId,
			agent: AccountId,
			offence: Offence,
			subject: Subject,
			reporter: Option<AccountId>,
			evidence: H256,
			set_aside: Balance,
			deferred_until: BlockNumber,
		},
		/// A report was found wrong: the bond is whole again, and the reporter's hold burned.
		SlashCancelled {
			report: ReportId,
			agent: AccountId,
			returned: Balance,
			burned: Balance,
		},
		/// A report was carried out: `amount` was taken, the score is 0, the agent suspended.
		SlashApplied {
			report: ReportId,
			agent: AccountId,
			amount: Balance,
		},
		/// A suspension ended. The score stays.
		Reinstated { agent: AccountId },
	}

	#[pallet::error]
	pub enum Error<T> {
		/// There is an active bond: add to it by `bond_extra`.
		AlreadyBonded,
		/// There is no active bond.
		NotBonded,
		/// A bond starts with the minimum at least.
		BelowMinimum,
		/// Nothing was asked for.
		ZeroAmount,
		/// The active bond is smaller than this.
		InsufficientBond,
		/// Open work would exceed what the bond and the score allow.
		ExposureExceeded,
		/// As many parts of the bond as may be are unlocking: withdraw, or wait.
		TooManyChunks,
		/// Nothing is free yet.
		NothingToWithdraw,
		/// The cold account flagged the agent as compromised.
		Compromised,
		/// The active bond is below the minimum.
		Inactive,
		/// The agent is suspended.
		Suspended,
		/// The account never had a bond or a dispute.
		NoRecord,
		/// This offence is not reported by this call.
		NotReportable,
		/// A fraudulent result is of an escrow.
		EscrowNeeded,
		/// The escrow was not accepted, has not ended, or was pruned.
		EscrowNotEnded,
		/// The accused is not the provider.
		NotTheProvider,
		/// The report window is over.
		TooLate,
		/// A report on the same is pending.
		AlreadyReported,
		/// The same was punished already.
		AlreadyPunished,
		/// The offer is for another chain.
		WrongGenesis,
		/// The offer's epoch is above the provider's.
		OfferEpochAhead,
		/// The offers are of different epochs: one may have been revoked before the other.
		OfferEpochsDiffer,
		/// The offers do not use up one and the same slot.
		SlotsDiffer,
		/// The offers are for one task.
		SameTask,
		/// The signature is not the operator key's over the offer.
		BadSignature,
		/// The epoch that just closed was judged already.
		AlreadyJudged,
		/// The epoch that just closed had too few failures.
		NoRepeatedFailures,
		/// The report does not exist, or was applied or cancelled.
		NoSuchReport,
		/// The deferral is not over.
		StillDeferred,
		/// The agent is not suspended.
		NotSuspended,
		/// The suspension is not old enough.
		TooEarly,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			for params in [Params::development(), Params::testnet(), Params::ci()] {
				params.check();
				// What a pair is remembered for must not outlive the bond by which it is answered.
				assert!(
					params.unbond_period >= params.epoch,
					"an epoch outlives an unbonding"
				);
			}
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Bond `amount` planck, at least the minimum, where nothing is active. The first bond ever
		/// burns a fee from the free balance; the score of an earlier bond stands.
		///
		/// **Emits** [`Event::Bonded`], [`Event::BecameActive`].
		///
		/// **Errors**: [`Error::AlreadyBonded`], [`Error::BelowMinimum`];
		/// `Token::FundsUnavailable` where bond and burn are not free.
		///
		/// **Weight**: O(1); one record written, one hold, one burn.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::bond())]
		pub fn bond(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_bond(who, amount)
		}

		/// Add `amount` planck to an active bond.
		///
		/// **Emits** [`Event::Bonded`]; [`Event::BecameActive`] where this reaches the minimum.
		///
		/// **Errors**: [`Error::NotBonded`], [`Error::ZeroAmount`]; `Token::FundsUnavailable`.
		///
		/// **Weight**: O(1); one record written, one hold.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::bond_extra())]
		pub fn bond_extra(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_bond_extra(who, amount)
		}

		/// Send `amount` planck of the active bond on its way out. It stays slashable until it is
		/// withdrawn. What stays active must cover the exposure, so all of it can go only where
		/// there is none; below the minimum the account is inactive.
		///
		/// **Emits** [`Event::Unbonding`]; [`Event::BecameInactive`] where this falls below the
		/// minimum.
		///
		/// **Errors**: [`Error::Compromised`], [`Error::ZeroAmount`], [`Error::InsufficientBond`],
		/// [`Error::ExposureExceeded`], [`Error::TooManyChunks`].
		///
		/// **Weight**: O(chunks), at most 16; one record written.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::unbond())]
		pub fn unbond(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_unbond(who, amount)
		}

		/// Release every chunk whose block has come.
		///
		/// **Emits** [`Event::Withdrawn`].
		///
		/// **Errors**: [`Error::Compromised`], [`Error::NothingToWithdraw`].
		///
		/// **Weight**: O(chunks), at most 16; one record written, one release.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::withdraw_unbonded())]
		pub fn withdraw_unbonded(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_withdraw_unbonded(who)
		}

		/// Judge an agent's failures in the epoch that just closed. By anyone, without a hold: the
		/// chain itself counted. An epoch is judged once, and only while the next one runs; the
		/// running epoch is not judged, since what follows in it may still outweigh its failures.
		///
		/// **Emits** [`Event::Reported`]; [`Event::BecameInactive`] where the minimum is lost.
		///
		/// **Errors**: [`Error::NoRecord`], [`Error::AlreadyJudged`],
		/// [`Error::NoRepeatedFailures`].
		///
		/// **Weight**: O(chunks), at most 16; record, report and case written.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::poke())]
		pub fn poke(origin: OriginFor<T>, agent: AccountId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_poke(agent)
		}

		/// Report a fraudulent result or a violation of protocol. By the slashing origin. A share
		/// of active and unlocking bond is set aside at once.
		///
		/// - `escrow`: where the report is about one; it ended within the report window.
		/// - `evidence`: what the documents off chain hash to.
		///
		/// **Emits** [`Event::Reported`]; [`Event::BecameInactive`] where the minimum is lost.
		///
		/// **Errors**: `BadOrigin`, [`Error::NotReportable`], [`Error::EscrowNeeded`],
		/// [`Error::EscrowNotEnded`], [`Error::NotTheProvider`], [`Error::TooLate`],
		/// [`Error::NoRecord`], [`Error::AlreadyReported`], [`Error::AlreadyPunished`].
		///
		/// **Weight**: O(chunks), at most 16; record, report and case written.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::report_offence())]
		pub fn report_offence(
			origin: OriginFor<T>,
			offence: Offence,
			agent: AccountId,
			escrow: Option<EscrowId>,
			evidence: H256,
		) -> DispatchResult {
			T::SlashingOrigin::ensure_origin(origin)?;
			Self::do_report_offence(offence, agent, escrow, evidence)
		}

		/// Report that an agent offered one slot of capacity for two tasks. By anyone; the origin's
		/// hold is returned when the slash is applied and burned when it is cancelled. A share of
		/// active and unlocking bond is set aside at once.
		///
		/// Both offers must be for this chain, by this agent, of one offer epoch that has begun, on
		/// one non-zero slot, for different tasks, and signed by the key that is the operator key
		/// now; and no later than the report window after the later of the two has lapsed.
		///
		/// **Emits** [`Event::Reported`]; [`Event::BecameInactive`] where the minimum is lost.
		///
		/// **Errors**: [`Error::NotTheProvider`], [`Error::WrongGenesis`],
		/// [`Error::OfferEpochAhead`], [`Error::OfferEpochsDiffer`], [`Error::SlotsDiffer`],
		/// [`Error::SameTask`], [`Error::TooLate`], [`Error::NoRecord`], [`Error::BadSignature`],
		/// [`Error::AlreadyReported`], [`Error::AlreadyPunished`]; `Token::FundsUnavailable` where
		/// the hold is not free.
		///
		/// **Weight**: O(chunks), at most 16; two signatures checked, one hold, record, report and
		/// case written.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::report_double_acceptance())]
		pub fn report_double_acceptance(
			origin: OriginFor<T>,
			agent: AccountId,
			offer_a: Box<Offer>,
			sig_a: Signature,
			offer_b: Box<Offer>,
			sig_b: Signature,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_report_double_acceptance(who, agent, (&offer_a, &sig_a), (&offer_b, &sig_b))
		}

		/// Find a report wrong: what it set aside is active again, and the reporter's hold burned.
		/// By the slashing origin, as long as the report is pending.
		///
		/// **Emits** [`Event::SlashCancelled`]; [`Event::BecameActive`] where the minimum is
		/// reached again.
		///
		/// **Errors**: `BadOrigin`, [`Error::NoSuchReport`].
		///
		/// **Weight**: O(chunks), at most 16; record, report and case written, one burn.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::cancel_slash())]
		pub fn cancel_slash(origin: OriginFor<T>, report: ReportId) -> DispatchResult {
			T::SlashingOrigin::ensure_origin(origin)?;
			Self::do_cancel_slash(report)
		}

		/// Carry a report out, once its deferral is over: what it set aside goes to the treasury,
		/// the score falls to 0, the agent is suspended, the reporter gets its hold back. By anyone.
		///
		/// **Emits** [`Event::SlashApplied`].
		///
		/// **Errors**: [`Error::NoSuchReport`], [`Error::StillDeferred`].
		///
		/// **Weight**: O(chunks), at most 16; record, report and case written, one transfer, one
		/// release.
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::apply_slash())]
		pub fn apply_slash(origin: OriginFor<T>, report: ReportId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_apply_slash(report)
		}

		/// End a suspension that has lasted long enough. The score stays where it is. By the
		/// slashing origin.
		///
		/// **Emits** [`Event::Reinstated`].
		///
		/// **Errors**: `BadOrigin`, [`Error::NotSuspended`], [`Error::TooEarly`].
		///
		/// **Weight**: O(1); one record written.
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::reinstate())]
		pub fn reinstate(origin: OriginFor<T>, agent: AccountId) -> DispatchResult {
			T::SlashingOrigin::ensure_origin(origin)?;
			Self::do_reinstate(agent)
		}
	}
}

impl<T: Config> Pallet<T> {
	/// What an account's score counts for, in points, 0 to 1000.
	pub fn effective(agent: &AccountId) -> u32 {
		Records::<T>::get(agent).effective()
	}

	/// How much work an account may have open, in planck.
	pub fn exposure_limit(agent: &AccountId) -> Balance {
		Records::<T>::get(agent).exposure_limit(&Parameters::<T>::get())
	}

	fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}
}
