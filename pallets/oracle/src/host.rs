//! `host-vectors`: what every host function returns, asked as a runtime asks.
//!
//! Each call is a WebAssembly module of its own, which imports the function and calls it once with
//! arguments that are constants in it; Substrate's executor runs it. So what is written down went
//! through the whole of the interface that a runtime sees, also where a function is only kept for old
//! runtimes and cannot be called natively.

mod cases;
mod crypto;
mod storage;

use crate::{tell, Fault};
use sc_executor::WasmExecutor;
use sc_executor_common::runtime_blob::RuntimeBlob;
use serde_json::{json, Value};
use sp_core::{
	storage::{well_known_keys::CODE, ChildInfo, StateVersion, Storage, StorageChild},
	traits::{Externalities, ReadRuntimeVersionExt},
};
use sp_io::SubstrateHostFunctions;
use sp_runtime::traits::BlakeTwo256;
use sp_state_machine::TestExternalities;
use std::{collections::BTreeMap, fmt::Write as _, path::Path};

/// A function's argument.
#[derive(Clone)]
pub enum Arg {
	/// Bytes, passed as pointer and length in one.
	Span(Vec<u8>),
	/// Bytes of a length that is known, passed as a pointer.
	Pointer(Vec<u8>),
	/// A number.
	Int(u32),
	/// A buffer of that size, into which the function writes.
	Out(usize),
}

/// What a function returns.
#[derive(Clone, Copy)]
pub enum Returns {
	Nothing,
	Int,
	/// Bytes, as pointer and length in one.
	Span,
	/// As many bytes, as a pointer.
	Pointer(u32),
	/// A span of one or five bytes, beside what is in the buffer.
	Read,
}

/// A call of `ext_<function>`.
pub struct Call {
	pub function: String,
	pub arguments: Vec<Arg>,
	pub returns: Returns,
}

/// Calls one after the other on one storage.
pub struct Case {
	/// In which version of the trie the storage was written before the calls.
	pub version: StateVersion,
	pub top: BTreeMap<Vec<u8>, Vec<u8>>,
	pub children: BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, Vec<u8>>>,
	pub calls: Vec<Call>,
}

impl From<Vec<Call>> for Case {
	fn from(calls: Vec<Call>) -> Self {
		let (top, children) = (BTreeMap::new(), BTreeMap::new());
		Self {
			version: StateVersion::V1,
			top,
			children,
			calls,
		}
	}
}

/// Make a call.
pub fn call(function: &str, arguments: Vec<Arg>, returns: Returns) -> Call {
	Call {
		function: function.into(),
		arguments,
		returns,
	}
}

/// Bytes that look random and are the same in every run.
pub struct Source([u8; 32]);

impl Source {
	pub fn of(seed: &str) -> Self {
		Self(sp_io::hashing::blake2_256(seed.as_bytes()))
	}

	/// A number below `limit`, which is not 0.
	pub fn below(&mut self, limit: usize) -> usize {
		self.0 = sp_io::hashing::blake2_256(&self.0);
		let [a, b, c, d, ..] = self.0;
		let drawn = u32::from_le_bytes([a, b, c, d]) as usize;
		drawn.checked_rem(limit).unwrap_or_default()
	}

	/// One of several.
	pub fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
		#[allow(clippy::indexing_slicing)] // below() keeps to the length
		of[self.below(of.len())]
	}

	pub fn bytes(&mut self, length: usize) -> Vec<u8> {
		(0..length)
			.map(|_| u8::try_from(self.below(256)).unwrap_or_default())
			.collect()
	}
}

fn hex(data: &[u8]) -> String {
	crate::hex(data).split_off(2)
}

/// Length of the slot in front of a call's data, in which a small result is returned.
const SLOT: usize = 8;

/// The module that makes a call, as text, and the data that it wants.
fn module(call: &Call) -> Result<(String, Vec<u8>), Fault> {
	let mut data = vec![0; SLOT];
	let (mut kinds, mut values) = (String::new(), String::new());
	// The buffer comes first, so that it stands right behind the slot.
	let buffer = call.arguments.iter().find_map(|a| match a {
		Arg::Out(size) => Some(*size),
		_ => None,
	});
	data.extend(vec![0xee; buffer.unwrap_or_default()]);
	for argument in &call.arguments {
		let (at, length) = match argument {
			Arg::Span(bytes) | Arg::Pointer(bytes) => {
				let at = data.len();
				data.extend_from_slice(bytes);
				(at, bytes.len())
			}
			Arg::Out(size) => (SLOT, *size),
			Arg::Int(_) => (0, 0),
		};
		let pointer = format!("(i32.add (local.get $at) (i32.const {at}))");
		match argument {
			Arg::Int(number) => {
				kinds.push_str(" i32");
				write!(values, " (i32.const {number})")?;
			}
			Arg::Pointer(_) => {
				kinds.push_str(" i32");
				write!(values, " {pointer}")?;
			}
			Arg::Span(_) | Arg::Out(_) => {
				kinds.push_str(" i64");
				let high = (length as u64) << 32;
				write!(
					values,
					" (i64.or (i64.const {high}) (i64.extend_i32_u {pointer}))"
				)?;
			}
		}
	}
	let called = format!("(call $f{values})");
	let span = |length: usize, pointer: &str| {
		let high = (length as u64) << 32;
		format!("(i64.or (i64.const {high}) (i64.extend_i32_u {pointer}))")
	};
	let (result, body) = match call.returns {
		Returns::Nothing => ("", format!("{called} (i64.const 0)")),
		Returns::Span => ("(result i64)", called),
		Returns::Pointer(size) => ("(result i32)", span(size as usize, &called)),
		Returns::Int => (
			"(result i32)",
			format!(
				"(i32.store (local.get $at) {called}) {}",
				span(4, "(local.get $at)")
			),
		),
		Returns::Read => (
			"(result i64)",
			format!(
				"(local.set $r {called})
				(i32.store8 (local.get $at) (i32.load8_u (i32.wrap_i64 (local.get $r))))
				(if (i32.load8_u (local.get $at)) (then
					(i32.store offset=1 (local.get $at)
						(i32.load offset=1 (i32.wrap_i64 (local.get $r))))))
				{}",
				span(
					buffer.unwrap_or_default().saturating_add(SLOT),
					"(local.get $at)"
				)
			),
		),
	};
	let text = format!(
		"(module
			(import \"env\" \"ext_{}\" (func $f (param{kinds}) {result}))
			(memory (export \"memory\") 17)
			(global (export \"__heap_base\") i32 (i32.const 1048576))
			(func (export \"ask\") (param $at i32) (param $size i32) (result i64) (local $r i64)
				{body}))",
		call.function
	);
	Ok((text, data))
}

/// Make a call; return its arguments and result as they are written down.
fn ask(
	executor: &WasmExecutor<SubstrateHostFunctions>,
	storage: &mut dyn Externalities,
	call: &Call,
) -> Result<Value, Fault> {
	let (text, data) = module(call)?;
	let blob = RuntimeBlob::new(&wat::parse_str(text)?)?;
	let answer = executor.uncached_call(blob, storage, false, "ask", &data);
	let arguments = call.arguments.iter().map(|argument| match argument {
		Arg::Span(bytes) => json!(hex(bytes)),
		Arg::Pointer(bytes) => json!({"pointer": hex(bytes)}),
		Arg::Int(number) => json!(number),
		Arg::Out(size) => json!({"out": size}),
	});
	let mut told = json!({"function": call.function, "arguments": arguments.collect::<Vec<_>>()});
	let parts = match (answer, call.returns) {
		(Err(sc_executor::error::Error::Other(fault)), _) => return Err(fault.into()),
		(Err(_), _) => json!({"traps": true}),
		(Ok(_), Returns::Nothing) => json!({}),
		(Ok(answer), Returns::Span) => json!({"result": hex(&answer)}),
		(Ok(answer), Returns::Pointer(size)) => json!({"result": hex(&answer), "size": size}),
		(Ok(answer), Returns::Int) => {
			json!({"result": u32::from_le_bytes(answer.as_slice().try_into()?)})
		}
		(Ok(answer), Returns::Read) => {
			let (slot, buffer) = answer.split_at(SLOT);
			let length = if slot.first() == Some(&1) { 5 } else { 1 };
			json!({"result": hex(slot.get(..length).unwrap_or_default()), "out": hex(buffer)})
		}
	};
	if let (Some(told), Value::Object(parts)) = (told.as_object_mut(), parts) {
		told.extend(parts);
	}
	Ok(told)
}

fn shown(pairs: &BTreeMap<Vec<u8>, Vec<u8>>) -> Value {
	pairs.iter().map(|(k, v)| (hex(k), json!(hex(v)))).collect()
}

/// Make a case's calls; return the case as it is written down.
fn run(executor: &WasmExecutor<SubstrateHostFunctions>, case: &Case) -> Result<Value, Fault> {
	let children = case.children.iter().map(|(name, data)| {
		let child_info = ChildInfo::new_default(name);
		(
			name.clone(),
			StorageChild {
				data: data.clone(),
				child_info,
			},
		)
	});
	// TestExternalities puts a runtime of no bytes there by itself.
	let mut top = case.top.clone();
	top.insert(CODE.to_vec(), vec![]);
	let state = Storage {
		top: top.clone(),
		children_default: children.collect(),
	};
	let mut storage = TestExternalities::<BlakeTwo256>::new_with_state_version(state, case.version);
	storage.register_extension(ReadRuntimeVersionExt::new(executor.clone()));
	let mut ext = storage.ext();
	let mut calls = Vec::new();
	for call in &case.calls {
		let told = ask(executor, &mut ext, call)?;
		if told.get("traps").is_some() && call.function.contains("root") {
			// A node's trie panics where a key is removed that is not there and ends in the middle of
			// another's node. Nobody is held to that: the case ends here.
			break;
		}
		calls.push(told);
	}
	let mut told = json!({});
	if let Some(told) = told.as_object_mut() {
		told.insert("top".into(), shown(&top));
		if !case.children.is_empty() {
			let children = case
				.children
				.iter()
				.map(|(name, pairs)| (hex(name), shown(pairs)));
			told.insert("children".into(), children.collect());
		}
		told.insert("version".into(), u8::from(case.version).into());
		told.insert("calls".into(), calls.into());
	}
	Ok(told)
}

/// Write the vectors, a file for each kind.
pub fn write_vectors(folder: &Path) -> Result<(), Fault> {
	std::fs::create_dir_all(folder)?;
	// A function that traps says why; here that is what some calls are for.
	std::panic::set_hook(Box::new(|_| {}));
	let executor = WasmExecutor::builder().build();
	for (name, cases) in [
		("hashing", cases::hashing()),
		("trie", cases::trie()),
		("misc", cases::misc()),
		("crypto", crypto::cases()),
		("storage", storage::top()),
		("child_storage", storage::children()),
	] {
		let told = cases.iter().map(|case| run(&executor, case));
		let lines = told.collect::<Result<Vec<_>, _>>()?;
		let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
		let file = folder.join(format!("{name}.json"));
		std::fs::write(file, format!("[\n{}\n]\n", lines.join(",\n")))?;
		let calls: usize = cases.iter().map(|case| case.calls.len()).sum();
		tell(&json!({"file": name, "cases": cases.len(), "calls": calls}))?;
	}
	Ok(())
}
