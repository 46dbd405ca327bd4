"""What users import. It re-exports the public API and holds no logic of its own."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("ainur")
