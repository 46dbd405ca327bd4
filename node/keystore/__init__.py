"""Secret keys on disk: encrypted, the owner's alone, and never half-written.

``store.py`` is the way in. ``sealing.py`` is the file's format, ``files.py`` how it reaches the disk,
``passphrase.py`` where a passphrase may come from, ``development.py`` which secrets everybody knows, and
``rotation.py`` how an agent's operator key is replaced on chain.
"""
