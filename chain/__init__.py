"""The adapter to the chain: typed extrinsics, events and queries, and the embedded dev chain."""
