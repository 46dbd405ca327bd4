//! The vectors that every implementation of these rules is held to: `tests/vectors/escrow.json` and
//! `tests/vectors/offer.json` at the root of the repository. `UPDATE_VECTORS=1 cargo test` writes
//! them; without it, a file that says something else than this code fails the test.

use crate::{mock::*, *};
use ainur_primitives::{
	AccountId, Balance, Draw, Milestones, Offer, Outcome, EXISTENTIAL_DEPOSIT, MAX_MILESTONES,
	OFFER_DOMAIN, UNIT,
};
use codec::Encode;
use frame_support::{
	dispatch::DispatchResult,
	storage::{with_transaction, TransactionOutcome},
	traits::fungible::InspectHold,
};
use serde_json::{json, Map, Value};
use sp_core::{Pair, H256};
use sp_runtime::DispatchError;
use std::path::PathBuf;

const ABOUT_ESCROW: &str = "Escrows. Amounts are decimal strings in planck, hashes and accounts \
hexadecimal; parties are named, see `accounts`. `tables` holds the pure functions. Each of \
`sequences` opens one escrow on a chain with the periods of `params.ci` and goes step by step: at \
`block`, `call` by `origin` gives `result` (`ok` or the error's name), and afterwards `escrow` is \
the record, `held` what the requester's hold carries, `moves` by how much each party's money \
(free and held) changed without what a bond was slashed, `burned` what left the issuance so, and \
`asked` what was asked of bonds and scores, in order. `refused` names every call that the state then \
refuses at that block, made by whoever may make it, and why; what is not in it is allowed.";

const ABOUT_OFFER: &str = "Offers that a provider signs. `encoded` is SCALE, `hash` its \
BLAKE2b-256, `payload` what is signed. `ed25519` is the \
signature of the key of `seed`. `refused` are signatures of the first offer that do not count, and why.";

fn hex(bytes: impl AsRef<[u8]>) -> String {
	sp_core::bytes::to_hex(bytes.as_ref(), false)
}

fn amount(value: Balance) -> Value {
	json!(value.to_string())
}

fn name_of(who: &AccountId) -> Value {
	let known = everybody().into_iter().find(|(_, account)| account == who);
	known.map_or(json!(hex(who)), |(name, _)| json!(name))
}

fn error_name(error: DispatchError) -> String {
	match error {
		DispatchError::Module(module) => module.message.unwrap().to_string(),
		other => format!("{other:?}"),
	}
}

fn result(result: DispatchResult) -> Value {
	result.map_or_else(|error| json!(error_name(error)), |()| json!("ok"))
}

fn state_name(state: State) -> Value {
	match state {
		State::Ruled { provider_bps } => json!({"Ruled": provider_bps}),
		other => json!(format!("{other:?}")),
	}
}

fn record(e: &EscrowRecord) -> Value {
	json!({
		"state": state_name(e.state),
		"deadline": e.deadline,
		"milestone": e.milestone,
		"paid": amount(e.paid),
		"result": e.result.map(hex),
		"dispute": e.dispute.as_ref().map(|d| json!({
			"by": format!("{:?}", d.by), "reason": format!("{:?}", d.reason),
		})),
		"cancel_requested": e.cancel_requested,
		"slash_base": amount(e.slash_base),
		"dispute_deposit": amount(e.dispute_deposit),
		"record_deposit": amount(e.record_deposit),
	})
}

fn fields(offer: &Offer) -> Value {
	json!({
		"genesis": hex(offer.genesis),
		"requester": hex(&offer.requester),
		"provider": hex(&offer.provider),
		"task_id": hex(offer.task_id),
		"attempt": offer.attempt,
		"price": amount(offer.price),
		"milestones": offer.milestones.iter().map(|m| amount(*m)).collect::<Vec<_>>(),
		"input_hash": hex(offer.input_hash),
		"slot": hex(offer.slot),
		"terms": hex(offer.terms),
		"arbiter": offer.arbiter.as_ref().map(hex),
		"deliver_within": offer.deliver_within,
		"review_blocks": offer.review_blocks,
		"valid_until": offer.valid_until,
		"offer_epoch": offer.offer_epoch,
	})
}

fn asked() -> Value {
	ASKED
		.take()
		.into_iter()
		.map(|asked| match asked {
			Asked::TakeOn(value) => json!({"take_on": amount(value)}),
			Asked::ReduceExposure(value) => json!({"reduce_exposure": amount(value)}),
			Asked::Draw(value, Draw::Burn) => json!({"draw": amount(value), "to": null}),
			Asked::Draw(value, Draw::To(who)) => {
				json!({"draw": amount(value), "to": name_of(&who)})
			}
			Asked::DisputeLost => json!("dispute_lost"),
			Asked::Terminal(t) => json!({"terminal": {
				"paid": amount(t.paid),
				"unpaid": amount(t.unpaid),
				"exposure": amount(t.exposure),
				"slash_base": amount(t.slash_base),
				"outcome": match t.outcome {
					Outcome::Success => json!("Success"),
					Outcome::Neutral => json!("Neutral"),
					Outcome::Failure { half, named_arbiter } => {
						json!({"Failure": {"half": half, "named_arbiter": named_arbiter}})
					},
				},
			}}),
		})
		.collect()
}

/// A step of a sequence: blocks to pass first, and the call.
#[derive(Clone, Copy)]
enum When {
	/// So many blocks later.
	In(u64),
	/// At the state's deadline.
	AtDeadline,
	/// One block after it.
	AfterDeadline,
	/// One block after the retention.
	AfterRetention,
}
use When::*;

type Steps = &'static [(When, &'static str, u16)];

const RULINGS: [u16; 9] = [0, 1, 2_000, 2_001, 5_000, 7_999, 8_000, 9_999, 10_000];

const PATHS: [(&str, Steps); 22] = [
	(
		"cancelled",
		&[(In(1), "cancel", 0), (AfterRetention, "prune", 0)],
	),
	("declined", &[(AtDeadline, "decline", 0)]),
	("not accepted", &[(AfterDeadline, "claim_timeout", 0)]),
	(
		"accepted, then expired",
		&[
			(AtDeadline, "accept", 0),
			(AfterDeadline, "claim_timeout", 0),
		],
	),
	(
		"another offer",
		&[(In(0), "accept_another", 0), (In(0), "accept", 0)],
	),
	(
		"refunded",
		&[
			(In(0), "accept", 0),
			(In(2), "refund", 0),
			(AfterRetention, "prune", 0),
		],
	),
	(
		"refunded on request",
		&[
			(In(0), "accept", 0),
			(In(1), "request_cancel", 0),
			(AtDeadline, "refund", 0),
		],
	),
	(
		"expired though requested",
		&[
			(In(0), "accept", 0),
			(In(1), "request_cancel", 0),
			(AfterDeadline, "claim_timeout", 0),
		],
	),
	(
		"released to the end",
		&[
			(In(0), "accept", 0),
			(AtDeadline, "deliver", 0),
			(AtDeadline, "release", 0),
			(In(1), "deliver", 0),
			(In(1), "release", 0),
			(AfterRetention, "prune", 0),
		],
	),
	(
		"silence",
		&[
			(In(0), "accept", 0),
			(In(1), "deliver", 0),
			(AfterDeadline, "claim_timeout", 0),
			(In(1), "deliver", 0),
			(AfterDeadline, "claim_timeout", 0),
		],
	),
	(
		"the second milestone expires",
		&[
			(In(0), "accept", 0),
			(In(1), "deliver", 0),
			(In(1), "release", 0),
			(AfterDeadline, "claim_timeout", 0),
		],
	),
	(
		"given back",
		&[
			(In(0), "accept", 0),
			(In(1), "deliver", 0),
			(In(1), "refund", 0),
		],
	),
	(
		"given back in a dispute",
		&[
			(In(0), "accept", 0),
			(In(1), "deliver", 0),
			(AtDeadline, "dispute_result", 0),
			(AtDeadline, "refund", 0),
		],
	),
	(
		"conceded",
		&[
			(In(0), "accept", 0),
			(In(1), "deliver", 0),
			(In(1), "dispute_result", 0),
			(AtDeadline, "release", 0),
		],
	),
	(
		"conceded before delivery",
		&[
			(In(0), "accept", 0),
			(In(1), "dispute_input", 0),
			(In(1), "release", 0),
		],
	),
	(
		"split",
		&[
			(In(0), "accept", 0),
			(In(1), "deliver", 0),
			(In(1), "dispute_result", 0),
			(AfterDeadline, "claim_timeout", 0),
			(AfterDeadline, "claim_timeout", 0),
		],
	),
	(
		"split before delivery",
		&[
			(In(0), "accept", 0),
			(In(1), "dispute_input", 0),
			(AfterDeadline, "claim_timeout", 0),
			(AfterDeadline, "claim_timeout", 0),
		],
	),
	(
		"the second milestone split",
		&[
			(In(0), "accept", 0),
			(In(1), "deliver", 0),
			(In(1), "release", 0),
			(In(1), "deliver", 0),
			(In(1), "dispute_result", 0),
			(AfterDeadline, "claim_timeout", 0),
			(AfterDeadline, "claim_timeout", 0),
		],
	),
	(
		"ruled",
		&[
			(In(0), "accept", 0),
			(In(1), "deliver", 0),
			(In(1), "dispute_result", 0),
			(In(1), "rule", 0),
		],
	),
	(
		"ruled before delivery",
		&[
			(In(0), "accept", 0),
			(In(1), "dispute_input", 0),
			(AtDeadline, "rule", 0),
		],
	),
	(
		"ruled when escalated",
		&[
			(In(0), "accept", 0),
			(In(1), "deliver", 0),
			(In(1), "dispute_result", 0),
			(AfterDeadline, "claim_timeout", 0),
			(In(1), "rule", 0),
		],
	),
	(
		"the second milestone ruled",
		&[
			(In(0), "accept", 0),
			(In(1), "deliver", 0),
			(In(1), "release", 0),
			(In(1), "deliver", 0),
			(In(1), "dispute_result", 0),
			(In(1), "rule", 0),
		],
	),
];

const CALLS: [&str; 13] = [
	"accept",
	"accept_another",
	"cancel",
	"claim_timeout",
	"decline",
	"deliver",
	"dispute_input",
	"dispute_result",
	"prune",
	"refund",
	"release",
	"request_cancel",
	"rule",
];

const RESULT: H256 = H256::repeat_byte(9);

fn call(label: &str, bps: u16) -> (&'static str, DispatchResult) {
	let id = 0;
	let (hash, evidence) = (get(id).offer_hash, H256::repeat_byte(8));
	let chains_own = get(id).arbiter.is_none() || get(id).state == State::Escalated;
	match label {
		"accept" => ("provider", Escrow::accept(signed(provider()), id, hash)),
		"accept_another" => (
			"provider",
			Escrow::accept(signed(provider()), id, H256::zero()),
		),
		"decline" => ("provider", Escrow::decline(signed(provider()), id)),
		"cancel" => ("requester", Escrow::cancel(signed(requester()), id)),
		"request_cancel" => ("requester", Escrow::request_cancel(signed(requester()), id)),
		"deliver" => ("provider", Escrow::deliver(signed(provider()), id, RESULT)),
		"release" => ("requester", Escrow::release(signed(requester()), id)),
		"refund" => ("provider", Escrow::refund(signed(provider()), id)),
		"dispute_input" => {
			let reason = DisputeReason::InputWithheld;
			(
				"provider",
				Escrow::dispute(signed(provider()), id, reason, evidence),
			)
		}
		"dispute_result" => {
			let reason = DisputeReason::ResultWrong;
			(
				"requester",
				Escrow::dispute(signed(requester()), id, reason, evidence),
			)
		}
		"rule" if chains_own => ("root", Escrow::rule(root(), id, bps)),
		"rule" => ("arbiter", Escrow::rule(signed(arbiter()), id, bps)),
		"claim_timeout" => ("stranger", Escrow::claim_timeout(signed(stranger()), id)),
		"prune" => ("stranger", Escrow::prune(signed(stranger()), id)),
		other => panic!("no call {other}"),
	}
}

/// Everybody's money, without what is bonded: slashing is another file's.
fn money() -> Vec<(&'static str, i128)> {
	let bonded = pallet_ainur_reputation::Records::<Test>::get(provider());
	everybody()
		.map(|(name, who)| {
			let (free, held) = wealth(&who);
			let bond = if who == provider() {
				bonded.active + bonded.set_aside
			} else {
				0
			};
			(name, (free + held - bond) as i128)
		})
		.to_vec()
}

fn refused() -> Value {
	let mut all = Map::new();
	for label in CALLS {
		let outcome = with_transaction(|| {
			TransactionOutcome::Rollback(Ok::<_, DispatchError>(call(label, 5_000).1))
		});
		if let Err(error) = outcome.unwrap() {
			all.insert(label.into(), json!(error_name(error)));
		}
	}
	ASKED.take();
	Value::Object(all)
}

fn step(label: &str, bps: u16) -> Value {
	let (before, issued) = (money(), Balances::total_issuance());
	ASKED.take();
	let (origin, outcome) = if label == "open" {
		let offer = offer_now();
		("requester", Escrow::open(signed(requester()), offer))
	} else {
		call(label, bps)
	};
	let asked = asked();
	let slashes = asked
		.as_array()
		.unwrap()
		.iter()
		.any(|a| a.get("draw").is_some() || a.pointer("/terminal/outcome/Failure").is_some());
	let moves: Map<String, Value> = before
		.into_iter()
		.zip(money())
		.filter(|((_, was), (_, is))| was != is)
		.map(|((name, was), (_, is))| (name.to_string(), json!((is - was).to_string())))
		.collect();
	let pruned = !Escrows::<Test>::contains_key(0);
	let mut shown = json!({
		"block": System::block_number(),
		"call": label,
		"origin": origin,
		"result": result(outcome),
		"escrow": if pruned { Value::Null } else { record(&get(0)) },
		"held": amount(Balances::balance_on_hold(&HoldReason::Escrow.into(), &requester())),
		"asked": asked,
	});
	if label == "rule" {
		shown["args"] = json!({"provider_bps": bps});
	}
	if !slashes {
		// Where a bond is drawn on, the sums are those of both files.
		shown["moves"] = Value::Object(moves);
		shown["burned"] = amount(issued - Balances::total_issuance());
	}
	if !pruned {
		shown["refused"] = refused();
	}
	shown
}

std::thread_local! {
	static OFFER: core::cell::RefCell<Option<Offer>> = const { core::cell::RefCell::new(None) };
}

fn offer_now() -> Offer {
	OFFER.with_borrow(|offer| offer.clone().unwrap())
}

fn sequence(name: &str, offer: fn() -> Offer, steps: Steps, bps: u16) -> Value {
	ExtBuilder::default().build().execute_with(|| {
		OFFER.set(Some(offer()));
		let mut shown = vec![step("open", 0)];
		for (when, label, _) in steps {
			let deadline = u64::from(get(0).deadline);
			let kept = u64::from(get(0).deadline.max(get(0).valid_until) + Params::ci().retention);
			System::set_block_number(match when {
				In(blocks) => System::block_number() + blocks,
				AtDeadline => deadline,
				AfterDeadline => deadline + 1,
				AfterRetention => kept + 1,
			});
			shown.push(step(label, bps));
			if !Escrows::<Test>::contains_key(0) {
				break;
			}
		}
		json!({"name": name, "offer": fields(&offer_now()), "steps": shown})
	})
}

type Kind = (&'static str, fn() -> Offer);

fn offers() -> [Kind; 4] {
	[
		("one milestone", offer),
		("two odd ones", || offer_of(&[4 * UNIT + 1, 6 * UNIT + 7])),
		("the least", || {
			let least = [EXISTENTIAL_DEPOSIT; MAX_MILESTONES as usize];
			Offer {
				deliver_within: 2,
				..offer_of(&least)
			}
		}),
		("no named arbiter", || Offer {
			arbiter: None,
			..offer_of(&[1_000_000_007, 2_000_000_049])
		}),
	]
}

fn sequences() -> Value {
	let mut all = Vec::new();
	for (kind, offer) in offers() {
		for (path, steps) in PATHS {
			let rulings: &[u16] = if path.contains("ruled") {
				&RULINGS
			} else {
				&[0]
			};
			for bps in rulings {
				let name = match path.contains("ruled") {
					true => format!("{path} {bps}, {kind}"),
					false => format!("{path}, {kind}"),
				};
				all.push(sequence(&name, offer, steps, *bps));
			}
		}
	}
	json!(all)
}

fn tables() -> Value {
	let params = Params::ci();
	let amounts: Vec<Balance> = vec![
		0,
		1,
		49,
		50,
		51,
		99,
		100,
		101,
		9_999,
		10_000,
		10_001,
		EXISTENTIAL_DEPOSIT,
		UNIT - 1,
		UNIT,
		UNIT + 1,
		u64::MAX.into(),
		1 << 100,
	];
	let mut parts = Vec::new();
	for value in &amounts {
		for bps in RULINGS {
			parts.push(json!([
				amount(*value),
				bps,
				amount(part(*value, bps.into()))
			]));
		}
	}
	json!({
		"fee": amounts.iter().map(|v| json!([amount(*v), amount(params.fee(*v))])).collect::<Vec<_>>(),
		"dispute_deposit": amounts
			.iter()
			.map(|v| json!([amount(*v), amount(params.dispute_deposit(*v))]))
			.collect::<Vec<_>>(),
		"part": parts,
	})
}

fn params(p: &Params) -> Value {
	let mut shown = serde_json::to_value(p).unwrap();
	for money in ["recordDeposit", "minDisputeDeposit"] {
		shown[money] = json!(shown[money].as_u64().unwrap().to_string());
	}
	shown
}

/// An object or a list with one entry a line, `depth` levels deep.
fn lines(value: &Value, depth: usize) -> String {
	match value {
		Value::Object(entries) if depth > 0 => {
			let body: Vec<_> = entries
				.iter()
				.map(|(k, v)| format!("{}: {}", json!(k), lines(v, depth - 1)))
				.collect();
			format!("{{\n{}\n}}", body.join(",\n"))
		}
		Value::Array(entries) if depth > 0 => {
			let body: Vec<_> = entries.iter().map(|v| lines(v, depth - 1)).collect();
			format!("[\n{}\n]", body.join(",\n"))
		}
		other => other.to_string(),
	}
}

fn assert_committed(file: &str, built: Value) {
	let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
		.join("../../tests/vectors")
		.join(file);
	let built = lines(&built, 4) + "\n";
	if std::env::var("UPDATE_VECTORS").is_ok_and(|v| v == "1") {
		std::fs::create_dir_all(path.parent().unwrap()).unwrap();
		std::fs::write(&path, &built).unwrap();
	}
	let committed = std::fs::read_to_string(&path).unwrap_or_default();
	for (line, (committed, built)) in committed.lines().zip(built.lines()).enumerate() {
		assert_eq!(committed, built, "{file}: line {} differs", line + 1);
	}
	assert!(
		committed == built,
		"{file} and this code differ: run the tests with UPDATE_VECTORS=1 and read the diff"
	);
}

#[test]
fn the_shared_vectors_of_escrows_say_what_this_code_does() {
	let accounts: Map<String, Value> = everybody()
		.into_iter()
		.map(|(name, who)| (name.to_string(), json!(hex(who))))
		.collect();
	assert_committed(
		"escrow.json",
		json!({
			"format": 1,
			"description": ABOUT_ESCROW,
			"accounts": accounts,
			"params": {
				"ci": params(&Params::ci()),
				"development": params(&Params::development()),
				"testnet": params(&Params::testnet()),
			},
			"result": hex(RESULT),
			"tables": tables(),
			"sequences": sequences(),
		}),
	);
}

#[test]
fn the_shared_vectors_of_offers_say_what_this_code_does() {
	let seed = sp_io::hashing::blake2_256(b"Provider");
	let shown = |offer: &Offer, refused: Value| {
		json!({
			"offer": fields(offer),
			"encoded": hex(offer.encode()),
			"hash": hex(offer.hash()),
			"payload": hex(offer.signing_payload()),
			"ed25519": hex(ed("Provider").sign(&offer.signing_payload()).0),
			"refused": refused,
		})
	};
	let built = ExtBuilder::default().build().execute_with(|| {
		let plain = offer();
		let one = ed("Provider").sign(&plain.signing_payload()).0;
		let bare = ed("Provider").sign(plain.hash().as_bytes()).0;
		let other = ed("Stranger").sign(&plain.signing_payload()).0;
		// The same signature with the group's order added to its scalar: it must not count twice.
		let order = sp_core::U256::from_little_endian(
			&sp_core::bytes::from_hex(
				"0xedd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",
			)
			.unwrap(),
		);
		let scalar = sp_core::U256::from_little_endian(&one[32..]);
		let malleable = [
			one[..32].to_vec(),
			scalar.saturating_add(order).to_little_endian().to_vec(),
		]
		.concat();
		for bad in [bare.to_vec(), other.to_vec(), malleable.clone()] {
			let signature = sp_core::ed25519::Signature::try_from(&bad[..]).unwrap();
			let opened =
				Escrow::open_with_offer(signed(requester()), plain.clone(), signature.into());
			assert_eq!(opened, Err(Error::<Test>::BadSignature.into()));
		}
		let many = Offer {
			attempt: 255,
			slot: H256::zero(),
			arbiter: None,
			milestones: Milestones::truncate_from(vec![u128::MAX / 8; 8]),
			price: u128::MAX / 8 * 8,
			deliver_within: u32::MAX,
			review_blocks: u32::MAX,
			valid_until: u32::MAX,
			offer_epoch: u32::MAX,
			..offer()
		};
		let none = Offer {
			milestones: Milestones::default(),
			price: 0,
			valid_until: 0,
			..offer()
		};
		json!({
			"format": 1,
			"description": ABOUT_OFFER,
			"domain": hex(OFFER_DOMAIN),
			"seed": hex(seed),
			"public": hex(ed("Provider").public().0),
			"offers": [
				shown(&plain, json!({
					"without the domain": hex(bare),
					"another key's": hex(other),
					"malleated": hex(malleable),
				})),
				shown(&many, json!({})),
				shown(&none, json!({})),
				shown(&offer_of(&[UNIT, 2 * UNIT, 3 * UNIT]), json!({})),
			],
		})
	});
	assert_committed("offer.json", built);
}
