"""`run.py supersede`: a corrected resend takes over the records of batches that did not go through."""

from __future__ import annotations

import click

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.cli.app import App, app_of
from pipeline.cli.prompts import whoami
from pipeline.cli.summary import as_json, as_text
from pipeline.cli.tables import printable
from pipeline.cli.unfinished import finish_unfinished
from pipeline.core.batch import Batch
from pipeline.core.batches import SUPERSEDED, BatchSource
from pipeline.core.outcome import exit_code_of
from pipeline.core.program import program
from pipeline.dead_letters.replay_source import replay_source
from pipeline.storage.location import recorded


@click.command()
@click.argument("batch")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON document on stdout instead of the summary.")
@click.pass_context
def supersede(context: click.Context, batch: str, *, json_wanted: bool) -> ExitCode:
    """Let BATCH take over the records that it brings again of older batches which did not go through.

    When a sender corrects a file that was halted, rejected or dropped, the file that he sends then holds the same ids.
    First writer wins: the older batch keeps them, and what BATCH says of them counts as duplicates and conflicts. This
    gives them to BATCH, with the values that BATCH has. What the older batch had said otherwise becomes a dead letter
    of it. Both batches then go on: the older one with what is left to it, if that passes its gates.

    A batch that is closed keeps its records.

    \b
    Example:
      python run.py supersede 8b7f947c7755
    """
    app = app_of(context)
    finish_unfinished(app)
    found = app.ledger.find(batch)
    older = [one for one in found.earlier if (app.ledger.batch(one) or Batch(one)).status in SUPERSEDED]
    runner = app.runner()
    outcome = runner.supersede(_with_file(app, found), older, by=whoami())
    outcomes = [*runner.finished, outcome]
    if json_wanted:
        click.echo(as_json(outcomes, app.docs_index, complete=True))
    else:
        click.echo("\n".join(as_text(outcomes, app.docs_index)))
    return exit_code_of([outcome])


def _with_file(app: App, batch: Batch) -> BatchSource:
    """The batch with its file, whose values are to count.

    Raises:
        ConfigurationError: No file holds it any more.
    """
    settings, original = app.settings, recorded(batch.source)
    most = settings.max_batch_records
    if found := replay_source(settings.spool_dir, batch.batch_id, original, max_records=most):
        return found
    raise ConfigurationError(
        f"The file of batch {batch.name}, whose records are to count, is gone: {printable(original)} does not hold it.",
        next_step=f"Put it back, then: {program()} supersede {batch.name}",
    )
