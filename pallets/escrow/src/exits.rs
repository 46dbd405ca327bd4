//! The ways out of an escrow. None of them can fail, so none of them returns a result: they take
//! what is held at most, and what one destination refuses goes to the treasury.

use crate::{pallet::*, types::*};
use ainur_primitives::{
	burn_from_hold, pay_from_hold, AccountId, Balance, BondAndScore, Draw, EscrowId, Outcome,
	Terminal,
};
use frame_support::traits::Get;

/// A failure at whole weight, that no named arbiter ruled.
const FAILURE: Outcome = Outcome::Failure {
	half: false,
	named_arbiter: false,
};
/// A failure that the provider owned up to by itself.
const HALF_FAILURE: Outcome = Outcome::Failure {
	half: true,
	named_arbiter: false,
};

impl<T: Config> Pallet<T> {
	/// Pay `amount` of the current milestone to the provider, and burn the fee on it.
	fn pay(id: EscrowId, record: &mut EscrowRecord, amount: Balance) {
		let reason = HoldReason::Escrow.into();
		let fee = Parameters::<T>::get().fee(amount);
		let (moved, credited) = pay_from_hold::<T::Currency>(
			&reason,
			&record.requester,
			&record.provider,
			amount,
			&T::Treasury::get(),
		);
		let burned = burn_from_hold::<T::Currency>(&reason, &record.requester, fee);
		record.paid = record.paid.saturating_add(moved);
		Self::deposit_event(Event::Paid {
			escrow: id,
			milestone: record.milestone,
			amount: moved,
			fee: burned,
			to_treasury: moved.saturating_sub(credited),
		});
	}

	/// Pay the current milestone in full; the next begins, or the escrow ends. A dispute ends it.
	pub(crate) fn do_release(id: EscrowId, mut record: EscrowRecord) {
		let held = record.held(&Parameters::<T>::get());
		let (unit, exposure) = (record.unit(), record.remaining());
		let last = record.milestone.saturating_add(1) >= record.milestones.len() as u8;
		Self::pay(id, &mut record, unit);
		if last || record.dispute.is_some() {
			let spent = unit.saturating_add(Parameters::<T>::get().fee(unit));
			let left = held.saturating_sub(spent);
			return Self::end(
				id,
				record,
				State::Released,
				left,
				exposure,
				0,
				Outcome::Success,
			);
		}
		T::Standing::reduce_exposure(&record.provider, unit);
		record.milestone = record.milestone.saturating_add(1);
		record.state = State::Accepted;
		record.deadline = Self::now().saturating_add(record.deliver_within);
		record.result = None;
		let (milestone, deliver_by) = (record.milestone, record.deadline);
		Escrows::<T>::insert(id, record);
		Self::deposit_event(Event::NextMilestone {
			escrow: id,
			milestone,
			deliver_by,
		});
	}

	/// The provider gives back what is not paid.
	pub(crate) fn do_refund(id: EscrowId, record: EscrowRecord) {
		let outcome = match record.state {
			State::Accepted if record.cancel_requested => Outcome::Neutral,
			State::Accepted | State::Delivered => HALF_FAILURE,
			_ => FAILURE,
		};
		let (left, unpaid) = (record.held(&Parameters::<T>::get()), record.remaining());
		Self::end(id, record, State::Refunded, left, unpaid, unpaid, outcome);
	}

	/// Carry out a ruling: the provider's part, the deposits, the rest.
	pub(crate) fn do_rule(
		id: EscrowId,
		mut record: EscrowRecord,
		provider_bps: u16,
		named: Option<AccountId>,
	) {
		let params = Parameters::<T>::get();
		let mut left = record.held(&params);
		let (unit, exposure) = (record.unit(), record.remaining());
		let due = part(unit, provider_bps.into());
		if due > 0 {
			Self::pay(id, &mut record, due);
			left = left.saturating_sub(due).saturating_sub(params.fee(due));
		}

		let arbiter = named.clone().unwrap_or_else(T::Treasury::get);
		let deposit = record.dispute_deposit;
		let half = deposit / 2;
		let (requester, provider) = (record.requester.clone(), record.provider.clone());
		let from_requester = |to: &AccountId, amount| {
			pay_from_hold::<T::Currency>(
				&HoldReason::Escrow.into(),
				&requester,
				to,
				amount,
				&T::Treasury::get(),
			)
			.0
		};
		let from_provider = |to: &AccountId, amount| {
			T::Standing::draw(&provider, amount, Draw::To(to.clone()));
		};
		let named_arbiter = named.is_some();
		let outcome = if provider_bps >= SUCCESS_BPS {
			left = left.saturating_sub(from_requester(&arbiter, half));
			left = left.saturating_sub(from_requester(&provider, deposit.saturating_sub(half)));
			T::Standing::on_dispute_lost(&requester);
			Outcome::Success
		} else if provider_bps <= FAILURE_BPS {
			from_provider(&arbiter, half);
			from_provider(&requester, deposit.saturating_sub(half));
			Outcome::Failure {
				half: false,
				named_arbiter,
			}
		} else {
			left = left.saturating_sub(from_requester(&arbiter, deposit / 4));
			from_provider(&arbiter, deposit / 4);
			Outcome::Neutral
		};
		Self::deposit_event(Event::Ruled {
			escrow: id,
			provider_bps,
			arbiter: named,
		});
		let unpaid = unit.saturating_sub(due);
		Self::end(
			id,
			record,
			State::Ruled { provider_bps },
			left,
			exposure,
			unpaid,
			outcome,
		);
	}

	/// What the passing of a deadline means in each state.
	pub(crate) fn do_timeout(id: EscrowId, mut record: EscrowRecord) {
		match record.state {
			State::Open => Self::end_unaccepted(id, record),
			State::Accepted => {
				let (left, unpaid) = (record.held(&Parameters::<T>::get()), record.remaining());
				Self::end(id, record, State::Expired, left, unpaid, unpaid, FAILURE);
			}
			State::Delivered => Self::do_release(id, record),
			State::Disputed => {
				let rule_by = Self::now().saturating_add(Parameters::<T>::get().escalated_window);
				record.state = State::Escalated;
				record.deadline = rule_by;
				Escrows::<T>::insert(id, record);
				Self::deposit_event(Event::Escalated {
					escrow: id,
					rule_by,
				});
			}
			State::Escalated => Self::do_split(id, record),
			// The caller has made sure that it has not ended.
			State::Released
			| State::Cancelled
			| State::Refunded
			| State::Expired
			| State::Ruled { .. }
			| State::Split => {}
		}
	}

	/// Both arbiters were silent: a delivered milestone is halved, an undelivered one returned, and
	/// the disputer's deposit is burned.
	fn do_split(id: EscrowId, mut record: EscrowRecord) {
		let params = Parameters::<T>::get();
		let mut left = record.held(&params);
		let (unit, exposure) = (record.unit(), record.remaining());
		let deposit = record.dispute_deposit;
		if record
			.dispute
			.as_ref()
			.is_some_and(|d| d.by == Party::Requester)
		{
			let due = unit / 2;
			if due > 0 {
				Self::pay(id, &mut record, due);
				left = left.saturating_sub(due).saturating_sub(params.fee(due));
			}
			let reason = HoldReason::Escrow.into();
			let burned = burn_from_hold::<T::Currency>(&reason, &record.requester, deposit);
			left = left.saturating_sub(burned);
		} else {
			T::Standing::draw(&record.provider, deposit, Draw::Burn);
		}
		Self::end(
			id,
			record,
			State::Split,
			left,
			exposure,
			0,
			Outcome::Neutral,
		);
	}

	/// End an escrow that nobody had bound itself to.
	pub(crate) fn end_unaccepted(id: EscrowId, record: EscrowRecord) {
		let left = record.held(&Parameters::<T>::get());
		Self::close(id, record, State::Cancelled, left);
	}

	/// The last transition of an accepted escrow. `left` of the hold (with the record's deposit) is
	/// still there; `exposure` was still counted; `unpaid` is what a failure weighs.
	fn end(
		id: EscrowId,
		record: EscrowRecord,
		state: State,
		left: Balance,
		exposure: Balance,
		unpaid: Balance,
		outcome: Outcome,
	) {
		T::Standing::on_terminal(Terminal {
			escrow: id,
			requester: record.requester.clone(),
			provider: record.provider.clone(),
			paid: record.paid,
			unpaid,
			exposure,
			slash_base: record.slash_base,
			outcome,
		});
		Self::close(id, record, state, left);
	}

	/// Return what is left but the record's deposit, and mark the record as ended.
	fn close(id: EscrowId, mut record: EscrowRecord, state: State, left: Balance) {
		let (refunded, _) = pay_from_hold::<T::Currency>(
			&HoldReason::Escrow.into(),
			&record.requester,
			&record.requester,
			left.saturating_sub(record.record_deposit),
			&T::Treasury::get(),
		);
		Live::<T>::remove(&record.requester, id);
		Live::<T>::remove(&record.provider, id);
		record.state = state;
		record.deadline = Self::now();
		let paid = record.paid;
		Escrows::<T>::insert(id, record);
		Self::deposit_event(Event::Ended {
			escrow: id,
			state,
			paid,
			refunded,
		});
	}

	/// Remove an ended record and return its deposit.
	pub(crate) fn do_prune(id: EscrowId, record: EscrowRecord) {
		let (deposit, _) = pay_from_hold::<T::Currency>(
			&HoldReason::Escrow.into(),
			&record.requester,
			&record.requester,
			record.record_deposit,
			&T::Treasury::get(),
		);
		Escrows::<T>::remove(id);
		if TaskIndex::<T>::get(&record.requester, record.task_id)
			.is_some_and(|(_, last)| last == id)
		{
			TaskIndex::<T>::remove(&record.requester, record.task_id);
		}
		T::Standing::on_pruned(&record.provider, &record.requester);
		Self::deposit_event(Event::Pruned {
			escrow: id,
			deposit,
		});
	}
}
