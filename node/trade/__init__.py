"""What joins the pure market to the world: keys and facts from the chain, submissions, mail, blobs, the gate, logs.

:mod:`node.drive` runs :class:`market.drive.Drive` over these; :mod:`node.requester` and :mod:`node.provider` read top to
bottom what a task goes through.
"""
