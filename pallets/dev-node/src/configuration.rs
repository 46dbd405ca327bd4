//! A node's configuration, without the hundred flags that Substrate's command line has for it.

use crate::{Arguments, Fault};
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

/// Largest request and response, in megabytes: a metadata or a page of storage fits.
const MEGABYTES: u32 = 15;
const CONNECTIONS: u32 = 100;
const SUBSCRIPTIONS: u32 = 1024;
const BUFFERED: u32 = 64;
const BATCH: u32 = 1024;

fn rpc(arguments: &Arguments) -> RpcConfiguration {
	let mut origins: Vec<String> = ["http", "https"]
		.iter()
		.flat_map(|scheme| ["localhost", "127.0.0.1"].map(|host| format!("{scheme}://{host}:*")))
		.collect();
	origins.push("https://polkadot.js.org".into());
	origins.extend(arguments.allow_origin.iter().cloned());
	let cors = (!origins.iter().any(|origin| origin == "*")).then_some(origins);
	let endpoint = RpcEndpoint {
		listen_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.rpc_port)),
		batch_config: RpcBatchRequestConfig::Limit(BATCH),
		max_connections: CONNECTIONS,
		max_payload_in_mb: MEGABYTES,
		max_payload_out_mb: MEGABYTES,
		max_subscriptions_per_connection: SUBSCRIPTIONS,
		max_buffer_capacity_per_connection: BUFFERED,
		rate_limit: None,
		rate_limit_trust_proxy_headers: false,
		rate_limit_whitelisted_ips: vec![],
		cors: cors.clone(),
		// It listens to this machine alone, and is for tests.
		rpc_methods: RpcMethods::Unsafe,
		is_optional: false,
		retry_random_port: false,
	};
	RpcConfiguration {
		addr: Some(vec![endpoint]),
		max_connections: CONNECTIONS,
		cors,
		methods: RpcMethods::Unsafe,
		max_request_size: MEGABYTES,
		max_response_size: MEGABYTES,
		id_provider: None,
		max_subs_per_conn: SUBSCRIPTIONS,
		port: arguments.rpc_port,
		message_buffer_capacity: BUFFERED,
		batch_config: RpcBatchRequestConfig::Limit(BATCH),
		rate_limit: None,
		rate_limit_whitelisted_ips: vec![],
		rate_limit_trust_proxy_headers: false,
		request_logger_limit: 1024,
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
		rpc: rpc(arguments),
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
