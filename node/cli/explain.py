"""``ainur explain``: what an error means, and what to do."""

import click

from node.cli.output import json_option, print_json

__all__ = ["group"]


@click.command()
@click.argument("error", required=False)
@json_option
def group(error: str | None, as_json: bool) -> None:
    """Say what an error means, and what to do.

    ERROR is what stands in brackets behind `Error`, such as Escrow.WrongState; WrongState alone will do. Without it all
    are listed.
    """
    from node.explain.explanations import explanations, find, suggestions

    found = list(explanations().values()) if error is None else find(error)
    if error is not None and not found:
        near = ", ".join(suggestions(error))
        how = f"did you mean {near}?" if near else "`ainur explain` lists all"
        raise click.BadParameter(f"there is no error {error!r}: {how}", param_hint="ERROR")
    if as_json:
        print_json({"errors": [each.to_json() for each in found]})
        return
    if error is None:
        width = max(len(each.code) for each in found)
        for each in found:
            click.echo(f"{each.code:{width}}  {each.meaning}")
        return
    for number, each in enumerate(found):
        click.echo(("" if number == 0 else "\n") + click.style(each.code, bold=True))
        click.echo(f"  it means: {each.meaning}")
        if each.fault is not None:
            click.echo(f"  at fault: {each.fault}")
        click.echo(f"  to do:    {each.action}")
