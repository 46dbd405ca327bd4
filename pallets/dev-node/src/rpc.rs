//! What the node answers beside what every Substrate node does: accounts' nonces, fees, blocks on
//! demand, and [`crate::dev`].

use crate::{
	dev::{self, Context},
	runtime_api::Block,
	service::Client,
	Fault,
};
use jsonrpsee::RpcModule;
use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use sc_consensus_manual_seal::rpc::{ManualSeal, ManualSealApiServer};
use sc_transaction_pool::TransactionPoolHandle;
use substrate_frame_rpc_system::{System, SystemApiServer};

/// Everything that is added to a node's own methods.
pub fn module(
	context: Context<TransactionPoolHandle<Block, Client>>,
) -> Result<RpcModule<()>, Fault> {
	let (client, pool) = (context.client.clone(), context.pool.clone());
	let mut module = RpcModule::new(());
	module.merge(System::new(client.clone(), pool).into_rpc())?;
	module.merge(TransactionPayment::new(client).into_rpc())?;
	module.merge(ManualSeal::new(context.sealer.orders()).into_rpc())?;
	module.merge(dev::module(context)?)?;
	Ok(module)
}
