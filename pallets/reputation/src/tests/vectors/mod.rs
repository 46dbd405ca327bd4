//! The vectors that every implementation of these rules is held to: `tests/vectors/reputation.json`
//! at the root of the repository. `UPDATE_VECTORS=1 cargo test` writes the file; without it, a file
//! that says something else than this code fails the test.

mod json;
mod sequences;
mod tables;
mod terminals;

use super::*;
use serde_json::{json, Value};
use std::path::PathBuf;

const FORMAT: u32 = 1;
const DESCRIPTION: &str = "Bonds, scores and offences. Amounts are decimal strings in planck; \
scores are milli-points; weights millionths; accounts are named, see `accounts`. `tables` holds the \
pure functions. Each of `terminals` is one end of an escrow on an otherwise empty chain: records, \
pair and balances before, the terminal, and the same after; an absent pair is null. Each of \
`sequences` starts from `start` and goes step by step: at `block`, `call` by `origin` with `args` \
gives `result` (`ok`, a value, or the error's name), and `state` after it. A step whose call is \
`env` only tells what the registry and the escrows answer from then on. A step that fails changes \
nothing. Offers and signatures are SCALE in hexadecimal; the evidence of two \
offers is BLAKE2b-256 of their hashes, one after the other.";

fn build() -> String {
	let params: Value = [
		("ci", Params::ci()),
		("development", Params::development()),
		("testnet", Params::testnet()),
	]
	.into_iter()
	.map(|(name, params)| (name.to_string(), json::params(&params)))
	.collect();
	let accounts: Value = json::named()
		.into_iter()
		.map(|(name, id)| (name, json!(json::hex(&id))))
		.collect();
	let genesis = ExtBuilder::default()
		.build()
		.execute_with(|| System::block_hash(0));

	let mut sections = vec![
		("format", json!(FORMAT).to_string()),
		("description", json!(DESCRIPTION).to_string()),
		("genesis", json!(json::hex(genesis)).to_string()),
		(
			"existential_deposit",
			json::amount(ainur_primitives::EXISTENTIAL_DEPOSIT).to_string(),
		),
		("accounts", json::lines(&accounts, 1)),
		("params", json::lines(&params, 1)),
	];
	sections.push(("tables", json::lines(&tables::build(), 2)));
	sections.push(("terminals", json::lines(&terminals::build(), 1)));
	sections.push(("sequences", json::lines(&sequences::build(), 3)));
	let body: Vec<_> = sections
		.into_iter()
		.map(|(name, value)| format!("\"{name}\": {value}"))
		.collect();
	format!("{{\n{}\n}}\n", body.join(",\n"))
}

#[test]
fn the_shared_vectors_say_what_this_code_does() {
	let path =
		PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/reputation.json");
	let built = build();
	serde_json::from_str::<Value>(&built).unwrap();
	if std::env::var("UPDATE_VECTORS").is_ok_and(|v| v == "1") {
		std::fs::create_dir_all(path.parent().unwrap()).unwrap();
		std::fs::write(&path, &built).unwrap();
	}
	let committed = std::fs::read_to_string(&path).unwrap_or_default();
	for (line, (committed, built)) in committed.lines().zip(built.lines()).enumerate() {
		assert_eq!(committed, built, "line {} of the vectors differs", line + 1);
	}
	assert!(
		committed == built,
		"the vectors and this code differ: run the tests with UPDATE_VECTORS=1 and read the diff"
	);
}
