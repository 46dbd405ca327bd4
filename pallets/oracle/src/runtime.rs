//! A chain's state, and the runtime in it as Substrate's executor runs it.

use crate::{
	blocks::{Genesis, Pairs},
	Fault,
};
use codec::{Decode, Encode};
use sc_executor::{RuntimeVersionOf, WasmExecutor};
use sp_core::{
	storage::{well_known_keys::CODE, ChildInfo, StateVersion},
	traits::{CallContext, ReadRuntimeVersionExt, RuntimeCode, WrappedRuntimeCode},
	H256,
};
use sp_externalities::Extensions;
use sp_io::{hashing::twox_128, SubstrateHostFunctions};
use sp_runtime::{
	generic::{self, Digest},
	traits::{BlakeTwo256, Hash, Header as _},
};
use sp_state_machine::{
	backend::{BackendRuntimeCode, TryPendingCode},
	Backend, Ext, InMemoryBackend, IterArgs, OverlayedChanges, StateMachine, StorageCollection,
};

pub type Header = generic::Header<u32, BlakeTwo256>;
pub type Overlay = OverlayedChanges<BlakeTwo256>;

/// One state, and what executes its runtime.
pub struct Chain {
	executor: WasmExecutor<SubstrateHostFunctions>,
	state: InMemoryBackend<BlakeTwo256>,
	pub head: Header,
}

fn call<'a>(
	executor: &'a WasmExecutor<SubstrateHostFunctions>,
	state: &'a InMemoryBackend<BlakeTwo256>,
	code: &RuntimeCode,
	overlay: &mut Overlay,
	method: &str,
	data: &[u8],
) -> Result<Vec<u8>, Fault> {
	let mut extensions = Extensions::default();
	// `set_code` reads the version of what it is given.
	extensions.register(ReadRuntimeVersionExt::new(executor.clone()));
	let mut machine = StateMachine::new(
		state,
		overlay,
		executor,
		method,
		data,
		&mut extensions,
		code,
		CallContext::Onchain { import: false },
	);
	let answer = machine.execute();
	answer.map_err(|e| format!("{method}: {e}").into())
}

impl Chain {
	/// A chain of nothing, on which a runtime that is not in it can be called.
	pub fn empty() -> Self {
		let executor = WasmExecutor::builder();
		// To compile a runtime takes longer than a thousand blocks. The tests keep the program in a
		// folder of its own, outside the sources.
		let program = std::env::current_exe().ok();
		let cache = program.and_then(|program| Some(program.parent()?.join("wasm")));
		let executor = match cache {
			Some(cache) => executor.with_cache_path(cache),
			None => executor,
		};
		Self {
			executor: executor.build(),
			state: InMemoryBackend::default(),
			head: Header::new(
				0,
				H256::zero(),
				H256::zero(),
				H256::zero(),
				Digest::default(),
			),
		}
	}

	/// Start from a state.
	pub fn of(code: Vec<u8>, genesis: Genesis) -> Result<Self, Fault> {
		let mut chain = Self::empty();
		chain.head = Header::decode(&mut &genesis.header[..])?;
		let version = chain.version_of(&code)?;
		let with_values = |pairs: Pairs| {
			pairs
				.into_iter()
				.map(|(k, v)| (k, Some(v)))
				.collect::<Vec<_>>()
		};
		let mut top = with_values(genesis.top);
		top.push((CODE.to_vec(), Some(code)));
		let children = genesis.children.into_iter();
		let all = children
			.map(|(name, pairs)| (Some(ChildInfo::new_default(&name)), with_values(pairs)))
			.chain([(None, top)]);
		chain.state.insert(all, version);
		if chain.head.state_root != *chain.state.root() {
			return Err(format!(
				"the genesis state has the root {:?}, and its header says {:?}",
				chain.state.root(),
				chain.head.state_root
			)
			.into());
		}
		Ok(chain)
	}

	/// Make the first state by the runtime's own configuration, where there is nothing yet.
	pub fn build(&mut self, code: Vec<u8>, config: &str) -> Result<(), Fault> {
		let version = self.version_of(&code)?;
		let mut overlay = Overlay::default();
		overlay.set_storage(CODE.to_vec(), Some(code.clone()));
		let answer = self.call_code(
			&code,
			&mut overlay,
			"GenesisBuilder_build_state",
			&config.as_bytes().encode(),
		)?;
		Result::<(), String>::decode(&mut &answer[..])??;
		self.commit(overlay, version)?;
		self.head = Header::new(
			0,
			BlakeTwo256::ordered_trie_root(Vec::new(), StateVersion::V0),
			*self.state.root(),
			H256::zero(),
			Default::default(),
		);
		Ok(())
	}

	fn version_of(&self, code: &[u8]) -> Result<StateVersion, Fault> {
		let fetch = WrappedRuntimeCode(code.into());
		let code = runtime_code(&fetch, code);
		let mut overlay = Overlay::default();
		let mut ext = Ext::new(&mut overlay, &self.state, None);
		Ok(self
			.executor
			.runtime_version(&mut ext, &code)?
			.state_version())
	}

	/// The version of the trie in which this state's runtime writes.
	pub fn state_version(&self) -> Result<StateVersion, Fault> {
		let code = self.state.storage(CODE)?.ok_or("there is no runtime")?;
		self.version_of(&code)
	}

	/// Call a runtime that is not in the state.
	pub fn call_code(
		&self,
		code: &[u8],
		overlay: &mut Overlay,
		method: &str,
		data: &[u8],
	) -> Result<Vec<u8>, Fault> {
		let fetch = WrappedRuntimeCode(code.into());
		let code = runtime_code(&fetch, code);
		call(&self.executor, &self.state, &code, overlay, method, data)
	}

	/// Call the runtime; what it writes stays in the overlay.
	pub fn call(&self, overlay: &mut Overlay, method: &str, data: &[u8]) -> Result<Vec<u8>, Fault> {
		let fetch = BackendRuntimeCode::new(&self.state, TryPendingCode::Yes);
		let code = fetch.runtime_code()?;
		call(&self.executor, &self.state, &code, overlay, method, data)
	}

	/// A key's value as the overlay leaves it.
	fn value(&self, overlay: &mut Overlay, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
		Ok(match overlay.storage(key) {
			Some(value) => value.map(<[u8]>::to_vec),
			None => self.state.storage(key)?,
		})
	}

	/// Make what an overlay holds part of the state; return what that changes.
	pub fn commit(
		&mut self,
		mut overlay: Overlay,
		version: StateVersion,
	) -> Result<StorageCollection, Fault> {
		let changes = overlay.drain_storage_changes(&self.state, version)?;
		self.state
			.apply_transaction(changes.transaction_storage_root, changes.transaction);
		Ok(changes.main_storage_changes)
	}

	/// Begin the block after the head.
	pub fn start(&self, overlay: &mut Overlay, digest: Digest) -> Result<(), Fault> {
		let number = self.head.number.checked_add(1).ok_or("no more blocks")?;
		let parent = self.head.hash();
		let header = Header::new(number, H256::zero(), H256::zero(), parent, digest);
		self.call(overlay, "Core_initialize_block", &header.encode())
			.map(drop)
	}

	/// Put an extrinsic into the block if the runtime takes it; return its `ApplyExtrinsicResult`.
	pub fn apply(&self, overlay: &mut Overlay, extrinsic: &[u8]) -> Result<Vec<u8>, Fault> {
		overlay.start_transaction();
		let answer = self.call(overlay, "BlockBuilder_apply_extrinsic", extrinsic);
		let end = if answer.as_ref().is_ok_and(|a| was_applied(a)) {
			overlay.commit_transaction()
		} else {
			overlay.rollback_transaction()
		};
		end.map_err(|e| format!("the runtime closed the block's own transaction: {e:?}"))?;
		answer
	}

	/// End the block.
	pub fn finish(&self, overlay: &mut Overlay) -> Result<Header, Fault> {
		let header = self.call(overlay, "BlockBuilder_finalize_block", &[])?;
		Ok(Header::decode(&mut &header[..])?)
	}

	/// What the runtime says of a transaction on the head's state.
	pub fn validate(&self, transaction: &[u8]) -> Result<Vec<u8>, Fault> {
		let external = [2];
		let question = [&external, transaction, &self.head.hash().encode()].concat();
		let method = "TaggedTransactionQueue_validate_transaction";
		self.call(&mut Overlay::default(), method, &question)
	}

	/// `System.Events` as the overlay leaves them.
	pub fn events(&self, overlay: &mut Overlay) -> Result<Vec<u8>, Fault> {
		let key = [twox_128(b"System"), twox_128(b"Events")].concat();
		Ok(self.value(overlay, &key)?.unwrap_or_default())
	}

	/// How many keys there are, and the BLAKE2b-256 of all pairs in order, encoded.
	pub fn digest(&self) -> Result<(usize, H256), Fault> {
		let pairs = self
			.state
			.pairs(IterArgs::default())?
			.collect::<Result<Vec<_>, _>>()?;
		let encoded: Vec<u8> = pairs.iter().flat_map(Encode::encode).collect();
		Ok((pairs.len(), BlakeTwo256::hash(&encoded)))
	}
}

/// Whether an `ApplyExtrinsicResult` is that of an extrinsic that stands in the block, well or not.
pub fn was_applied(answer: &[u8]) -> bool {
	answer.first() == Some(&0)
}

fn runtime_code<'a>(fetch: &'a WrappedRuntimeCode<'a>, code: &[u8]) -> RuntimeCode<'a> {
	RuntimeCode {
		code_fetcher: fetch,
		heap_pages: None,
		hash: BlakeTwo256::hash(code).encode(),
	}
}
