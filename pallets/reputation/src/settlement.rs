//! What an escrow does to a provider: exposure when it is accepted, score and slash when it ends.
//!
//! Nothing else moves a score up, and nothing here but [`BondAndScore::take_on`] can refuse: an
//! escrow must be able to end with a bond of nothing, a treasury that cannot be credited and
//! counters at their maximum.

use crate::*;
use sp_runtime::ArithmeticError;

impl<T: Config> BondAndScore for Pallet<T> {
	fn take_on(provider: &AccountId, amount: Balance) -> Result<Balance, DispatchError> {
		let params = Parameters::<T>::get();
		let mut record = Records::<T>::get(provider);
		ensure!(record.suspended_at.is_none(), Error::<T>::Suspended);
		ensure!(record.active > 0, Error::<T>::NotBonded);
		ensure!(record.active >= params.min_bond, Error::<T>::Inactive);
		let exposure = record
			.exposure
			.checked_add(amount)
			.ok_or(Error::<T>::ExposureExceeded)?;
		ensure!(
			exposure <= record.exposure_limit(&params),
			Error::<T>::ExposureExceeded
		);
		record.exposure = exposure;
		record.open_jobs = record
			.open_jobs
			.checked_add(1)
			.ok_or(ArithmeticError::Overflow)?;
		let base = record.slashable();
		Records::<T>::insert(provider, record);
		Ok(base)
	}

	fn reduce_exposure(provider: &AccountId, amount: Balance) {
		Records::<T>::mutate(provider, |record| {
			record.exposure = record.exposure.saturating_sub(amount);
		});
	}

	fn draw(provider: &AccountId, amount: Balance, draw: Draw) -> Balance {
		Self::do_draw(provider, amount, draw)
	}

	fn on_terminal(terminal: Terminal) {
		let params = Parameters::<T>::get();
		let mut record = Records::<T>::get(&terminal.provider);
		record.roll(params.epoch_of(Self::now()));
		record.exposure = record.exposure.saturating_sub(terminal.exposure);
		record.open_jobs = record.open_jobs.saturating_sub(1);
		record.current.terminals = record.current.terminals.saturating_add(1);
		match terminal.outcome {
			Outcome::Success => Self::on_success(record, &params, &terminal),
			Outcome::Failure {
				half,
				named_arbiter,
			} => Self::on_failure(record, &params, &terminal, half, named_arbiter),
			Outcome::Neutral => Records::<T>::insert(&terminal.provider, record),
		}
	}

	fn on_dispute_lost(requester: &AccountId) {
		let mut record = Records::<T>::get(requester);
		record.disputes_lost = record.disputes_lost.saturating_add(1);
		let disputes_lost = record.disputes_lost;
		Records::<T>::insert(requester, record);
		Self::deposit_event(Event::DisputeLost {
			requester: requester.clone(),
			disputes_lost,
		});
	}

	fn on_pruned(provider: &AccountId, requester: &AccountId) {
		let epoch = Parameters::<T>::get().epoch_of(Self::now());
		if Pairs::<T>::get(provider, requester).epoch < epoch {
			Pairs::<T>::remove(provider, requester);
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_bond(provider: &AccountId, amount: Balance) {
		crate::benchmarking::bond::<T>(provider, amount);
	}
}

impl<T: Config> Pallet<T> {
	fn on_success(mut record: Record, params: &Params, terminal: &Terminal) {
		let Terminal {
			escrow,
			requester,
			provider,
			paid,
			..
		} = terminal;
		let now = Self::now();
		let epoch = params.epoch_of(now);
		let mut pair = Pairs::<T>::get(provider, requester);
		if pair.epoch != epoch {
			pair = PairCounter {
				epoch,
				successes: 0,
			};
		}
		let established = Records::<T>::get(requester).is_established(params, now);
		let weight = score::compute_weight(*paid, params.ref_price);
		let left = score::MAX_GAIN_PER_EPOCH.saturating_sub(record.current.gained);
		let gain = score::compute_gain(record.score, weight, pair.successes, established).min(left);

		pair.successes = pair.successes.saturating_add(1);
		Pairs::<T>::insert(provider, requester, pair);
		record.current.gained = record.current.gained.saturating_add(gain);
		record.settled = record.settled.saturating_add(1);
		if !record.first_requesters.contains(requester) {
			// Full is enough: it is only counted up to its bound.
			let _ = record.first_requesters.try_push(requester.clone());
		}
		let to = record.score.saturating_add(gain).min(score::MAX_SCORE);
		Self::move_score(&mut record, provider, *escrow, to);
		Records::<T>::insert(provider, record);
	}

	fn on_failure(
		mut record: Record,
		params: &Params,
		terminal: &Terminal,
		half: bool,
		named_arbiter: bool,
	) {
		let Terminal {
			escrow,
			requester,
			provider,
			unpaid,
			slash_base,
			..
		} = terminal;
		let full = score::compute_weight(*unpaid, params.ref_price);
		let weight = if half { full / 2 } else { full };
		record.current.failures = record.current.failures.saturating_add(1);
		let to = record.score.saturating_sub(score::compute_loss(weight));
		Self::move_score(&mut record, provider, *escrow, to);

		let taken = record.take(score::compute_slash(*unpaid, *slash_base, weight));
		Self::store(provider, record, params);
		if taken == 0 {
			return;
		}
		let part = score::compute_requester_part(taken, *unpaid, named_arbiter);
		let to_requester = Self::pay(provider, requester, part);
		Self::pay(provider, &T::Treasury::get(), taken.saturating_sub(part));
		Self::deposit_event(Event::Slashed {
			agent: provider.clone(),
			escrow: *escrow,
			amount: taken,
			to_requester,
		});
	}

	fn move_score(record: &mut Record, agent: &AccountId, escrow: EscrowId, to: u32) {
		let from = core::mem::replace(&mut record.score, to);
		if from != to {
			Self::deposit_event(Event::ScoreMoved {
				agent: agent.clone(),
				escrow,
				from,
				to,
			});
		}
	}
}
