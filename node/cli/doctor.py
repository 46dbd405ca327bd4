"""``ainur doctor``: what is wrong on this machine, and how to mend it."""

from typing import Final

import click

from node.chainhost.home import home
from node.cli.output import json_option, print_json
from node.doctor.finding import Finding

__all__ = ["group"]

_MARKS: Final = {"ok": ("ok", "green"), "warning": ("!!", "yellow"), "wrong": ("XX", "red"), "idle": ("--", None)}  # fmt: skip


@click.command()
@click.option(
    "--fix",
    is_flag=True,
    help="Mend what is safe to mend: modes of our own files, what dead processes left.",
)
@click.option("--chain", metavar="URL", help="Look at this chain, too.")
@json_option
def group(fix: bool, chain: str | None, as_json: bool) -> None:
    """Look at this machine: what is wrong, and how to mend it.

    Exit code 1 when something will not work.
    """
    from node.doctor.checks import examine, mend

    def failed(finding: Finding, why: str) -> None:
        click.echo(f"Warning: {finding.found}: it cannot be mended: {why}", err=True)

    found = list(examine(home(), chain))
    if fix:
        found = list(mend(found, failed))
    is_wrong = any(each.verdict == "wrong" and not each.fixed for each in found)
    if as_json:
        shown = {"home": str(home()), "ok": not is_wrong, "checks": [f.to_json() for f in found]}
        print_json(shown)
    else:
        _show(found, fix=fix)
    if is_wrong:
        raise click.exceptions.Exit(1)


def _show(found: list[Finding], *, fix: bool) -> None:
    width = max(len(each.check) for each in found)
    for each in found:
        mark, colour = _MARKS[each.verdict]
        click.echo(f"{click.style(mark, fg=colour)}  {each.check:{width}}  {each.found}")
        if each.fixed:
            click.echo(f"{'':{width + 6}}mended: {each.mend}")
        elif each.mend is not None:
            click.echo(f"{'':{width + 6}}to mend it: {each.mend}")
    if not fix and any(each.fix is not None for each in found):
        click.echo("`ainur doctor --fix` mends what can be mended safely")
