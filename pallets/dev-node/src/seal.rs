//! When blocks are made, and when they are final.
//!
//! Every block that this node makes goes through one queue of orders, which manual seal carries out one
//! after the other. Orders come by JSON-RPC, and from [`seal_by_itself`].

use crate::{
	runtime_api::{Block, Hash},
	service::{Backend, Client},
	time::Clock,
};
use futures::{
	channel::{mpsc, oneshot},
	FutureExt, SinkExt, Stream, StreamExt,
};
use sc_client_api::{BlockchainEvents, Finalizer, LockImportRun};
use sc_consensus_manual_seal::{EngineCommand, Error};
use sc_transaction_pool_api::TransactionPool;
use sp_blockchain::HeaderBackend;
use std::{fmt, str::FromStr, sync::Arc, time::Duration};

/// What makes a block, beside `engine_createBlock` and `dev_newBlock`.
#[derive(Clone, Copy)]
pub enum Seal {
	/// A transaction that is ready.
	Instant,
	/// The clock.
	Every(Duration),
	/// Nothing.
	Manual,
}

impl FromStr for Seal {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		match (text, text.parse()) {
			("instant", _) => Ok(Self::Instant),
			("manual", _) => Ok(Self::Manual),
			(_, Ok(millis)) if millis > 0 => Ok(Self::Every(Duration::from_millis(millis))),
			_ => Err("it is instant, manual or a number of milliseconds above 0".into()),
		}
	}
}

impl fmt::Display for Seal {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		match self {
			Self::Instant => f.write_str("instant"),
			Self::Manual => f.write_str("manual"),
			Self::Every(period) => period.as_secs_f64().fmt(f),
		}
	}
}

/// Orders blocks, and makes final what is old enough.
#[derive(Clone)]
pub struct Sealer {
	client: Arc<Client>,
	orders: mpsc::Sender<EngineCommand<Hash>>,
	lag: u32,
}

impl Sealer {
	/// Order through a queue; `lag` blocks lie between the head and the finalised one.
	pub fn new(client: Arc<Client>, orders: mpsc::Sender<EngineCommand<Hash>>, lag: u32) -> Self {
		Self {
			client,
			orders,
			lag,
		}
	}

	/// The queue of orders.
	pub fn orders(&self) -> mpsc::Sender<EngineCommand<Hash>> {
		self.orders.clone()
	}

	/// Make a block on the head and return its hash; without `create_empty` only if something is ready.
	pub async fn seal(&self, create_empty: bool) -> Result<Hash, Error> {
		let (sender, receiver) = oneshot::channel();
		let order = EngineCommand::SealNewBlock {
			create_empty,
			finalize: self.lag == 0,
			parent_hash: None,
			sender: Some(sender),
		};
		self.orders.clone().send(order).await?;
		let block = receiver.await??;
		self.finalize_behind();
		Ok(block.hash)
	}

	/// Finalise the block that so many others stand on.
	fn finalize_behind(&self) {
		// Under the lock of imports: the head stays, and nobody else finalises in between.
		let done = self.client.lock_import_and_run(|operation| {
			let info = self.client.info();
			let Some(target) = info.best_number.checked_sub(self.lag) else {
				return Ok(());
			};
			if target <= info.finalized_number {
				return Ok(());
			}
			match self.client.hash(target)? {
				Some(hash) => Finalizer::<Block, Backend>::apply_finality(
					&*self.client,
					operation,
					hash,
					None,
					true,
				),
				None => Ok(()),
			}
		});
		if let Err(fault) = done {
			let fault: sp_blockchain::Error = fault;
			log::error!("no block was made final: {fault}");
		}
	}

	/// Do so for every new head, whoever made it.
	pub async fn finalize_imported(self) {
		let mut imported = self.client.import_notification_stream();
		while let Some(block) = imported.next().await {
			if block.is_new_best {
				self.finalize_behind();
			}
		}
	}
}

/// Make blocks as `seal` says, for ever.
pub async fn seal_by_itself<P: TransactionPool>(
	seal: Seal,
	sealer: Sealer,
	pool: Arc<P>,
	arrivals: impl Stream<Item = P::Hash> + Unpin,
) {
	match seal {
		Seal::Instant => at_once(sealer, pool, arrivals).await,
		// Who does not listen must not be told: what tells would fill up.
		Seal::Every(period) => {
			drop(arrivals);
			periodically(sealer, period).await
		}
		Seal::Manual => {
			drop(arrivals);
			futures::future::pending().await
		}
	}
}

async fn at_once<P: TransactionPool>(
	sealer: Sealer,
	pool: Arc<P>,
	mut arrivals: impl Stream<Item = P::Hash> + Unpin,
) {
	while arrivals.next().await.is_some() {
		// One block for all that have arrived.
		while let Some(Some(_)) = arrivals.next().now_or_never() {}
		loop {
			match sealer.seal(false).await {
				Ok(_) => (),
				// Another block has taken it, or it fits into none.
				Err(Error::EmptyTransactionPool) => break,
				Err(fault) => {
					log::error!("no block was made: {fault}");
					break;
				}
			}
			// What did not fit arrives no second time.
			if pool.status().ready == 0 {
				break;
			}
		}
	}
}

async fn periodically(sealer: Sealer, period: Duration) {
	let mut clock = tokio::time::interval(period);
	clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
	clock.tick().await; // which is over at once
	loop {
		clock.tick().await;
		if let Err(fault) = sealer.seal(true).await {
			log::error!("no block was made: {fault}");
		}
	}
}

/// Make `count` blocks one after the other, over which `millis` pass; return the last one's hash.
pub async fn advance(
	sealer: &Sealer,
	clock: &Clock,
	count: u32,
	millis: u64,
) -> Result<Hash, Error> {
	let mut hash = sealer.client.info().best_hash;
	let mut passed = 0;
	for made in 1..=u64::from(count) {
		let due = millis
			.saturating_mul(made)
			.checked_div(count.into())
			.unwrap_or(millis);
		clock.pass(due.saturating_sub(passed));
		passed = due;
		hash = sealer.seal(true).await?;
	}
	Ok(hash)
}
