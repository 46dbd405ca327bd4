//! The chain's first block: the runtime's preset, patched and salted as the embedded chain does it.

use crate::{
	runtime_api::{Block, Hash},
	service::Backend,
	Arguments, Fault,
};
use sc_chain_spec::{
	json_merge, BuildGenesisBlock, ChainSpec, ChainType, GenericChainSpec, GenesisBlockBuilder,
	GenesisConfigBuilderRuntimeCaller, NoExtension,
};
use sc_client_api::backend::Backend as BackendT;
use sc_executor::RuntimeVersionOf;
use sp_core::storage::{well_known_keys::CODE, Storage};
use std::sync::Arc;

/// Where a salted chain keeps its salt; no pallet reads it.
const SALT_KEY: &[u8] = b":devchain:salt";
const SALT_BYTES: usize = 32;

/// What the chain calls itself. Its state comes from [`state`].
pub fn specification(arguments: &Arguments) -> Result<Box<dyn ChainSpec>, Fault> {
	let properties =
		serde_json::from_str(&arguments.properties).map_err(|e| format!("--properties: {e}"))?;
	let spec = GenericChainSpec::<NoExtension>::builder(&[], None)
		.with_name(&arguments.name)
		.with_id("devchain")
		.with_protocol_id("devchain")
		.with_chain_type(ChainType::Development)
		.with_properties(properties)
		.with_genesis_config_patch(serde_json::json!({}))
		.build();
	Ok(Box::new(spec))
}

/// The state of the first block.
pub fn state(arguments: &Arguments) -> Result<Storage, Fault> {
	let file = &arguments.runtime;
	let code = std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
	let presets = GenesisConfigBuilderRuntimeCaller::<()>::new(&code);
	let known = presets
		.preset_names()
		.map_err(|e| format!("{} is not a runtime: {e}", file.display()))?;
	if !known.contains(&arguments.preset) {
		let preset = &arguments.preset;
		return Err(format!(
			"no preset '{preset}'; the runtime offers: {}",
			known.join(", ")
		)
		.into());
	}
	let mut patch = presets.get_named_preset(Some(&arguments.preset))?;
	if let Some(more) = &arguments.genesis_patch {
		let more = serde_json::from_str(more).map_err(|e| format!("--genesis-patch: {e}"))?;
		json_merge(&mut patch, more);
	}
	let mut storage = presets.get_storage_for_patch(patch)?;
	if let Some(salt) = &arguments.salt {
		let salt = sp_core::bytes::from_hex(salt).map_err(|e| format!("--salt: {e:?}"))?;
		if salt.len() > SALT_BYTES {
			return Err(format!("--salt is at most {SALT_BYTES} bytes").into());
		}
		storage.top.insert(SALT_KEY.to_vec(), salt);
	}
	storage.top.insert(CODE.to_vec(), code);
	Ok(storage)
}

type Operation = <Backend as BackendT<Block>>::BlockImportOperation;

/// The first block, made before the client asks for it: where the folder holds a chain already, the client
/// does not ask, and nobody would notice that the chain is another one.
pub struct Genesis {
	block: Block,
	operation: Operation,
}

impl Genesis {
	/// Make it.
	pub fn new(
		state: Storage,
		backend: Arc<Backend>,
		executor: impl RuntimeVersionOf,
	) -> Result<Self, Fault> {
		let builder =
			GenesisBlockBuilder::<Block, _, _>::new_with_storage(state, true, backend, executor)?;
		let (block, operation) = builder.build_genesis_block()?;
		Ok(Self { block, operation })
	}

	/// Its hash.
	pub fn hash(&self) -> Hash {
		self.block.header.hash()
	}
}

impl BuildGenesisBlock<Block> for Genesis {
	type BlockImportOperation = Operation;

	fn build_genesis_block(self) -> sp_blockchain::Result<(Block, Operation)> {
		Ok((self.block, self.operation))
	}
}
