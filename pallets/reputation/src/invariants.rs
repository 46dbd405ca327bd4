//! What must be true of the storage between any two calls.

use crate::*;
use frame_support::traits::fungible::InspectHold;
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
	/// Holds equal the records, and the records agree with the reports.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let params = Parameters::<T>::get();
		let now = Self::now();
		for (agent, record) in Records::<T>::iter() {
			Self::check_record(&agent, &record, &params, now)?;
		}
		for (id, report) in Reports::<T>::iter() {
			ensure!(id < NextReport::<T>::get(), "a report from the future");
			ensure!(
				Cases::<T>::get(&report.agent, (report.offence, report.subject)) == Some(id),
				"a report without its case"
			);
			if let Some(reporter) = &report.reporter {
				let due = Reports::<T>::iter_values()
					.filter(|other| other.reporter.as_ref() == Some(reporter))
					.fold(0, |sum: Balance, other| sum.saturating_add(other.hold));
				let held = T::Currency::balance_on_hold(&HoldReason::Report.into(), reporter);
				ensure!(held == due, "a reporter's hold is not that of its reports");
			}
		}
		for (_, (_, subject), id) in Cases::<T>::iter() {
			ensure!(
				Reports::<T>::contains_key(id) || subject.is_once(),
				"a case without its report"
			);
		}
		for (_, _, pair) in Pairs::<T>::iter() {
			ensure!(pair.epoch <= params.epoch_of(now), "a pair from the future");
			ensure!(pair.successes > 0, "a pair without a success");
		}
		Ok(())
	}

	fn check_record(
		agent: &AccountId,
		record: &Record,
		params: &Params,
		now: BlockNumber,
	) -> Result<(), TryRuntimeError> {
		ensure!(
			record.score <= score::MAX_SCORE,
			"a score above the highest"
		);
		ensure!(
			T::Currency::balance_on_hold(&HoldReason::Bond.into(), agent)
				== record.slashable().saturating_add(record.set_aside),
			"the hold is not active, unlocking and set aside"
		);
		let pending = Reports::<T>::iter_values()
			.filter(|report| report.agent == *agent)
			.fold(0, |sum: Balance, report| {
				sum.saturating_add(report.set_aside)
			});
		ensure!(
			record.set_aside == pending,
			"what is set aside is not what reports reserve"
		);
		ensure!(
			record.bonded_since.is_some() == (record.active >= params.min_bond),
			"an account is active below the minimum, or inactive above it"
		);
		ensure!(
			record.bonded_since.is_none_or(|since| since <= now),
			"bonded in the future"
		);
		ensure!(
			record.active == 0 || record.first_bond_burned,
			"a bond whose first burn was not paid"
		);
		ensure!(
			record.unlocking.iter().all(|chunk| chunk.amount > 0),
			"an empty chunk"
		);
		ensure!(
			record
				.unlocking
				.iter()
				.zip(record.unlocking.iter().skip(1))
				.all(|(a, b)| a.at < b.at),
			"chunks out of order"
		);
		ensure!(
			record.exposure == 0 || record.open_jobs > 0,
			"exposure without a job"
		);
		let distinct: alloc::collections::BTreeSet<_> = record.first_requesters.iter().collect();
		ensure!(
			distinct.len() == record.first_requesters.len(),
			"a requester counted twice"
		);
		ensure!(
			u32::try_from(distinct.len()).is_ok_and(|n| n <= record.settled),
			"more requesters than settled jobs"
		);
		for counters in [&record.current, &record.previous] {
			ensure!(
				counters.gained <= score::MAX_GAIN_PER_EPOCH,
				"an epoch gained too much"
			);
			ensure!(
				counters.failures <= counters.terminals,
				"more failures than ends"
			);
		}
		ensure!(
			record.current.epoch <= params.epoch_of(now),
			"an epoch from the future"
		);
		Ok(())
	}
}
