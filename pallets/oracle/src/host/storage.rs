//! Random walks through storage: every function, few keys that share prefixes, nested transactions.

use super::{call, Arg, Call, Case, Returns, Source};
use codec::{Compact, Encode};
use sp_core::storage::StateVersion;
use std::collections::BTreeMap;

const WALKS: usize = 40;
const STEPS: usize = 40;

/// Keys that begin like each other, up to the last byte there is.
const KEYS: [&[u8]; 14] = [
	b"",
	b"a",
	b"aa",
	b"aaa",
	b"ab",
	b"ab\0",
	b"b",
	b"ba",
	b"\0",
	b"\xff",
	b"\xff\xff",
	b"a\xff",
	b":child_storage:default:x",
	b":child_storage:other",
];
const PREFIXES: [&[u8]; 11] = [
	b"",
	b"a",
	b"aa",
	b"ab",
	b"b",
	b"\xff",
	b"c",
	b":",
	b":child_storage:",
	b":child_storage:default:",
	b":child_storage:default:x",
];
const CHILDREN: [&[u8]; 3] = [b"x", b"y", b""];

fn value(source: &mut Source) -> Vec<u8> {
	match source.below(6) {
		0 => vec![],
		1 => source.bytes(31),
		2 => source.bytes(33), // hashed on its own in a trie of version 1
		3 => {
			let count = *source.pick(&[&0_u8, &1, &63, &64]);
			vec![count; usize::from(count)].encode() // a vector, to append to
		}
		4 => {
			// A vector whose length is encoded as longer than it is.
			let length = u32::try_from(source.below(80)).unwrap_or_default();
			[Compact(length).encode(), source.bytes(3)].concat()
		}
		_ => {
			let length = source.below(12);
			source.bytes(length)
		}
	}
}

/// What a walk is about: the names of its functions and the argument that says in which trie.
#[derive(Clone)]
struct Walk {
	interface: &'static str,
	child: Option<Vec<u8>>,
	/// The version of all its roots: between changes a node remembers the root that it has told,
	/// whatever version it is then asked for.
	version: u8,
}

impl Walk {
	fn call(&self, function: &str, mut arguments: Vec<Arg>, returns: Returns) -> Call {
		if let Some(child) = &self.child {
			arguments.insert(0, Arg::Span(child.clone()));
		}
		call(
			&format!("{}_{function}", self.interface),
			arguments,
			returns,
		)
	}

	/// One of the functions that both interfaces have.
	fn step(&self, source: &mut Source, key: Vec<u8>) -> Call {
		let some_limit = |source: &mut Source| {
			let limit = (source.below(3) > 0).then(|| source.below(4) as u32);
			Arg::Span(limit.encode())
		};
		let key_arg = Arg::Span(key.clone());
		match source.below(18) {
			0..=5 => {
				let value = Arg::Span(value(source));
				self.call("set_version_1", vec![key_arg, value], Returns::Nothing)
			}
			6 | 7 => self.call("clear_version_1", vec![key_arg], Returns::Nothing),
			8 => self.call("get_version_1", vec![key_arg], Returns::Span),
			9 => {
				let size = *source.pick(&[&0, &4, &40]);
				let offset = *source.pick(&[&0, &2, &31, &32, &50, &u32::MAX]);
				let arguments = vec![key_arg, Arg::Out(size), Arg::Int(offset)];
				self.call("read_version_1", arguments, Returns::Read)
			}
			10 => self.call("exists_version_1", vec![key_arg], Returns::Int),
			11..=13 => self.call("next_key_version_1", vec![key_arg], Returns::Span),
			14 | 15 => self.root(source),
			_ => {
				let prefix = Arg::Span(source.pick(&PREFIXES).to_vec());
				match source.below(3) {
					0 => self.call("clear_prefix_version_1", vec![prefix], Returns::Nothing),
					1 => {
						let arguments = vec![prefix, some_limit(source)];
						self.call("clear_prefix_version_2", arguments, Returns::Span)
					}
					_ => {
						let cursor = (source.below(3) == 0).then(|| key.clone());
						let cursor = Arg::Span(cursor.encode());
						let arguments = vec![prefix, some_limit(source), cursor];
						self.call("clear_prefix_version_3", arguments, Returns::Span)
					}
				}
			}
		}
	}

	fn root(&self, source: &mut Source) -> Call {
		if self.version == 0 && source.below(2) == 0 {
			return self.call("root_version_1", vec![], Returns::Span);
		}
		let version = Arg::Int(self.version.into());
		self.call("root_version_2", vec![version], Returns::Span)
	}

	/// One of the ways to remove a child trie.
	fn kill(&self, source: &mut Source) -> Call {
		let limit = (source.below(3) > 0).then(|| source.below(4) as u32);
		let limit = Arg::Span(limit.encode());
		let name = |version: u8| format!("storage_kill_version_{version}");
		match source.below(4) {
			0 => self.call(&name(1), vec![], Returns::Nothing),
			1 => self.call(&name(2), vec![limit], Returns::Int),
			2 => self.call(&name(3), vec![limit], Returns::Span),
			_ => {
				let cursor = (source.below(3) == 0).then(|| source.pick(&KEYS).to_vec());
				self.call(
					&name(4),
					vec![limit, Arg::Span(cursor.encode())],
					Returns::Span,
				)
			}
		}
	}
}

/// Open, commit or roll back; never more than was opened.
fn transaction(source: &mut Source, depth: &mut usize) -> Call {
	let (name, after) = match (source.below(4), *depth) {
		(0 | 1, _) | (_, 0) => ("start", depth.saturating_add(1)),
		(2, _) => ("commit", depth.saturating_sub(1)),
		_ => ("rollback", depth.saturating_sub(1)),
	};
	*depth = after;
	let function = format!("storage_{name}_transaction_version_1");
	call(&function, vec![], Returns::Nothing)
}

/// End all transactions, then look at every key and root.
fn look(source: &mut Source, depth: usize, walks: &[Walk]) -> Vec<Call> {
	let commit = || {
		call(
			"storage_commit_transaction_version_1",
			vec![],
			Returns::Nothing,
		)
	};
	let mut calls: Vec<_> = (0..depth).map(|_| commit()).collect();
	for walk in walks {
		for key in KEYS {
			let key = || vec![Arg::Span(key.to_vec())];
			calls.push(walk.call("get_version_1", key(), Returns::Span));
			calls.push(walk.call("next_key_version_1", key(), Returns::Span));
		}
	}
	calls.extend(walks.iter().map(|walk| walk.root(source)));
	calls
}

fn pairs(source: &mut Source) -> BTreeMap<Vec<u8>, Vec<u8>> {
	let keys = KEYS.iter().filter(|key| !key.starts_with(b":child"));
	let chosen: Vec<_> = keys.filter(|_| source.below(2) == 0).collect();
	chosen
		.into_iter()
		.map(|key| (key.to_vec(), value(source)))
		.collect()
}

/// The version of the trie before a walk, and in it: mostly the same, and else a move to the new one.
fn versions(walk: usize) -> (StateVersion, u8) {
	match walk % 5 {
		0 | 1 => (StateVersion::V0, 0),
		2 => (StateVersion::V0, 1),
		_ => (StateVersion::V1, 1),
	}
}

pub fn top() -> Vec<Case> {
	let mut source = Source::of("storage");
	let mut cases = Vec::new();
	for i in 0..WALKS {
		let (before, version) = versions(i);
		let walk = Walk {
			interface: "storage",
			child: None,
			version,
		};
		let mut depth = 0;
		let top = pairs(&mut source);
		let mut calls: Vec<_> = (0..STEPS)
			.flat_map(|_| match source.below(5) {
				0 => vec![transaction(&mut source, &mut depth)],
				1 => {
					let key = Arg::Span(source.pick(&KEYS).to_vec());
					let item = Arg::Span(vec![7; source.below(3)]);
					let append = call(
						"storage_append_version_1",
						vec![key, item],
						Returns::Nothing,
					);
					// A node that has told a root tells the same after an append: change something else.
					let other = vec![Arg::Span(b"other".to_vec())];
					vec![
						walk.call("clear_version_1", other, Returns::Nothing),
						append,
					]
				}
				_ => {
					let key = source.pick(&KEYS).to_vec();
					vec![walk.step(&mut source, key)]
				}
			})
			.collect();
		calls.extend(look(&mut source, depth, &[walk]));
		cases.push(Case {
			version: before,
			top,
			children: BTreeMap::new(),
			calls,
		});
	}
	let alone = |name: &str| {
		call(
			&format!("storage_{name}_version_1"),
			vec![],
			Returns::Nothing,
		)
	};
	cases.push(vec![alone("commit_transaction")].into());
	cases.push(vec![alone("rollback_transaction")].into());
	let parent = vec![Arg::Span(vec![0; 32])];
	cases.push(
		vec![call(
			"storage_changes_root_version_1",
			parent,
			Returns::Span,
		)]
		.into(),
	);
	cases
}

pub fn children() -> Vec<Case> {
	let mut source = Source::of("child storage");
	let mut cases = Vec::new();
	for i in 0..WALKS {
		let (before, version) = versions(i);
		let names: Vec<_> = CHILDREN.iter().filter(|_| source.below(2) == 0).collect();
		let children = names
			.into_iter()
			.map(|name| (name.to_vec(), pairs(&mut source)));
		let children = children.filter(|(_, pairs)| !pairs.is_empty()).collect();
		let in_child = |name: &[u8]| Walk {
			interface: "default_child_storage",
			child: Some(name.to_vec()),
			version,
		};
		let mut depth = 0;
		let mut calls: Vec<_> = (0..STEPS)
			.map(|_| {
				let walk = in_child(source.pick(&CHILDREN));
				match source.below(9) {
					0 | 1 => transaction(&mut source, &mut depth),
					2 => walk.kill(&mut source),
					_ => {
						let key = source.pick(&KEYS).to_vec();
						walk.step(&mut source, key)
					}
				}
			})
			.collect();
		let mut walks: Vec<_> = CHILDREN.iter().map(|name| in_child(name)).collect();
		walks.push(Walk {
			interface: "storage",
			child: None,
			version,
		});
		calls.extend(look(&mut source, depth, &walks));
		cases.push(Case {
			version: before,
			top: BTreeMap::new(),
			children,
			calls,
		});
	}
	cases
}
