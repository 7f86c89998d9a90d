"""`run.py docs`: the Data Docs: where they are, making them, showing them, removing what is old."""

from __future__ import annotations

import functools
import http.server
import io
import sys
from pathlib import Path
from typing import BinaryIO

import click

from expectations_plugins.core.errors import ConfigurationError
from pipeline.cli.app import App, app_of
from pipeline.cli.tables import printable
from pipeline.core.program import program

LOOPBACK = "127.0.0.1"


@click.group()
def docs() -> None:
    """Show, make or remove pages of the Data Docs.

    \b
    Example:
      python run.py docs open
    """


@docs.command()
@click.pass_context
def path(context: click.Context) -> None:
    """Print the path of the first page, or its address when pages are not on this machine; it may not exist yet.

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


@docs.command()
@click.pass_context
def build(context: click.Context) -> None:
    """Make every page again: of all batches that are kept, all results and all suites.

    A run publishes its own pages. This is for another place, other masked fields, another version of the pages.

    \b
    Example:
      python run.py docs build
    """
    app = app_of(context)
    built = app.site.build(lambda number: app.progress.advance("docs", number, None))
    click.echo(f"{built.batches:,} batches, {built.results:,} results: {app.docs_index}")
    for name in built.unreadable:
        click.echo(f"This result cannot be read, and has no page: {printable(name)}", err=True)


@docs.command()
@click.pass_context
def update(context: click.Context) -> None:
    """Write the pages of what changed since they were written last, e.g. of a batch that was dropped.

    The next batch does the same by itself.

    \b
    Example:
      python run.py docs update
    """
    app = app_of(context)
    changed = app.site.update()
    click.echo(f"{changed:,} {'batch' if changed == 1 else 'batches'} changed: {app.docs_index}")


@docs.command()
@click.pass_context
def prune(context: click.Context) -> None:
    """Remove pages and results of old days.

    Older than SLUICEGATE_DOCS_KEEP_DAYS, or of more batches than SLUICEGATE_DOCS_KEEP_BATCHES. The first batch of a day
    does the same by itself. The ledger keeps its batches.

    \b
    Example:
      python run.py docs prune
    """
    pruned = app_of(context).site.prune()
    what = f"{pruned.batches:,} batches and {pruned.results:,} results of {pruned.days:,} days"
    click.echo(f"{what} before {pruned.before} removed.")


@docs.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.pass_context
def serve(context: click.Context, port: int) -> None:
    """Serve the pages to this machine until Ctrl-C; any web server can serve the folder to others.

    \b
    Example:
      python run.py docs serve --port 8000
    """
    folder = _index(app_of(context)).parent
    handler = functools.partial(_Pages, directory=str(folder))
    try:
        server = http.server.ThreadingHTTPServer((LOOPBACK, port), handler)
    except OSError as error:
        raise ConfigurationError(
            f"Port {port} cannot be used: {error.strerror}.",
            next_step=f"Take another one: {program()} docs serve --port 0",
        ) from None
    with server:
        click.echo(f"http://{LOOPBACK}:{server.server_address[1]}/")
        server.serve_forever()


class _Pages(http.server.SimpleHTTPRequestHandler):
    """Pages, and nothing said about each request."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing."""

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """Only what lies in the folder is there: not what a link leads to elsewhere, nor what no file can be called."""
        try:
            is_inside = Path(self.translate_path(self.path)).resolve().is_relative_to(Path(self.directory).resolve())
        except (ValueError, OSError, RuntimeError):  # a NUL in the name; links in a circle
            is_inside = False
        if is_inside:
            return super().send_head()
        self.send_error(http.HTTPStatus.NOT_FOUND)
        return None

    def list_directory(self, path: str) -> None:  # type: ignore[override]
        """Folders are not listed."""
        del path
        self.send_error(http.HTTPStatus.NOT_FOUND)


def _address(app: App) -> str:
    index = app.docs_index
    if isinstance(index, Path):
        return _index(app).as_uri()
    if not index.startswith(("https://", "http://")):
        raise ConfigurationError(
            f"The Data Docs are at {index}, which a browser cannot open.",
            next_step="Set SLUICEGATE_DOCS_PUBLIC_URL to where a web server shows them: see docs/locations.md.",
        )
    return index


def _index(app: App) -> Path:
    index = app.docs_index
    if isinstance(index, str):
        raise ConfigurationError(
            f"The Data Docs are at {index}; only a folder of this machine is served.",
            next_step="Buckets have web servers of their own: see docs/locations.md.",
        )
    if not index.is_file():
        raise ConfigurationError(
            f"There are no Data Docs at {index} yet.", next_step=f"The first batch writes them: {program()} run"
        )
    return index
