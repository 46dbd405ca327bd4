"""A node's local control API: HTTP on loopback, for its own commands and pages.

One module a concern: ``access.py`` who may ask, ``health.py``, ``metrics.py``, ``directory.py`` and ``peers.py``
what can be asked, ``shapes.py`` how things look in JSON, ``app.py`` all of it together, ``serving.py`` hypercorn in
the node's own loop. ``client.py`` is the other end; it imports none of these, and starts fast.
"""
