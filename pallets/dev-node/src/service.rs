//! The node's parts, put together.

use crate::{
	configuration::configuration,
	dev::Context,
	genesis::{specification, state, Genesis},
	rpc,
	runtime_api::{Block, Hash, RuntimeApi},
	seal::{seal_by_itself, Sealer},
	server::Listener,
	time::Clock,
	Arguments, Fault,
};
use futures::StreamExt;
use sc_executor::WasmExecutor;
use sc_network::NetworkWorker;
use sc_service::{SpawnTasksParams, TFullBackend, TFullClient, TaskManager};
use sc_transaction_pool_api::TransactionPool;
use sp_core::traits::CallContext;
use std::{sync::Arc, time::Instant};

/// Where blocks and states are kept.
pub type Backend = TFullBackend<Block>;
/// The client.
pub type Client = TFullClient<Block, RuntimeApi, WasmExecutor<sp_io::SubstrateHostFunctions>>;
type Network = NetworkWorker<Block, Hash>;

/// Start everything, and say on standard output where it listens.
#[allow(
	clippy::result_large_err,
	reason = "the client's own error, which its builder wants"
)]
pub async fn start(
	arguments: &Arguments,
	tokio: tokio::runtime::Handle,
) -> Result<TaskManager, Fault> {
	let started = Instant::now();
	let listener = Listener::bind(arguments).await?;
	let state = state(arguments)?;
	let config = configuration(arguments, specification(arguments)?, tokio)?;
	let executor = sc_service::new_wasm_executor(&config.executor);
	let backend = sc_service::new_db_backend::<Block>(config.db_config())?;
	let genesis = Genesis::new(state, backend.clone(), executor.clone())?;
	let expected = genesis.hash();
	let (client, backend, keystore, mut tasks) =
		sc_service::new_full_parts_with_genesis_builder::<Block, RuntimeApi, _, _>(
			&config, None, executor, backend, genesis, false,
		)?;
	let client: Arc<Client> = Arc::new(client);
	let info = sp_blockchain::HeaderBackend::info(&*client);
	let version = client.runtime_version_at(info.best_hash, CallContext::Offchain)?;
	let kept = info.genesis_hash;
	if kept != expected {
		let folder = config.base_path.path().display();
		return Err(format!(
			"{folder} holds a chain with genesis {kept}, and this runtime, preset and salt make {expected}"
		)
		.into());
	}
	let select_chain = sc_consensus::LongestChain::new(backend.clone());
	let pool = Arc::new(
		sc_transaction_pool::Builder::new(
			tasks.spawn_essential_handle(),
			client.clone(),
			config.role.is_authority().into(),
		)
		.with_options(config.transaction_pool.clone())
		.build(),
	);
	let import_queue = sc_consensus_manual_seal::import_queue(
		Box::new(client.clone()),
		&tasks.spawn_essential_handle(),
		None,
	);
	let net_config = sc_network::config::FullNetworkConfiguration::<Block, Hash, Network>::new(
		&config.network,
		None,
	);
	let metrics = sc_network::NotificationMetrics::new(None);
	let (network, system_rpc_tx, tx_handler_controller, sync_service) =
		sc_service::build_network(sc_service::BuildNetworkParams {
			config: &config,
			net_config,
			client: client.clone(),
			transaction_pool: pool.clone(),
			spawn_handle: tasks.spawn_handle(),
			spawn_essential_handle: tasks.spawn_essential_handle(),
			import_queue,
			block_announce_validator_builder: None,
			warp_sync_config: None,
			block_relay: None,
			metrics,
		})?;

	let (orders, queue) = futures::channel::mpsc::channel(1024);
	let sealer = Sealer::new(client.clone(), orders, arguments.finality_lag);
	let clock = Arc::new(Clock::new(client.clone()));
	let (seal, persistent) = (arguments.seal, arguments.base_path.is_some());
	let rpc_builder = {
		let (client, pool) = (client.clone(), pool.clone());
		let (sealer, clock) = (sealer.clone(), clock.clone());
		Box::new(move |_| {
			let context = Context {
				client: client.clone(),
				pool: pool.clone(),
				sealer: sealer.clone(),
				clock: clock.clone(),
				seal,
				persistent,
				started,
			};
			rpc::module(context).map_err(|fault| sc_service::Error::Other(fault.to_string()))
		})
	};
	let handlers = sc_service::spawn_tasks(SpawnTasksParams {
		config,
		client: client.clone(),
		backend,
		task_manager: &mut tasks,
		keystore: keystore.keystore(),
		transaction_pool: pool.clone(),
		rpc_builder,
		network,
		system_rpc_tx,
		tx_handler_controller,
		sync_service,
		telemetry: None,
		tracing_execute_block: None,
	})?;

	let essential = tasks.spawn_essential_handle();
	essential.spawn("finality", None, sealer.clone().finalize_imported());
	let arrivals = pool.import_notification_stream();
	essential.spawn(
		"orders",
		None,
		seal_by_itself(seal, sealer, pool.clone(), arrivals),
	);
	let sealing =
		sc_consensus_manual_seal::run_manual_seal(sc_consensus_manual_seal::ManualSealParams {
			block_import: client.clone(),
			env: sc_basic_authorship::ProposerFactory::new(
				tasks.spawn_handle(),
				client.clone(),
				pool.clone(),
				None,
				None,
			),
			client: client.clone(),
			pool,
			commands_stream: queue.boxed(),
			select_chain,
			consensus_data_provider: None,
			create_inherent_data_providers: move |parent, ()| {
				let now = clock.after(parent);
				async move { Ok(sp_timestamp::InherentDataProvider::new(now?.into())) }
			},
		});
	essential.spawn_blocking("sealing", None, sealing);

	let address = listener.address;
	let methods = (*handlers.handle()).clone();
	tasks.keep_alive(listener.serve(methods)?);
	let ready = serde_json::json!({
		"listening": [format!("/ip4/{}/tcp/{}", address.ip(), address.port())],
		"genesis": expected,
		"runtime": format!("{}-{}", version.spec_name, version.spec_version),
	});
	println!("{ready}");
	Ok(tasks)
}
