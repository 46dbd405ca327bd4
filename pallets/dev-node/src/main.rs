//! A real Substrate node that seals when it is told to, for any runtime given by path.
//!
//! It is what the embedded dev chain is held to, and where to go for those who outgrow it. There are
//! no validators and no peers: one node makes all blocks, so nothing of consensus is in the runtime.
//! See README.md for its flags and what it says.

mod configuration;
mod dev;
mod genesis;
mod rpc;
mod runtime_api;
mod seal;
mod server;
mod service;
mod time;

use clap::Parser;
use futures::channel::oneshot;
use std::{io, path::PathBuf, process::ExitCode, time::Duration};

/// What a node has to end by itself when whoever started it is gone.
const GRACE: Duration = Duration::from_secs(5);

/// What went wrong, in words for whoever called.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// A Substrate node that seals when it is told to.
#[derive(Parser)]
#[command(name = "ainur-dev-node", version)]
pub struct Arguments {
	/// The runtime, as WebAssembly, compressed or not.
	#[arg(long, value_name = "FILE")]
	pub runtime: PathBuf,
	/// The runtime's genesis preset.
	#[arg(long, value_name = "NAME", default_value = "development")]
	pub preset: String,
	/// JSON that is merged onto the preset; null sets null.
	#[arg(long, value_name = "JSON")]
	pub genesis_patch: Option<String>,
	/// Up to 32 bytes that make the chain unlike others of the same runtime and preset.
	#[arg(long, value_name = "HEX")]
	pub salt: Option<String>,
	/// Port of JSON-RPC on 127.0.0.1; 0 takes a free one.
	#[arg(long, value_name = "PORT", default_value_t = 9944)]
	pub rpc_port: u16,
	/// When blocks are made: at each transaction (instant), every so many milliseconds, empty ones
	/// included, or only by engine_createBlock (manual), which always works.
	#[arg(long, value_name = "instant|MILLIS|manual", default_value = "instant")]
	pub seal: seal::Seal,
	/// Blocks between the head and the finalised block.
	#[arg(long, value_name = "BLOCKS", default_value_t = 0)]
	pub finality_lag: u32,
	/// Where the chain is kept; without it, in a folder that is removed at the end.
	#[arg(long, value_name = "FOLDER", conflicts_with = "tmp")]
	pub base_path: Option<PathBuf>,
	/// Keep the chain only as long as the node runs; that is the default.
	#[arg(long)]
	pub tmp: bool,
	/// What the chain is called.
	#[arg(long, value_name = "NAME", default_value = "Development")]
	pub name: String,
	/// What clients are told of the chain's addresses and token.
	#[arg(
		long,
		value_name = "JSON",
		default_value = r#"{"ss58Format":42,"tokenDecimals":12,"tokenSymbol":"UNIT"}"#
	)]
	pub properties: String,
	/// End when standard input ends: with whoever holds its other end, however that process dies.
	#[arg(long)]
	pub until_stdin_ends: bool,
	/// Web pages that may connect, beside those of this machine and polkadot.js Apps.
	#[arg(long, value_name = "ORIGIN")]
	pub allow_origin: Vec<String>,
}

/// Learn of the end of standard input, in a thread that waits for it.
fn end_of_stdin(arguments: &Arguments) -> oneshot::Receiver<()> {
	let (sender, receiver) = oneshot::channel();
	if arguments.until_stdin_ends {
		std::thread::spawn(move || {
			// A pipe that fails has ended as well.
			let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
			let _ = sender.send(());
			std::thread::sleep(GRACE);
			std::process::exit(1);
		});
	} else {
		std::mem::forget(sender);
	}
	receiver
}

fn run(arguments: Arguments) -> Result<(), Fault> {
	let mut log = sc_tracing::logging::LoggerBuilder::new(
		std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into()),
	);
	log.with_log_reloading(false);
	log.init()?;
	let orphaned = end_of_stdin(&arguments);
	let tokio = tokio::runtime::Builder::new_multi_thread()
		.enable_all()
		.build()?;
	let _guard = tokio.enter();
	let mut tasks = tokio.block_on(service::start(&arguments, tokio.handle().clone()))?;
	tokio.block_on(async {
		let mut terminated =
			tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
		tokio::select! {
			ended = tasks.future() => ended.map_err(Fault::from),
			_ = tokio::signal::ctrl_c() => Ok(()),
			_ = terminated.recv() => Ok(()),
			_ = orphaned => Ok(()),
		}
	})
}

fn main() -> ExitCode {
	match run(Arguments::parse()) {
		Ok(()) => ExitCode::SUCCESS,
		Err(fault) => {
			eprintln!("ainur-dev-node: {fault}");
			ExitCode::from(1)
		}
	}
}
