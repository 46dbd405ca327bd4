"""A node as a process: its folder, its keys, its clock, and all its parts started and stopped together.

``datadir.py`` is the folder, and light: the command's clients read it, too. ``run.py`` puts the parts together.
``keys.py`` says which keys the node speaks with, ``heads.py`` what time it is on the chain, and ``sequence.py``
numbers what it says.
"""
