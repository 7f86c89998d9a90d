"""A click group whose commands are imported when they are called; its help needs none of them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import click

from pipeline.core.program import renamed


class LazyCommand(NamedTuple):
    """Where a command is, and what it does in one line for the group's help.

    Args:
        target: `package.module:attribute`.
        summary: One line.
    """

    target: str
    summary: str


def with_program(command: click.Command) -> click.Command:
    """The command, with help texts of it and of its own commands that name the program as it was started.

    Args:
        command: Its help texts are written for a checkout.
    """
    command.help = renamed(command.help or "") or None
    command.epilog = renamed(command.epilog or "") or None
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            parameter.help = renamed(parameter.help or "") or None
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        with_program(inner)
    return command


class LazyGroup(click.Group):
    """A group over a table of commands.

    Args:
        lazy: The commands by name, in the order the help shows them.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, LazyCommand], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the table's order."""
        del ctx
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        if cmd_name not in self._lazy:
            return None
        module, _, attribute = self._lazy[cmd_name].target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command), f"{cmd_name} is not a command"
        return with_program(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table, without importing a command."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.summary) for name, command in self._lazy.items()])
