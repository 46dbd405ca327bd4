//! `ainur-bencher --runtime FILE --pallet NAME ...`: the `benchmark pallet` command of
//! frame-benchmarking-cli, for a runtime that asks for no host function beyond the standard ones.

use clap::Parser;
use frame_benchmarking_cli::PalletCmd;
use sp_runtime::traits::BlakeTwo256;

fn main() -> sc_cli::Result<()> {
	PalletCmd::parse().run_with_spec::<BlakeTwo256, ()>(None)
}
