"""The host functions: what a runtime may ask of whoever runs it.

One module for each interface of ``sp-io``. A function is registered under the name of the runtime's
import; it takes the :class:`Host` and its arguments as unsigned integers. Where ``sp-io`` passes bytes,
the argument is a *span* (pointer in the low 32 bits, length in the high ones); where it passes an array
of known size, a pointer.

Everything that a runtime of polkadot-stable2606 may import is here, also what the project's own runtime
does not use: this chain runs anybody's runtime. What makes no sense without a keystore, a network or a
validator raises :class:`~chain.devchain.errors.HostFunctionError`, which costs the call that asked.
"""

from chain.devchain.host import child_storage, crypto, hashing, misc, offchain, storage, trie
from chain.devchain.host.registry import Host, host_functions

__all__ = ["Host", "host_functions"]

_INTERFACES = (child_storage, crypto, hashing, misc, offchain, storage, trie)
"""Importing them registers their functions."""
