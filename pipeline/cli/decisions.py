"""`run.py resume`, `recheck` and `reject`: what a person decides about a batch that does not go on by itself."""

from __future__ import annotations

from collections.abc import Callable

import click

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.cli.app import App, app_of
from pipeline.cli.prompts import confirm, whoami
from pipeline.cli.summary import as_json, as_text
from pipeline.cli.tables import printable
from pipeline.core.batch import Batch
from pipeline.core.batches import short
from pipeline.core.outcome import BatchOutcome, exit_code_of
from pipeline.core.program import program
from pipeline.runner.runner import Runner
from pipeline.sources.discovery import batch_in
from pipeline.sources.files import GoneFileError
from pipeline.storage.location import recorded

json_option = click.option(
    "--json", "json_wanted", is_flag=True, help="One JSON document on stdout instead of the summary."
)


@click.command()
@click.argument("batch")
@click.option("--without-file", is_flag=True, help="Of a load that was cut off: go on with what was loaded.")
@json_option
@click.pass_context
def resume(context: click.Context, batch: str, without_file: bool, json_wanted: bool) -> ExitCode:
    """Let a halted BATCH go on after its failed gate, without its quarantined records.

    BATCH is a batch id or the first digits of one. The quarantined records stay in MongoDB, marked, and reach no other
    store. The log file is not needed again.

    A BATCH whose load was cut off needs its file. When that is gone, or holds something else by now, --without-file
    ends the load where it was cut off, and the batch goes on with the records that MongoDB has of it.

    \b
    Examples:
      python run.py resume 3f2a91c07d11
      python run.py resume 3f2a --without-file
    """

    def decide(runner: Runner, batch_id: str) -> BatchOutcome:
        if without_file:
            _refuse_with_file(app_of(context), batch_id)
        return runner.resume(batch_id, without_file=without_file, by=whoami())

    return _decide(context, batch, json_wanted, decide)


@click.command()
@click.argument("batch")
@click.option("--redo", is_flag=True, help="Do the stage before the gate again first, e.g. embed again.")
@json_option
@click.pass_context
def recheck(context: click.Context, batch: str, redo: bool, json_wanted: bool) -> ExitCode:
    """Run the gate that stopped BATCH again on what is there now; if it passes, the batch goes on.

    \b
    Examples:
      python run.py recheck 3f2a91c07d11
      python run.py recheck 3f2a --redo
    """
    return _decide(
        context, batch, json_wanted, lambda runner, batch_id: runner.recheck(batch_id, redo=redo, by=whoami())
    )


@click.command()
@click.argument("batch")
@click.option("--note", default="by a person", show_default=True, help="Why, for whoever looks later.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_context
def reject(context: click.Context, batch: str, note: str, yes: bool, json_wanted: bool) -> ExitCode:
    """Give BATCH up: none of its records flows on, and it goes to the dead-letter queue.

    What it published is taken back from BigQuery's view, from Neo4j and from Milvus. Its records stay in MongoDB, in
    quarantine, and its file in the spool.

    \b
    Example:
      python run.py reject 3f2a91c07d11 --note "a test file"
    """
    confirm(f"Give batch {batch} up?", yes=yes)
    return _decide(context, batch, json_wanted, lambda runner, batch_id: runner.reject(batch_id, note, by=whoami()))


def finish_unfinished(app: App) -> None:
    """Finish what a person decided and a command was interrupted in; nothing is started when there is nothing.

    Raises:
        TransientError: The ledger cannot be reached.
    """
    if app.ledger.unfinished_decisions():
        app.runner().catch_up()


def _refuse_with_file(app: App, batch_id: str) -> None:
    """Refuse to go on without a file that is there.

    Raises:
        ConfigurationError: It still holds the batch, or cannot be read.
        TransientError: It cannot be looked at now.
    """
    known = app.ledger.batch(batch_id) or Batch(batch_id)
    place = recorded(known.source)
    if known.is_done("stage:load"):
        return
    try:
        found = batch_in(place, batch_id, max_records=app.settings.max_batch_records)
    except GoneFileError:
        return
    if found is not None:
        raise ConfigurationError(
            f"The file of batch {short(batch_id)} is still there: {printable(place)}.",
            next_step=f"Load the rest of it: {program()} run {printable(place)}",
        )


def _decide(
    context: click.Context, batch: str, json_wanted: bool, decide: Callable[[Runner, str], BatchOutcome]
) -> ExitCode:
    app = app_of(context)
    batch_id = app.ledger.find(batch).batch_id
    outcomes = [decide(app.runner(), batch_id)]
    if json_wanted:
        click.echo(as_json(outcomes, app.docs_index, complete=True))
    else:
        click.echo("\n".join(as_text(outcomes, app.docs_index)))
    return exit_code_of(outcomes)
