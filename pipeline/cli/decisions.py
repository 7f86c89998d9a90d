"""`run.py resume`, `recheck` and `reject`: what a person decides about a batch that does not go on by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.cli.app import App, app_of
from pipeline.cli.prompts import confirm, whoami
from pipeline.cli.summary import as_json, as_text
from pipeline.cli.tables import printable
from pipeline.cli.unfinished import finish_unfinished
from pipeline.core.batch import Batch
from pipeline.core.batches import short
from pipeline.core.outcome import BatchOutcome, exit_code_of
from pipeline.core.program import program
from pipeline.core.topology import GATES, STEPS
from pipeline.runner.runner import Runner
from pipeline.sources.discovery import batch_in
from pipeline.sources.files import GoneFileError
from pipeline.storage.location import recorded

EVERYTHING = 1_000_000

json_option = click.option(
    "--json", "json_wanted", is_flag=True, help="One JSON document on stdout instead of the summary."
)


all_option = click.option("--all", "everything", is_flag=True, help="Every batch that a gate has halted.")
gate_option = click.option("--gate", type=click.Choice(GATES), help="With --all: only what this gate has halted.")


@click.command()
@click.argument("batches", nargs=-1, metavar="BATCH...")
@all_option
@gate_option
@click.option("--without-file", is_flag=True, help="Of a load that was cut off: go on with what was loaded.")
@click.option("--incomplete", is_flag=True, help="Go on although records could not be loaded, or the file was cut off.")
@click.option("--without-vectors", is_flag=True, help="Go on without vectors of the texts that the API refuses.")
@json_option
@click.pass_context
def resume(
    context: click.Context,
    *,
    batches: Sequence[str],
    everything: bool,
    gate: str | None,
    without_file: bool,
    incomplete: bool,
    without_vectors: bool,
    json_wanted: bool,
) -> ExitCode:
    """Let each halted BATCH go on after its failed gate, without its quarantined records.

    BATCH is a batch id or the first digits of one. The quarantined records stay in MongoDB, marked, and reach no other
    store. The log file is not needed again.

    When more records could not be loaded than are tolerated, or the file ended before its end, --incomplete says that
    the batch goes on without what did not arrive. The dead records stay in the dead-letter queue.

    A BATCH whose load was cut off needs its file. When that is gone, or holds something else by now, --without-file
    ends the load where it was cut off, and the batch goes on with the records that MongoDB has of it.

    When the vectors gate failed because the API refuses some texts, --without-vectors embeds the others again, and the
    batch goes on without a vector for those: they are counted and named with what the API said.

    \b
    Examples:
      python run.py resume 3f2a91c07d11
      python run.py resume 3f2a --incomplete
      python run.py resume 3f2a --without-vectors
      python run.py resume 3f2a --without-file
      python run.py resume --all --gate raw
    """
    app = app_of(context)

    def decide(runner: Runner, batch_id: str) -> BatchOutcome:
        if without_file:
            _refuse_with_file(app, batch_id)
        options = {"without_file": without_file, "incomplete": incomplete, "without_vectors": without_vectors}
        return runner.resume(batch_id, **options, by=whoami())

    return _decide(app, _chosen(app, batches, gate, everything=everything), json_wanted, decide)


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
    app = app_of(context)

    def decide(runner: Runner, batch_id: str) -> BatchOutcome:
        return runner.recheck(batch_id, redo=redo, by=whoami())

    return _decide(app, [app.ledger.find(batch)], json_wanted, decide)


@click.command()
@click.argument("batches", nargs=-1, metavar="BATCH...")
@all_option
@gate_option
@click.option("--note", default="by a person", show_default=True, help="Why, for whoever looks later.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_context
def reject(
    context: click.Context,
    *,
    batches: Sequence[str],
    everything: bool,
    gate: str | None,
    note: str,
    yes: bool,
    json_wanted: bool,
) -> ExitCode:
    """Give each BATCH up: none of its records flows on, and it goes to the dead-letter queue.

    What it published is taken back from BigQuery's view, from Neo4j and from Milvus. Its records stay in MongoDB, in
    quarantine, and its file in the spool.

    \b
    Examples:
      python run.py reject 3f2a91c07d11 --note "a test file"
      python run.py reject --all --gate raw
    """
    app = app_of(context)
    chosen = _chosen(app, batches, gate, everything=everything)
    if chosen:
        names = ", ".join(one.name for one in chosen)
        confirm(f"Give {'batch' if len(chosen) == 1 else f'{len(chosen):,} batches'} {names} up?", yes=yes)
    return _decide(app, chosen, json_wanted, lambda runner, batch_id: runner.reject(batch_id, note, by=whoami()))


def _chosen(app: App, batches: Sequence[str], gate: str | None, *, everything: bool) -> list[Batch]:
    """The batches that are named, each once, or all that are halted, the oldest first.

    Raises:
        click.UsageError: Neither was given, or both.
        ConfigurationError: A name is no batch's, or several batches'.
    """
    if everything == bool(batches):
        raise click.UsageError("Give BATCH, several of them, or --all.")
    if gate and not everything:
        raise click.UsageError("--gate goes with --all.")
    finish_unfinished(app)
    if not everything:
        return list({one.batch_id: one for one in map(app.ledger.find, batches)}.values())
    halted = app.ledger.halted(EVERYTHING)
    return [one for one in halted if gate in (None, (one.failed_gate() or STEPS[0]).name)]


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
    app: App, batches: Sequence[Batch], json_wanted: bool, decide: Callable[[Runner, str], BatchOutcome]
) -> ExitCode:
    """Decide about each; of several, one that it cannot be decided of keeps none of the others waiting."""
    outcomes: list[BatchOutcome] = []
    refused = 0
    for batch in batches:
        try:
            outcomes.append(decide(app.runner(), batch.batch_id))
        except ConfigurationError as error:
            if len(batches) == 1:
                raise
            refused += 1
            click.echo(f"Batch {batch.name} is left as it is: {error}", err=True)
    if json_wanted:
        click.echo(as_json(outcomes, app.docs_index, complete=True))
    elif outcomes:
        click.echo("\n".join(as_text(outcomes, app.docs_index)))
    elif not refused:
        click.echo("No batch is halted.")
    return exit_code_of(outcomes) or (ExitCode.USAGE if refused else ExitCode.OK)
