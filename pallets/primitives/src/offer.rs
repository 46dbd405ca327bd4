//! The offer that a provider signs off chain and a requester opens an escrow with.

use crate::{AccountId, Balance, BlockNumber};
use frame_support::pallet_prelude::*;
use sp_core::H256;
use sp_runtime::traits::ConstU32;

use alloc::vec::Vec;

/// Most milestones of one escrow.
pub const MAX_MILESTONES: u32 = 8;
/// What separates an offer's signature from every other signature of the same key.
pub const OFFER_DOMAIN: &[u8] = b"ainur/1/offer\0";

/// The amounts of an escrow's milestones in planck, first to last; their sum is the price.
pub type Milestones = BoundedVec<Balance, ConstU32<MAX_MILESTONES>>;

/// Everything that a provider agrees to. Its SCALE encoding, hashed, is what it signs, and what
/// [`accept`] names; Python writes the same bytes.
///
/// [`accept`]: ../pallet_ainur_escrow/pallet/struct.Pallet.html
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct Offer {
	/// Hash of block 0, so that an offer binds on one chain only.
	pub genesis: H256,
	/// Who may open with it.
	pub requester: AccountId,
	/// Who signed it.
	pub provider: AccountId,
	/// The requester's name for the task.
	pub task_id: H256,
	/// Which try at the task this is, from 0.
	pub attempt: u8,
	/// What the provider gets, net, in planck.
	pub price: Balance,
	/// How the price is split.
	pub milestones: Milestones,
	/// Hash of the input's bytes, which the provider holds before it signs.
	pub input_hash: H256,
	/// The unit of capacity that this offer uses up; zero where the provider does not count slots.
	/// Two offers on one non-zero slot for different tasks are an offence.
	pub slot: H256,
	/// Hash of the agreement's terms.
	pub terms: H256,
	/// Who rules on a dispute; the chain's own arbiter where none is named.
	pub arbiter: Option<AccountId>,
	/// Blocks for each milestone, counted from its start.
	pub deliver_within: BlockNumber,
	/// Blocks in which the requester may dispute a delivery.
	pub review_blocks: BlockNumber,
	/// The last block at which it binds.
	pub valid_until: BlockNumber,
	/// The provider's epoch of offers; `revoke_offers` raises it.
	pub offer_epoch: u32,
}

impl Offer {
	/// BLAKE2b-256 of the SCALE encoding.
	pub fn hash(&self) -> H256 {
		H256(sp_io::hashing::blake2_256(&self.encode()))
	}

	/// The bytes that the provider's operator key signs: the domain, then the hash.
	pub fn signing_payload(&self) -> Vec<u8> {
		let mut payload = OFFER_DOMAIN.to_vec();
		payload.extend_from_slice(self.hash().as_bytes());
		payload
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn offer() -> Offer {
		Offer {
			genesis: H256::repeat_byte(1),
			requester: AccountId::new([2; 32]),
			provider: AccountId::new([3; 32]),
			task_id: H256::repeat_byte(4),
			attempt: 5,
			price: 6,
			milestones: Milestones::truncate_from(vec![2, 4]),
			input_hash: H256::repeat_byte(7),
			slot: H256::repeat_byte(8),
			terms: H256::repeat_byte(9),
			arbiter: Some(AccountId::new([10; 32])),
			deliver_within: 11,
			review_blocks: 12,
			valid_until: 13,
			offer_epoch: 14,
		}
	}

	#[test]
	fn the_encoding_is_the_fields_in_order() {
		let o = offer();
		let by_hand = [
			o.genesis.encode(),
			o.requester.encode(),
			o.provider.encode(),
			o.task_id.encode(),
			vec![5],
			6u128.to_le_bytes().to_vec(),
			vec![2 << 2],
			2u128.to_le_bytes().to_vec(),
			4u128.to_le_bytes().to_vec(),
			o.input_hash.encode(),
			o.slot.encode(),
			o.terms.encode(),
			[vec![1], vec![10; 32]].concat(),
			11u32.to_le_bytes().to_vec(),
			12u32.to_le_bytes().to_vec(),
			13u32.to_le_bytes().to_vec(),
			14u32.to_le_bytes().to_vec(),
		]
		.concat();
		assert_eq!(o.encode(), by_hand);
		assert_eq!(o.hash().0, sp_io::hashing::blake2_256(&by_hand));
		assert_eq!(
			o.signing_payload(),
			[b"ainur/1/offer\0".as_slice(), o.hash().as_bytes()].concat()
		);
	}
}
