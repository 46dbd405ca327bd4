"""``python -m ainur`` is the ``ainur`` command."""

from node.cli import main

if __name__ == "__main__":
    main()
