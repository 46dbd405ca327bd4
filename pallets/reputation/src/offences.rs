//! Offences: reported, deferred, then applied or cancelled.
//!
//! ```text
//!   report_offence, report_double_acceptance, poke
//!        |  a share of the bond is set aside
//!        v
//!     pending --cancel_slash (slashing origin, at any time)--> returned to active; reporter's hold burned
//!        |
//!        +--apply_slash (anyone, after the deferral)--> treasury; score 0, suspended; hold returned
//! ```
//!
//! Of one agent, offence and subject there is one report at a time. An escrow or a slot that was
//! punished is not punished again: its entry in [`Cases`] stays, at the price of the slash. One
//! whose report was cancelled may be reported anew, at the price of another hold.

use crate::*;
use frame_support::traits::fungible::MutateHold;
use sp_runtime::ArithmeticError;

/// A report before it is filed.
struct Charge {
	agent: AccountId,
	offence: Offence,
	subject: Subject,
	reporter: Option<AccountId>,
	evidence: H256,
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_report_offence(
		offence: Offence,
		agent: AccountId,
		escrow: Option<EscrowId>,
		evidence: H256,
	) -> DispatchResult {
		match offence {
			Offence::FraudulentResult => ensure!(escrow.is_some(), Error::<T>::EscrowNeeded),
			Offence::ProtocolViolation => {}
			Offence::DoubleTaskAcceptance | Offence::RepeatedFailures => {
				return Err(Error::<T>::NotReportable.into())
			}
		}
		let params = Parameters::<T>::get();
		let subject = match escrow {
			Some(id) => {
				let ended = T::Escrows::ended(id).ok_or(Error::<T>::EscrowNotEnded)?;
				ensure!(ended.provider == agent, Error::<T>::NotTheProvider);
				let until = ended.at.saturating_add(params.report_window);
				ensure!(Self::now() <= until, Error::<T>::TooLate);
				Subject::Escrow(id)
			}
			None => Subject::Conduct,
		};
		let record = Self::known(&agent)?;
		let charge = Charge {
			agent,
			offence,
			subject,
			reporter: None,
			evidence,
		};
		Self::file(charge, record, &params)
	}

	pub(crate) fn do_report_double_acceptance(
		reporter: AccountId,
		agent: AccountId,
		(offer_a, sig_a): (&Offer, &Signature),
		(offer_b, sig_b): (&Offer, &Signature),
	) -> DispatchResult {
		let params = Parameters::<T>::get();
		let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
		let epoch = T::Escrows::offer_epoch(&agent);
		for offer in [offer_a, offer_b] {
			ensure!(offer.provider == agent, Error::<T>::NotTheProvider);
			ensure!(offer.genesis == genesis, Error::<T>::WrongGenesis);
			ensure!(offer.offer_epoch <= epoch, Error::<T>::OfferEpochAhead);
		}
		ensure!(
			offer_a.offer_epoch == offer_b.offer_epoch,
			Error::<T>::OfferEpochsDiffer
		);
		ensure!(
			!offer_a.slot.is_zero() && offer_a.slot == offer_b.slot,
			Error::<T>::SlotsDiffer
		);
		// A task is its requester's: two requesters may give theirs one id.
		ensure!(
			(&offer_a.requester, offer_a.task_id) != (&offer_b.requester, offer_b.task_id),
			Error::<T>::SameTask
		);
		let last = offer_a.valid_until.max(offer_b.valid_until);
		ensure!(
			Self::now() <= last.saturating_add(params.report_window),
			Error::<T>::TooLate
		);
		let record = Self::known(&agent)?;
		for (offer, signature) in [(offer_a, sig_a), (offer_b, sig_b)] {
			let payload = offer.signing_payload();
			ensure!(
				T::Keys::is_signed_by(&agent, &payload, signature),
				Error::<T>::BadSignature
			);
		}
		let evidence = (offer_a.hash(), offer_b.hash()).using_encoded(sp_io::hashing::blake2_256);
		let charge = Charge {
			agent,
			offence: Offence::DoubleTaskAcceptance,
			subject: Subject::Slot(offer_a.slot),
			reporter: Some(reporter),
			evidence: H256(evidence),
		};
		Self::file(charge, record, &params)
	}

	pub(crate) fn do_poke(agent: AccountId) -> DispatchResult {
		let params = Parameters::<T>::get();
		let mut record = Self::known(&agent)?;
		record.roll(params.epoch_of(Self::now()));
		let EpochCounters {
			epoch,
			terminals,
			failures,
			..
		} = record.previous;
		ensure!(
			record.judged.is_none_or(|judged| judged < epoch),
			Error::<T>::AlreadyJudged
		);
		ensure!(
			score::is_repeated_failure(failures, terminals),
			Error::<T>::NoRepeatedFailures
		);
		record.judged = Some(epoch);
		let charge = Charge {
			agent,
			offence: Offence::RepeatedFailures,
			subject: Subject::Epoch(epoch),
			reporter: None,
			evidence: H256::zero(),
		};
		Self::file(charge, record, &params)
	}

	/// Set the offence's share of the bond aside and open the report.
	fn file(charge: Charge, mut record: Record, params: &Params) -> DispatchResult {
		let Charge {
			agent,
			offence,
			subject,
			reporter,
			evidence,
		} = charge;
		if let Some(earlier) = Cases::<T>::get(&agent, (offence, subject)) {
			ensure!(
				!Reports::<T>::contains_key(earlier),
				Error::<T>::AlreadyReported
			);
			return Err(Error::<T>::AlreadyPunished.into());
		}
		let hold = match &reporter {
			Some(reporter) => {
				let reason = HoldReason::Report.into();
				T::Currency::hold(&reason, reporter, params.report_hold)?;
				params.report_hold
			}
			None => 0,
		};
		let share = score::mul_div(record.slashable(), offence.percent().into(), 100);
		let set_aside = record.take(share);
		record.set_aside = record
			.set_aside
			.checked_add(set_aside)
			.ok_or(ArithmeticError::Overflow)?;
		Self::store(&agent, record, params);

		let report = NextReport::<T>::get();
		NextReport::<T>::put(report.checked_add(1).ok_or(ArithmeticError::Overflow)?);
		let deferred_until = Self::now().saturating_add(params.report_deferral);
		Cases::<T>::insert(&agent, (offence, subject), report);
		Reports::<T>::insert(
			report,
			Report {
				agent: agent.clone(),
				offence,
				subject,
				reporter: reporter.clone(),
				hold,
				set_aside,
				evidence,
				deferred_until,
			},
		);
		Self::deposit_event(Event::Reported {
			report,
			agent,
			offence,
			subject,
			reporter,
			evidence,
			set_aside,
			deferred_until,
		});
		Ok(())
	}

	pub(crate) fn do_cancel_slash(id: ReportId) -> DispatchResult {
		let report = Reports::<T>::take(id).ok_or(Error::<T>::NoSuchReport)?;
		Cases::<T>::remove(&report.agent, (report.offence, report.subject));
		let mut record = Records::<T>::get(&report.agent);
		record.set_aside = record
			.set_aside
			.checked_sub(report.set_aside)
			.ok_or(ArithmeticError::Underflow)?;
		record.active = record
			.active
			.checked_add(report.set_aside)
			.ok_or(ArithmeticError::Overflow)?;
		Self::store(&report.agent, record, &Parameters::<T>::get());
		let burned = report.reporter.map_or(0, |reporter| {
			burn_from_hold::<T::Currency>(&HoldReason::Report.into(), &reporter, report.hold)
		});
		Self::deposit_event(Event::SlashCancelled {
			report: id,
			agent: report.agent,
			returned: report.set_aside,
			burned,
		});
		Ok(())
	}

	pub(crate) fn do_apply_slash(id: ReportId) -> DispatchResult {
		let report = Reports::<T>::get(id).ok_or(Error::<T>::NoSuchReport)?;
		ensure!(
			Self::now() > report.deferred_until,
			Error::<T>::StillDeferred
		);
		Reports::<T>::remove(id);
		if !report.subject.is_once() {
			Cases::<T>::remove(&report.agent, (report.offence, report.subject));
		}
		let mut record = Records::<T>::get(&report.agent);
		record.set_aside = record
			.set_aside
			.checked_sub(report.set_aside)
			.ok_or(ArithmeticError::Underflow)?;
		record.score = 0;
		record.suspended_at = Some(Self::now());
		Records::<T>::insert(&report.agent, record);
		Self::pay(&report.agent, &T::Treasury::get(), report.set_aside);
		if let Some(reporter) = &report.reporter {
			// To itself; where even that fails, to the treasury.
			let (reason, treasury) = (HoldReason::Report.into(), T::Treasury::get());
			pay_from_hold::<T::Currency>(&reason, reporter, reporter, report.hold, &treasury);
		}
		Self::deposit_event(Event::SlashApplied {
			report: id,
			agent: report.agent,
			amount: report.set_aside,
		});
		Ok(())
	}

	pub(crate) fn do_reinstate(agent: AccountId) -> DispatchResult {
		let mut record = Records::<T>::get(&agent);
		let since = record.suspended_at.ok_or(Error::<T>::NotSuspended)?;
		let from = since.saturating_add(Parameters::<T>::get().reinstate_after);
		ensure!(Self::now() >= from, Error::<T>::TooEarly);
		record.suspended_at = None;
		Records::<T>::insert(&agent, record);
		Self::deposit_event(Event::Reinstated { agent });
		Ok(())
	}

	fn known(agent: &AccountId) -> Result<Record, DispatchError> {
		Records::<T>::try_get(agent).map_err(|_| Error::<T>::NoRecord.into())
	}
}
