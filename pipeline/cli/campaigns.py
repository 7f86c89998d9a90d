"""`run.py campaigns`: the catalogue that interactions refer to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from expectations_plugins.core.errors import ExitCode
from pipeline.cli.app import App, app_of
from pipeline.cli.campaign_file import BadLine, read_campaigns
from pipeline.cli.tables import printable

CHUNK = 1_000
BAD_LINES_SHOWN = 10


@click.group()
def campaigns() -> None:
    """Keep the campaign catalogue in the graph.

    \b
    Example:
      python run.py campaigns load docs/sample/campaigns.jsonl
    """


@campaigns.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def load(context: click.Context, file: Path) -> ExitCode:
    """Load a catalogue FILE: JSON Lines or CSV, plain or .gz, with a campaign_id on every line.

    A campaign that exists is updated. Interactions that waited for a campaign are linked to it. Lines that cannot be
    used are named and left out; then the exit code is 2.

    \b
    Example:
      python run.py campaigns load docs/sample/campaigns.jsonl
    """
    catalogue = load_campaigns(app_of(context), file)
    click.echo(f"{catalogue.loaded:,} campaigns loaded from {printable(file)}.")
    for bad in catalogue.bad[:BAD_LINES_SHOWN]:
        click.echo(f"  line {bad.line} left out: {printable(bad.why)}", err=True)
    if len(catalogue.bad) > BAD_LINES_SHOWN:
        click.echo(f"  and {len(catalogue.bad) - BAD_LINES_SHOWN:,} more lines", err=True)
    return ExitCode.USAGE if catalogue.bad else ExitCode.OK


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What became of a catalogue's lines: how many were loaded, and which could not be used."""

    loaded: int
    bad: tuple[BadLine, ...]


def load_campaigns(app: App, file: Path) -> Catalogue:
    """Load a catalogue into the graph.

    Args:
        app: Gives the graph store.
        file: The catalogue.

    Raises:
        ConfigurationError: The file cannot be read.
        TransientError: The graph store cannot be reached.
    """
    store = app.graph_store
    chunk: list[Mapping[str, Any]] = []
    bad: list[BadLine] = []
    loaded = 0
    for entry in read_campaigns(file):
        if isinstance(entry, BadLine):
            bad.append(entry)
            continue
        chunk.append(entry)
        loaded += 1
        if len(chunk) == CHUNK:
            store.load_campaigns(chunk)
            chunk = []
    if chunk:
        store.load_campaigns(chunk)
    return Catalogue(loaded, tuple(bad))
