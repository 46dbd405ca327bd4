//! The table of states and calls, walked pair by pair.

use crate::{mock::*, *};
use ainur_primitives::EscrowId;
use frame_support::{assert_ok, dispatch::DispatchResult};
use sp_core::{storage::StateVersion, H256};

const EVIDENCE: H256 = H256::repeat_byte(8);

type Way = (&'static str, fn() -> EscrowId);

/// Every way to come to a state, by the state's name.
const STATES: [Way; 14] = [
	("Open", || {
		Escrow::open(signed(requester()), offer()).unwrap();
		0
	}),
	("Accepted", || accepted(&offer())),
	("Delivered", || delivered(&offer())),
	("Disputed", || disputed(&offer())),
	("Disputed", || withheld(&offer())),
	("Escalated", || escalated(&offer())),
	("Released", || {
		let id = delivered(&offer());
		Escrow::release(signed(requester()), id).unwrap();
		id
	}),
	("Cancelled", || {
		Escrow::open(signed(requester()), offer()).unwrap();
		Escrow::cancel(signed(requester()), 0).unwrap();
		0
	}),
	("Refunded", || {
		let id = accepted(&offer());
		Escrow::refund(signed(provider()), id).unwrap();
		id
	}),
	("Expired", || {
		let id = accepted(&offer());
		pass_deadline(id);
		Escrow::claim_timeout(signed(stranger()), id).unwrap();
		id
	}),
	("Ruled", || {
		let id = disputed(&offer());
		Escrow::rule(signed(arbiter()), id, 5_000).unwrap();
		id
	}),
	("Split", || {
		let id = escalated(&offer());
		pass_deadline(id);
		Escrow::claim_timeout(signed(stranger()), id).unwrap();
		id
	}),
	("Accepted", || {
		// The second milestone of two.
		let id = delivered(&offer_of(&[
			4 * ainur_primitives::UNIT,
			6 * ainur_primitives::UNIT,
		]));
		Escrow::release(signed(requester()), id).unwrap();
		id
	}),
	("Escalated", || escalate(withheld(&offer()))),
];

type Call = (&'static str, fn(EscrowId) -> DispatchResult);

/// Every call by whoever may make it.
const CALLS: [Call; 14] = [
	("accept", |id| {
		Escrow::accept(signed(provider()), id, get(id).offer_hash)
	}),
	("decline", |id| Escrow::decline(signed(provider()), id)),
	("cancel", |id| Escrow::cancel(signed(requester()), id)),
	("request_cancel", |id| {
		Escrow::request_cancel(signed(requester()), id)
	}),
	("deliver", |id| {
		Escrow::deliver(signed(provider()), id, EVIDENCE)
	}),
	("release", |id| Escrow::release(signed(requester()), id)),
	("refund", |id| Escrow::refund(signed(provider()), id)),
	("dispute input", |id| {
		Escrow::dispute(
			signed(provider()),
			id,
			DisputeReason::InputWithheld,
			EVIDENCE,
		)
	}),
	("dispute result", |id| {
		Escrow::dispute(
			signed(requester()),
			id,
			DisputeReason::ResultWrong,
			EVIDENCE,
		)
	}),
	("rule by the named", |id| {
		Escrow::rule(signed(arbiter()), id, 5_000)
	}),
	("rule by the chain's", |id| Escrow::rule(root(), id, 5_000)),
	("claim_timeout", |id| {
		Escrow::claim_timeout(signed(stranger()), id)
	}),
	("prune", |id| Escrow::prune(signed(stranger()), id)),
	("accept another offer", |id| {
		Escrow::accept(signed(provider()), id, H256::zero())
	}),
];

/// What the call answers in the state, within the deadline.
fn expected(state: &str, call: &str) -> Result<(), &'static str> {
	let terminal = !matches!(
		state,
		"Open" | "Accepted" | "Delivered" | "Disputed" | "Escalated"
	);
	match (state, call) {
		("Open", "accept" | "decline" | "cancel") => Ok(()),
		("Open", "accept another offer") => Err("WrongOffer"),
		("Accepted", "deliver" | "request_cancel" | "refund" | "dispute input") => Ok(()),
		("Accepted", "dispute result") => Err("NotAllowed"),
		("Delivered", "release" | "refund" | "dispute result") => Ok(()),
		("Delivered", "dispute input") => Err("NotAllowed"),
		("Disputed", "release" | "refund" | "rule by the named") => Ok(()),
		("Disputed", "rule by the chain's") => Err("BadOrigin"),
		("Escalated", "release" | "refund" | "rule by the chain's") => Ok(()),
		("Escalated", "rule by the named") => Err("BadOrigin"),
		(_, "claim_timeout") if !terminal => Err("TooEarly"),
		(_, "prune") if terminal => Err("Retained"),
		_ => Err("WrongState"),
	}
}

fn name(error: sp_runtime::DispatchError) -> String {
	match error {
		sp_runtime::DispatchError::Module(module) => module.message.unwrap().to_string(),
		other => format!("{other:?}"),
	}
}

fn in_state(build: fn() -> EscrowId, test: impl FnOnce(EscrowId)) {
	ExtBuilder::default().build_and_execute(|| {
		let id = build();
		test(id)
	});
}

#[test]
fn each_state_has_exactly_its_calls_and_a_refused_call_changes_nothing() {
	for (state, build) in STATES {
		for (label, call) in CALLS {
			in_state(build, |id| {
				let found = format!("{:?}", get(id).state);
				assert!(found.starts_with(state), "{found} is not {state}");
				match expected(state, label) {
					Ok(()) => call(id).unwrap(),
					Err(error) => {
						let result = assert_storage_noop_of(|| call(id));
						assert_eq!(result.map_err(name), Err(error.into()), "{state}, {label}");
					}
				}
			});
		}
	}
}

#[test]
fn after_its_deadline_a_state_has_only_the_timeout() {
	for (state, build) in STATES {
		for (label, call) in CALLS {
			in_state(build, |id| {
				if get(id).state.is_terminal() {
					return;
				}
				pass_deadline(id);
				let wanted = match (label, expected(state, label)) {
					("claim_timeout", _) => return call(id).unwrap(),
					// Without a live escrow nobody is asked who they are.
					(_, Err("WrongState")) => "WrongState",
					_ => "TooLate",
				};
				let result = assert_storage_noop_of(|| call(id));
				assert_eq!(result.map_err(name), Err(wanted.into()), "{state}, {label}");
			});
		}
	}
}

#[test]
fn the_deadline_itself_is_still_in_time() {
	for (state, build) in STATES {
		for (label, call) in CALLS {
			in_state(build, |id| {
				if get(id).state.is_terminal() || expected(state, label).is_err() {
					return;
				}
				System::set_block_number(get(id).deadline.into());
				assert_ok!(call(id));
			});
		}
	}
}

#[test]
fn from_every_state_each_party_comes_to_an_end_by_its_own_calls_and_time() {
	// Alone, a party has its own calls, the timeout that anyone may claim, and blocks that pass.
	for who in [requester(), provider()] {
		for (state, build) in STATES {
			in_state(build, |id| {
				for step in 0..8 {
					if get(id).state.is_terminal() {
						return;
					}
					pass_deadline(id);
					assert_ok!(Escrow::claim_timeout(signed(who.clone()), id));
					assert!(step < 7, "{state} has no exit for {who}");
				}
			});
		}
	}
}

#[test]
fn a_strangers_call_is_refused_in_every_state() {
	let calls: [Call; 9] = [
		("accept", |id| {
			Escrow::accept(signed(stranger()), id, get(id).offer_hash)
		}),
		("decline", |id| Escrow::decline(signed(stranger()), id)),
		("cancel", |id| Escrow::cancel(signed(stranger()), id)),
		("request_cancel", |id| {
			Escrow::request_cancel(signed(stranger()), id)
		}),
		("deliver", |id| {
			Escrow::deliver(signed(stranger()), id, EVIDENCE)
		}),
		("release", |id| Escrow::release(signed(stranger()), id)),
		("refund", |id| Escrow::refund(signed(stranger()), id)),
		("dispute result", |id| {
			Escrow::dispute(signed(stranger()), id, DisputeReason::ResultWrong, EVIDENCE)
		}),
		("rule by the named", |id| {
			Escrow::rule(signed(stranger()), id, 5_000)
		}),
	];
	for (state, build) in STATES {
		for (label, call) in calls {
			in_state(build, |id| {
				let wanted = match (state, label) {
					// A silent arbiter's dispute is for an origin that no account is.
					("Escalated", "rule by the named") => "BadOrigin",
					("Accepted", "dispute result") => "NotAllowed",
					_ if expected(state, label).is_ok() => "NotAllowed",
					_ => "WrongState",
				};
				let result = assert_storage_noop_of(|| call(id));
				assert_eq!(result.map_err(name), Err(wanted.into()), "{state}, {label}");
			});
		}
	}
}

#[test]
fn an_unknown_escrow_is_not_found_by_any_call() {
	ExtBuilder::default().build_and_execute(|| {
		for result in [
			Escrow::accept(signed(provider()), 7, H256::zero()),
			Escrow::decline(signed(provider()), 7),
			Escrow::cancel(signed(requester()), 7),
			Escrow::request_cancel(signed(requester()), 7),
			Escrow::deliver(signed(provider()), 7, EVIDENCE),
			Escrow::release(signed(requester()), 7),
			Escrow::refund(signed(provider()), 7),
			Escrow::dispute(signed(requester()), 7, DisputeReason::ResultWrong, EVIDENCE),
			Escrow::rule(signed(arbiter()), 7, 1),
			Escrow::claim_timeout(signed(stranger()), 7),
			Escrow::prune(signed(stranger()), 7),
		] {
			assert_eq!(result, Err(Error::<Test>::NotFound.into()));
		}
	});
}

/// Make a call that must change nothing, and return what it answers.
fn assert_storage_noop_of(call: impl FnOnce() -> DispatchResult) -> DispatchResult {
	let before = sp_io::storage::root(StateVersion::V1);
	let result = call();
	assert_eq!(
		sp_io::storage::root(StateVersion::V1),
		before,
		"a refused call changed state"
	);
	result
}
