//! The methods `dev_*`, as the embedded chain answers them: where the chain is, blocks and time on demand,
//! and the import of blocks made elsewhere.

use crate::{
	runtime_api::{Block, Hash},
	seal::{advance, Seal, Sealer},
	service::Client,
	time::Clock,
	Fault,
};
use codec::Decode;
use jsonrpsee::{
	types::{
		error::{ErrorCode, INTERNAL_ERROR_CODE},
		ErrorObjectOwned, Params,
	},
	RpcModule,
};
use sc_consensus::{BlockImport, BlockImportParams, ForkChoiceStrategy, ImportResult};
use sc_rpc_api::check_if_safe;
use sc_transaction_pool_api::TransactionPool;
use serde::Deserialize;
use serde_json::{json, Value};
use sp_blockchain::HeaderBackend;
use sp_core::{traits::CallContext, Bytes};
use sp_runtime::traits::Block as _;
use std::{sync::Arc, time::Instant};

/// Blocks that are made at one call: every one of them is made, which takes milliseconds each.
const MAX_BLOCKS: u32 = 5_000;
/// The largest time that a call lets pass: a year.
const MAX_SECONDS: f64 = 31_536_000.0;
const REFUSED: i32 = 1;

/// What the methods work on.
pub struct Context<P> {
	pub client: Arc<Client>,
	pub pool: Arc<P>,
	pub sealer: Sealer,
	pub clock: Arc<Clock>,
	pub seal: Seal,
	pub persistent: bool,
	pub started: Instant,
}

fn invalid(why: impl ToString) -> ErrorObjectOwned {
	let code = ErrorCode::InvalidParams;
	ErrorObjectOwned::owned(code.code(), code.message(), Some(why.to_string()))
}

fn internal(why: impl ToString) -> ErrorObjectOwned {
	ErrorObjectOwned::owned(INTERNAL_ERROR_CODE, why.to_string(), None::<()>)
}

fn refused(why: impl ToString) -> ErrorObjectOwned {
	let why = why.to_string();
	ErrorObjectOwned::owned(REFUSED, format!("the block is refused: {why}"), None::<()>)
}

/// What `dev_newBlock` takes.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBlock {
	count: Option<u32>,
	to: Option<u32>,
}

/// What `dev_advance` takes. Blocks are always made one by one here, with `emptyBlocks` or without.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Advance {
	#[serde(default)]
	blocks: u32,
	#[serde(default)]
	seconds: f64,
	#[serde(default, rename = "emptyBlocks")]
	_empty_blocks: bool,
}

fn bounded(count: u32) -> Result<u32, ErrorObjectOwned> {
	if count > MAX_BLOCKS {
		return Err(invalid(format!(
			"a node makes every block, and no more than {MAX_BLOCKS} at one call"
		)));
	}
	Ok(count)
}

/// The first parameter, or none where it is left out.
fn optional<T: for<'a> Deserialize<'a>>(params: &Params) -> Result<Option<T>, ErrorObjectOwned> {
	params.sequence().optional_next()
}

impl<P: TransactionPool<Block = Block, Hash = Hash>> Context<P> {
	fn place(&self, hash: Hash) -> Result<Value, ErrorObjectOwned> {
		let number = self.client.number(hash).map_err(internal)?;
		Ok(json!({ "number": number, "hash": hash }))
	}

	fn status(&self) -> Result<Value, ErrorObjectOwned> {
		let info = self.client.info();
		let version = self
			.client
			.runtime_version_at(info.best_hash, CallContext::Offchain)
			.map_err(internal)?;
		let pool = self.pool.status();
		Ok(json!({
			"genesis": info.genesis_hash,
			"head": { "number": info.best_number, "hash": info.best_hash },
			"finalized": { "number": info.finalized_number, "hash": info.finalized_hash },
			"importable": true,
			"seal": self.seal.to_string(),
			"time": self.clock.after(info.best_hash).map_err(internal)?,
			"timeOffset": self.clock.ahead(),
			"ready": pool.ready,
			"future": pool.future,
			// Its server does not tell.
			"connections": null,
			"uptimeSeconds": self.started.elapsed().as_secs_f64(),
			"memoryBytes": resident_bytes(),
			"persistent": self.persistent,
			"runtime": version,
		}))
	}

	async fn new_block(&self, options: NewBlock) -> Result<Hash, ErrorObjectOwned> {
		let count = match options.to {
			Some(to) => to.saturating_sub(self.client.info().best_number),
			None => options.count.unwrap_or(1),
		};
		advance(&self.sealer, &self.clock, bounded(count)?, 0)
			.await
			.map_err(ErrorObjectOwned::from)
	}

	async fn advance(&self, options: Advance) -> Result<Value, ErrorObjectOwned> {
		if !(0.0..=MAX_SECONDS).contains(&options.seconds) {
			return Err(invalid(format!("seconds are from 0 to {MAX_SECONDS}")));
		}
		let count = bounded(options.blocks)?.max(1);
		// Within bounds, so nothing is cut off.
		let millis = (options.seconds * 1000.0).round() as u64;
		let hash = advance(&self.sealer, &self.clock, count, millis)
			.await
			.map_err(ErrorObjectOwned::from)?;
		self.place(hash)
	}

	/// Execute a block made elsewhere, and add it.
	async fn import(&self, encoded: Bytes) -> Result<Hash, ErrorObjectOwned> {
		let block = Block::decode(&mut &encoded[..]).map_err(refused)?;
		let hash = block.hash();
		let (header, extrinsics) = block.deconstruct();
		let mut params =
			BlockImportParams::new(sp_consensus::BlockOrigin::NetworkBroadcast, header);
		params.body = Some(extrinsics);
		params.fork_choice = Some(ForkChoiceStrategy::LongestChain);
		match self.client.import_block(params).await.map_err(refused)? {
			ImportResult::Imported(_) | ImportResult::AlreadyInChain => Ok(hash),
			ImportResult::UnknownParent => Err(refused("its parent is unknown")),
			other => Err(refused(format!("{other:?}"))),
		}
	}
}

fn resident_bytes() -> Option<u64> {
	let status = std::fs::read_to_string("/proc/self/status").ok()?;
	let line = status
		.lines()
		.find_map(|line| line.strip_prefix("VmRSS:"))?;
	let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
	kilobytes.checked_mul(1024)
}

/// The methods.
pub fn module<P>(context: Context<P>) -> Result<RpcModule<Context<P>>, Fault>
where
	P: TransactionPool<Block = Block, Hash = Hash> + 'static,
{
	let mut module = RpcModule::new(context);
	module.register_blocking_method("dev_status", |_, context, extensions| {
		check_if_safe(&extensions)?;
		context.status()
	})?;
	module.register_async_method("dev_newBlock", |params, context, extensions| async move {
		check_if_safe(&extensions)?;
		context
			.new_block(optional(&params)?.unwrap_or_default())
			.await
	})?;
	module.register_async_method("dev_advance", |params, context, extensions| async move {
		check_if_safe(&extensions)?;
		context.advance(params.one()?).await
	})?;
	module.register_async_method(
		"dev_importBlock",
		|params, context, extensions| async move {
			check_if_safe(&extensions)?;
			context.import(params.one()?).await
		},
	)?;
	Ok(module)
}
