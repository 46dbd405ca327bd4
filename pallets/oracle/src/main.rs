//! What the embedded dev chain is held to: Substrate's own executor and state machine, without a
//! node around them.
//!
//! ```text
//! ainur-oracle host-vectors FOLDER          write what every host function returns, as JSON
//! ainur-oracle genesis WASM PRESET          make the first state of a preset
//! ainur-oracle replay WASM BLOCKS           execute the blocks of a file and compare
//! ainur-oracle author WASM PLAN [BLOCKS]    make blocks from a plan, and a file of them
//! ```
//!
//! A file named `-` is standard input. Everything is told in JSON, a line at a time, so that a
//! caller who writes a plan block by block reads each block before it plans the next. See
//! [`blocks`] for both kinds of file. The status is 1 where something differs, 2 where the input
//! cannot be used.

mod author;
mod blocks;
mod genesis;
mod host;
mod replay;
mod runtime;

use serde_json::Value;
use std::{
	fs::File,
	io::{self, BufReader, Read, Write},
	process::ExitCode,
};

/// What went wrong, in words for whoever called.
pub type Fault = Box<dyn std::error::Error>;

/// Print one line of JSON, at once.
pub fn tell(value: &Value) -> Result<(), Fault> {
	let mut out = io::stdout().lock();
	writeln!(out, "{value}")?;
	Ok(out.flush()?)
}

/// As in RPC: lower case, with `0x` in front.
pub fn hex(data: &[u8]) -> String {
	sp_core::bytes::to_hex(data, false)
}

fn input(name: &str) -> Result<Box<dyn Read>, Fault> {
	Ok(match name {
		"-" => Box::new(io::stdin()),
		_ => Box::new(BufReader::new(
			File::open(name).map_err(|e| format!("{name}: {e}"))?,
		)),
	})
}

fn wasm(name: &str) -> Result<Vec<u8>, Fault> {
	Ok(std::fs::read(name).map_err(|e| format!("{name}: {e}"))?)
}

/// Do what is asked; say whether nothing differed.
fn run(arguments: &[&str]) -> Result<bool, Fault> {
	match arguments {
		["host-vectors", folder] => host::write_vectors(folder.as_ref()).map(|()| true),
		["genesis", code, preset] => genesis::run(wasm(code)?, preset).map(|()| true),
		["replay", code, file] => replay::run(wasm(code)?, input(file)?),
		["author", code, plan] => {
			author::run(wasm(code)?, input(plan)?, &mut io::sink()).map(|()| true)
		}
		["author", code, plan, file] => {
			author::run(wasm(code)?, input(plan)?, &mut File::create(file)?).map(|()| true)
		}
		_ => Err(
			"usage: ainur-oracle host-vectors FOLDER | genesis WASM PRESET | replay WASM BLOCKS \
			 | author WASM PLAN [BLOCKS]"
				.into(),
		),
	}
}

fn main() -> ExitCode {
	let arguments: Vec<String> = std::env::args().skip(1).collect();
	match run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
		Ok(true) => ExitCode::SUCCESS,
		Ok(false) => ExitCode::from(1),
		Err(fault) => {
			eprintln!("ainur-oracle: {fault}");
			ExitCode::from(2)
		}
	}
}
