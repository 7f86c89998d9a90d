"""`run.py backfill`: do what the ledger says is missing, or was done by older code, several batches side by side."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import click
from packaging.version import InvalidVersion, Version

from expectations_plugins.core.errors import EXIT_PRECEDENCE, ConfigurationError, ExitCode
from pipeline.backfill import Crew, Days, Item, Kind, missing, outdated, redone, serve
from pipeline.cli.app import App, app_of
from pipeline.cli.param_types import PLACE
from pipeline.cli.skipped import LeftOut
from pipeline.cli.summary import outcome_as_json, plain
from pipeline.cli.tables import printable, status_word, table
from pipeline.core.batches import BatchStatus, short
from pipeline.core.outcome import BatchOutcome
from pipeline.core.program import again as program_again
from pipeline.core.program import program
from pipeline.core.topology import REDONE
from pipeline.core.version import code_version
from pipeline.runner.runner import Runner
from pipeline.sources.discovery import batch_in
from pipeline.storage import cache
from pipeline.storage.location import Place, recorded

NOTHING = "There is nothing to do."
DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("paths", nargs=-1, type=PLACE)
@click.option("--from", "first", type=DAY, help="First day of the batches' records (UTC).")
@click.option("--to", "last", type=DAY, help="Last day, included.")
@click.option("--older-than", metavar="VERSION", help="Also do again what an older version of Sluicegate did.")
@click.option("--again", is_flag=True, help="Do every closed batch of the days again; give --from or --to.")
@click.option("--batch", "batches", multiple=True, metavar="BATCH", help="Do just this closed batch again; repeatable.")
@click.option("--workers", type=click.IntRange(1, 32), default=2, show_default=True, help="Batches side by side.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON document on stdout instead of the summary.")
@click.option("--worker", is_flag=True, hidden=True)
@click.pass_context
def backfill(
    context: click.Context,
    *,
    paths: tuple[Place, ...],
    first: datetime | None,
    last: datetime | None,
    older_than: str | None,
    again: bool,
    batches: tuple[str, ...],
    workers: int,
    dry_run: bool,
    json_wanted: bool,
    worker: bool,
) -> ExitCode:
    """Do every batch of some days that is missing, from PATHS (files or folders, by default the landing folder).

    Missing is what has landed and is not closed, halted, inconsistent or dead. With --older-than, closed batches are
    done again if an older version did them: their gates, publish, graph and embed; their raw records are not touched.
    With --again, or by --batch, they are whoever did them, as after a store was restored from an older backup. What is
    done stays done: stopped anywhere, the same command goes on.

    \b
    Examples:
      python run.py backfill --from 2026-11-01 --to 2026-11-20 --dry-run
      python run.py backfill archive/2026-11 --workers 4
      python run.py backfill --from 2026-11-01 --older-than 0.2.0
      python run.py backfill --batch 8b7f947c7755
    """
    app = app_of(context)
    if worker:
        serve(sys.stdin, sys.stdout, lambda item: _done(app, item))
        return ExitCode.OK
    days, left_out = Days(first and first.date(), last and last.date()), LeftOut(app.progress)
    wanted = Wanted(paths, days, older_than, again, batches)
    wanted.refuse()
    items = _items(app, wanted, left_out)
    if dry_run:
        click.echo(_listed(items, left_out, json_wanted=json_wanted))
        return left_out.exit_code(())
    answers = _all_done(app, items, workers)
    click.echo(_told(items, answers, left_out, json_wanted=json_wanted))
    return _exit_code(answers) or left_out.exit_code(())


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done.

    Args:
        paths, days: What is missing of these files, on these days.
        older_than: And what an older version did; None for nothing.
        again: And what is closed, whoever did it.
        batches: Just these closed batches.
    """

    paths: Sequence[Place]
    days: Days
    older_than: str | None
    again: bool
    batches: Sequence[str]

    def refuse(self) -> None:
        """Refuse what does not go together, and what cannot be reached.

        Raises:
            click.UsageError: Options that contradict each other, or no version.
            ConfigurationError: A version this program is older than.
        """
        days = self.days
        if days.first and days.last and days.last < days.first:
            raise click.UsageError("--to is before --from.")
        if self.again and not days.are_bounded:
            raise click.UsageError("--again does all closed batches of some days again: give --from, --to or both.")
        if self.batches and (self.paths or days.are_bounded or self.older_than):
            raise click.UsageError("--batch names what is done; it goes with neither PATHS nor days nor --older-than.")
        if self.older_than:
            _refuse_unreachable(self.older_than)


def _items(app: App, wanted: Wanted, left_out: LeftOut) -> list[Item]:
    if wanted.batches:
        return _named(app, wanted.batches)
    return [*_missing(app, wanted.paths, wanted.days, left_out), *_closed(app, wanted)]


def _closed(app: App, wanted: Wanted) -> Iterator[Item]:
    """Closed batches that are done again; the ledger is not asked when there can be none."""
    if not wanted.again and not wanted.older_than:
        return iter(())
    closed = app.history.closed(*wanted.days.bounds())
    return redone(closed) if wanted.again else outdated(closed, str(wanted.older_than))


def _named(app: App, batches: Sequence[str]) -> list[Item]:
    found = [app.ledger.find(batch) for batch in batches]
    for one in found:
        if one.status is not BatchStatus.CLOSED:
            raise ConfigurationError(
                f"Batch {one.name} is {one.status}, not closed: it is not done again.",
                next_step=f"Look: {program()} status {one.name}",
            )
    return list(redone(found))


def _missing(app: App, paths: Sequence[Place], days: Days, left_out: LeftOut) -> list[Item]:
    settings = app.settings
    sources = list(left_out.discovered(paths or (settings.landing,), settings))
    standing = app.history.states([source.batch_id for source in sources]) if sources else {}
    return list(missing(sources, standing, days, ZoneInfo(settings.source_timezone)))


def _refuse_unreachable(older_than: str) -> None:
    try:
        newer = Version(older_than) > Version(code_version())
    except InvalidVersion:
        raise click.UsageError(f"--older-than {older_than!r} is not a version, e.g. {code_version()}.") from None
    if newer:
        raise ConfigurationError(
            f"This is version {code_version()}: done again, the batches would still be older than {older_than}.",
            next_step="Upgrade first.",
        )


def _done(app: App, item: Item) -> Mapping[str, Any]:
    runner = app.runner()
    outcome = _processed(app, runner, item) if item.kind is Kind.MISSING else runner.again(item.batch_id, REDONE)
    return cast("Mapping[str, Any]", json.loads(json.dumps(outcome_as_json(outcome), default=plain)))


def _processed(app: App, runner: Runner, item: Item) -> BatchOutcome:
    """A batch from its file, which is named anew: hours may have passed since it was listed.

    Raises:
        ConfigurationError: The file does not hold the batch any more.
    """
    settings = app.settings
    place = recorded(item.source)
    found = batch_in(place, item.batch_id, max_records=settings.max_batch_records, files=settings.log_files)
    if found is None:
        raise ConfigurationError(
            f"{printable(item.source)} was changed: it does not hold batch {short(item.batch_id)} any more.",
            next_step=f"See what is there now: {program()} backfill --dry-run",
        )
    try:
        return runner.process(found)
    finally:
        cache.forget(found.path)


def _all_done(app: App, items: Sequence[Item], workers: int) -> list[Mapping[str, Any]]:
    """What became of each batch, in the order they were done; a bar on a terminal, log lines elsewhere."""
    if not items:
        return []
    terminal = sys.stderr.isatty()
    app.runner().catch_up()  # what is wrong with settings or project is said once, and local servers are shared
    answers: list[Mapping[str, Any]] = []
    command = program_again("--json-logs", "backfill", "--worker")
    bar = click.progressbar(length=len(items), label="Backfill", file=sys.stderr, hidden=not terminal)
    with bar, Crew(command, workers, log=subprocess.DEVNULL if terminal else None) as crew:
        for _, answer in crew.do(items):
            answers.append(answer)
            bar.update(1)
            app.progress.event("backfilled", batch_id=answer["batch_id"], done=len(answers), total=len(items))
    return answers


def _exit_code(answers: Sequence[Mapping[str, Any]]) -> ExitCode:
    codes = {int(answer["exit_code"]) for answer in answers}
    return next((code for code in (*EXIT_PRECEDENCE, ExitCode.USAGE) if code in codes), ExitCode.OK)


def _listed(items: Sequence[Item], left_out: LeftOut, *, json_wanted: bool) -> str:
    if json_wanted:
        return json.dumps({"batches": [item.as_data() for item in items], **left_out.as_data()}, indent=2)
    if not items:
        return "\n".join((NOTHING, *left_out.as_text()))
    rows = [(short(item.batch_id), str(item.kind), printable(Path(item.source).name)) for item in items]
    return "\n".join([*table(("batch", "why", "file"), rows), "", f"{len(items):,} to do.", *left_out.as_text()])


def _told(items: Sequence[Item], answers: Sequence[Mapping[str, Any]], left_out: LeftOut, *, json_wanted: bool) -> str:
    if json_wanted:
        code = int(_exit_code(answers) or left_out.exit_code(()))
        document = {"exit_code": code, "wanted": len(items), "batches": answers, **left_out.as_data()}
        return json.dumps(document, indent=2)
    if not items:
        return "\n".join((NOTHING, *left_out.as_text()))
    good = sum(1 for answer in answers if not answer["exit_code"])
    lines = [f"{good:,} of {len(items):,} done."]
    bad = [answer for answer in answers if answer["exit_code"]]
    rows = [
        (short(str(one["batch_id"])), status_word(str(one.get("status") or "-")), printable(one.get("message") or ""))
        for one in bad
    ]
    shown = ["", *table(("batch", "status", "why"), rows)] if bad else ()
    return "\n".join(chain(lines, shown, left_out.as_text()))
