"""`run.py alerts`: open incidents, what is owed to whom, sending it, and whether the channels work at all."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import click

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.alerts.messages import names
from pipeline.alerts.router import AlertRouter
from pipeline.alerts.transitions import Kind, Owed
from pipeline.cli.app import app_of
from pipeline.cli.summary import plain
from pipeline.cli.tables import coloured, moment, printable, table
from pipeline.config.alert_routes import channel_names
from pipeline.core.alert import Alert, Delivery, DeliveryStatus
from pipeline.core.incident import Incident
from pipeline.core.program import program

MESSAGES = {Kind.NEWS: "a message about", Kind.REMINDER: "a reminder of", Kind.END: "the end of"}
Owing = Sequence[tuple[Incident, Mapping[str, Owed]]]


@click.group()
def alerts() -> None:
    """Look at open incidents, send what is owed, and try the channels.

    \b
    Examples:
      python run.py alerts list
      python run.py alerts send
    """


@alerts.command(name="list")
@click.option("--json", "json_wanted", is_flag=True, help="The incidents as JSON, with all their batches.")
@click.pass_context
def list_(context: click.Context, json_wanted: bool) -> ExitCode:
    """List open incidents: their batches, who was notified, and what a channel is still owed.

    Exit code 3 when the ledger cannot be reached: then only what was noted since is shown.

    \b
    Example:
      python run.py alerts list
    """
    router = app_of(context).alerts
    found = [(incident, router.owed(incident)) for incident in router.incidents()]
    if json_wanted:
        click.echo(json.dumps([_as_data(incident, owed) for incident, owed in found], indent=2, default=plain))
    else:
        click.echo("\n".join(_listed(found)))
    if router.problem:
        click.echo(f"Not all incidents are shown: {router.problem}", err=True)
    return ExitCode.OUTAGE if router.problem else ExitCode.OK


@alerts.command()
@click.pass_context
def send(context: click.Context) -> ExitCode:
    """Send what channels are owed. Exit code 3 when something could not be sent and is still owed.

    New batches of an incident that was sent a short while ago wait for SLUICEGATE_ALERT_INTERVAL, and are not owed yet.

    \b
    Example:
      python run.py alerts send
    """
    router = app_of(context).alerts
    sent = router.deliver()
    left = _still_owed(router)
    click.echo("\n".join(_outcomes(sent)) if sent else "Nothing is owed." if not left else "Another run is sending it.")
    return ExitCode.OUTAGE if left else ExitCode.OK


@alerts.command()
@click.option("--channel", type=click.Choice(channel_names()), help="Only this one.")
@click.pass_context
def test(context: click.Context, channel: str | None) -> ExitCode:
    """Send every configured channel a harmless alert and that it is over. Exit code 3 when one could not be sent it.

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
    sent = router.test(wanted, harmless())
    click.echo("\n".join(_outcomes(sent)))
    failed = any(delivery.status is not DeliveryStatus.DELIVERED for delivery in sent)
    return ExitCode.OUTAGE if failed else ExitCode.OK


def harmless() -> Alert:
    """An alert that says that it is none, under a key of its own."""
    return Alert(
        gate="pipeline",
        severity="warning",
        title="A test of Sluicegate's alerts",
        summary=f"Nothing is wrong: somebody ran `{program()} alerts test`. Its end is sent at once.",
        batch_id="",
        failure=f"test {uuid.uuid4().hex[:8]}",
        next_step=f"{program()} alerts list",
    )


def _still_owed(router: AlertRouter) -> bool:
    return any(router.owed(incident) for incident in router.incidents())


def _as_data(incident: Incident, owed: Mapping[str, Owed]) -> Mapping[str, object]:
    """An incident for programs: what a person would ask for, and all batches."""
    channels = {
        name: {
            "notified_at": state.notified_at,
            "messages": state.messages,
            "owed": str(owed[name].kind) if name in owed else None,
            "owed_since": owed[name].since if name in owed else None,
            "failed_attempts": state.attempts,
            "error": state.error,
        }
        for name, state in incident.channels.items()
    }
    alert = asdict(incident.alert)
    return {
        "key": incident.key,
        "state": str(incident.state),
        "gate": incident.gate,
        "failure": incident.alert.failure,
        "severity": incident.severity,
        "share": incident.share,
        "opened_at": incident.opened_at,
        "updated_at": incident.updated_at,
        "batches": [one.batch_id for one in incident.batches],
        "waiting": [one.batch_id for one in incident.waiting],
        "batches_seen": incident.seen,
        **{name: alert[name] for name in ("title", "summary", "docs", "next_step")},
        "reason": incident.reason,
        "channels": channels,
    }


def _listed(found: Owing) -> Iterator[str]:
    if not found:
        yield "No incident is open."
        return
    header = ("gate", "severity", "state", "since", "waiting", "batches", "notified", "what")
    yield from table(header, [_row(incident) for incident, _ in found], right=("waiting",))
    owed = [line for incident, owing in found for line in _owed_lines(incident, owing)]
    steps = dict.fromkeys(step for incident, _ in found for step in _next_steps(incident))
    for title, lines in (("Owed:", owed), ("Next:", list(steps))):
        if lines:
            yield ""
            yield from (f"{title} {line}" for line in lines)


def _row(incident: Incident) -> tuple[str, ...]:
    notified = [f"{name} {moment(one.notified_at)}" for name, one in incident.channels.items() if one.notified_at]
    return (
        printable(incident.gate),
        incident.severity,
        str(incident.state),
        moment(incident.opened_at),
        f"{len(incident.waiting):,}",
        names([one.batch_id for one in incident.batches]) or "-",
        ", ".join(notified) or "nobody",
        printable(incident.alert.failure),
    )


def _owed_lines(incident: Incident, owed: Mapping[str, Owed]) -> Iterator[str]:
    for name, one in owed.items():
        state = incident.channel(name)
        tried = f". Failed attempts: {state.attempts:,}. {state.error}" if state.attempts else ""
        yield printable(f"{name}, {MESSAGES[one.kind]} {incident.key} since {moment(one.since)}{tried}")


def _next_steps(incident: Incident) -> Iterator[str]:
    steps = [one.alert.next_step for one in incident.batches[:3]] or [incident.alert.next_step]
    yield from (printable(step) for step in steps if step and not incident.is_over)


def _outcomes(sent: Sequence[Delivery]) -> Iterator[str]:
    rows = [(one.channel, coloured(str(one.status)), printable(one.detail)) for one in sent]
    yield from table(("channel", "outcome", "detail"), rows)
