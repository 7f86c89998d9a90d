"""`run.py alerts`: what people were told and is not over, and whether they can be told at all."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.cli.app import app_of
from pipeline.cli.summary import plain
from pipeline.cli.tables import coloured, moment, printable, table
from pipeline.config.alert_routes import channel_names
from pipeline.core.alert import Alert, Delivery, DeliveryStatus, OpenAlert
from pipeline.core.batches import short
from pipeline.core.program import program


@click.group()
def alerts() -> None:
    """Look at open alerts, and try the channels.

    \b
    Example:
      python run.py alerts test
    """


@alerts.command(name="list")
@click.option("--json", "json_wanted", is_flag=True, help="The alerts as JSON.")
@click.pass_context
def list_(context: click.Context, json_wanted: bool) -> None:
    """List alerts that people were told of and that are not over.

    \b
    Example:
      python run.py alerts list
    """
    found = app_of(context).alerts.open_alerts()
    if json_wanted:
        click.echo(json.dumps([asdict(one) for one in found], indent=2, default=plain))
    else:
        click.echo("\n".join(_open(found)))


@alerts.command()
@click.option("--channel", type=click.Choice(channel_names()), help="Only this one.")
@click.pass_context
def test(context: click.Context, channel: str | None) -> ExitCode:
    """Send every configured channel a harmless alert and that it is over. Exit code 3 when one could not be told.

    \b
    Example:
      python run.py alerts test --channel slack
    """
    router = app_of(context).alerts
    wanted = [channel] if channel else list(router.configured)
    if not wanted or channel not in (None, "log", *router.configured):
        raise ConfigurationError(
            "No alert channel is configured." if channel is None else f"{channel} is not configured.",
            next_step="Set SLACK_WEBHOOK_URL or PAGERDUTY_ROUTING_KEY; until then alerts are lines in the log.",
        )
    told = router.test(wanted, harmless())
    click.echo("\n".join(_outcomes(told)))
    failed = any(delivery.status is not DeliveryStatus.DELIVERED for delivery in told)
    return ExitCode.OUTAGE if failed else ExitCode.OK


def harmless() -> Alert:
    """An alert that says that it is none, under a key of its own."""
    return Alert(
        gate="pipeline",
        severity="warning",
        title="A test of Sluicegate's alerts",
        summary=f"Nothing is wrong: somebody ran `{program()} alerts test`. That it is over is told at once.",
        batch_id="",
        failure=f"test {uuid.uuid4().hex[:8]}",
        next_step=f"{program()} alerts list",
    )


def _open(found: Sequence[OpenAlert]) -> Iterator[str]:
    if not found:
        yield "No alert is open."
        return
    header = ("gate", "severity", "channel", "batch", "since", "last told", "told", "not repeated", "what")
    rows = [
        (
            printable(one.gate),
            one.severity or "-",
            one.channel,
            short(one.batch_id) or "-",
            moment(one.opened_at),
            moment(one.told_at),
            f"{one.told:,}",
            f"{one.repeats:,}",
            printable(one.title),
        )
        for one in found
    ]
    yield from table(header, rows, right=("told", "not repeated"))
    steps = dict.fromkeys(printable(one.next_step) for one in found if one.next_step)
    if steps:
        yield ""
        yield from (f"Next: {step}" for step in steps)


def _outcomes(told: Sequence[Delivery]) -> Iterator[str]:
    rows = [(one.channel, coloured(str(one.status)), printable(one.detail)) for one in told]
    yield from table(("channel", "outcome", "detail"), rows)
