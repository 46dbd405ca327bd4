//! `author`: make blocks as a node makes them.

use crate::{
	blocks::{Block, Items, Plan},
	hex,
	replay::shown,
	runtime::{was_applied, Chain, Overlay},
	tell, Fault,
};
use codec::{Decode, Encode};
use serde_json::{json, Value};
use sp_runtime::OpaqueExtrinsic;
use std::{
	collections::BTreeMap,
	io::{Read, Write},
};

/// The inherents of a block of that time. Nothing but the time is known to our runtimes.
fn inherents(chain: &Chain, overlay: &mut Overlay, millis: u64) -> Result<Vec<Vec<u8>>, Fault> {
	let data = BTreeMap::from([(*b"timstap0", millis.encode())]);
	let answer = chain.call(overlay, "BlockBuilder_inherent_extrinsics", &data.encode())?;
	let made = Vec::<OpaqueExtrinsic>::decode(&mut &answer[..])?;
	Ok(made.iter().map(Encode::encode).collect())
}

/// Make one block; return it, and what it is told as.
fn make(chain: &mut Chain, plan: &Plan) -> Result<(Block, Value), Fault> {
	let asked: Vec<_> = plan
		.candidates
		.iter()
		.map(|t| shown(&chain.validate(t)))
		.collect();
	let mut overlay = Overlay::default();
	chain.start(&mut overlay, Default::default())?;
	let mut extrinsics = inherents(chain, &mut overlay, plan.millis)?;
	for inherent in &extrinsics {
		if !was_applied(&chain.apply(&mut overlay, inherent)?) {
			return Err("the runtime refused its own inherent".into());
		}
	}
	let mut results = Vec::new();
	for candidate in &plan.candidates {
		let answer = chain.apply(&mut overlay, candidate);
		results.push(shown(&answer));
		if answer.is_ok_and(|a| was_applied(&a)) {
			extrinsics.push(candidate.clone());
		}
	}
	let header = chain.finish(&mut overlay)?;
	let events = chain.events(&mut overlay)?;
	let version = chain.state_version()?;
	chain.commit(overlay, version)?;
	let told = json!({
		"number": header.number,
		"hash": header.hash(),
		"header": hex(&header.encode()),
		"extrinsics": extrinsics.iter().map(|e| hex(e)).collect::<Vec<_>>(),
		"events": hex(&events),
		"results": results,
		"asked": asked,
	});
	let block = Block {
		header: header.encode(),
		extrinsics,
		asked: Vec::new(),
	};
	chain.head = header;
	Ok((block, told))
}

/// Make the blocks of a plan, tell each, and write them to a file that `replay` takes.
pub fn run(code: Vec<u8>, plan: Box<dyn Read>, file: &mut dyn Write) -> Result<(), Fault> {
	let mut items = Items::of(plan);
	let genesis = items.genesis()?;
	file.write_all(&genesis.encode())?;
	let mut chain = Chain::of(code, genesis)?;
	while let Some(plan) = items.next::<Plan>()? {
		let (block, told) = make(&mut chain, &plan)?;
		file.write_all(&block.encode())?;
		tell(&told)?;
	}
	let (keys, pairs) = chain.digest()?;
	tell(&json!({"keys": keys, "pairs": pairs}))
}
