"""Every error that a command can print: its code, what it means, and what to do.

Nothing is listed here: an error is explained where it is defined, by its class's docstring (``Next: …`` says what to
do), by :mod:`chain.meanings` and :mod:`chain.refusals`, or by :mod:`node.api.reasons`.
"""
