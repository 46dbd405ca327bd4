"""``ainur demo``: what the program does, told step by step. Of a whole market (:mod:`market`), or of its chain (:mod:`chain`).

No number is told that was not read from the chain or from a node: words hold none, facts hold all.
"""
