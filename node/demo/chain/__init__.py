"""The chain alone, told step by step: an escrow that is paid, one that expires, one that is disputed, a bond that is slashed.

:mod:`house` runs the chain and leaves nothing behind; :mod:`story` is what happens on it, chapter by chapter; a
:class:`~node.demo.facts.Step` is one thing that happened with what the chain said of it; :mod:`text` shows it to people.
"""
