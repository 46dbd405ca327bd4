"""What ends a command: a code, the cause with the next action, and an exit code.

Exit codes are those of :data:`EXITS`, for all commands.
"""

from typing import IO, Any, Final

import click

__all__ = [
    "EXITS",
    "INTERRUPTED",
    "CommandError",
    "ConfigurationError",
    "MissingLibraryError",
    "NotNowError",
    "NotThereError",
    "UnusableAuctionError",
    "UnwritableError",
]

INTERRUPTED: Final = 130
EXITS: Final = {
    0: "done",
    1: "not done, and why is said on stderr; of a check (verify, doctor, bench, sim), something is wrong",
    2: "asked in a way that makes no sense, or about what cannot be judged; of submit --wait, not paid",
    3: "of status, what is asked about does not run",
    INTERRUPTED: "ended by Ctrl-C; 128 and the number of another signal",
}
"""Exit code -> what it says."""


class CommandError(click.ClickException):
    """A command cannot do what it was asked to.

    Next: read the message.
    """

    exit_code: int = 1  # type: ignore[misc]  # click has it of the class; ours differ by what failed

    def __init__(self, message: str, code: str | None = None, exit_code: int | None = None) -> None:
        # What strangers wrote may be in it: nothing of that moves a terminal's cursor.
        super().__init__("".join(c if c.isprintable() or c == "\n" else "?" for c in message))
        self._code = code
        if exit_code is not None:
            self.exit_code = exit_code

    @property
    def code(self) -> str:
        """By which `ainur explain` knows it."""
        if self._code is not None:
            return self._code
        from node.explain.codes import code_of

        return code_of(self)

    def show(self, file: IO[Any] | None = None) -> None:
        """Print code and message on standard error."""
        click.echo(f"Error [{self.code}]: {self.format_message()}", file=file, err=file is None)


class MissingLibraryError(CommandError):
    """A library is not installed that this command needs.

    Next: run `./scripts/setup` in a clone, or `pip install 'ainur[node,agents]'`; `ainur doctor` says what is missing.
    """


class ConfigurationError(CommandError):
    """The configuration file is not as it has to be.

    Next: mend the line that is named; `ainur config show` reads the file again.
    """


class NotThereError(CommandError):
    """What was named is not there.

    Next: look at what there is by the command that the message names.
    """


class NotNowError(CommandError):
    """What was asked for cannot be done as things stand.

    Next: do first what the message says.
    """


class UnwritableError(CommandError):
    """A file that was named cannot be written.

    Next: name another one, in a folder that is there and yours, on a disk that has room.
    """


class UnusableAuctionError(CommandError):
    """What was named is no finished auction, or it cannot be judged now.

    Next: check the file or the task's id; `ainur auction show TASK` says how far an auction is.
    """

    exit_code: int = 2  # type: ignore[misc]  # as above
