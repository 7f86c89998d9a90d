"""`AlertRouter`: who is told what, once; whatever a channel or the book does, the caller goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from pipeline.alerts.channels import Channel
from pipeline.alerts.channels.log import LogChannel
from pipeline.alerts.delivery import Teller, problem_of
from pipeline.alerts.redaction import Secrecy
from pipeline.config import Settings
from pipeline.config.alert_routes import parse_routes, routed
from pipeline.core.alert import Alert, Delivery, DeliveryStatus, OpenAlert
from pipeline.core.concurrency import side_by_side
from pipeline.ports.alert_state import AlertBook
from pipeline.ports.steps import Progress

DEADLINE = 45.0
"""Seconds one alert may take, all channels together; less than a claim in the book lasts."""

BOOK = "book"
"""Stands for the channel's name where the alert book itself failed."""

NO_CHANNEL = "no channel is configured"

Tell = Callable[[], Sequence[Delivery]]


class AlertRouter:
    """Tells people. Nothing that tells raises, and all of it is over after `deadline`.

    Args:
        channels: The configured channels.
        book: Who was told what.
        settings: Routes and interval; its secrets are kept out of outcomes.
        progress: Where failed deliveries are reported, and alerts for which no channel is configured.
        deadline: Seconds one alert may take, all channels together.
    """

    def __init__(
        self,
        channels: Iterable[Channel],
        book: AlertBook,
        settings: Settings,
        progress: Progress,
        *,
        deadline: float = DEADLINE,
    ) -> None:
        self._channels: dict[str, Channel] = {channel.name: channel for channel in channels}
        self.configured = tuple(self._channels)
        """Names of the configured channels."""
        self._log = LogChannel(progress)
        self._channels.setdefault(self._log.name, self._log)
        self._book = book
        self._routes = parse_routes(settings.alert_routes)
        self._secrecy = Secrecy(settings)
        self._teller = Teller(book, settings.alert_interval, self._secrecy)
        self._progress = progress
        self.deadline = deadline
        """Seconds one alert may take, all channels together."""

    def raise_(self, alert: Alert) -> Sequence[Delivery]:
        """Tell the channels the alert is routed to, unless they were told lately; never raises.

        Where the same failure is open on a channel that is told of graver things only, it is resolved.

        Args:
            alert: What to tell.
        """
        until, wanted = self._until(), self._wanted(alert)
        told = self._told({name: self._telling(name, alert) for name in wanted}, until)
        same = [row for row in self._open(alert.gate, until) or () if row.dedup_key == alert.dedup_key]
        return [*told, *self._ended([row for row in same if row.channel not in wanted], until)]

    def all_green(self, gate: str, keep: Sequence[str] = ()) -> Sequence[Delivery]:
        """Tell the channels that were told of a failure of the gate that it is over, once; never raises.

        Args:
            gate: The gate, or `pipeline`.
            keep: Dedup keys of what still fails.
        """
        until = self._until()
        rows = self._open(gate, until)
        if rows is None:
            return [self._reported(Delivery(BOOK, DeliveryStatus.FAILED, "what is open could not be read"))]
        return self._ended([row for row in rows if row.dedup_key not in keep], until)

    def decided(self, batch_id: str, gates: Sequence[str] | None = None) -> Sequence[Delivery]:
        """Tell the channels that were told of this batch last that it is over, once; never raises.

        Args:
            batch_id: A batch a person has decided about.
            gates: What the decision is about; None when nothing is left to do for the batch.
        """
        until = self._until()
        rows = [row for row in self._open(None, until) or () if row.batch_id == batch_id]
        return self._ended([row for row in rows if gates is None or row.gate in gates], until)

    def open_alerts(self) -> Sequence[OpenAlert]:
        """What is open.

        Raises:
            SluicegateError: The book cannot be read.
        """
        return self._book.open_alerts()

    def test(self, names: Sequence[str], alert: Alert) -> Sequence[Delivery]:
        """Tell channels an alert and that it is over, past routes and book; never raises.

        Args:
            names: Which channels.
            alert: What to tell.
        """
        return self._told({name: self._trying(name, alert) for name in names}, self._until())

    def _wanted(self, alert: Alert) -> Sequence[str]:
        named = routed(self._routes, alert.gate, alert.severity, self.configured)
        by_route = any(route.fits(alert.gate, alert.severity) for route in self._routes)
        return named if named or by_route else (self._log.name,)

    def _telling(self, name: str, alert: Alert) -> Tell:
        channel = self._channels.get(name)
        if channel is None:
            return lambda: [
                Delivery(name, DeliveryStatus.NOT_CONFIGURED, "a route names it, but its settings are not set")
            ]
        return lambda: [self._teller.tell(channel, alert)]

    def _trying(self, name: str, alert: Alert) -> Tell:
        channel = self._channels[name]

        def both() -> Sequence[Delivery]:
            problem = problem_of(lambda: channel.trigger(alert)) or problem_of(
                lambda: channel.resolve(alert.dedup_key, alert.gate)
            )
            status = DeliveryStatus.FAILED if problem else DeliveryStatus.DELIVERED
            return [Delivery(name, status, problem or "triggered and resolved")]

        return both

    def _until(self) -> float:
        return time.monotonic() + self.deadline

    def _ended(self, rows: Sequence[OpenAlert], until: float) -> Sequence[Delivery]:
        by_channel: dict[str, list[OpenAlert]] = {}
        for row in rows:
            by_channel.setdefault(row.channel, []).append(row)
        return self._told({name: self._ending(name, its) for name, its in by_channel.items()}, until)

    def _ending(self, name: str, rows: Sequence[OpenAlert]) -> Tell:
        channel = self._channels.get(name)
        return lambda: [ended for row in rows if (ended := self._teller.end(channel, row)) is not None]

    def _open(self, gate: str | None, until: float) -> Sequence[OpenAlert] | None:
        """What is open, of one gate or of all; None when that cannot be read."""
        return side_by_side({BOOK: lambda: self._book.open_alerts(gate)}, until).get(BOOK)

    def _told(self, calls: Mapping[str, Tell], until: float) -> list[Delivery]:
        done = side_by_side(calls, until)
        late = f"no answer within {self.deadline:.0f} s"
        told = [done.get(name, [Delivery(name, DeliveryStatus.FAILED, late)]) for name in calls]
        return [self._reported(delivery) for deliveries in told for delivery in deliveries]

    def _reported(self, delivery: Delivery) -> Delivery:
        clean = replace(delivery, detail=self._secrecy.without(delivery.detail))
        if clean.status in (DeliveryStatus.FAILED, DeliveryStatus.NOT_CONFIGURED):
            self._progress.event("alert_failed", channel=clean.channel, status=str(clean.status), detail=clean.detail)
        else:
            self._progress.event("alert_delivery", channel=clean.channel, status=str(clean.status), detail=clean.detail)
        if clean.channel == self._log.name and clean.status is DeliveryStatus.DELIVERED and not clean.detail:
            return replace(clean, detail="" if self.configured else NO_CHANNEL)
        return clean
