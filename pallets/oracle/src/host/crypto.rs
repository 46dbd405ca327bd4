//! Signatures, good, bad and strange.

use super::{call, Arg, Call, Case, Returns, Source};
use sp_core::{ecdsa, ed25519, Pair};

/// Points of small order on edwards25519, each in every encoding that there is, also where the
/// coordinate is not reduced or the sign is that of zero. By ZIP 215 each is good as a key and as
/// the first half of a signature.
const SMALL_ORDER: [&str; 14] = [
	"0100000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];
/// The order of edwards25519's and ristretto255's group, little-endian.
const ORDER_25519: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
/// The order of secp256k1's group, big-endian.
const ORDER_SECP256K1: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
/// sr25519 signatures hold chance, so two made before: key, message, signature.
const SR25519: [(&str, &[u8], &str); 2] = [
	(
		"d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d",
		b"ainur",
		"f20ee6dad705862940d3653eb74fb645473ba15b070883d8106358b87357742417c31a6ac35bf0dd637a5bbbaf817a917b1764573d0fcd97beeec0887f0ca985",
	),
	(
		"8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48",
		b"",
		"f092518f459d8be727141ea17ea9ded5241d711112b4cd7ed4f40b8d6b5d88258cb05f5ca9b91a21a51b7108493cb5d9c353bcdaf846e7c987b4d160e441ee88",
	),
];

fn bytes(hex: &str) -> Vec<u8> {
	sp_core::bytes::from_hex(hex).unwrap_or_default()
}

/// Add or subtract numbers of 32 bytes, little-endian, modulo 2**256.
fn combine(a: &[u8], b: &[u8], subtract: bool) -> Vec<u8> {
	let mut carry = 0_i32;
	let digits = a.iter().zip(b).map(|(a, b)| {
		let b = i32::from(*b);
		let b = if subtract { b.saturating_neg() } else { b };
		let sum = i32::from(*a).saturating_add(b).saturating_add(carry);
		carry = sum.div_euclid(256);
		sum.rem_euclid(256) as u8
	});
	digits.collect()
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
	bytes.iter().rev().copied().collect()
}

/// Bytes with one bit turned over.
fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
	let mut bytes = bytes.to_vec();
	if let Some(byte) = bytes.get_mut(bit / 8) {
		*byte ^= 1 << (bit % 8);
	}
	bytes
}

fn verify(function: &str, signature: &[u8], message: &[u8], key: &[u8]) -> Call {
	let arguments = vec![
		Arg::Pointer(signature.to_vec()),
		Arg::Span(message.to_vec()),
		Arg::Pointer(key.to_vec()),
	];
	call(&format!("crypto_{function}"), arguments, Returns::Int)
}

/// A good triple under each function, and what one wrong bit, byte or key makes of it.
fn spoiled(functions: &[&str], signature: &[u8], message: &[u8], key: &[u8]) -> Case {
	let mut triples = vec![(signature.to_vec(), message.to_vec(), key.to_vec())];
	let mut spoil = |signature: Vec<u8>, message: &[u8], key: Vec<u8>| {
		triples.push((signature, message.to_vec(), key));
	};
	for bit in (0..signature.len().saturating_mul(8))
		.step_by(37)
		.chain([247, 253, 254, 255, 503, 508, 509, 510, 511])
	{
		spoil(flipped(signature, bit), message, key.to_vec());
	}
	for bit in (0..key.len().saturating_mul(8)).step_by(29).chain([255]) {
		spoil(signature.to_vec(), message, flipped(key, bit));
	}
	spoil(signature.to_vec(), &[message, b"\0"].concat(), key.to_vec());
	spoil(signature.to_vec(), b"other", key.to_vec());
	spoil(vec![0; signature.len()], message, key.to_vec());
	spoil(vec![0xff; signature.len()], message, key.to_vec());
	spoil(signature.to_vec(), message, vec![0; key.len()]);
	spoil(signature.to_vec(), message, vec![0xff; key.len()]);
	spoil(vec![0; signature.len()], message, vec![0; key.len()]);
	let calls = triples.iter().flat_map(|(signature, message, key)| {
		functions
			.iter()
			.map(move |function| verify(function, signature, message, key))
	});
	calls.collect::<Vec<_>>().into()
}

fn ed25519() -> Vec<Case> {
	let functions = ["ed25519_verify_version_1"];
	let mut cases = Vec::new();
	for (seed, message) in [(1, &b""[..]), (2, b"ainur"), (3, &[7; 300])] {
		let pair = ed25519::Pair::from_seed(&[seed; 32]);
		let (signature, key) = (pair.sign(message), pair.public());
		cases.push(spoiled(&functions, &signature.0, message, &key.0));
		// Malleable: the scalar of another signature that stands for the same number.
		let (point, scalar) = signature.0.split_at(32);
		let scalar = combine(scalar, &bytes(ORDER_25519), false);
		let again = [point.to_vec(), scalar].concat();
		cases.push(vec![verify(functions[0], &again, message, &key.0)].into());
	}
	let mut small = Vec::new();
	for key in SMALL_ORDER {
		for point in SMALL_ORDER {
			for scalar in [vec![0; 32], bytes(ORDER_25519)] {
				let signature = [bytes(point), scalar].concat();
				small.push(verify(functions[0], &signature, b"Zcash", &bytes(key)));
			}
		}
	}
	cases.push(small.into());
	cases
}

fn sr25519() -> Vec<Case> {
	let mut cases = Vec::new();
	// Version 1 also takes signatures of before 2019, which bear no mark; so it is only asked about
	// those that bear one.
	let (old, new) = ("sr25519_verify_version_1", "sr25519_verify_version_2");
	for (key, message, signature) in SR25519 {
		let (key, signature) = (bytes(key), bytes(signature));
		cases.push(spoiled(&[new], &signature, message, &key));
		let (point, scalar) = signature.split_at(32);
		let scalar = combine(scalar, &bytes(ORDER_25519), false);
		let malleable = [point.to_vec(), scalar].concat();
		let calls = vec![
			verify(new, &malleable, message, &key),
			verify(old, &signature, message, &key),
			verify(old, &signature, b"other", &key),
			verify(old, &signature, message, &flipped(&key, 3)),
			verify(old, &flipped(&signature, 3), message, &key),
			verify(old, &flipped(&signature, 300), message, &key),
		];
		cases.push(calls.into());
	}
	// The neutral element as key and commitment, with and without the mark of a signature.
	let marked = flipped(&[0; 64], 511);
	let calls = vec![
		verify(new, &[0; 64], b"", &[0; 32]),
		verify(new, &marked, b"", &[0; 32]),
		verify(old, &marked, b"", &[0; 32]),
	];
	cases.push(calls.into());
	cases
}

/// Both questions about a signature over a digest, in both versions.
fn recover(signature: &[u8], digest: &[u8]) -> Vec<Call> {
	let arguments = || {
		vec![
			Arg::Pointer(signature.to_vec()),
			Arg::Pointer(digest.to_vec()),
		]
	};
	let ask = |what: &str| {
		let function = format!("crypto_secp256k1_ecdsa_recover{what}");
		call(&function, arguments(), Returns::Span)
	};
	[
		"_version_1",
		"_version_2",
		"_compressed_version_1",
		"_compressed_version_2",
	]
	.map(ask)
	.into()
}

fn secp256k1() -> Vec<Case> {
	let order = reversed(&bytes(ORDER_SECP256K1));
	let mut cases = Vec::new();
	for (seed, message) in [(1, &b""[..]), (2, b"ainur"), (3, &[7; 300])] {
		let pair = ecdsa::Pair::from_seed(&[seed; 32]);
		let digest = sp_io::hashing::blake2_256(message);
		let (signature, key) = (pair.sign(message).0.to_vec(), pair.public().0);
		let functions = ["ecdsa_verify_version_1", "ecdsa_verify_version_2"];
		cases.push(spoiled(&functions, &signature, message, &key));
		let (rs, id) = signature.split_at(64);
		let (r, s) = rs.split_at(32);
		let id = id.first().copied().unwrap_or_default();
		let with = |r: &[u8], s: &[u8], id: u8| [r, s, &[id]].concat();
		let negative = reversed(&combine(&order, &reversed(s), true));
		let big = |n: &[u8]| reversed(&combine(&order, &reversed(n), false));
		let zero = vec![0; 32];
		let n = reversed(&order);
		let small = |n: u8| [vec![0; 31], vec![n]].concat();
		let mut strange = vec![
			with(r, s, id),
			with(r, s, id ^ 1),
			with(r, &negative, id ^ 1), // malleable: as good
			with(r, &negative, id),
			with(r, &zero, id),
			with(&zero, s, id),
			with(&zero, &zero, 0),
			with(&n, s, id),
			with(r, &n, id),
			with(&n, &n, id),
			with(&[0xff; 32], s, id),
			with(r, &[0xff; 32], id),
			with(&big(&small(1)), s, id), // stands for 1 where it is reduced
			with(r, &big(&small(1)), id),
			with(&small(1), &small(1), 2), // its point lies beyond the order
			with(&small(2), &small(1), 3),
			with(&small(5), &small(5), 0),
		];
		strange.extend([2, 3, 4, 26, 27, 28, 29, 30, 31, 254, 255].map(|id| with(r, s, id)));
		strange.extend([27, 28].map(|id| with(r, &negative, id)));
		let calls = strange.iter().flat_map(|signature| {
			let arguments = vec![
				Arg::Pointer(signature.clone()),
				Arg::Pointer(digest.to_vec()),
				Arg::Pointer(key.to_vec()),
			];
			let prehashed = "crypto_ecdsa_verify_prehashed_version_1";
			let mut calls = recover(signature, &digest);
			calls.push(call(prehashed, arguments, Returns::Int));
			calls.extend(functions.map(|function| verify(function, signature, message, &key)));
			calls
		});
		cases.push(calls.collect::<Vec<_>>().into());
		cases.push(recover(&with(r, s, id), &[0; 32]).into());
		cases.push(recover(&with(r, s, id), &[0xff; 32]).into());
		cases.push(recover(&with(r, s, id), &n).into());
	}
	let mut source = Source::of("secp256k1");
	for _ in 0..40 {
		let mut signature = source.bytes(65);
		if let Some(id) = signature.last_mut() {
			*id &= 3;
		}
		cases.push(recover(&signature, &source.bytes(32)).into());
	}
	cases
}

/// Batches, which old runtimes still ask for. Not ed25519's: in this release that function borrows
/// the externalities twice and so always traps.
fn batches() -> Vec<Case> {
	let (sr_key, sr_message, sr_signature) = SR25519[0];
	let sr = |message: &[u8]| {
		let (signature, key) = (bytes(sr_signature), bytes(sr_key));
		verify("sr25519_batch_verify_version_1", &signature, message, &key)
	};
	let pair = ecdsa::Pair::from_seed(&[1; 32]);
	let (ec_good, ec_key) = (pair.sign(b"m").0, pair.public().0);
	let ec = |message: &[u8]| verify("ecdsa_batch_verify_version_1", &ec_good, message, &ec_key);
	let start = || {
		call(
			"crypto_start_batch_verify_version_1",
			vec![],
			Returns::Nothing,
		)
	};
	let finish = || call("crypto_finish_batch_verify_version_1", vec![], Returns::Int);
	let batch = |mut calls: Vec<Call>| {
		calls.insert(0, start());
		calls.push(finish());
		calls
	};
	vec![
		[
			batch(vec![]),
			batch(vec![sr(sr_message), ec(b"m")]),
			batch(vec![sr(b"no"), ec(b"m")]),
			batch(vec![sr(sr_message), ec(b"no"), ec(b"m")]),
			batch(vec![ec(b"m")]),
		]
		.into_iter()
		.flatten()
		.collect::<Vec<_>>()
		.into(),
		vec![sr(sr_message), sr(b"no"), ec(b"no")].into(), // outside of a batch
	]
}

pub fn cases() -> Vec<Case> {
	[ed25519(), sr25519(), secp256k1(), batches()]
		.into_iter()
		.flatten()
		.collect()
}
