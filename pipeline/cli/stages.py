"""`run.py plan`, `stage` and `gate`: one step at a time, for a scheduler that waits, retries and fans out by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from expectations_plugins.core.errors import ConfigurationError, ExitCode, TransientError
from pipeline.cli.app import App, app_of
from pipeline.cli.decisions import json_option
from pipeline.cli.param_types import PLACE
from pipeline.cli.skipped import LeftOut
from pipeline.cli.summary import as_json, as_text
from pipeline.core.batch import Batch
from pipeline.core.batches import WAITING, BatchSource, BatchStatus, short
from pipeline.core.outcome import exit_code_of
from pipeline.core.program import program
from pipeline.core.topology import GATES, STAGES, STEPS, Step, StepKind
from pipeline.dead_letters.entry import BATCH_ID
from pipeline.storage.location import Place, recorded

ENDED = frozenset({BatchStatus.CLOSED, BatchStatus.DEAD, *WAITING})
"""No step of such a batch is done before a person decides."""

NEW = "new"
"""The status of a batch the ledger does not know."""

LOAD = STEPS[0]


@click.command()
@click.argument("paths", nargs=-1, type=PLACE)
@click.option("--limit", type=click.IntRange(min=1), help="Name so many batches at most.")
@click.pass_context
def plan(context: click.Context, *, paths: tuple[Place, ...], limit: int | None) -> ExitCode:
    """Say as JSON which batches in PATHS (files or folders; the landing folder when none is given) have work to do.

    Those are new ones, and such as were interrupted or are held by an outage. Nothing is changed. It also says which
    steps there are, in order.

    \b
    Examples:
      python run.py plan
      python run.py plan docs/sample/landing | jq -r '.batches[].batch_id'
    """
    app = app_of(context)
    left_out = LeftOut(app.progress)
    sources = list(left_out.discovered(paths or (app.settings.landing,), app.settings))
    pending = [_pending(source, known) for source, known in _as_known(app, sources)]
    batches = [one for one in pending if one is not None][:limit]
    steps = [step.key for step in STEPS]  # so that a scheduler can see that it knows all of them
    click.echo(json.dumps({"batches": batches, **left_out.as_data(), "steps": steps}))
    return left_out.exit_code(()) if not batches else ExitCode.OK


@click.command()
@click.argument("name", type=click.Choice(STAGES), metavar=f"[{'|'.join(STAGES)}]")
@click.argument("batch")
@click.option("--file", type=PLACE, help="Where the records of a new batch are; for load.")
@json_option
@click.pass_context
def stage(context: click.Context, *, name: str, batch: str, file: Place | None, json_wanted: bool) -> ExitCode:
    """Make one attempt at one stage of BATCH, a batch id or the first digits of one.

    The steps before it must be done; one that is done already is not done again. Attempts are counted in the ledger:
    the fourth that fails moves the batch to the dead-letter queue.

    \b
    Exit codes: 0 done   3 an outage: try again   4 another run is at it   5 dead-lettered   10 it waits

    \b
    Examples:
      python run.py stage load 8b7f947c7755 --file docs/sample/landing/2026-11-20T0900.jsonl
      python run.py stage aggregate 8b7f947c7755
    """
    step = next(one for one in STEPS if one.kind is StepKind.STAGE and one.name == name)
    if file is not None and step is not LOAD:
        raise click.UsageError(f"--file is for {LOAD.name}; the records of {name} are in the stores.")
    return _attempt(app_of(context), step, batch, file, json_wanted=json_wanted)


@click.command()
@click.argument("name", type=click.Choice(GATES), metavar=f"[{'|'.join(GATES)}]")
@click.argument("batch")
@json_option
@click.pass_context
def gate(context: click.Context, *, name: str, batch: str, json_wanted: bool) -> ExitCode:
    """Check BATCH, a batch id or the first digits of one, at one gate, once; its actions act. The last one closes it.

    The steps before it must be done; a gate that was passed is not checked again (see recheck). When it cannot be
    checked for the fourth time, the batch is held.

    \b
    Exit codes: 0 passed   3 an outage: try again   4 another run is at it   5 dead-lettered   10 it waits

    \b
    Example:
      python run.py gate raw 8b7f947c7755
    """
    step = next(one for one in STEPS if one.kind is StepKind.GATE and one.name == name)
    return _attempt(app_of(context), step, batch, None, json_wanted=json_wanted)


def _attempt(app: App, step: Step, batch: str, file: Place | None, *, json_wanted: bool) -> ExitCode:
    runner = app.runner(*step.stores)
    source = _to_load(app, batch, file) if step is LOAD else _loaded(app, batch)
    outcomes = [runner.attempt(source, step)]
    if json_wanted:
        click.echo(as_json(outcomes, app.docs_index, complete=True))
    elif outcomes[0].fresh or outcomes[0].exit_code:
        click.echo("\n".join(as_text(outcomes, app.docs_index)))
    else:
        click.echo(outcomes[0].message)
    return exit_code_of(outcomes)


def _loaded(app: App, batch: str) -> BatchSource:
    """A batch whose records are in MongoDB already."""
    try:
        known = app.ledger.find(batch)
    except TransientError:
        if not BATCH_ID.fullmatch(batch):
            raise
        return BatchSource(batch, Path())  # the runner meets the outage again, counts it, and tells people
    return BatchSource(known.batch_id, recorded(known.source))


def _to_load(app: App, batch: str, file: Place | None) -> BatchSource:
    """The batch to load: in the file that is given, or in the ledger's, or somewhere in the landing folder.

    Raises:
        ConfigurationError: It is in none of them.
    """
    known = None if file else _in_ledger(app, batch)
    if known is not None and known.is_done(LOAD.key):
        return _loaded(app, batch)
    where = file or (recorded(known.source) if known is not None else app.settings.landing)
    prefix = batch.strip().lower()
    found = {one.batch_id: one for one in LeftOut(app.progress).discovered((where,), app.settings)}
    matching = [one for batch_id, one in found.items() if batch_id.startswith(prefix)]
    if len(matching) == 1:
        return matching[0]
    held = ", ".join(map(short, found)) or "no batch"
    raise ConfigurationError(
        f"{'Several batches start' if matching else 'No batch starts'} with {batch} in {where}: it holds {held}.",
        next_step=f"See what has landed: {program()} plan. Then name the file: {program()} stage load BATCH --file"
        " FILE",
    )


def _in_ledger(app: App, batch: str) -> Batch | None:
    try:
        return app.ledger.find(batch)
    except ConfigurationError:
        return None


def _as_known(app: App, sources: Sequence[BatchSource]) -> Iterator[tuple[BatchSource, Batch]]:
    """The batches, each as the ledger knows it; one it does not know has no status."""
    known = app.history.states([source.batch_id for source in sources]) if sources else {}
    return ((source, known.get(source.batch_id) or Batch(source.batch_id)) for source in sources)


def _pending(source: BatchSource, known: Batch) -> dict[str, str] | None:
    """What a scheduler needs to know of a batch; None when there is nothing to do for it."""
    if known.status in ENDED:
        return None
    step = next((one for one in STEPS if not known.is_done(one.key)), STEPS[-1])
    status = str(known.status or NEW)
    problem = {"problem": source.looks_like} if source.looks_like else {}
    return {"batch_id": source.batch_id, "source": str(source.path), "status": status, "next": step.key, **problem}
