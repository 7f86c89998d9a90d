"""`run.py quarantine`: the records a gate marked as bad, and the way back for those that were repaired."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import click

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.cli.app import App, app_of
from pipeline.cli.prompts import whoami
from pipeline.cli.summary import as_text, plain
from pipeline.cli.tables import moment, printable, table
from pipeline.cli.unfinished import finish_unfinished
from pipeline.core.batches import WAITING, short
from pipeline.core.decision import Decision, DecisionKind
from pipeline.core.fields import INTERACTION_ID, READ_FIELDS, USER_ID
from pipeline.core.program import program
from pipeline.core.records import Quarantined
from pipeline.sources.canonical import number
from pipeline.sources.timestamps import moment as moment_of

REPAIRABLE = (USER_ID, *READ_FIELDS)
"""Fields a release may set; the rest of a record is what its log said."""


@click.group()
def quarantine() -> None:
    """Look at the records a gate marked as bad, and release those that were repaired.

    \b
    Example:
      python run.py quarantine list
    """


@quarantine.command(name="list")
@click.option("--batch", help="Only those of one batch: its id or the first digits of it.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many at most.")
@click.option("--json", "json_wanted", is_flag=True, help="The records as JSON.")
@click.pass_context
def list_(context: click.Context, batch: str | None, limit: int, json_wanted: bool) -> None:
    """List records in quarantine, the newest marks first.

    \b
    Example:
      python run.py quarantine list --batch 3f2a91c07d11
    """
    app = app_of(context)
    batch_id = app.ledger.find(batch).batch_id if batch else None
    found = app.raw_store.quarantined(batch_id, limit + 1)
    more, found = len(found) > limit, found[:limit]
    if json_wanted:
        click.echo(json.dumps([_as_data(one) for one in found], indent=2, default=plain))
    else:
        click.echo("\n".join(_table(found, more=more)))


@quarantine.command()
@click.argument(INTERACTION_ID)
@click.pass_context
def show(context: click.Context, interaction_id: str) -> None:
    """Show one record in quarantine: who marked it and why, and all it holds, as JSON.

    \b
    Example:
      python run.py quarantine show i-0006
    """
    click.echo(json.dumps(_as_data(_found(app_of(context), interaction_id)), indent=2, default=plain))


@quarantine.command()
@click.argument(INTERACTION_ID)
@click.option("--set", "changes", multiple=True, metavar="FIELD=VALUE", help="A repaired value, e.g. user_id=u_123.")
@click.option("--note", default="", help="Why, for whoever looks later.")
@click.pass_context
def release(context: click.Context, interaction_id: str, changes: Sequence[str], note: str) -> ExitCode:
    """Lift the mark of a record, with repaired values, and take it through the stages it missed.

    The raw gate judges it again: a value that is still bad goes back into quarantine. When its batch is halted the
    record waits for what is decided about the batch.

    \b
    Example:
      python run.py quarantine release i-0006 --set user_id=u_123
    """
    app = app_of(context)
    new = dict(_change(one, ZoneInfo(app.settings.source_timezone)) for one in changes)
    finish_unfinished(app)
    record = _found(app, interaction_id)
    data = {INTERACTION_ID: interaction_id, "changes": new, "note": note}
    outcome = app.runner().decide(record.batch_id, Decision(DecisionKind.RELEASE, data, whoami()))
    if not outcome.exit_code:
        now = app.raw_store.in_quarantine(interaction_id)
        became = f"went back into quarantine: {printable(now.reason)}" if now else "is released"
        click.echo(f"{printable(interaction_id)} {became}.")
    if outcome.status in WAITING and outcome.exit_code is ExitCode.OK:
        click.echo(f"{outcome.message} {outcome.next_step}")
        return ExitCode.OK
    click.echo("\n".join(as_text([outcome], app.docs_index)))
    return outcome.exit_code


def _change(given: str, zone: ZoneInfo) -> tuple[str, Any]:
    name, separator, text = given.partition("=")
    if not separator or name not in REPAIRABLE:
        raise click.BadParameter(f"{given!r} is not FIELD=VALUE with a field of {', '.join(REPAIRABLE)}.")
    value = _read(name, text, zone)
    if value is None:
        raise click.BadParameter(f"The {name} {text!r} cannot be read.")
    return name, value


def _read(name: str, text: str, zone: ZoneInfo) -> Any:
    """A repaired value as the load stage would read it; None when it cannot be read."""
    if name == "timestamp":
        return (moment_of(text, zone) or (None,))[0]
    return number(text) if name == "value" else text


def _found(app: App, interaction_id: str) -> Quarantined:
    found = app.raw_store.in_quarantine(interaction_id)
    if found is None:
        raise ConfigurationError(
            f"Interaction {printable(interaction_id)} is not in quarantine.",
            next_step=f"List those that are: {program()} quarantine list",
        )
    return found


def _table(found: Sequence[Quarantined], *, more: bool) -> Iterator[str]:
    if not found:
        yield "Nothing is in quarantine."
        return
    rows = [
        (
            printable(one.interaction_id),
            short(one.batch_id),
            printable(json.dumps(one.record.get(USER_ID), default=str, ensure_ascii=False)),
            printable(one.reason),
            one.gate,
            moment(one.at),
        )
        for one in found
    ]
    yield from table(("interaction", "batch", USER_ID, "reason", "gate", "since"), rows)
    yield ""
    shown = f"The newest {len(found):,}; there are more: --limit N" if more else f"{len(found):,} in quarantine"
    yield f"{shown}. Release one: {program()} quarantine release ID --set user_id=VALUE"


def _as_data(one: Quarantined) -> Mapping[str, Any]:
    return {
        INTERACTION_ID: one.interaction_id,
        "batch_id": one.batch_id,
        "gate": one.gate,
        "reason": one.reason,
        "run_id": one.run_id,
        "at": one.at,
        "record": one.record,
    }
