"""`run.py watch`: people are told when no batch has closed for a while, and when one has again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import click

from expectations_plugins.core.errors import ExitCode, TransientError
from expectations_plugins.core.retry import RetryPolicy, retry
from pipeline.cli.app import App, app_of
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

STALE = "no batch closes"
"""What failed, in the dedup key: however long it lasts, it is one incident."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """What the watchdog found.

    Args:
        minutes: How long without a closed batch is too long.
        at: When a batch last closed; None when none ever did, as in an empty ledger.
        batch_id: Which; "" for none.
        age: Minutes since then; None as above.
    """

    minutes: float
    at: datetime | None
    batch_id: str
    age: float | None

    @property
    def is_fresh(self) -> bool:
        """Whether a batch has closed lately. Of a ledger in which none ever did, that cannot be said."""
        return self.age is not None and self.age <= self.minutes

    def __str__(self) -> str:
        if self.at is None or self.age is None:
            return "No batch has ever closed."
        return f"Batch {short(self.batch_id)} closed at {moment(self.at)}, {self.age:,.0f} minutes ago."


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Wins over SLUICEGATE_FRESHNESS_MINUTES.")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON document on stdout.")
@click.pass_context
def watch(context: click.Context, *, minutes: float | None, json_wanted: bool) -> ExitCode:
    """Alert when no batch has closed for so many minutes, and end the alert when one has. For cron or a DAG.

    A batch that halts, is held or dies does not count: its own alert tells of it, and nothing flows by it. A ledger in
    which no batch ever closed is stale: it may be the wrong database.

    \b
    Exit codes: 0 fresh      3 the ledger cannot be reached (alerted too)      10 stale

    \b
    Examples:
      python run.py watch
      python run.py watch --minutes 45 --json
    """
    app = app_of(context)
    try:
        found = look(app, minutes or app.settings.freshness_minutes)
    except TransientError as error:
        # the key a run tells it by: it is over when a batch closes
        RunnerAlarms(app.alerts).ledger_down("", error.message)
        raise
    finish_unfinished(app)
    told = _tell(app, found)
    click.echo(_as_json(found, told) if json_wanted else f"{'Fresh' if found.is_fresh else 'Stale'}: {found}")
    return ExitCode.OK if found.is_fresh else ExitCode.GATE_FAILED


def look(app: App, minutes: float) -> Freshness:
    """Ask the ledger when a batch last closed.

    Args:
        app: Where the ledger and the waits between attempts come from.
        minutes: How long without one is too long.

    Raises:
        TransientError: The ledger cannot be reached.
    """
    settings = app.settings
    policy = RetryPolicy(MAX_ATTEMPTS, settings.retry_wait, settings.retry_wait_max)

    def ask() -> tuple[datetime, str] | None:  # connecting is part of an attempt
        return app.standing.last_finished()

    last = retry(ask, policy)
    if last is None:
        return Freshness(minutes, None, "", None)
    at, batch_id = last
    return Freshness(minutes, at, batch_id, max(0.0, (datetime.now(UTC) - at).total_seconds() / 60))


def stale(found: Freshness) -> Alert:
    """The alert that says so."""
    return Alert(
        gate=FRESHNESS,
        severity="critical",
        title=f"No batch has closed for {found.minutes:g} minutes",
        summary=f"{found} Nothing new reaches analysts, the graph or the vectors.",
        batch_id="",
        failure=STALE,
        next_step=f"{program()} status",
    )


def _tell(app: App, found: Freshness) -> Sequence[Delivery]:
    return app.alerts.all_green(FRESHNESS) if found.is_fresh else app.alerts.raise_(stale(found))


def _as_json(found: Freshness, told: Sequence[Delivery]) -> str:
    document = {
        "fresh": found.is_fresh,
        "minutes": found.minutes,
        "last_closed": found.at,
        "batch_id": found.batch_id or None,
        "age_minutes": None if found.age is None else round(found.age, 1),
        "alerts": [{"channel": one.channel, "status": str(one.status), "detail": one.detail} for one in told],
    }
    return json.dumps(document, indent=2, default=plain)
