"""What can be wrong with this machine, and how to mend it: one module for each kind of thing that is looked at.

A check is a function that returns findings; it changes nothing. What can be mended without asking carries the mending
with it, and only :func:`node.doctor.checks.mend` carries it out.
"""
