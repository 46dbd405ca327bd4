"""Whole markets in one process, without sockets or clocks, the same for the same seed."""
