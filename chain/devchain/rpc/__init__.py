"""JSON-RPC before a dev chain: what substrate-interface, polkadot.js and polkadot.js Apps call.

The way in is :func:`chain.devchain.rpc.server.serve`. Walking the life of a call: ``server`` accepts a connection,
``http`` reads its first head, ``access`` decides who it is, ``wire`` decodes a frame, ``calls`` carries it out by a
``method`` of ``api/``, ``shapes`` words the answer, ``outbox`` sends it; ``feed`` tells subscribers, and ``sealer``
makes the blocks.
"""
