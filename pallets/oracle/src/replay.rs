//! `replay`: execute blocks made elsewhere and compare.
//!
//! Each block is executed twice: once step by step, which tells what is different and where, and once
//! by `Core_execute_block`, by which a node imports it, and which panics at any difference.

use crate::{
	blocks::{Block, Items},
	hex,
	runtime::{was_applied, Chain, Header, Overlay},
	tell, Fault,
};
use codec::{Compact, Decode, Encode};
use serde_json::{json, Map, Value};
use sp_runtime::generic::{Digest, DigestItem};
use std::io::Read;

/// What the runtime answered, or how it trapped.
pub fn shown(answer: &Result<Vec<u8>, Fault>) -> Value {
	match answer {
		Ok(answer) => hex(answer).into(),
		Err(fault) => json!({"trap": fault.to_string()}),
	}
}

/// The first part of the headers that differs, with both values.
fn difference(ours: &Header, theirs: &Header) -> Option<Value> {
	let (ours, theirs) = (without_seal(ours), without_seal(theirs));
	let parts = [
		(
			"parent",
			ours.parent_hash.encode(),
			theirs.parent_hash.encode(),
		),
		("number", ours.number.encode(), theirs.number.encode()),
		(
			"extrinsics_root",
			ours.extrinsics_root.encode(),
			theirs.extrinsics_root.encode(),
		),
		("digest", ours.digest.encode(), theirs.digest.encode()),
		(
			"state_root",
			ours.state_root.encode(),
			theirs.state_root.encode(),
		),
	];
	parts
		.iter()
		.find(|(_, ours, theirs)| ours != theirs)
		.map(|(part, ours, theirs)| json!({"what": part, "ours": hex(ours), "theirs": hex(theirs)}))
}

/// The author's node seals a block when the runtime is done with it.
fn without_seal(header: &Header) -> Header {
	let mut header = header.clone();
	header
		.digest
		.logs
		.retain(|log| !matches!(log, DigestItem::Seal(..)));
	header
}

fn pre_runtime(header: &Header) -> Digest {
	let logs = header.digest.logs.iter();
	Digest {
		logs: logs
			.filter(|log| matches!(log, DigestItem::PreRuntime(..)))
			.cloned()
			.collect(),
	}
}

/// Execute a block as a node does that imports it.
fn import(chain: &Chain, header: &Header, block: &Block) -> Result<Vec<u8>, Fault> {
	let count = u32::try_from(block.extrinsics.len())?;
	let body = block.extrinsics.concat();
	let encoded = [without_seal(header).encode(), Compact(count).encode(), body].concat();
	chain.call(&mut Overlay::default(), "Core_execute_block", &encoded)
}

/// Execute one block; return what it is told as, and whether it is what it claims to be.
fn execute(chain: &mut Chain, block: &Block) -> Result<(Value, bool), Fault> {
	let header = Header::decode(&mut &block.header[..])?;
	let asked: Vec<_> = block
		.asked
		.iter()
		.map(|t| shown(&chain.validate(t)))
		.collect();
	let imported = import(chain, &header, block);
	let mut overlay = Overlay::default();
	chain.start(&mut overlay, pre_runtime(&header))?;
	let mut results = Vec::new();
	let mut refused = None;
	for (index, extrinsic) in block.extrinsics.iter().enumerate() {
		let answer = chain.apply(&mut overlay, extrinsic);
		results.push(shown(&answer));
		if refused.is_none() && !answer.is_ok_and(|a| was_applied(&a)) {
			refused = Some(json!({"what": "refused", "extrinsic": index}));
		}
	}
	let made = chain.finish(&mut overlay)?;
	let events = chain.events(&mut overlay)?;
	let version = chain.state_version()?;
	let changes = chain.commit(overlay, version)?;
	let by_import = imported.err();
	let by_import = by_import.map(|fault| json!({"what": "import", "fault": fault.to_string()}));
	let differs = refused.or_else(|| difference(&made, &header)).or(by_import);
	let mut told = json!({
		"number": made.number,
		"hash": made.hash(),
		"state_root": made.state_root,
		"extrinsics_root": made.extrinsics_root,
		"events": hex(&events),
		"results": results,
		"asked": asked,
		"equal": differs.is_none(),
	});
	if let (Some(differs), Some(told)) = (&differs, told.as_object_mut()) {
		let changes = changes.into_iter();
		let changes: Map<String, Value> = changes
			.map(|(key, value)| (hex(&key), value.map(|v| hex(&v)).into()))
			.collect();
		told.insert("difference".into(), differs.clone());
		told.insert("changes".into(), changes.into());
	}
	chain.head = header;
	Ok((told, differs.is_none()))
}

/// Execute the blocks of a file up to the first that differs; say whether none does.
pub fn run(code: Vec<u8>, file: Box<dyn Read>) -> Result<bool, Fault> {
	let mut items = Items::of(file);
	let mut chain = Chain::of(code, items.genesis()?)?;
	let (mut blocks, mut extrinsics) = (0_usize, 0_usize);
	while let Some(block) = items.next::<Block>()? {
		let (told, equal) = execute(&mut chain, &block)?;
		tell(&told)?;
		if !equal {
			return Ok(false);
		}
		blocks = blocks.saturating_add(1);
		extrinsics = extrinsics.saturating_add(block.extrinsics.len());
	}
	let (keys, pairs) = chain.digest()?;
	tell(&json!({"blocks": blocks, "extrinsics": extrinsics, "keys": keys, "pairs": pairs}))?;
	Ok(true)
}
