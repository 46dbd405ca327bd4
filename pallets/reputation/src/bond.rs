//! Bonds: in, out, and what is drawn from them.
//!
//! ```text
//!   free --bond, bond_extra--> active --unbond--> unlocking --withdraw_unbonded--> free
//!                                |                   |
//!                                +---- reported -----+--> set aside --applied--> treasury
//!                                ^                             |
//!                                +---------- cancelled --------+
//! ```
//!
//! All of active, unlocking and set aside is one hold on the account, under
//! [`HoldReason::Bond`]. Slashes and draws take from active first, then from the chunk that would
//! be free last; never from what is set aside, which belongs to a report.

use crate::*;
use frame_support::traits::{
	fungible::{Mutate, MutateHold},
	tokens::{Fortitude, Precision, Preservation},
};
use sp_runtime::ArithmeticError;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_bond(who: AccountId, amount: Balance) -> DispatchResult {
		let params = Parameters::<T>::get();
		let mut record = Records::<T>::get(&who);
		ensure!(record.active == 0, Error::<T>::AlreadyBonded);
		ensure!(amount >= params.min_bond, Error::<T>::BelowMinimum);
		let burned = if record.first_bond_burned {
			0
		} else {
			params.first_bond_burn
		};
		if burned > 0 {
			let (exact, polite) = (Precision::Exact, Fortitude::Polite);
			T::Currency::burn_from(&who, burned, Preservation::Preserve, exact, polite)?;
		}
		record.first_bond_burned = true;
		Self::add_bond(who, record, &params, amount, burned)
	}

	pub(crate) fn do_bond_extra(who: AccountId, amount: Balance) -> DispatchResult {
		let record = Records::<T>::get(&who);
		ensure!(record.active > 0, Error::<T>::NotBonded);
		ensure!(amount > 0, Error::<T>::ZeroAmount);
		Self::add_bond(who, record, &Parameters::<T>::get(), amount, 0)
	}

	fn add_bond(
		who: AccountId,
		mut record: Record,
		params: &Params,
		amount: Balance,
		burned: Balance,
	) -> DispatchResult {
		T::Currency::hold(&HoldReason::Bond.into(), &who, amount)?;
		record.active = record
			.active
			.checked_add(amount)
			.ok_or(ArithmeticError::Overflow)?;
		let active = record.active;
		Self::store(&who, record, params);
		Self::deposit_event(Event::Bonded {
			agent: who,
			amount,
			active,
			burned,
		});
		Ok(())
	}

	pub(crate) fn do_unbond(who: AccountId, amount: Balance) -> DispatchResult {
		ensure!(!T::Keys::is_compromised(&who), Error::<T>::Compromised);
		let params = Parameters::<T>::get();
		let mut record = Records::<T>::get(&who);
		ensure!(amount > 0, Error::<T>::ZeroAmount);
		record.active = record
			.active
			.checked_sub(amount)
			.ok_or(Error::<T>::InsufficientBond)?;
		ensure!(
			record.exposure <= record.exposure_limit(&params),
			Error::<T>::ExposureExceeded
		);
		let at = Self::now().saturating_add(params.unbond_period);
		match record.unlocking.last_mut() {
			Some(last) if last.at == at => {
				last.amount = last
					.amount
					.checked_add(amount)
					.ok_or(ArithmeticError::Overflow)?;
			}
			_ => record
				.unlocking
				.try_push(Chunk { amount, at })
				.map_err(|_| Error::<T>::TooManyChunks)?,
		}
		Self::store(&who, record, &params);
		Self::deposit_event(Event::Unbonding {
			agent: who,
			amount,
			at,
		});
		Ok(())
	}

	pub(crate) fn do_withdraw_unbonded(who: AccountId) -> DispatchResult {
		ensure!(!T::Keys::is_compromised(&who), Error::<T>::Compromised);
		let now = Self::now();
		let mut record = Records::<T>::get(&who);
		let before = record.slashable();
		record.unlocking.retain(|chunk| chunk.at > now);
		let amount = before
			.checked_sub(record.slashable())
			.ok_or(ArithmeticError::Underflow)?;
		ensure!(amount > 0, Error::<T>::NothingToWithdraw);
		T::Currency::release(&HoldReason::Bond.into(), &who, amount, Precision::Exact)?;
		Records::<T>::insert(&who, record);
		Self::deposit_event(Event::Withdrawn { agent: who, amount });
		Ok(())
	}

	/// Take up to `amount` of the bond, whatever it takes; return what was taken.
	pub(crate) fn do_draw(provider: &AccountId, amount: Balance, draw: Draw) -> Balance {
		let mut record = Records::<T>::get(provider);
		let taken = record.take(amount);
		if taken == 0 {
			return 0;
		}
		Self::store(provider, record, &Parameters::<T>::get());
		match &draw {
			Draw::To(to) => {
				Self::pay(provider, to, taken);
			}
			Draw::Burn => {
				burn_from_hold::<T::Currency>(&HoldReason::Bond.into(), provider, taken);
			}
		}
		Self::deposit_event(Event::Drawn {
			agent: provider.clone(),
			amount: taken,
		});
		taken
	}

	/// Pay out of a bond, whatever it takes; return what reached `to`.
	pub(crate) fn pay(from: &AccountId, to: &AccountId, amount: Balance) -> Balance {
		let reason = HoldReason::Bond.into();
		pay_from_hold::<T::Currency>(&reason, from, to, amount, &T::Treasury::get()).1
	}

	/// Store a record whose active bond may have changed, and say where that made the account
	/// active or inactive.
	pub(crate) fn store(agent: &AccountId, mut record: Record, params: &Params) {
		let is_active = record.active >= params.min_bond;
		match (record.bonded_since.is_some(), is_active) {
			(false, true) => {
				record.bonded_since = Some(Self::now());
				Self::deposit_event(Event::BecameActive {
					agent: agent.clone(),
				});
			}
			(true, false) => {
				record.bonded_since = None;
				Self::deposit_event(Event::BecameInactive {
					agent: agent.clone(),
				});
			}
			_ => {}
		}
		Records::<T>::insert(agent, record);
	}
}
