"""`run.py docs`: where the Data Docs are."""

from __future__ import annotations

import sys

import click

from pipeline.commands.app import App, app_of
from pipeline.errors import ConfigurationError


@click.group()
def docs() -> None:
    """Show where the Data Docs are, or open them.

    \b
    Example:
      python run.py docs open
    """


@docs.command()
@click.pass_context
def path(context: click.Context) -> None:
    """Print the path of the first page; it may not exist yet.

    \b
    Example:
      cp -r "$(dirname "$(python run.py docs path)")" /srv/www/data_docs
    """
    click.echo(str(app_of(context).docs_index))


@docs.command(name="open")
@click.pass_context
def open_(context: click.Context) -> None:
    """Open the first page in a browser; in a pipe only print its address.

    \b
    Example:
      python run.py docs open
    """
    address = _address(app_of(context))
    click.echo(address)
    if sys.stdout.isatty():
        click.launch(address)


def _address(app: App) -> str:
    index = app.docs_index
    if not index.is_file():
        raise ConfigurationError(
            f"There are no Data Docs at {index} yet.", next_step="The first gate writes them: run.py run"
        )
    return index.as_uri()
