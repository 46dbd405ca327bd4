//! What the node answers beside what every Substrate node does: accounts' nonces, fees, blocks on
//! demand, and [`crate::dev`].

use crate::{
	dev::{self, Context},
	runtime_api::{Block, Hash},
	service::Client,
	Fault,
};
use jsonrpsee::{types::ErrorObjectOwned, RpcModule};
use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use sc_consensus_manual_seal::rpc::{ManualSeal, ManualSealApiServer};
use sc_rpc_api::check_if_safe;
use sc_transaction_pool::TransactionPoolHandle;
use substrate_frame_rpc_system::{System, SystemApiServer};

/// Manual seal's methods, for those who may do everything; manual seal itself asks nobody who they are.
fn engine(seal: ManualSeal<Hash>) -> Result<RpcModule<ManualSeal<Hash>>, Fault> {
	let mut module = RpcModule::new(seal);
	module.register_async_method(
		"engine_createBlock",
		|params, seal, extensions| async move {
			check_if_safe(&extensions)?;
			let mut params = params.sequence();
			let (create_empty, finalize) = (params.next()?, params.next()?);
			let made = seal.create_block(create_empty, finalize, params.optional_next()?);
			made.await.map_err(ErrorObjectOwned::from)
		},
	)?;
	module.register_async_method(
		"engine_finalizeBlock",
		|params, seal, extensions| async move {
			check_if_safe(&extensions)?;
			let mut params = params.sequence();
			let done = seal.finalize_block(params.next()?, params.optional_next()?);
			done.await.map_err(ErrorObjectOwned::from)
		},
	)?;
	Ok(module)
}

/// Everything that is added to a node's own methods.
pub fn module(
	context: Context<TransactionPoolHandle<Block, Client>>,
) -> Result<RpcModule<()>, Fault> {
	let (client, pool) = (context.client.clone(), context.pool.clone());
	let mut module = RpcModule::new(());
	module.merge(System::new(client.clone(), pool).into_rpc())?;
	module.merge(TransactionPayment::new(client).into_rpc())?;
	module.merge(engine(ManualSeal::new(context.sealer.orders()))?)?;
	module.merge(dev::module(context)?)?;
	Ok(module)
}
