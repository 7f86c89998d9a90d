"""`run.py collect`: deletes from BigQuery the rows that newer ones have taken the place of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from pipeline.cli.app import app_of

LEAST_HOURS = 1


@click.command()
@click.option("--dry-run", is_flag=True, help="Say how much it is, and delete nothing.")
@click.option(
    "--older-than",
    "hours",
    type=click.IntRange(min=LEAST_HOURS),
    default=24,
    show_default=True,
    metavar="HOURS",
    help="Leave what was written since.",
)
@click.pass_context
def collect(context: click.Context, *, dry_run: bool, hours: int) -> None:
    """Delete superseded rows from BigQuery: whenever a batch is written its rows are appended, and the last ones count.

    What analysts see, and the rows that count of a batch that is not published, are never touched. Batches may run
    meanwhile. Once a week is enough; it scans the whole table.

    \b
    Exit codes: 0 done   2 settings, or data of another version   3 an outage: run again

    \b
    Examples:
      python run.py collect --dry-run
      python run.py collect --older-than 48
    """
    collector, before = app_of(context).stores.metrics_collector, datetime.now(UTC) - timedelta(hours=hours)
    found = collector.count(before) if dry_run else collector.collect(before)
    what = f"{found.rows:,} superseded rows and {found.publications:,} superseded publications"
    click.echo(f"{what} would be deleted." if dry_run else f"{what} were deleted.")
