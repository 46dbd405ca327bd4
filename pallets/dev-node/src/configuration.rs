//! A node's configuration, without the hundred flags that Substrate's command line has for it.

use crate::{server::CONNECTIONS, Arguments, Fault};
use sc_service::{
	config::{
		BlocksPruning, DatabaseSource, ExecutorConfiguration, KeystoreConfig, NetworkConfiguration,
		OffchainWorkerConfig, PruningMode, RpcBatchRequestConfig, RpcConfiguration, RpcEndpoint,
		RpcMethods, TransactionPoolOptions,
	},
	BasePath, ChainSpec, Configuration, Role,
};
use sc_transaction_pool::TransactionPoolType;
use std::net::{Ipv4Addr, SocketAddr};

/// Substrate's own server, which serves nobody: see [`crate::server`]. The client insists on starting it; it
/// takes a port of this machine, and no connection there.
fn closed_rpc() -> RpcConfiguration {
	let batch_config = RpcBatchRequestConfig::Disabled;
	let endpoint = RpcEndpoint {
		listen_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
		max_connections: 0,
		rpc_methods: RpcMethods::Safe,
		batch_config,
		max_payload_in_mb: 0,
		max_payload_out_mb: 0,
		max_subscriptions_per_connection: 0,
		max_buffer_capacity_per_connection: 1,
		rate_limit: None,
		rate_limit_trust_proxy_headers: false,
		rate_limit_whitelisted_ips: vec![],
		cors: Some(vec![]),
		is_optional: false,
		retry_random_port: false,
	};
	RpcConfiguration {
		addr: Some(vec![endpoint]),
		// Of threads for blocking calls as well, which ours are made on.
		max_connections: CONNECTIONS,
		cors: Some(vec![]),
		methods: RpcMethods::Safe,
		max_request_size: 0,
		max_response_size: 0,
		id_provider: None,
		max_subs_per_conn: 0,
		port: 0,
		message_buffer_capacity: 1,
		batch_config,
		rate_limit: None,
		rate_limit_whitelisted_ips: vec![],
		rate_limit_trust_proxy_headers: false,
		request_logger_limit: 0,
	}
}

/// What the arguments come to.
pub fn configuration(
	arguments: &Arguments,
	chain_spec: Box<dyn ChainSpec>,
	tokio_handle: tokio::runtime::Handle,
) -> Result<Configuration, Fault> {
	let base_path = match &arguments.base_path {
		Some(folder) => BasePath::new(folder),
		None => BasePath::new_temp_dir()?,
	};
	let data_path = base_path.config_dir(chain_spec.id());
	let name = env!("CARGO_PKG_NAME");
	Ok(Configuration {
		impl_name: name.into(),
		impl_version: env!("CARGO_PKG_VERSION").into(),
		role: Role::Authority,
		tokio_handle,
		// The fork-aware pool keeps transactions for ever that arrive while a block is made at once.
		transaction_pool: TransactionPoolOptions::new_with_params(
			8192,
			64 << 20,
			Some(0),
			TransactionPoolType::SingleState,
			true,
			false,
		),
		// It has no peers, and listens for none.
		network: NetworkConfiguration::new(name, name, Default::default(), None),
		keystore: KeystoreConfig::InMemory,
		database: DatabaseSource::ParityDb {
			path: data_path.join("paritydb"),
		},
		trie_cache_maximum_size: Some(64 << 20),
		warm_up_trie_cache: None,
		state_pruning: Some(PruningMode::ArchiveAll),
		blocks_pruning: BlocksPruning::KeepAll,
		chain_spec,
		executor: ExecutorConfiguration::default(),
		wasm_runtime_overrides: None,
		rpc: closed_rpc(),
		prometheus_config: None,
		telemetry_endpoints: None,
		offchain_worker: OffchainWorkerConfig {
			enabled: false,
			indexing_enabled: false,
		},
		force_authoring: true,
		disable_grandpa: true,
		dev_key_seed: None,
		tracing_targets: None,
		tracing_receiver: Default::default(),
		announce_block: false,
		data_path,
		base_path,
	})
}
