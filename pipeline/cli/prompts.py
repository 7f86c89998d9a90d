"""Asking a person before something cannot be undone, and who that person is."""

from __future__ import annotations

import getpass
import sys

import click

from expectations_plugins.core.errors import ConfigurationError


def confirm(question: str, *, yes: bool) -> None:
    """Go on only when a person says so.

    Args:
        question: What is about to be done.
        yes: It was said on the command line.

    Raises:
        click.Abort: The person said no.
        ConfigurationError: Nobody answered, as in a pipe or a scheduler.
    """
    if yes:
        return
    try:
        answered = click.confirm(question, err=True)
    except click.Abort:  # the end of the input, or Ctrl-C
        if sys.stdin.isatty():
            raise
        click.echo(err=True)
        raise ConfigurationError(
            "Nothing was done: this asks first, and nobody answered.", next_step="Without a terminal, add --yes"
        ) from None
    if not answered:
        raise click.Abort


def whoami() -> str:
    """The name of whoever runs the command, as the system knows it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "somebody"
