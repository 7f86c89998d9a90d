"""`run.py watch`: people are notified when no new records came through for a while, and when some have again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import click

from expectations_plugins.core.errors import ExitCode, TransientError
from expectations_plugins.core.retry import RetryPolicy, retry
from pipeline.cli.app import App, app_of
from pipeline.cli.clocks import TOLERANCE, clock_problems, exchange, reading
from pipeline.cli.summary import plain
from pipeline.cli.tables import moment
from pipeline.cli.unfinished import finish_unfinished
from pipeline.core.alert import Alert, Delivery
from pipeline.core.batches import short
from pipeline.core.program import program
from pipeline.core.topology import MAX_ATTEMPTS
from pipeline.runner.alarms import RunnerAlarms

FRESHNESS = "freshness"
"""Stands for a gate in the watchdog's alerts: routes may name it, and only the watchdog ends them."""

STALE, CLOCKS = "no batch closes", "clocks"
"""What failed, in the dedup keys: however long it lasts, it is one incident."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """What the watchdog found.

    Args:
        minutes: How long without new records is too long.
        at: When records were last loaded that came through all gates; None when none ever did, as in an empty ledger.
        batch_id: In which batch; "" for none.
        now: The ledger's time.
        clocks: What is wrong with the clocks, in sentences.
    """

    minutes: float
    at: datetime | None
    batch_id: str
    now: datetime | None
    clocks: tuple[str, ...] = ()

    @property
    def age(self) -> float | None:
        """Minutes since new records came; None when none ever did."""
        return None if self.at is None or self.now is None else (self.now - self.at) / timedelta(minutes=1)

    @property
    def is_fresh(self) -> bool:
        """Whether records came lately. Where none ever did, or the newest are from the future, that cannot be said."""
        return self.age is not None and -TOLERANCE / timedelta(minutes=1) <= self.age <= self.minutes

    def __str__(self) -> str:
        if self.at is None or self.age is None:
            return "No batch with new records has ever closed."
        when = f"{max(0.0, self.age):,.0f} minutes ago"
        return f"The newest records are of batch {short(self.batch_id)}, loaded at {moment(self.at)}, {when}."


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Wins over SLUICEGATE_FRESHNESS_MINUTES.")
@click.option("--verbose", is_flag=True, help="Say something when all is well, too.")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON document on stdout.")
@click.pass_context
def watch(context: click.Context, *, minutes: float | None, verbose: bool, json_wanted: bool) -> ExitCode:
    """Alert when no new records came through all gates for so many minutes, and end the alert when some have.

    For cron or a DAG: nothing is printed when all is well. A batch that halts, is held or dies does not count, for
    nothing flows by it; nor does a file that is empty or known already, for it brings nothing. A ledger in which no
    batch ever closed is stale: it may be the wrong database. What channels are owed is sent, too.

    \b
    Exit codes: 0 fresh      3 the ledger cannot be reached (alerted too)      10 stale

    \b
    Examples:
      python run.py watch
      python run.py watch --minutes 45 --verbose
    """
    app = app_of(context)
    try:
        found = look(app, minutes or app.settings.freshness_minutes)
    except TransientError as error:
        # the key a run uses: it is over when the ledger is reached
        RunnerAlarms(app.alerts).ledger_down("", error.message)
        raise
    finish_unfinished(app)
    sent = [*_notify(app, found), *app.alerts.deliver()]
    if json_wanted:
        click.echo(_as_json(found, sent))
    elif verbose or found.clocks or not found.is_fresh:
        click.echo(" ".join([f"{'Fresh' if found.is_fresh else 'Stale'}: {found}", *found.clocks]))
    return ExitCode.OK if found.is_fresh else ExitCode.GATE_FAILED


def look(app: App, minutes: float) -> Freshness:
    """Ask the ledger when new records last came through.

    Args:
        app: Where the ledger and the waits between attempts come from.
        minutes: How long without them is too long.

    Raises:
        TransientError: The ledger cannot be reached.
    """
    settings = app.settings
    policy = RetryPolicy(MAX_ATTEMPTS, settings.retry_wait, settings.retry_wait_max)

    def ask() -> tuple[tuple[datetime, str] | None, datetime]:  # connecting is part of an attempt
        return app.standing.last_loaded(), app.standing.now()

    last, now = retry(ask, policy)
    at, batch_id = last or (None, "")
    clocks = reading()
    problems = clock_problems(clocks, exchange(settings.spool_dir / "watch", clocks), now, at)
    return Freshness(minutes, at, batch_id, now, tuple(problems))


def stale(found: Freshness) -> Alert:
    """The alert that nothing new comes through."""
    return Alert(
        gate=FRESHNESS,
        severity="critical",
        title=f"No new records for {found.minutes:g} minutes",
        summary=f"{found} Nothing new reaches analysts, the graph or the vectors.",
        batch_id="",
        failure=STALE,
        next_step=f"{program()} status",
    )


def wrong_clocks(found: Freshness) -> Alert:
    """The alert that the clocks cannot be trusted."""
    return Alert(
        gate=FRESHNESS,
        severity="warning",
        title="The clocks disagree",
        summary=f"{' '.join(found.clocks)} What is fresh, and which lease has expired, is reckoned with them.",
        batch_id="",
        failure=CLOCKS,
        next_step=f"{program()} doctor",
    )


def _notify(app: App, found: Freshness) -> Sequence[Delivery]:
    end_stale = stale(found).dedup_key
    freshness = app.alerts.recovered(end_stale, f"{found}") if found.is_fresh else app.alerts.raise_(stale(found))
    alert = wrong_clocks(found)
    clocks = app.alerts.raise_(alert) if found.clocks else app.alerts.recovered(alert.dedup_key, "The clocks agree.")
    return [*freshness, *clocks]


def _as_json(found: Freshness, sent: Sequence[Delivery]) -> str:
    document = {
        "fresh": found.is_fresh,
        "minutes": found.minutes,
        "last_loaded": found.at,
        "batch_id": found.batch_id or None,
        "age_minutes": None if found.age is None else round(found.age, 1),
        "clocks": found.clocks,
        "alerts": [{"channel": one.channel, "status": str(one.status), "detail": one.detail} for one in sent],
    }
    return json.dumps(document, indent=2, default=plain)
