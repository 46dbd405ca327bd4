"""What users import. It re-exports the public API and holds no logic of its own."""

from importlib.metadata import version

from node.agents.declaration import Task, agent
from node.agents.errors import InputError, WorkError

__all__ = ["InputError", "Task", "WorkError", "__version__", "agent"]

__version__ = version("ainur")
