//! Escrow for work: every state has an exit for both sides, and an exit never fails.
//!
//! # Theory of operation
//!
//! A requester funds an escrow for one task of one provider: the price in milestones, the fee on
//! it, a dispute deposit D and the deposit of the record. The provider binds itself by accepting,
//! or has signed an [`Offer`] that the requester opens the escrow with. The provider delivers a
//! milestone by putting its result's hash on chain; the requester releases it, disputes it or stays
//! silent, and silence pays.
//!
//! | state | calls |
//! |---|---|
//! | Open | `accept`, `decline` (provider); `cancel` (requester); timeout: Cancelled |
//! | Accepted | `deliver`, `refund`, `dispute` (provider); `request_cancel` (requester); timeout: Expired |
//! | Delivered | `release`, `dispute` (requester); `refund` (provider); timeout: as released |
//! | Disputed | `rule` (arbiter); `release` (requester); `refund` (provider); timeout: Escalated |
//! | Escalated | `rule` (the chain's arbiter); `release`; `refund`; timeout: Split |
//!
//! A call is legal while `now <= deadline`; [`Pallet::claim_timeout`], by anyone, only after it.
//! The last transition hands the result to [`BondAndScore::on_terminal`], in the same storage
//! transaction: that is the only thing that moves a score.
//!
//! Money leaves an escrow by [`pay_from_hold`] and [`burn_from_hold`] only, which take what is held
//! at most and have somewhere else to put what a destination refuses.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod audit;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod entries;
mod exits;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "try-runtime", test))]
mod try_state;
mod types;
pub mod weights;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

#[frame_support::pallet]
#[allow(clippy::expect_used)] // FRAME's macros expand to it; logic lives in the other modules
pub mod pallet {
	use super::*;
	use ainur_primitives::{
		AccountId, Balance, BlockNumber, BondAndScore, EscrowId, Offer, OperatorKeys, Signature,
	};
	use frame_support::{
		pallet_prelude::*,
		traits::fungible::{Inspect, Mutate, MutateHold},
	};
	use frame_system::pallet_prelude::*;
	use sp_core::H256;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config<AccountId = AccountId, Hash = H256> {
		/// What a runtime calls the reasons of its holds.
		type RuntimeHoldReason: From<HoldReason>;

		/// The money.
		type Currency: MutateHold<AccountId, Balance = Balance, Reason = Self::RuntimeHoldReason>
			+ Mutate<AccountId>;

		/// Whose key acts for an agent.
		type Keys: OperatorKeys;

		/// Bonds and scores.
		type Standing: BondAndScore;

		/// Who rules where no arbiter is named, or the named one is silent.
		type ArbiterOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Where what nobody can be credited with goes, and the chain's arbiter's share.
		#[pallet::constant]
		type Treasury: Get<AccountId>;

		/// The least amount of a milestone: the existential deposit, so that paying it cannot fail.
		#[pallet::constant]
		type MinPrice: Get<Balance>;

		/// What the calls weigh.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds money.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// Price, fee, dispute deposit and record deposit of the requester's escrows.
		Escrow,
	}

	/// Periods and deposits, as set at genesis.
	#[pallet::storage]
	pub type Parameters<T: Config> = StorageValue<_, Params, ValueQuery>;

	/// The number of the next escrow.
	#[pallet::storage]
	pub type NextEscrow<T: Config> = StorageValue<_, EscrowId, ValueQuery>;

	/// Every escrow that was not pruned.
	#[pallet::storage]
	pub type Escrows<T: Config> = StorageMap<_, Twox64Concat, EscrowId, EscrowRecord>;

	/// The last attempt at a requester's task: what refuses a second escrow for it.
	#[pallet::storage]
	pub type TaskIndex<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, AccountId, Blake2_128Concat, H256, (u8, EscrowId)>;

	/// The escrows of an account that have not ended, by its side: what a restarted node resumes.
	#[pallet::storage]
	pub type Live<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, AccountId, Twox64Concat, EscrowId, Party>;

	/// Offers of an earlier epoch of their provider are revoked.
	#[pallet::storage]
	pub type OfferEpoch<T: Config> = StorageMap<_, Blake2_128Concat, AccountId, u32, ValueQuery>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Periods and deposits.
		pub params: Params,
		/// No type of the runtime is in it.
		#[serde(skip)]
		pub _config: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			let p = &self.params;
			assert!(p.millis_per_block > 0, "a block takes time");
			assert!(
				p.fee_bps <= BPS && p.dispute_bps <= BPS,
				"a part is at most the whole"
			);
			assert!(p.min_review <= p.default_review && p.default_review <= p.max_review);
			assert!(p.default_offer_validity <= p.offer_validity);
			assert!(p.max_deliver_within <= p.max_deliver_total);
			assert!(
				p.offer_validity <= p.retention,
				"an index pruned while an old offer still binds would let it be used again"
			);
			Parameters::<T>::put(p);
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A requester funded an escrow.
		Opened {
			/// The escrow.
			escrow: EscrowId,
			/// Who pays.
			requester: AccountId,
			/// Who is to perform.
			provider: AccountId,
			/// The requester's name for the task.
			task_id: H256,
			/// Net to the provider, in planck.
			price: Balance,
			/// The last block to accept at.
			accept_by: BlockNumber,
		},
		/// The provider is bound.
		Accepted {
			/// The escrow.
			escrow: EscrowId,
			/// The last block to deliver the first milestone at.
			deliver_by: BlockNumber,
		},
		/// The requester asked the provider to give the work back.
		CancelRequested {
			/// The escrow.
			escrow: EscrowId,
		},
		/// A milestone's result is on chain.
		Delivered {
			/// The escrow.
			escrow: EscrowId,
			/// The milestone, from 0.
			milestone: u8,
			/// Hash of the result.
			result: H256,
			/// The last block to dispute it at.
			review_by: BlockNumber,
		},
		/// The provider was paid.
		Paid {
			/// The escrow.
			escrow: EscrowId,
			/// The milestone, from 0.
			milestone: u8,
			/// What left the hold for the provider, in planck.
			amount: Balance,
			/// What was burned on top, in planck.
			fee: Balance,
			/// What of the amount went to the treasury, as the provider could not be credited.
			to_treasury: Balance,
		},
		/// Work on the next milestone began.
		NextMilestone {
			/// The escrow.
			escrow: EscrowId,
			/// The milestone, from 0.
			milestone: u8,
			/// The last block to deliver it at.
			deliver_by: BlockNumber,
		},
		/// A party asked the arbiter.
		Disputed {
			/// The escrow.
			escrow: EscrowId,
			/// Which party.
			by: Party,
			/// What it is about.
			reason: DisputeReason,
			/// Hash of what the arbiter is shown.
			evidence: H256,
			/// The last block to rule at.
			rule_by: BlockNumber,
		},
		/// The first arbiter was silent.
		Escalated {
			/// The escrow.
			escrow: EscrowId,
			/// The last block to rule at.
			rule_by: BlockNumber,
		},
		/// An arbiter ruled.
		Ruled {
			/// The escrow.
			escrow: EscrowId,
			/// The provider's part of the disputed milestone, in basis points.
			provider_bps: u16,
			/// The named arbiter, or the chain's own.
			arbiter: Option<AccountId>,
		},
		/// The escrow has ended.
		Ended {
			/// The escrow.
			escrow: EscrowId,
			/// The terminal state.
			state: State,
			/// What the provider was paid in all, in planck.
			paid: Balance,
			/// What went back to the requester at the end, in planck, without the record's deposit.
			refunded: Balance,
		},
		/// The record is gone and its deposit returned.
		Pruned {
			/// The escrow.
			escrow: EscrowId,
			/// The deposit, in planck.
			deposit: Balance,
		},
		/// Every offer that the provider signed before binds no more.
		OffersRevoked {
			/// The provider.
			provider: AccountId,
			/// The epoch that its next offers carry.
			offer_epoch: u32,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// No escrow has this number, or it was pruned.
		NotFound,
		/// The caller is not the party, key or arbiter that this call is for.
		NotAllowed,
		/// The escrow's state does not have this call.
		WrongState,
		/// The state's deadline has passed: `claim_timeout` moves it on.
		TooLate,
		/// The state's deadline has not passed.
		TooEarly,
		/// The offer names another chain's genesis.
		WrongChain,
		/// Requester and provider are one account.
		SameParty,
		/// Milestones are 1 to 8 amounts, each at least the minimum price, that sum up to the price.
		BadMilestones,
		/// The periods are outside what the chain allows.
		BadPeriod,
		/// The named arbiter is a party, or has no active role as an arbiter.
		BadArbiter,
		/// The offer binds no more, or reaches too far ahead.
		BadValidity,
		/// The provider revoked its offers of this epoch.
		Revoked,
		/// The signature is not the provider's operator key's over this offer.
		BadSignature,
		/// The offer accepted is not the one that the escrow was opened with.
		WrongOffer,
		/// The task has an escrow that has not ended, or was paid.
		TaskTaken,
		/// The attempt does not follow the last one at this task.
		BadAttempt,
		/// The agent is not registered, or flagged as compromised.
		MayNotCommit,
		/// The reason is not one that this party has in this state.
		BadReason,
		/// More than 10,000 basis points.
		BadRuling,
		/// The record is kept until its retention has passed.
		Retained,
		/// No number is left.
		Overflow,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(
				T::MinPrice::get() >= T::Currency::minimum_balance(),
				"paying a milestone must not leave an account below the existential deposit"
			);
			assert!(SUCCESS_BPS > FAILURE_BPS && u32::from(SUCCESS_BPS) <= BPS);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Fund an escrow and propose it to its provider.
		///
		/// The origin must be the offer's requester. Price, fee, dispute deposit and record deposit
		/// are held. The provider has until `valid_until`, and no longer than the chain's
		/// acceptance period, to [`accept`](Self::accept).
		///
		/// # Events
		/// [`Event::Opened`].
		/// # Errors
		/// `NotAllowed`, `WrongChain`, `SameParty`, `BadMilestones`, `BadPeriod`, `BadArbiter`,
		/// `BadValidity`, `Revoked`, `TaskTaken`, `BadAttempt`, `Overflow`; `Token` errors where the
		/// requester cannot afford it.
		/// # Weight
		/// One record and its indices are written; measured with eight milestones.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::open())]
		pub fn open(origin: OriginFor<T>, offer: Offer) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let params = Parameters::<T>::get();
			let now = Self::now();
			Self::validate(&who, &offer, &params, now)?;
			let accept_by = offer
				.valid_until
				.min(now.saturating_add(params.accept_within));
			let mut escrow = types::record(&offer, offer.hash(), &params);
			escrow.deadline = accept_by;
			Self::do_open(escrow, &params).map(|_| ())
		}

		/// Fund an escrow with an offer that its provider has signed: both are bound at once.
		///
		/// The origin must be the offer's requester; the signature is the provider's operator key's
		/// over [`Offer::signing_payload`].
		///
		/// # Events
		/// [`Event::Opened`], [`Event::Accepted`].
		/// # Errors
		/// Those of [`open`](Self::open), and `BadSignature`, `MayNotCommit` (either party is
		/// flagged as compromised, or the provider is not registered), and those of
		/// [`BondAndScore::take_on`].
		/// # Weight
		/// That of `open` and `accept`, and a signature's verification.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::open_with_offer())]
		pub fn open_with_offer(
			origin: OriginFor<T>,
			offer: Offer,
			signature: Signature,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let params = Parameters::<T>::get();
			Self::validate(&who, &offer, &params, Self::now())?;
			ensure!(!T::Keys::is_compromised(&who), Error::<T>::MayNotCommit);
			let payload = offer.signing_payload();
			ensure!(
				T::Keys::is_signed_by(&offer.provider, &payload, &signature),
				Error::<T>::BadSignature
			);
			let escrow = types::record(&offer, offer.hash(), &params);
			let (id, mut escrow) = Self::do_open(escrow, &params)?;
			Self::do_accept(id, &mut escrow)
		}

		/// Bind oneself to an escrow that a requester has opened.
		///
		/// The origin must be the provider's operator key. `offer_hash` is [`Offer::hash`] of what
		/// the provider agrees to; it has validated the bytes behind `input_hash` before.
		///
		/// # Events
		/// [`Event::Accepted`].
		/// # Errors
		/// `NotFound`, `NotAllowed`, `WrongState`, `TooLate`, `WrongOffer`, `MayNotCommit`, and those
		/// of [`BondAndScore::take_on`].
		/// # Weight
		/// One record and the provider's bond.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::accept())]
		pub fn accept(origin: OriginFor<T>, escrow: EscrowId, offer_hash: H256) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let mut record = Self::live(escrow, &[State::Open])?;
			Self::ensure_provider(&record, &who)?;
			ensure!(record.offer_hash == offer_hash, Error::<T>::WrongOffer);
			Self::do_accept(escrow, &mut record)
		}

		/// Refuse an escrow that a requester has opened. Everything is returned; nobody is at fault.
		///
		/// The origin must be the provider's operator key.
		///
		/// # Events
		/// [`Event::Ended`].
		/// # Errors
		/// `NotFound`, `NotAllowed`, `WrongState`, `TooLate`.
		/// # Weight
		/// One record and its indices.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::decline())]
		pub fn decline(origin: OriginFor<T>, escrow: EscrowId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let record = Self::live(escrow, &[State::Open])?;
			Self::ensure_provider(&record, &who)?;
			Self::end_unaccepted(escrow, record);
			Ok(())
		}

		/// Withdraw an escrow that was not accepted yet.
		///
		/// The origin must be the requester.
		///
		/// # Events
		/// [`Event::Ended`].
		/// # Errors
		/// `NotFound`, `NotAllowed`, `WrongState`, `TooLate`.
		/// # Weight
		/// One record and its indices.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::cancel())]
		pub fn cancel(origin: OriginFor<T>, escrow: EscrowId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let record = Self::live(escrow, &[State::Open])?;
			ensure!(record.requester == who, Error::<T>::NotAllowed);
			Self::end_unaccepted(escrow, record);
			Ok(())
		}

		/// Ask the provider to give the work back; if it does, its refund is nobody's failure.
		///
		/// The origin must be the requester. Asking twice changes nothing.
		///
		/// # Events
		/// [`Event::CancelRequested`].
		/// # Errors
		/// `NotFound`, `NotAllowed`, `WrongState`, `TooLate`.
		/// # Weight
		/// One record.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::request_cancel())]
		pub fn request_cancel(origin: OriginFor<T>, escrow: EscrowId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let mut record = Self::live(escrow, &[State::Accepted])?;
			ensure!(record.requester == who, Error::<T>::NotAllowed);
			record.cancel_requested = true;
			Escrows::<T>::insert(escrow, record);
			Self::deposit_event(Event::CancelRequested { escrow });
			Ok(())
		}

		/// Put the hash of the current milestone's result on chain.
		///
		/// The origin must be the provider's operator key. The review begins at this block.
		///
		/// # Events
		/// [`Event::Delivered`].
		/// # Errors
		/// `NotFound`, `NotAllowed`, `WrongState`, `TooLate`.
		/// # Weight
		/// One record.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::deliver())]
		pub fn deliver(origin: OriginFor<T>, escrow: EscrowId, result: H256) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let mut record = Self::live(escrow, &[State::Accepted])?;
			Self::ensure_provider(&record, &who)?;
			let review_by = Self::now().saturating_add(record.review_blocks);
			record.state = State::Delivered;
			record.deadline = review_by;
			record.result = Some(result);
			let milestone = record.milestone;
			Escrows::<T>::insert(escrow, record);
			Self::deposit_event(Event::Delivered {
				escrow,
				milestone,
				result,
				review_by,
			});
			Ok(())
		}

		/// Pay the current milestone.
		///
		/// The origin must be the requester. After a delivery the next milestone begins, or the
		/// escrow ends; in a dispute it concedes: the milestone is paid, later ones are returned and
		/// nobody loses a deposit.
		///
		/// # Events
		/// [`Event::Paid`]; [`Event::NextMilestone`] or [`Event::Ended`].
		/// # Errors
		/// `NotFound`, `NotAllowed`, `WrongState`, `TooLate`.
		/// # Weight
		/// A payment and the terminal transition.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::release())]
		pub fn release(origin: OriginFor<T>, escrow: EscrowId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let contested = [State::Delivered, State::Disputed, State::Escalated];
			let record = Self::live(escrow, &contested)?;
			ensure!(record.requester == who, Error::<T>::NotAllowed);
			Self::do_release(escrow, record);
			Ok(())
		}

		/// Give the work back: everything that is not paid returns to the requester.
		///
		/// The origin must be the provider's operator key. A failure at half weight; nobody's where
		/// the requester had asked for it; a whole one once it is disputed.
		///
		/// # Events
		/// [`Event::Ended`].
		/// # Errors
		/// `NotFound`, `NotAllowed`, `WrongState`, `TooLate`.
		/// # Weight
		/// The terminal transition.
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::refund())]
		pub fn refund(origin: OriginFor<T>, escrow: EscrowId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let bound = [
				State::Accepted,
				State::Delivered,
				State::Disputed,
				State::Escalated,
			];
			let record = Self::live(escrow, &bound)?;
			Self::ensure_provider(&record, &who)?;
			Self::do_refund(escrow, record);
			Ok(())
		}

		/// Ask the arbiter about the current milestone.
		///
		/// The origin must be the provider's operator key before delivery, for a withheld input
		/// only; the requester's operator key after it, for the result. Whoever loses pays D.
		///
		/// # Events
		/// [`Event::Disputed`].
		/// # Errors
		/// `NotFound`, `NotAllowed`, `WrongState`, `TooLate`, `BadReason`.
		/// # Weight
		/// One record.
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::dispute())]
		pub fn dispute(
			origin: OriginFor<T>,
			escrow: EscrowId,
			reason: DisputeReason,
			evidence: H256,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let mut record = Self::live(escrow, &[State::Accepted, State::Delivered])?;
			let by = if record.state == State::Accepted {
				Self::ensure_provider(&record, &who)?;
				Party::Provider
			} else {
				ensure!(
					T::Keys::is_operator(&record.requester, &who),
					Error::<T>::NotAllowed
				);
				Party::Requester
			};
			let inputs = reason == DisputeReason::InputWithheld;
			ensure!(inputs == (by == Party::Provider), Error::<T>::BadReason);
			let rule_by = Self::now().saturating_add(Parameters::<T>::get().arbiter_window);
			record.state = State::Disputed;
			record.deadline = rule_by;
			record.dispute = Some(Dispute {
				by,
				reason,
				evidence,
			});
			Escrows::<T>::insert(escrow, record);
			Self::deposit_event(Event::Disputed {
				escrow,
				by,
				reason,
				evidence,
				rule_by,
			});
			Ok(())
		}

		/// Rule on a dispute: the provider gets so many basis points of the disputed milestone, the
		/// rest and all later ones return.
		///
		/// The origin must be the named arbiter, or [`Config::ArbiterOrigin`] where none is named or
		/// the named one was silent. From 8,000 points on the requester has lost, up to 2,000 the
		/// provider has: the loser pays D, half to the arbiter, half to the winner. Between them
		/// each pays D/4 to the arbiter. The chain's own arbiter's share goes to the treasury.
		///
		/// # Events
		/// [`Event::Paid`], [`Event::Ruled`], [`Event::Ended`].
		/// # Errors
		/// `NotFound`, `NotAllowed` or `BadOrigin`, `WrongState`, `TooLate`, `BadRuling`.
		/// # Weight
		/// Payments to all three and the terminal transition.
		#[pallet::call_index(10)]
		#[pallet::weight(T::WeightInfo::rule())]
		pub fn rule(origin: OriginFor<T>, escrow: EscrowId, provider_bps: u16) -> DispatchResult {
			ensure!(u32::from(provider_bps) <= BPS, Error::<T>::BadRuling);
			let record = Self::live(escrow, &[State::Disputed, State::Escalated])?;
			let named = record
				.arbiter
				.clone()
				.filter(|_| record.state == State::Disputed);
			match &named {
				Some(arbiter) => {
					ensure!(ensure_signed(origin)? == *arbiter, Error::<T>::NotAllowed)
				}
				None => {
					T::ArbiterOrigin::ensure_origin(origin)?;
				}
			}
			Self::do_rule(escrow, record, provider_bps, named);
			Ok(())
		}

		/// Move an escrow on whose deadline has passed. Anyone may.
		///
		/// Open is cancelled, Accepted expires (a failure of the provider), Delivered is paid as if
		/// released, Disputed is escalated, and Escalated is split: half of a delivered milestone is
		/// paid, or nothing of an undelivered one, and the disputer's D is burned.
		///
		/// # Events
		/// [`Event::Escalated`]; or [`Event::Paid`], [`Event::NextMilestone`], [`Event::Ended`].
		/// # Errors
		/// `NotFound`, `WrongState` (it has ended), `TooEarly`.
		/// # Weight
		/// The heavier of an expiry with its slash and a release.
		#[pallet::call_index(11)]
		#[pallet::weight(T::WeightInfo::claim_timeout().max(T::WeightInfo::release()))]
		pub fn claim_timeout(origin: OriginFor<T>, escrow: EscrowId) -> DispatchResult {
			ensure_signed(origin)?;
			let record = Escrows::<T>::get(escrow).ok_or(Error::<T>::NotFound)?;
			ensure!(!record.state.is_terminal(), Error::<T>::WrongState);
			ensure!(Self::now() > record.deadline, Error::<T>::TooEarly);
			Self::do_timeout(escrow, record);
			Ok(())
		}

		/// Remove a record whose retention has passed and return its deposit. Anyone may.
		///
		/// # Events
		/// [`Event::Pruned`].
		/// # Errors
		/// `NotFound`, `WrongState` (it has not ended), `Retained`.
		/// # Weight
		/// One record, its index and its pair.
		#[pallet::call_index(12)]
		#[pallet::weight(T::WeightInfo::prune())]
		pub fn prune(origin: OriginFor<T>, escrow: EscrowId) -> DispatchResult {
			ensure_signed(origin)?;
			let record = Escrows::<T>::get(escrow).ok_or(Error::<T>::NotFound)?;
			ensure!(record.state.is_terminal(), Error::<T>::WrongState);
			let kept_from = record.deadline.max(record.valid_until);
			let kept_until = kept_from.saturating_add(Parameters::<T>::get().retention);
			ensure!(Self::now() > kept_until, Error::<T>::Retained);
			Self::do_prune(escrow, record);
			Ok(())
		}

		/// Make every offer that the caller has signed so far bind no more.
		///
		/// The origin is the provider itself. Escrows that are open or accepted are not touched.
		///
		/// # Events
		/// [`Event::OffersRevoked`].
		/// # Errors
		/// `Overflow`.
		/// # Weight
		/// One counter.
		#[pallet::call_index(13)]
		#[pallet::weight(T::WeightInfo::revoke_offers())]
		pub fn revoke_offers(origin: OriginFor<T>) -> DispatchResult {
			let provider = ensure_signed(origin)?;
			let offer_epoch = OfferEpoch::<T>::get(&provider)
				.checked_add(1)
				.ok_or(Error::<T>::Overflow)?;
			OfferEpoch::<T>::insert(&provider, offer_epoch);
			Self::deposit_event(Event::OffersRevoked {
				provider,
				offer_epoch,
			});
			Ok(())
		}
	}
}
