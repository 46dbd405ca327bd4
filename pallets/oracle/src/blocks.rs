//! The files that go between the embedded chain and this program, in SCALE.
//!
//! Both begin with a [`Genesis`]. A file of blocks goes on with [`Block`]s, a plan with [`Plan`]s, as
//! many as there are until the file ends.

use crate::Fault;
use codec::{Decode, Encode, IoReader};
use std::io::{BufRead, BufReader, Read};

/// Keys and their values.
pub type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// What a chain starts from.
#[derive(Encode, Decode)]
pub struct Genesis {
	/// The header of block 0.
	pub header: Vec<u8>,
	/// Every key but `:code`, which is a file of its own.
	pub top: Pairs,
	/// The default child tries, each under its name.
	pub children: Vec<(Vec<u8>, Pairs)>,
}

/// A block that somebody made.
#[derive(Encode, Decode)]
pub struct Block {
	pub header: Vec<u8>,
	/// Each as it was submitted, with the length that it carries.
	pub extrinsics: Vec<Vec<u8>>,
	/// Transactions to ask the runtime about on the parent's state; not part of the block.
	pub asked: Vec<Vec<u8>>,
}

/// A block to make.
#[derive(Encode, Decode)]
pub struct Plan {
	/// Its time, in milliseconds since 1970.
	pub millis: u64,
	/// What to put in, in order, as far as the runtime takes it.
	pub candidates: Vec<Vec<u8>>,
}

/// Items of a file, one after the other.
pub struct Items(BufReader<Box<dyn Read>>);

impl Items {
	pub fn of(file: Box<dyn Read>) -> Self {
		Self(BufReader::new(file))
	}

	/// The next item; none at the end of the file.
	pub fn next<T: Decode>(&mut self) -> Result<Option<T>, Fault> {
		if self.0.fill_buf()?.is_empty() {
			return Ok(None);
		}
		let item = T::decode(&mut IoReader(&mut self.0));
		Ok(Some(item.map_err(|e| {
			format!("the file ends inside an item, or is none of ours: {e}")
		})?))
	}

	/// What stands at the beginning of every file.
	pub fn genesis(&mut self) -> Result<Genesis, Fault> {
		Ok(self.next()?.ok_or("the file is empty")?)
	}
}
