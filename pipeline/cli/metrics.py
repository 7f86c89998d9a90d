"""`run.py metrics`: what Prometheus would read, printed or served."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import click

from expectations_plugins.core.errors import ConfigurationError, TransientError
from pipeline.cli.app import App, app_of
from pipeline.cli.tables import printable
from pipeline.ports.health import Standing
from pipeline.telemetry.assembly import not_installed
from pipeline.telemetry.event_dispatch import Happened
from pipeline.telemetry.measuring import measured
from pipeline.telemetry.progress import STANDING, asked

try:
    from pipeline.telemetry.metrics_file import read
    from pipeline.telemetry.prometheus import Page, Samples, count, text_of
except ImportError as error:
    raise not_installed("Metrics are asked for", error) from error

MOST_PORT = 65_535


@click.command()
@click.option("--serve", metavar="HOST:PORT", help="Serve it until interrupted; without HOST on this machine only.")
@click.pass_context
def metrics(context: click.Context, serve: str | None) -> None:
    """Print the metrics in Prometheus's text format, or serve them.

    Counters are those of SLUICEGATE_METRICS_FILE; what waits, and when a batch last closed, comes from the ledger.

    \b
    Examples:
      python run.py metrics
      python run.py metrics --serve 127.0.0.1:9464
    """
    wanted = None if serve is None else address(serve)
    current = Current(app_of(context))
    if wanted is None:
        click.echo(text_of(current.samples()), nl=False)
        return
    host, port = wanted
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"http://{shown}:{Page(current.samples).serve(host, port)}/metrics")
    threading.Event().wait()


def address(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, `:PORT` or `PORT`.

    Raises:
        ConfigurationError: It is none of them.
    """
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > MOST_PORT:
        raise ConfigurationError(f"{text!r} is not HOST:PORT.", next_step="For example: --serve 127.0.0.1:9464")
    return host.strip("[]") or "127.0.0.1", int(port)


class Current:
    """The metrics as they are now.

    Args:
        app: Where the settings and the ledger come from.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._path: Path | None = app.settings.metrics_file
        self._seconds = app.settings.telemetry_timeout
        self._said = ""
        if self._path is None:
            click.echo("SLUICEGATE_METRICS_FILE is not set: no counters are kept.", err=True)
        with contextlib.suppress(TransientError):  # the metrics say so themselves
            _ = app.standing  # here, for it may start a local server, which takes longer than an answer may

    def samples(self) -> Samples:
        """The file's samples, and how the pipeline stands now instead of at the end of the last run."""
        found, damage = read(self._path) if self._path is not None else ({}, "")
        if damage != self._said:
            self._said = damage
            click.echo(printable(f"{self._path} cannot be used: {damage}."), err=True)
        standing = Happened(STANDING, asked(self._standing, self._seconds))
        for measurement in measured(standing):
            count(found, measurement)
        return found

    def _standing(self) -> Standing:
        return self._app.standing.standing()
