"""`run.py trace`: one record in every store, and where they disagree."""

from __future__ import annotations

import sys

import click

from expectations_plugins.core.masking import Masks
from pipeline.cli.app import app_of
from pipeline.cli.dlq_shared import text
from pipeline.cli.trace_data import as_json
from pipeline.cli.trace_tree import coloured_tree, plain_tree, tree_of
from pipeline.core.fields import INTERACTION_ID
from pipeline.tracing.masked import masked
from pipeline.tracing.tracer import Tracer

MOST_NEIGHBOURS = 100


@click.command()
@click.argument(INTERACTION_ID, callback=text)
@click.option(
    "--neighbours",
    type=click.IntRange(0, MOST_NEIGHBOURS),
    default=5,
    show_default=True,
    help="How many of the nearest vectors are named.",
)
@click.option("--show-values", is_flag=True, help="Also the values of masked fields (SLUICEGATE_MASKED_FIELDS).")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON document instead of the tree.")
@click.pass_context
def trace(
    context: click.Context, interaction_id: str, *, neighbours: int, show_values: bool, json_wanted: bool
) -> None:
    """Show one record in all stores, with its batch, gates and actions, and where the stores disagree.

    It reads only. A store that is down says so at its place, and the others are shown. Exit code 2 when no store knows
    the id, 3 when none that answers does and one did not answer.

    \b
    Examples:
      python run.py trace i_20003
      python run.py trace i_20003 --json | jq .contradictions
    """
    app = app_of(context)
    masks = Masks(() if show_values else app.settings.masked)
    found = masked(Tracer(app.lineage).trace(interaction_id, neighbours=neighbours), masks)
    if json_wanted:
        click.echo(as_json(found))
    elif sys.stdout.isatty():
        coloured_tree(tree_of(found))
    else:
        click.echo("\n".join(plain_tree(tree_of(found))))
