"""The option ``--windows``: how long an auction's phases may take."""

import click

__all__ = ["parse_windows"]


def parse_windows(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> tuple[int, int, int] | None:
    """Read three numbers of blocks.

    Raises:
        BadParameter: it is something else.
    """
    if value is None:
        return None
    parts = value.split(",")
    if len(parts) != 3 or not all(
        p.isascii() and p.isdecimal() and 0 < int(p) < 1_000 for p in parts
    ):
        raise click.BadParameter(f"{value!r} is not like 5,5,10: three numbers of blocks, 1 to 999")
    commit, reveal, accept = map(int, parts)
    return commit, reveal, accept
