"""The chain's escrow, mirrored: what a call would do, so that a node knows before it pays for it."""
