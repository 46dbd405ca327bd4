//! The time that blocks bear: this machine's, and what was let pass beside it.

use crate::{runtime_api::Hash, service::Client};
use codec::Decode;
use sc_client_api::StorageProvider;
use sp_core::storage::StorageKey;
use sp_io::hashing::twox_128;
use std::{
	sync::{
		atomic::{AtomicU64, Ordering},
		Arc,
	},
	time::{SystemTime, UNIX_EPOCH},
};

/// Tells the time.
pub struct Clock {
	client: Arc<Client>,
	/// Milliseconds that the chain's time is ahead of this machine's.
	ahead: AtomicU64,
	now_key: StorageKey,
}

impl Clock {
	/// Start with this machine's time.
	pub fn new(client: Arc<Client>) -> Self {
		let now_key = StorageKey([twox_128(b"Timestamp"), twox_128(b"Now")].concat());
		Self {
			client,
			ahead: AtomicU64::new(0),
			now_key,
		}
	}

	/// Let milliseconds pass.
	pub fn pass(&self, millis: u64) {
		self.ahead.fetch_add(millis, Ordering::Relaxed);
	}

	/// Milliseconds that the chain's time is ahead of this machine's.
	pub fn ahead(&self) -> u64 {
		self.ahead.load(Ordering::Relaxed)
	}

	/// The time of a block on `parent`, in milliseconds since 1970: always later than its parent's, also
	/// where that came from a chain whose time runs ahead, or was made within the same millisecond.
	pub fn after(&self, parent: Hash) -> Result<u64, sp_blockchain::Error> {
		let stored = self.client.storage(parent, &self.now_key)?;
		let last = stored.and_then(|now| u64::decode(&mut &now.0[..]).ok());
		let here = SystemTime::now()
			.duration_since(UNIX_EPOCH)
			.map_or(0, |since| since.as_millis().try_into().unwrap_or(u64::MAX));
		let now = here.saturating_add(self.ahead());
		Ok(last.map_or(now, |last| now.max(last.saturating_add(1))))
	}
}
