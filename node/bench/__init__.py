"""Benchmarks: every figure the documentation quotes comes out of ``ainur bench NAME --json``.

Each module here has ``run(seed, quick)``, which returns JSON-compatible data with a list ``goals``, and
``tables(report)``, which lays it out for people. :mod:`node.cli.bench` finds them by name.
"""
