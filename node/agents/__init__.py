"""Agents: how they are declared, what kinds there are, and the ones that come with the node."""
