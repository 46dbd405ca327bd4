//! Paying out of a hold when nothing may fail.

use crate::{AccountId, Balance};
use frame_support::traits::{
	fungible::{InspectHold, MutateHold},
	tokens::{Fortitude, Precision, Restriction},
};

/// Move up to `amount` planck that `from` holds for `reason` to `to`, whatever it takes.
///
/// What `to` cannot be credited with (an account that would stay below the existential deposit)
/// goes to `treasury`; what the treasury cannot take either is burned. Returns what left the hold,
/// and how much of it reached `to`.
pub fn pay_from_hold<C>(
	reason: &C::Reason,
	from: &AccountId,
	to: &AccountId,
	amount: Balance,
	treasury: &AccountId,
) -> (Balance, Balance)
where
	C: MutateHold<AccountId> + InspectHold<AccountId, Balance = Balance>,
{
	let due = amount.min(C::balance_on_hold(reason, from));
	if due == 0 {
		return (0, 0);
	}
	for destination in [to, treasury] {
		let moved = if destination == from {
			C::release(reason, from, due, Precision::BestEffort)
		} else {
			C::transfer_on_hold(
				reason,
				from,
				destination,
				due,
				Precision::BestEffort,
				Restriction::Free,
				Fortitude::Force,
			)
		};
		match moved {
			Ok(moved) => return (moved, if destination == to { moved } else { 0 }),
			Err(_) => continue,
		}
	}
	(burn_from_hold::<C>(reason, from, due), 0)
}

/// Burn up to `amount` planck that `from` holds for `reason`; return what was burned.
pub fn burn_from_hold<C>(reason: &C::Reason, from: &AccountId, amount: Balance) -> Balance
where
	C: MutateHold<AccountId> + InspectHold<AccountId, Balance = Balance>,
{
	let due = amount.min(C::balance_on_hold(reason, from));
	C::burn_held(reason, from, due, Precision::BestEffort, Fortitude::Force).unwrap_or(0)
}
