"""`run.py review`: orphaned interactions that wait for a person, or for the campaign they refer to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from pipeline.commands.app import App, app_of
from pipeline.commands.summary import plain
from pipeline.commands.tables import moment, printable, table
from pipeline.errors import ConfigurationError
from pipeline.model import ReviewItem, short


@click.group()
def review() -> None:
    """Look at orphaned interactions, and decide about them. A flag lifts by itself when the missing campaign arrives.

    \b
    Example:
      python run.py review list
    """


@review.command(name="list")
@click.option("--batch", help="Only those of one batch: its id or the first digits of it.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many at most.")
@click.option("--json", "json_wanted", is_flag=True, help="As JSON.")
@click.pass_context
def list_(context: click.Context, batch: str | None, limit: int, json_wanted: bool) -> None:
    """List what waits for review, the newest first.

    \b
    Example:
      python run.py review list --batch 16a8a54a1dbc
    """
    app = app_of(context)
    batch_id = str(app.ledger.find(batch)["_id"]) if batch else None
    found = app.review_queue.list(limit, batch_id)
    if json_wanted:
        click.echo(json.dumps([asdict(one) for one in found], indent=2, default=plain))
    else:
        click.echo("\n".join(_table(found, limit)))


@review.command()
@click.argument("interaction_id")
@click.pass_context
def show(context: click.Context, interaction_id: str) -> None:
    """Show one interaction with its history, as JSON.

    \b
    Example:
      python run.py review show i-0042
    """
    click.echo(json.dumps(asdict(_found(app_of(context), interaction_id)), indent=2, default=plain))


@review.command()
@click.argument("interaction_id")
@click.option("--note", required=True, help="What was found.")
@click.pass_context
def resolve(context: click.Context, interaction_id: str, note: str) -> None:
    """Say that an interaction was looked at: it is flagged no more, also not by a later check.

    \b
    Example:
      python run.py review resolve i-0042 --note "a campaign of the old shop"
    """
    app = app_of(context)
    item = _found(app, interaction_id)
    if item.state != "open":
        raise ConfigurationError(f"Interaction {printable(interaction_id)} is {item.state}, not open.")
    app.review_queue.resolve(interaction_id, note)
    click.echo(f"{printable(interaction_id)} is resolved.")


@review.command()
@click.argument("interaction_id")
@click.option("--note", required=True, help="Why.")
@click.pass_context
def reopen(context: click.Context, interaction_id: str, note: str) -> None:
    """Put an interaction back into the queue.

    \b
    Example:
      python run.py review reopen i-0042 --note "it was no old campaign"
    """
    app = app_of(context)
    item = _found(app, interaction_id)
    if item.state == "open":
        raise ConfigurationError(f"Interaction {printable(interaction_id)} is open already.")
    app.review_queue.reopen(interaction_id, note)
    click.echo(f"{printable(interaction_id)} waits for review again.")


def _found(app: App, interaction_id: str) -> ReviewItem:
    found = app.review_queue.show(interaction_id)
    if found is None:
        raise ConfigurationError(
            f"Interaction {printable(interaction_id)} is not in the review queue.",
            next_step="List those that are: run.py review list",
        )
    return found


def _table(found: Sequence[ReviewItem], limit: int) -> Iterator[str]:
    if not found:
        yield "Nothing waits for review."
        return
    rows = [
        (printable(one.interaction_id), short(one.batch_id), printable(one.reason), one.gate, moment(one.since))
        for one in found
    ]
    yield from table(("interaction", "batch", "reason", "gate", "since"), rows)
    yield ""
    more = f" (the newest {limit:,})" if len(found) == limit else ""
    yield f"{len(found):,} to review{more}. Load the campaigns that are missing: run.py campaigns load FILE."
    yield "Or resolve one: run.py review resolve ID --note TEXT"
