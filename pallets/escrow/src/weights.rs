//! What the calls weigh.

use frame_support::weights::Weight;

/// What the calls weigh.
pub trait WeightInfo {
	fn open() -> Weight;
	fn open_with_offer() -> Weight;
	fn accept() -> Weight;
	fn decline() -> Weight;
	fn cancel() -> Weight;
	fn request_cancel() -> Weight;
	fn deliver() -> Weight;
	fn release() -> Weight;
	fn refund() -> Weight;
	fn dispute() -> Weight;
	fn rule() -> Weight;
	fn claim_timeout() -> Weight;
	fn prune() -> Weight;
	fn revoke_offers() -> Weight;
}
impl WeightInfo for () {
	fn open() -> Weight {
		Weight::zero()
	}
	fn open_with_offer() -> Weight {
		Weight::zero()
	}
	fn accept() -> Weight {
		Weight::zero()
	}
	fn decline() -> Weight {
		Weight::zero()
	}
	fn cancel() -> Weight {
		Weight::zero()
	}
	fn request_cancel() -> Weight {
		Weight::zero()
	}
	fn deliver() -> Weight {
		Weight::zero()
	}
	fn release() -> Weight {
		Weight::zero()
	}
	fn refund() -> Weight {
		Weight::zero()
	}
	fn dispute() -> Weight {
		Weight::zero()
	}
	fn rule() -> Weight {
		Weight::zero()
	}
	fn claim_timeout() -> Weight {
		Weight::zero()
	}
	fn prune() -> Weight {
		Weight::zero()
	}
	fn revoke_offers() -> Weight {
		Weight::zero()
	}
}
