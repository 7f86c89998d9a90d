"""`run.py dlq replay`: dead batches from the file that was kept, dead records as a batch of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from expectations_plugins.core.errors import ConfigurationError, ExitCode, SluicegateError
from pipeline.cli.app import App, app_of
from pipeline.cli.dlq_shared import Target, entry_of, escaped, letter_of, target_of, text, up_to_date
from pipeline.cli.prompts import whoami
from pipeline.cli.summary import as_json, as_text
from pipeline.cli.unfinished import finish_unfinished
from pipeline.core.batch import Batch
from pipeline.core.batches import WAITING, BatchSource, BatchStatus, short
from pipeline.core.locator import Locator
from pipeline.core.outcome import BatchOutcome, exit_code_of
from pipeline.core.program import program
from pipeline.dead_letters import DeadFolders
from pipeline.dead_letters.pending_replays import Parcel, Parcels
from pipeline.dead_letters.repair import Repaired, address, as_they_were, from_lines, from_object, with_fields
from pipeline.dead_letters.replay_source import replay_source
from pipeline.ports.dead_letters import Letter
from pipeline.runner.decisions import REJECTED
from pipeline.runner.runner import Runner
from pipeline.storage.location import Place, recorded

LINES_SHOWN = 5
EVERYTHING = 1_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be replayed, and how it was repaired.

    Args:
        records: The dead records of a batch rather than the batch.
        changes: Values by field name.
        file: Where the repaired record, or records, are.
    """

    records: bool
    changes: Mapping[str, Any]
    file: Path | None

    def refuse(self, *, at: Locator | None) -> None:
        """Refuse what does not go together.

        Raises:
            click.UsageError: Fields or a record for what is no single record.
        """
        if at is not None and self.records:
            raise click.UsageError("BATCH:LINE is one record already; --records is for a whole batch.")
        if at is None and self.changes:
            raise click.UsageError("--set repairs one record: name it as BATCH:LINE.")
        if at is None and self.file and not self.records:
            raise click.UsageError("--record repairs one record, BATCH:LINE, or with --records all of a batch.")
        if self.file and self.changes:
            raise click.UsageError("--set and --record are two ways to repair a record: give one.")


def _change(given: str) -> tuple[str, Any]:
    name, separator, value = given.partition("=")
    is_json = name.endswith(":")
    name = name[:-1] if is_json else name
    if not separator or not name:
        raise click.BadParameter(f"{given!r} is not NAME=VALUE.")
    if not is_json:
        return name, value
    try:
        return name, json.loads(value, parse_constant=_refuse_constant)
    except ValueError:
        raise click.BadParameter(f"The value of {name} is not JSON; text needs no colon: {name}=VALUE.") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _changes(context: click.Context, parameter: click.Parameter, given: Sequence[str]) -> Mapping[str, Any]:
    for one in given:
        text(context, parameter, one)
    return dict(map(_change, given))


@click.command()
@click.argument("target", metavar="[BATCH[:LINE]]", required=False, callback=text)
@click.option("--all", "everything", is_flag=True, help="Every dead batch; with --records every waiting record.")
@click.option("--records", is_flag=True, help="The dead records of BATCH that are still waiting, as one new batch.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_changes,
    help="A repaired field; NAME:=JSON for a number and the like.",
)
@click.option(
    "--record",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The record, or with --records the records, as JSON.",
)
@click.option("--json", "json_wanted", is_flag=True, help="One JSON document on stdout instead of the summary.")
@click.pass_context
def replay(
    context: click.Context,
    *,
    target: str | None,
    everything: bool,
    records: bool,
    changes: Mapping[str, Any],
    file: Path | None,
    json_wanted: bool,
) -> ExitCode:
    """Process a dead BATCH again from the file that was kept, or the repaired record BATCH:LINE as a new batch.

    Doing it again changes nothing: a batch is known by its content, and so is a repaired record. What dies again is a
    dead record of the new batch.

    \b
    Examples:
      python run.py dlq replay 16a8a54a1dbc
      python run.py dlq replay 16a8a54a1dbc:61 --set interaction_id=i_20061
      python run.py dlq replay 16a8a54a1dbc --records --record repaired.jsonl
      python run.py dlq replay --all
    """
    wanted = Wanted(records, changes, file)
    if everything == bool(target):
        raise click.UsageError("Give BATCH, BATCH:LINE, or --all.")
    app = app_of(context)
    finish_unfinished(app)
    if everything:
        if changes or file:
            raise click.UsageError("--set and --record repair one record; with --all nothing is repaired.")
        up_to_date(app)
        outcomes, left_out = _all_records(app) if records else _all_batches(app)
    else:
        outcomes, left_out = _one(app, target_of(app, str(target)), wanted), 0
    if json_wanted:
        click.echo(as_json(outcomes, app.docs_index, complete=True))
    elif outcomes:
        click.echo("\n".join(as_text(outcomes, app.docs_index)))
    return exit_code_of(outcomes) or (ExitCode.DEAD_LETTERED if left_out else ExitCode.OK)


def deliver(app: App, runner: Runner, parcel: Parcel) -> BatchOutcome:
    """Take repaired records through the pipeline, and let go of the parcel once the stores hold what it brought.

    Args:
        app: The parts.
        runner: The runner.
        parcel: The records.
    """
    app.ledger.open_batch(parcel.batch_id, source=str(parcel.path), size=parcel.size)
    app.dead_queue.adopt(parcel.batch_id, parcel.parent)
    app.dead_queue.replayed(parcel.parent, parcel.lines, parcel.batch_id)
    outcome = runner.process(parcel.source)
    if outcome.status is not BatchStatus.RUNNING:
        Parcels(app.settings.spool_dir).done(parcel.batch_id)
    return outcome


def _one(app: App, target: Target, wanted: Wanted) -> list[BatchOutcome]:
    wanted.refuse(at=target.at)
    if target.at is not None:
        letter = letter_of(app.dead_queue, target)
        repaired = _repaired(letter, wanted, recorded(target.batch.source))
        return [_sent(app, target.batch_id, repaired)]
    if wanted.records:
        outcome = _records_of(app, target, wanted.file)
        return [outcome] if outcome else []
    return [_whole(app, target.batch)]


def _repaired(letter: Letter, wanted: Wanted, source: Place) -> Repaired:
    _refuse_dropped(letter)
    if wanted.file:
        return from_object(letter, _content(wanted.file), str(wanted.file))
    if wanted.changes:
        return with_fields(letter, wanted.changes, source)
    repaired = as_they_were([letter], source)
    if repaired.left_out:
        raise ConfigurationError(
            f"Record {address(letter)} cannot be replayed as it is: its text is not whole ({letter.detail}).",
            next_step=f"Write it anew as JSON: {program()} dlq replay {address(letter)} --record FILE",
        )
    return repaired


def _records_of(app: App, target: Target, file: Path | None) -> BatchOutcome | None:
    batch = short(target.batch_id)
    letters = list(app.dead_queue.letters(target.batch_id, waiting=True))
    if file is not None:
        every = [one for one in app.dead_queue.letters(target.batch_id) if not one.dropped]
        return _sent(app, target.batch_id, from_lines(letters or every, _content(file), str(file)))
    if not letters:
        click.echo(
            f"No dead record of batch {batch} is waiting: each was replayed or dropped. Nothing is done.", err=True
        )
        return None
    repaired = as_they_were(letters, recorded(target.batch.source))
    if repaired.left_out:
        shown = ", ".join(f"{batch}:{Locator.of(key).address}" for key in repaired.left_out[:LINES_SHOWN])
        more = ", …" if len(repaired.left_out) > LINES_SHOWN else ""
        error = ConfigurationError(
            f"{len(repaired.left_out):,} cannot be replayed as they are, for their text is not whole: {shown}{more}.",
            next_step=f"Write one anew: {program()} dlq replay {batch}:LINE --record FILE",
        )
        if not repaired.lines:
            raise error
        click.echo(str(error), err=True)
    return _sent(app, target.batch_id, repaired)


def _all_batches(app: App) -> tuple[list[BatchOutcome], int]:
    """What became of every dead batch, and how many stay dead because nothing could be tried."""
    outcomes: list[BatchOutcome] = []
    left_out = 0
    found = app.dead_queue.batches(EVERYTHING)
    given_up = [one for one in found if one.dropped or _was_rejected_whole(one)]
    for batch in found:
        if batch not in given_up:
            try:
                outcomes.append(_whole(app, batch))
            except ConfigurationError as error:
                left_out += 1
                click.echo(f"Batch {batch.name} was left out: {error}", err=True)
    if given_up:
        click.echo(f"{len(given_up):,} that a person rejected or dropped were left as they are.", err=True)
    return outcomes, left_out


def _all_records(app: App) -> tuple[list[BatchOutcome], int]:
    outcomes: list[BatchOutcome] = []
    left_out = 0
    for batch_id in dict.fromkeys(group.batch_id for group in app.dead_queue.groups(EVERYTHING) if group.waiting):
        try:
            outcome = _records_of(app, Target(app.ledger.find(batch_id)), None)
        except ConfigurationError as error:
            left_out += 1
            click.echo(str(error), err=True)
        else:
            outcomes.extend([outcome] if outcome else [])
    return outcomes, left_out


def _sent(app: App, parent: str, repaired: Repaired) -> BatchOutcome:
    parcel = Parcels(app.settings.spool_dir).put(_ancestors(app, parent), repaired)
    return deliver(app, app.runner(), parcel)


def _ancestors(app: App, batch_id: str) -> list[str]:
    """The batch, its parent, and so on."""
    found: list[str] = []
    while batch_id and batch_id not in found:
        found.append(batch_id)
        known = app.ledger.batch(batch_id)
        batch_id = known.parent if known else ""
    return found


def _whole(app: App, batch: Batch) -> BatchOutcome:
    return app.runner().replay(_source_to_replay(app, batch), by=whoami())


def _was_rejected_whole(batch: Batch) -> bool:
    return batch.reason.startswith(REJECTED)


def _source_to_replay(app: App, batch: Batch) -> BatchSource:
    """The file to read; of a batch that is through, the one it came from, for it is not read again.

    Raises:
        ConfigurationError: The batch is on its way and never was in the dead-letter queue, or there is no file.
    """
    if batch.dropped or batch.status in (BatchStatus.CLOSED, *WAITING):
        return BatchSource(batch.batch_id, recorded(batch.source))
    if batch.status is not BatchStatus.DEAD and entry_of(app, batch.batch_id) is None:
        raise ConfigurationError(
            f"Batch {batch.name} is {batch.status}, not in the dead-letter queue.",
            next_step=f"A run goes on with it: {program()} run {escaped(recorded(batch.source))}",
        )
    return _readable(app, batch)


def _readable(app: App, batch: Batch) -> BatchSource:
    """The batch as it is read again: from the file that was kept, or else from where it came.

    Raises:
        ConfigurationError: It must be read, and neither file holds it.
    """
    settings, original = app.settings, recorded(batch.source)
    most = settings.max_batch_records
    if found := replay_source(settings.spool_dir, batch.batch_id, original, max_records=most):
        return found
    if batch.is_done("stage:load"):
        return BatchSource(batch.batch_id, original)
    entry = entry_of(app, batch.batch_id)
    problem = f" {entry.message}" if isinstance(entry, SluicegateError) else ""
    raise ConfigurationError(
        f"Batch {batch.name} cannot be replayed: no file holds its records any more, neither "
        f"{DeadFolders(settings.spool_dir).path(batch.batch_id)} nor {original}.{problem}",
        next_step=f"Put its file back and run it: {program()} run FILE. Or give it up: {program()} dlq drop"
        f" {batch.name}",
    )


def _refuse_dropped(letter: Letter) -> None:
    if letter.dropped:
        raise ConfigurationError(
            f"Record {address(letter)} was dropped by {letter.dropped.by}: {letter.dropped.why}.",
            next_step=f"Its content is gone. If you have it elsewhere, load it with: {program()} run FILE",
        )


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror or error}.") from None
