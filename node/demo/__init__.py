"""``ainur demo``: what the program does, told step by step on a chain of its own.

:mod:`house` runs the chain and leaves nothing behind; :mod:`story` is what happens on it, chapter by chapter; a
:class:`~node.demo.facts.Step` is one thing that happened with what the chain said of it; :mod:`text` shows it to people.
No number is told that was not read from the chain: words hold none, facts hold all.
"""
