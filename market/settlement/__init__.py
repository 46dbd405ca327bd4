"""From award to settlement: the requester's machine, the provider's machine, and what they share.

Import :mod:`market.settlement.requester` and :mod:`market.settlement.provider`.
"""
