"""`run.py dlq`: the dead-letter queue, whole batches and single records. Replay, drop and export are elsewhere."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from expectations_plugins.core.errors import ConfigurationError, ExitCode, SluicegateError, TransientError
from pipeline.cli.app import App, app_of
from pipeline.cli.batch_json import as_document
from pipeline.cli.dlq_drop import drop
from pipeline.cli.dlq_export import export
from pipeline.cli.dlq_pages import batch_page, batch_row, group_row, letter_page, letter_row, listing, spooled_row
from pipeline.cli.dlq_replay import replay
from pipeline.cli.dlq_shared import batch_option, entry_of, letter_of, reason_option, target_of, text, up_to_date
from pipeline.cli.summary import plain
from pipeline.core.records import DeadReason
from pipeline.dead_letters import DeadFolders, Entry
from pipeline.dead_letters.repair import fields_of
from pipeline.ports.dead_letters import Letter, LetterGroup
from pipeline.storage.location import recorded


@click.group()
def dlq() -> None:
    """Look at dead batches and dead records, repair and replay them, or drop them.

    \b
    Example:
      python run.py dlq list
    """


dlq.add_command(replay)
dlq.add_command(drop)
dlq.add_command(export)


@dlq.command(name="list")
@batch_option
@reason_option
@click.option("--all", "everything", is_flag=True, help="Also what was replayed or dropped; with --batch always so.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many rows at most.")
@click.option("--json", "json_wanted", is_flag=True, help="As JSON.")
@click.pass_context
def list_(
    context: click.Context, *, batch: str | None, reason: str | None, everything: bool, limit: int, json_wanted: bool
) -> ExitCode | None:
    """List the dead batches, and the dead records by batch and reason, that wait; of one batch, all record by record.

    While MongoDB is down it lists what is in the spool, and ends with exit code 3.

    \b
    Examples:
      python run.py dlq list
      python run.py dlq list --batch 16a8a54a1dbc --reason conflict
    """
    app, wanted = app_of(context), DeadReason(reason) if reason else None
    try:
        up_to_date(app)
    except TransientError as error:
        click.echo(f"{error} This is what is in the spool:", err=True)
        _show_spool(app, json_wanted=json_wanted)
        return ExitCode.OUTAGE
    batch_id = app.ledger.find(batch).batch_id if batch else None
    waiting = not everything and batch_id is None
    batches = [] if reason else app.dead_queue.batches(limit, batch_id, waiting=waiting)
    groups = [] if batch else app.dead_queue.groups(limit, None, wanted, waiting=waiting)
    letters = list(app.dead_queue.letters(batch_id, wanted, limit=limit)) if batch else []
    if json_wanted:
        records = [*map(_letter, letters), *map(_group, groups)]
        click.echo(_as_json({"batches": [as_document(one) for one in batches], "records": records}))
        return None
    spooled = [] if batch or reason else [spooled_row(*one) for one in _pending(app)]
    rows = [*spooled, *map(batch_row, batches), *map(group_row, groups), *map(letter_row, letters)]
    click.echo("\n".join(listing(rows[:limit], whole=max(len(rows), *map(len, (batches, groups, letters))) < limit)))
    return None


@dlq.command()
@click.argument("target", metavar="BATCH[:LINE]", callback=text)
@click.option("--json", "json_wanted", is_flag=True, help="As JSON.")
@click.pass_context
def show(context: click.Context, target: str, json_wanted: bool) -> None:
    """Show all one needs to mend a dead batch, or to repair a dead record. Control characters are shown as \\x1b.

    \b
    Examples:
      python run.py dlq show 16a8a54a1dbc
      python run.py dlq show 16a8a54a1dbc:61
    """
    app = app_of(context)
    found = target_of(app, target)
    if found.at is not None:
        letter = letter_of(app.dead_queue, found)
        try:
            fields = fields_of(letter, recorded(found.batch.source))
        except ConfigurationError:
            fields = None
        data = {**_letter(letter), "state": letter.state, "fields": fields}
        click.echo(_as_json(data) if json_wanted else "\n".join(letter_page(found, letter, fields)))
        return
    entry = entry_of(app, found.batch_id)
    groups = app.dead_queue.groups(len(DeadReason), found.batch_id)
    if json_wanted:
        spooled = asdict(entry) if isinstance(entry, Entry) else str(entry) if entry else None
        records = list(map(_group, groups))
        click.echo(_as_json({"batch": as_document(found.batch), "spool": spooled, "records": records}))
    else:
        folder = DeadFolders(app.settings.spool_dir).path(found.batch_id)
        click.echo("\n".join(batch_page(found.batch, entry, groups, folder)))


def _letter(letter: Letter) -> dict[str, Any]:
    return {**asdict(letter), **letter.at.as_data()}


def _group(group: LetterGroup) -> dict[str, Any]:
    return {**asdict(group), "first_line": group.first.key, "first_place": str(group.first)}


def _show_spool(app: App, *, json_wanted: bool) -> None:
    found = list(DeadFolders(app.settings.spool_dir).entries())
    if json_wanted:
        data = [
            {"_id": name, **(asdict(one) if isinstance(one, Entry) else {"damaged": str(one)})} for name, one in found
        ]
        click.echo(_as_json({"batches": data, "records": None}))
    else:
        click.echo("\n".join(listing([spooled_row(*one) for one in found], whole=True)))


def _pending(app: App) -> list[tuple[str, Entry | SluicegateError]]:
    return list(DeadFolders(app.settings.spool_dir).pending())


def _as_json(data: object) -> str:
    return json.dumps(data, indent=2, default=plain)
