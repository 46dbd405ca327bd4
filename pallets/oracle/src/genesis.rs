//! `genesis`: the first state of a preset, made as a node's chain specification makes it.

use crate::{hex, runtime::Chain, runtime::Overlay, tell, Fault};
use codec::{Decode, Encode};
use serde_json::{json, Value};

/// RFC 7386.
fn merge(target: &mut Value, patch: Value) {
	let Value::Object(patch) = patch else {
		*target = patch;
		return;
	};
	if !target.is_object() {
		*target = json!({});
	}
	if let Value::Object(target) = target {
		for (key, value) in patch {
			match value {
				Value::Null => drop(target.remove(&key)),
				value => merge(target.entry(key).or_insert(Value::Null), value),
			}
		}
	}
}

fn preset(chain: &Chain, code: &[u8], name: Option<&str>) -> Result<Value, Fault> {
	let answer = chain.call_code(
		code,
		&mut Overlay::default(),
		"GenesisBuilder_get_preset",
		&name.encode(),
	)?;
	let json = Option::<Vec<u8>>::decode(&mut &answer[..])?.ok_or("there is no such preset")?;
	Ok(serde_json::from_slice(&json)?)
}

/// Tell the first block of a preset.
pub fn run(code: Vec<u8>, name: &str) -> Result<(), Fault> {
	let mut chain = Chain::empty();
	let mut config = preset(&chain, &code, None)?;
	merge(&mut config, preset(&chain, &code, Some(name))?);
	chain.build(code, &config.to_string())?;
	let (keys, pairs) = chain.digest()?;
	tell(&json!({
		"hash": chain.head.hash(),
		"header": hex(&chain.head.encode()),
		"keys": keys,
		"pairs": pairs,
	}))
}
