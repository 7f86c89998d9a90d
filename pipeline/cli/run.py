"""`run.py run`: take every batch that has landed as far as it goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from pathlib import Path

import click

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.cli.app import App, app_of
from pipeline.cli.campaigns import load_campaigns
from pipeline.cli.dlq_replay import deliver
from pipeline.cli.param_types import PLACE
from pipeline.cli.skipped import LeftOut
from pipeline.cli.summary import as_json, as_text
from pipeline.cli.unfinished import is_unfinished
from pipeline.core.batches import BatchSource
from pipeline.core.outcome import BatchOutcome
from pipeline.core.program import program
from pipeline.dead_letters import DeadFolders
from pipeline.dead_letters.pending_replays import Parcel, Parcels
from pipeline.runner.runner import Runner
from pipeline.sources.discovery import changed
from pipeline.sources.files import UnreadableFileError
from pipeline.storage import cache
from pipeline.storage.location import Place


@click.command()
@click.argument("paths", nargs=-1, type=PLACE)
@click.option(
    "--campaigns",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Load this campaign catalogue first.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1),
    help="Share of bad user_ids a batch may have; wins over SLUICEGATE_USER_ID_TOLERANCE.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Stop after this many batches that had work to do.")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON document on stdout instead of the summary.")
@click.pass_context
def run(
    context: click.Context,
    *,
    paths: tuple[Place, ...],
    campaigns: Path | None,
    tolerance: float | None,
    limit: int | None,
    json_wanted: bool,
) -> ExitCode:
    """Take the batches in PATHS (files or folders, also s3://… and the like) through all stages and gates.

    Without PATHS it takes what is in the landing folder.

    Running it again resumes what was interrupted and skips what is done, so a scheduler simply repeats it.

    A batch that waits for a person since an earlier run is named, and is no failure of this one, unless PATHS name its
    file.

    \b
    Exit codes: 0 all passed, or nothing new        2 a file cannot be read     3 an outage: run again
                4 another run is at it              5 dead-lettered
               10 a gate needs a person            70 a bug in Sluicegate

    \b
    Examples:
      python run.py run
      python run.py run docs/sample/landing --campaigns docs/sample/campaigns.jsonl
      python run.py run 2026-11-20T0910.jsonl.gz --json
      python run.py run s3://logs/landing
    """
    app = app_of(context)
    if tolerance is not None:
        app.configure(SLUICEGATE_USER_ID_TOLERANCE=tolerance)
    settings = app.settings
    folders = paths or (_landing(settings.landing),)
    left_out = LeftOut(app.progress)
    sources = list(left_out.discovered(folders, settings))
    parcels = list(Parcels(settings.spool_dir).waiting())
    runner = app.runner() if sources or parcels or _is_pending(app) else None
    if campaigns is not None:
        _load(app, campaigns)
    if runner is not None and not sources:
        runner.catch_up()
    finished = runner.finished if runner else ()
    if not (sources or parcels or finished or left_out.files or json_wanted):
        _send_owed(app)
        nothing = f"There is nothing to do: no log file has landed in {', '.join(map(str, folders))}."
        click.echo("\n".join((nothing, *left_out.as_text())))
        return ExitCode.OK
    return _process(
        app, runner, sources, parcels, limit, named=frozenset(paths), left_out=left_out, json_wanted=json_wanted
    )


def _is_pending(app: App) -> bool:
    """Whether an earlier run left something to finish, though nothing has landed."""
    return any(True for _ in DeadFolders(app.settings.spool_dir).pending()) or is_unfinished(app)


def _landing(folder: Place) -> Place:
    if isinstance(folder, Path) and not folder.exists():
        raise ConfigurationError(
            f"There is nothing to run: no PATHS were given, and the landing folder {folder} does not exist.",
            next_step=f"Give a log file ({program()} run FILE), set SLUICEGATE_LANDING, or make a project with a"
            f" sample: {program()} init",
        )
    return folder


def _load(app: App, file: Path) -> None:
    catalogue = load_campaigns(app, file)
    app.progress.event("campaigns_loaded", file=str(file), loaded=catalogue.loaded, left_out=len(catalogue.bad))
    for bad in catalogue.bad:
        app.progress.event("campaign_left_out", file=str(file), line=bad.line, why=bad.why)


def _process(
    app: App,
    runner: Runner | None,
    sources: Sequence[BatchSource],
    parcels: Sequence[Parcel],
    limit: int | None,
    *,
    named: Set[Place],
    left_out: LeftOut,
    json_wanted: bool,
) -> ExitCode:
    outcomes: list[BatchOutcome] = []
    complete = False
    try:
        if runner is not None:
            outcomes.extend(_taken_all(runner, sources, limit, named, left_out))
            if not any(outcome.exit_code == ExitCode.OUTAGE for outcome in outcomes):
                # replays of repaired records that an earlier run was killed in
                outcomes.extend(deliver(app, runner, parcel) for parcel in parcels)
        _send_owed(app)
        complete = True
    finally:
        # an interrupted run says what it had done too
        own = {outcome.batch_id for outcome in outcomes}
        finished = [one for one in (runner.finished if runner else ()) if one.batch_id not in own]
        outcomes = [*finished, *outcomes]
        if json_wanted:
            click.echo(as_json(outcomes, app.docs_index, complete=complete, left_out=left_out))
        elif outcomes or left_out.files or left_out.passed_over:
            click.echo("\n".join((*as_text(outcomes, app.docs_index), *left_out.as_text())))
    return left_out.exit_code(outcomes)


def _taken_all(
    runner: Runner, sources: Sequence[BatchSource], limit: int | None, named: Set[Place], left_out: LeftOut
) -> Iterator[BatchOutcome]:
    """What became of each batch, until `limit` of them had work to do."""
    fresh = 0
    for source in sources:
        if limit and fresh >= limit:
            return
        for outcome in _taken(runner, source, left_out):
            fresh += outcome.fresh
            yield _at_rest(outcome, named)


def _send_owed(app: App) -> None:
    """Send what channels are owed; without a channel nothing is, and no store is opened to see that."""
    if app.alerts.configured:
        app.alerts.deliver()


def _at_rest(outcome: BatchOutcome, named: Set[Place]) -> BatchOutcome:
    """An outcome; of a batch that waits, and whose file was found in a folder, one that is no failure of this run."""
    if not outcome.waits or outcome.source in named:
        return outcome
    return replace(outcome, exit_code=ExitCode.OK)


def _taken(runner: Runner, source: BatchSource, left_out: LeftOut) -> Iterator[BatchOutcome]:
    """What became of a batch; nothing when its file is not the one that was listed any more."""
    problem = changed(source)
    if problem is not None:
        left_out.add(source.path, problem)
        return
    try:
        yield runner.process(source)
    except UnreadableFileError as error:
        left_out.add(source.path, error)
    finally:
        cache.forget(source.path)
