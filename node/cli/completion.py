"""``ainur completion``: what makes a shell complete commands and options."""

import click
from click.shell_completion import get_completion_class

__all__ = ["group"]

PROGRAM = "ainur"
VARIABLE = "_AINUR_COMPLETE"
"""How the shell asks the program; click's convention."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def group(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands and options.

    \b
    bash: echo 'eval "$(ainur completion bash)"' >> ~/.bashrc
    zsh:  echo 'eval "$(ainur completion zsh)"' >> ~/.zshrc
    fish: ainur completion fish > ~/.config/fish/completions/ainur.fish
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"click knows no completion for {shell}")
    click.echo(found(context.find_root().command, {}, PROGRAM, VARIABLE).source())
