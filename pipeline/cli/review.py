"""`run.py review`: orphaned interactions that wait for a person, or for the campaign they refer to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime

import click

from expectations_plugins.core.errors import ConfigurationError
from pipeline.cli.app import App, app_of
from pipeline.cli.summary import plain
from pipeline.cli.tables import moment, printable, table
from pipeline.core.batches import short
from pipeline.core.fields import INTERACTION_ID
from pipeline.core.program import program
from pipeline.core.records import ReviewItem


def _text(context: click.Context, parameter: click.Parameter, given: str) -> str:
    """Text that a store can keep: not empty, and not bytes that the terminal's encoding has no text for."""
    del context
    if given.strip() and given == given.encode("utf-8", "replace").decode("utf-8"):
        return given
    name = (parameter.name or "").replace("_", " ")
    raise click.BadParameter(f"The {name} is {'not UTF-8' if given.strip() else 'empty'}.")


interaction_argument = click.argument(INTERACTION_ID, callback=_text)


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
    batch_id = app.ledger.find(batch).batch_id if batch else None
    found = app.review_queue.list(limit, batch_id)
    if json_wanted:
        click.echo(json.dumps([asdict(one) for one in found], indent=2, default=plain))
    else:
        click.echo("\n".join(_table(found, app.review_queue.counts(batch_id).get("open", 0))))


@review.command()
@interaction_argument
@click.option("--json", "json_wanted", is_flag=True, help="As JSON.")
@click.pass_context
def show(context: click.Context, interaction_id: str, json_wanted: bool) -> None:
    """Show one interaction that is or was in the queue, with its history.

    \b
    Example:
      python run.py review show i_20012
    """
    item = _found(app_of(context), interaction_id)
    if json_wanted:
        click.echo(json.dumps(asdict(item), indent=2, default=plain))
    else:
        click.echo("\n".join(_page(item)))


@review.command()
@interaction_argument
@click.option("--note", required=True, callback=_text, help="What was found.")
@click.pass_context
def resolve(context: click.Context, interaction_id: str, note: str) -> None:
    """Say that an interaction was looked at: it is flagged no more, also not by a later check.

    \b
    Example:
      python run.py review resolve i_20012 --note "a campaign of the old shop"
    """
    queue = app_of(context).review_queue
    if not queue.resolve(interaction_id, note):
        raise _refused(_found(app_of(context), interaction_id), "open")
    click.echo(f"{printable(interaction_id)} is resolved.")


@review.command()
@interaction_argument
@click.option("--note", required=True, callback=_text, help="Why.")
@click.pass_context
def reopen(context: click.Context, interaction_id: str, note: str) -> None:
    """Put a resolved interaction back into the queue.

    \b
    Example:
      python run.py review reopen i_20012 --note "it was no old campaign"
    """
    queue = app_of(context).review_queue
    if not queue.reopen(interaction_id, note):
        raise _refused(_found(app_of(context), interaction_id), "resolved")
    click.echo(f"{printable(interaction_id)} waits for review again.")


def _found(app: App, interaction_id: str) -> ReviewItem:
    found = app.review_queue.show(interaction_id)
    if found is None:
        raise ConfigurationError(
            f"Interaction {printable(interaction_id)} is not in the review queue.",
            next_step=f"List those that are: {program()} review list",
        )
    return found


def _refused(item: ReviewItem, wanted: str) -> ConfigurationError:
    lifted = ": its campaign arrived, and it is linked" if item.state == "lifted" else ""
    return ConfigurationError(
        f"Interaction {printable(item.interaction_id)} is {item.state}, not {wanted}{lifted}.",
        next_step=f"Look: {program()} review show {printable(item.interaction_id)}",
    )


def _page(item: ReviewItem) -> Iterator[str]:
    facts = {
        "interaction": item.interaction_id,
        "batch": short(item.batch_id),
        "campaign": "-" if item.campaign_id is None else item.campaign_id,
        "state": item.state,
        "reason": item.reason,
        "gate": item.gate,
        "run": item.run_id,
        "since": moment(item.since),
    }
    yield from (f"{name:<11}  {printable(value)}" for name, value in facts.items())
    yield ""
    names = ("what", "by", "note")
    rows = [
        [moment(datetime.fromisoformat(line["at"])), *(printable(line.get(name) or "-") for name in names)]
        for line in item.history
    ]
    yield from table(("at", *names), rows)


def _table(found: Sequence[ReviewItem], waiting: int) -> Iterator[str]:
    if not found:
        yield "Nothing waits for review."
        return
    rows = [
        (
            printable(one.interaction_id),
            short(one.batch_id),
            printable(one.reason),
            printable(one.gate),
            moment(one.since),
        )
        for one in found
    ]
    yield from table(("interaction", "batch", "reason", "gate", "since"), rows)
    yield ""
    newest = f", the newest {len(found):,} above" if waiting > len(found) else ""
    verb = "waits" if waiting == 1 else "wait"
    yield f"{waiting:,} {verb} for review{newest}. Load the campaigns that are missing: {program()} campaigns load FILE"
    yield f"Or resolve one: {program()} review resolve ID --note TEXT"
