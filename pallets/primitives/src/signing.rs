//! Keys that really sign, for benchmarks: natively here, in a runtime by the host's keystore, as a
//! runtime cannot sign.

use crate::Signature;
use sp_core::ed25519;

#[cfg(not(feature = "std"))]
const KEYS: sp_core::crypto::KeyTypeId = sp_core::crypto::KeyTypeId(*b"ainu");

/// The public key of this number.
#[cfg(feature = "std")]
pub fn key(seed: u8) -> ed25519::Public {
	sp_core::Pair::public(&<ed25519::Pair as sp_core::Pair>::from_seed(&[seed; 32]))
}

/// The public key of this number.
#[cfg(not(feature = "std"))]
pub fn key(seed: u8) -> ed25519::Public {
	sp_io::crypto::ed25519_generate(KEYS, Some(alloc::format!("//{seed}").into_bytes()))
}

/// The signature of the key of this number.
#[cfg(feature = "std")]
pub fn sign(seed: u8, payload: &[u8]) -> Signature {
	let pair = <ed25519::Pair as sp_core::Pair>::from_seed(&[seed; 32]);
	sp_core::Pair::sign(&pair, payload).into()
}

/// The signature of the key of this number.
#[cfg(not(feature = "std"))]
#[allow(clippy::expect_used)] // as in tests
pub fn sign(seed: u8, payload: &[u8]) -> Signature {
	sp_io::crypto::ed25519_sign(KEYS, &key(seed), payload)
		.expect("the key is there")
		.into()
}
