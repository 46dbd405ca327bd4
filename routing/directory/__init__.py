"""Who could do it: the agents that have announced themselves, and how to find them.

``book.py`` is the way in: what is admitted, for how long, and what is found. ``entry.py`` is one agent in it,
``query.py`` what can be asked, ``names.py`` the index by name, ``texts.py`` the one by meaning,
``traces.py`` what is remembered of those who are not in it (``why_not_found``), and ``reconcile.py`` how two
directories find out what one lacks.
"""
