"""A Substrate dev chain inside Python: a FRAME runtime's own wasm, run in this process.

This package imports nothing else of the project, so that it serves anybody who writes pallets. The way
in is :class:`chain.devchain.chain.DevChain`.
"""
