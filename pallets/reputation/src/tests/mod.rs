#![allow(clippy::arithmetic_side_effects)] // an overflow in a test panics, as it should

mod bond;
mod exits;
mod offences;
mod score;
mod settlement;
mod vectors;

use crate::{mock::*, *};

/// Take on a job of `amount` and end it for Bob; the score moves by all of it.
fn settle(provider: &AccountId, amount: Balance, outcome: Outcome) {
	let slash_base = Reputation::take_on(provider, amount).unwrap();
	let failed = matches!(outcome, Outcome::Failure { .. });
	Reputation::on_terminal(Terminal {
		escrow: 1,
		requester: bob(),
		provider: provider.clone(),
		paid: if failed { 0 } else { amount },
		unpaid: if failed { amount } else { 0 },
		exposure: amount,
		slash_base,
		outcome,
	});
}

const FAILURE: Outcome = Outcome::Failure {
	half: false,
	named_arbiter: false,
};
const HALF: Outcome = Outcome::Failure {
	half: true,
	named_arbiter: false,
};
const NAMED: Outcome = Outcome::Failure {
	half: false,
	named_arbiter: true,
};
