"""What goes wrong in the demo of the market."""

__all__ = ["DemoError"]


class DemoError(Exception):
    """The story of the market could not be told to its end.

    Next: run it again on a machine that does less beside, or with longer windows: `ainur demo --windows 40,40,40`.
    """
