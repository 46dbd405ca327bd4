//! How the vectors write what the pallet stores.

use crate::{mock::*, *};
use serde_json::{json, Value};

/// The accounts that the vectors name.
pub fn named() -> Vec<(String, AccountId)> {
	let mut all = vec![
		("alice".into(), alice()),
		("bob".into(), bob()),
		("eve".into(), eve()),
		("node".into(), account("Node")),
		("treasury".into(), TreasuryAccount::get()),
		("nobody".into(), AccountId::new([9; 32])),
	];
	all.extend((0..6).map(|i| (format!("r{i}"), AccountId::new([0x10 + i; 32]))));
	all
}

pub fn name(id: &AccountId) -> String {
	named()
		.into_iter()
		.find(|(_, named)| named == id)
		.expect("a named account")
		.0
}

pub fn hex(bytes: impl AsRef<[u8]>) -> String {
	let digits: String = bytes
		.as_ref()
		.iter()
		.map(|byte| format!("{byte:02x}"))
		.collect();
	format!("0x{digits}")
}

pub fn amount(planck: Balance) -> Value {
	json!(planck.to_string())
}

pub fn params(p: &Params) -> Value {
	json!({
		"ref_price": amount(p.ref_price),
		"min_bond": amount(p.min_bond),
		"first_bond_burn": amount(p.first_bond_burn),
		"report_hold": amount(p.report_hold),
		"exposure_factor": p.exposure_factor,
		"epoch": p.epoch,
		"report_window": p.report_window,
		"report_deferral": p.report_deferral,
		"unbond_period": p.unbond_period,
		"reinstate_after": p.reinstate_after,
	})
}

fn counters(c: &EpochCounters) -> Value {
	json!({
		"epoch": c.epoch, "gained": c.gained, "terminals": c.terminals, "failures": c.failures,
	})
}

pub fn record(r: &Record) -> Value {
	let unlocking: Vec<_> = r
		.unlocking
		.iter()
		.map(|c| json!({"amount": amount(c.amount), "at": c.at}))
		.collect();
	json!({
		"score": r.score,
		"active": amount(r.active),
		"unlocking": unlocking,
		"set_aside": amount(r.set_aside),
		"exposure": amount(r.exposure),
		"open_jobs": r.open_jobs,
		"settled": r.settled,
		"first_requesters": r.first_requesters.iter().map(name).collect::<Vec<_>>(),
		"bonded_since": r.bonded_since,
		"first_bond_burned": r.first_bond_burned,
		"disputes_lost": r.disputes_lost,
		"suspended_at": r.suspended_at,
		"current": counters(&r.current),
		"previous": counters(&r.previous),
		"judged": r.judged,
	})
}

pub fn pair(provider: &AccountId, requester: &AccountId) -> Value {
	match Pairs::<Test>::try_get(provider, requester) {
		Ok(pair) => json!({"epoch": pair.epoch, "successes": pair.successes}),
		Err(()) => Value::Null,
	}
}

fn outcome(outcome: &Outcome) -> Value {
	match outcome {
		Outcome::Success => json!({"kind": "success"}),
		Outcome::Failure {
			half,
			named_arbiter,
		} => {
			json!({"kind": "failure", "half": half, "named_arbiter": named_arbiter})
		}
		Outcome::Neutral => json!({"kind": "neutral"}),
	}
}

pub fn terminal(t: &Terminal) -> Value {
	json!({
		"escrow": t.escrow,
		"requester": name(&t.requester),
		"provider": name(&t.provider),
		"paid": amount(t.paid),
		"unpaid": amount(t.unpaid),
		"exposure": amount(t.exposure),
		"slash_base": amount(t.slash_base),
		"outcome": outcome(&t.outcome),
	})
}

pub fn subject(subject: &Subject) -> Value {
	match subject {
		Subject::Conduct => json!("conduct"),
		Subject::Escrow(id) => json!({"escrow": id}),
		Subject::Slot(slot) => json!({"slot": hex(slot)}),
		Subject::Epoch(epoch) => json!({"epoch": epoch}),
	}
}

fn reports() -> Value {
	let mut all: Vec<_> = Reports::<Test>::iter().collect();
	all.sort_by_key(|(id, _)| *id);
	all.iter()
		.map(|(id, r)| {
			json!({
				"report": id,
				"agent": name(&r.agent),
				"offence": format!("{:?}", r.offence),
				"subject": subject(&r.subject),
				"reporter": r.reporter.as_ref().map(name),
				"hold": amount(r.hold),
				"set_aside": amount(r.set_aside),
				"evidence": hex(r.evidence),
				"deferred_until": r.deferred_until,
			})
		})
		.collect()
}

pub fn balances(who: &AccountId) -> Value {
	json!({
		"free": amount(free(who)),
		"bond": amount(held(HoldReason::Bond, who)),
		"report": amount(held(HoldReason::Report, who)),
	})
}

/// Everything that a sequence may change.
pub fn state() -> Value {
	let (mut records, mut all) = (serde_json::Map::new(), serde_json::Map::new());
	for (name, id) in named() {
		if Records::<Test>::contains_key(&id) {
			records.insert(name.clone(), record(&Records::<Test>::get(&id)));
		}
		if free(&id) > 0 || held(HoldReason::Bond, &id) > 0 {
			all.insert(name, balances(&id));
		}
	}
	json!({
		"records": records,
		"balances": all,
		"total_issuance": amount(Balances::total_issuance()),
		"pair": pair(&alice(), &bob()),
		"reports": reports(),
		"next_report": NextReport::<Test>::get(),
	})
}

/// JSON with one entry a line down to `depth`, so that a diff shows which case changed.
pub fn lines(value: &Value, depth: u32) -> String {
	if depth == 0 {
		return value.to_string();
	}
	let (open, close, entries): (_, _, Vec<_>) = match value {
		Value::Array(all) => ("[", "]", all.iter().map(|v| lines(v, depth - 1)).collect()),
		Value::Object(all) => (
			"{",
			"}",
			all.iter()
				.map(|(k, v)| format!("{}: {}", json!(k), lines(v, depth - 1)))
				.collect(),
		),
		other => return other.to_string(),
	};
	format!("{open}\n{}\n{close}", entries.join(",\n"))
}
