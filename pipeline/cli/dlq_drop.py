"""`run.py dlq drop`: give up what is dead. Its content goes; who, when and why stay, and so do the counts."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.cli.app import App, app_of
from pipeline.cli.dlq_shared import Target, letter_of, target_of, text
from pipeline.cli.prompts import confirm, whoami
from pipeline.cli.summary import as_text
from pipeline.cli.unfinished import finish_unfinished
from pipeline.core.batch import Tombstone
from pipeline.core.batches import BatchStatus, short
from pipeline.core.decision import Decision, DecisionKind
from pipeline.core.program import program


@click.command()
@click.argument("target", metavar="BATCH[:LINE]", callback=text)
@click.option("--records", is_flag=True, help="All dead records of BATCH rather than the batch.")
@click.option("--note", default="given up", show_default=True, callback=text, help="Why, for whoever looks later.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def drop(context: click.Context, *, target: str, records: bool, note: str, yes: bool) -> ExitCode:
    """Give a dead BATCH or the dead record BATCH:LINE up for good: its raw content and its file are removed.

    What a dead batch had published is taken back from BigQuery's view and from Neo4j; what of it is in MongoDB stays
    there, in quarantine. Who dropped it, when and why stays in the ledger, and the counts still add up.

    \b
    Examples:
      python run.py dlq drop 16a8a54a1dbc:61 --note "a test record"
      python run.py dlq drop 16a8a54a1dbc --yes
    """
    app = app_of(context)
    finish_unfinished(app)
    found = target_of(app, target)
    if found.at is not None and records:
        raise click.UsageError("BATCH:LINE is one record already; --records is for a whole batch.")
    if found.at is not None or records:
        return _drop_records(app, found, Tombstone(whoami(), note, datetime.now(UTC)), yes=yes)
    return _drop_batch(app, found, note, yes=yes)


def _drop_records(app: App, target: Target, tombstone: Tombstone, *, yes: bool) -> ExitCode:
    if target.at is not None and letter_of(app.dead_queue, target).dropped:
        click.echo(f"Record {target} was dropped before; nothing is done.")
        return ExitCode.OK
    what = f"record {target}" if target.at is not None else f"all dead records of batch {target}"
    confirm(f"Drop {what}? The content is removed for good.", yes=yes)
    lines = None if target.at is None else [target.at.key]
    dropped = app.dead_queue.drop_letters(target.batch_id, lines, tombstone)
    click.echo(f"{dropped:,} dead {'record' if dropped == 1 else 'records'} of batch {short(target.batch_id)} dropped.")
    return ExitCode.OK


def _drop_batch(app: App, target: Target, note: str, *, yes: bool) -> ExitCode:
    if target.batch.status is not BatchStatus.DEAD:
        raise ConfigurationError(
            f"Batch {target} is {target.batch.status}, not in the dead-letter queue.",
            next_step=f"Its dead records can be dropped: {program()} dlq drop {target} --records. "
            f"A batch that waits can be given up: {program()} reject {target}",
        )
    before = target.batch.dropped
    if before is None:
        confirm(f"Drop batch {target}? Its file and its dead records are removed for good.", yes=yes)
    decision = Decision(DecisionKind.DROP, {"note": before.why if before else note}, whoami())
    outcome = app.runner().decide(target.batch_id, decision)
    if outcome.exit_code:
        click.echo("\n".join(as_text([outcome], app.docs_index)))
        click.echo(f"Batch {target} is not dropped yet.", err=True)
        return outcome.exit_code
    click.echo(f"Batch {target} {'was dropped before; nothing is done.' if before else 'is dropped.'}")
    return ExitCode.OK
