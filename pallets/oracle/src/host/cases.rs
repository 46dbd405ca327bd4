//! Functions without a memory: hashes, roots of lists, and odds and ends.

use super::{call, Arg, Call, Case, Returns, Source};
use codec::Encode;

/// Around every block and lane of the hash functions.
const LENGTHS: [usize; 26] = [
	0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 71, 72, 73, 127, 128, 129, 135, 136, 137,
	256, 1000,
];

pub fn hashing() -> Vec<Case> {
	let functions = [
		("keccak_256", 32),
		("keccak_512", 64),
		("sha2_256", 32),
		("blake2_128", 16),
		("blake2_256", 32),
		("twox_256", 32),
		("twox_128", 16),
		("twox_64", 8),
	];
	let mut source = Source::of("hashing");
	let inputs: Vec<_> = LENGTHS.iter().map(|length| source.bytes(*length)).collect();
	let of = |(name, size): (&str, u32)| {
		let name = format!("hashing_{name}_version_1");
		let calls = inputs.iter().map(|input| {
			call(
				&name,
				vec![Arg::Span(input.clone())],
				Returns::Pointer(size),
			)
		});
		Case::from(calls.collect::<Vec<_>>())
	};
	functions.into_iter().map(of).collect()
}

/// A root under each version and hasher.
fn roots(kind: &str, data: Vec<u8>) -> Vec<Call> {
	["blake2_256", "keccak_256"]
		.iter()
		.flat_map(|hasher| {
			let name = format!("trie_{hasher}_{kind}");
			let root = |version: &str, more: Vec<Arg>| {
				let arguments = [vec![Arg::Span(data.clone())], more].concat();
				call(
					&format!("{name}_version_{version}"),
					arguments,
					Returns::Pointer(32),
				)
			};
			[
				root("1", vec![]),
				root("2", vec![Arg::Int(0)]),
				root("2", vec![Arg::Int(1)]),
			]
		})
		.collect()
}

pub fn trie() -> Vec<Case> {
	let mut source = Source::of("trie");
	let mut cases = Vec::new();
	for count in [0, 1, 2, 3, 15, 16, 17, 63, 64, 65, 130] {
		let value = |source: &mut Source| {
			let length = source.below(40);
			source.bytes(length)
		};
		let values: Vec<_> = (0..count).map(|_| value(&mut source)).collect();
		cases.push(Case::from(roots("ordered_root", values.encode())));
		// Keys of few different bytes, so that many share a part; some stand there twice.
		let pairs: Vec<_> = (0..count)
			.map(|_| {
				let length = source.below(6);
				let key = (0..length).map(|_| *source.pick(&[&0, &1, &0x10, &0xff]));
				(key.collect::<Vec<u8>>(), value(&mut source))
			})
			.collect();
		cases.push(Case::from(roots("root", pairs.encode())));
	}
	// At each side of what makes a node or a value large enough to be hashed.
	for length in [27, 28, 29, 30, 31, 32, 33, 34, 64] {
		let pairs = [
			(vec![1], vec![7_u8; length]),
			(vec![1, 2], vec![]),
			(vec![0x12_u8; 40], vec![9]),
		];
		cases.push(Case::from(roots("root", pairs.to_vec().encode())));
		cases.push(Case::from(roots(
			"root",
			vec![(vec![3_u8; length], vec![7_u8; length])].encode(),
		)));
	}
	// A partial key so long that its length takes more bytes.
	for length in [31, 32, 126, 127, 128, 159, 160, 300] {
		cases.push(Case::from(roots(
			"root",
			vec![(vec![5_u8; length], vec![0_u8; 33])].encode(),
		)));
	}
	cases
}

pub fn misc() -> Vec<Case> {
	let version = |code: &[u8]| {
		let name = "misc_runtime_version_version_1";
		call(name, vec![Arg::Span(code.to_vec())], Returns::Span)
	};
	let span = |data: &[u8]| Arg::Span(data.to_vec());
	let one = |calls: Vec<Call>| Case::from(calls);
	vec![
		one(vec![
			version(b""),
			version(b"no runtime"),
			version(b"\0asm\x01\0\0\0"),
		]),
		one(vec![
			call(
				"misc_print_utf8_version_1",
				vec![span(b"text")],
				Returns::Nothing,
			),
			call(
				"misc_print_utf8_version_1",
				vec![span(b"\xff\xfe")],
				Returns::Nothing,
			),
			call(
				"misc_print_hex_version_1",
				vec![span(b"\xff\xfe")],
				Returns::Nothing,
			),
		]),
		one(vec![
			call(
				"offchain_index_set_version_1",
				vec![span(b"k"), span(b"v")],
				Returns::Nothing,
			),
			call(
				"offchain_index_clear_version_1",
				vec![span(b"k")],
				Returns::Nothing,
			),
			call(
				"transaction_index_index_version_1",
				vec![Arg::Int(0), Arg::Int(5), Arg::Pointer(vec![0; 32])],
				Returns::Nothing,
			),
			call(
				"transaction_index_renew_version_1",
				vec![Arg::Int(0), Arg::Pointer(vec![0; 32])],
				Returns::Nothing,
			),
		]),
	]
}
