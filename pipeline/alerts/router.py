"""`AlertRouter`: incidents, and who is notified of them; whatever a channel or the store does, the caller goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from pipeline.alerts.changes import Changes
from pipeline.alerts.channels import Channel
from pipeline.alerts.channels.log import LogChannel
from pipeline.alerts.delivery import Courier, Rules, problem_of
from pipeline.alerts.redaction import Secrecy
from pipeline.alerts.transitions import Owed, Timing
from pipeline.config import Settings
from pipeline.config.alert_routes import parse_routes, routed
from pipeline.core.alert import Alert, Delivery, DeliveryStatus, rank_of
from pipeline.core.concurrency import side_by_side
from pipeline.core.incident import Incident
from pipeline.ports.incidents import IncidentStore
from pipeline.ports.steps import Progress

T = TypeVar("T")

DEADLINE = 45.0
"""Seconds one call may take, all channels together; less than a claim lasts."""

HUNG = 300.0
"""Seconds for which this process leaves a channel alone that gave no answer within the deadline."""

STORE = "incidents"
"""Stands for the channel's name where the incidents could not be read or written."""

NO_CHANNEL = "no channel is configured"


class AlertRouter:
    """Notifies people of incidents. Nothing here raises but `incidents`, and every call is over after `deadline`.

    Args:
        channels: The configured channels.
        store: The incidents.
        settings: Routes and intervals; its secrets are kept out of outcomes.
        progress: Where failed deliveries are reported, and alerts for which no channel is configured.
        changes: What happens to incidents.
        deadline: Seconds one call may take, all channels together.
    """

    def __init__(
        self,
        channels: Iterable[Channel],
        store: IncidentStore,
        settings: Settings,
        progress: Progress,
        changes: Changes,
        *,
        deadline: float = DEADLINE,
    ) -> None:
        self._channels: dict[str, Channel] = {channel.name: channel for channel in channels}
        self.configured = tuple(self._channels)
        """Names of the configured channels."""
        self._log = LogChannel(progress)
        self._channels.setdefault(self._log.name, self._log)
        self._store = store
        self._changes = changes
        self._routes = parse_routes(settings.alert_routes)
        self._secrecy = Secrecy(settings)
        timing = Timing(timedelta(seconds=settings.alert_interval), timedelta(seconds=settings.alert_reminder))
        self._rules = Rules(timing, self._wants, self._secrecy)
        self._progress = progress
        self._rests_until: dict[str, float] = {}
        self.deadline = deadline
        """Seconds one call may take, all channels together."""

    def raise_(self, alert: Alert) -> Sequence[Delivery]:
        """Note that a batch shows a failure, and notify those the alert is routed to; never raises.

        Args:
            alert: What the batch shows.
        """
        until, wanted = self._until(), self._wanted_for(alert.gate, alert.severity)
        changed = self._stored(lambda: self._changes.raised(alert, wanted), until)
        if changed is None:
            return self._reported_all(self._sent_unclaimed(alert, wanted, until))
        return self._deliver(changed, until, verbose=wanted)

    def passed(self, gate: str, batch_id: str, keep: Sequence[str] = ()) -> Sequence[Delivery]:
        """A batch with checked records passed a gate, or fails it in another way; never raises.

        It waits there no longer, and a failure that nobody has to decide about is over, for it does not show it.

        Args:
            gate: The gate.
            batch_id: The batch.
            keep: Dedup keys of what it does show.
        """
        return self._after(lambda: self._changes.passed(gate, batch_id, keep))

    def decided(self, batch_id: str, gates: Sequence[str] | None = None) -> Sequence[Delivery]:
        """A batch does not wait any more; never raises.

        Args:
            batch_id: A batch a person has decided about.
            gates: What the decision is about; None when nothing is left to do for the batch.
        """
        return self._after(lambda: self._changes.decided(batch_id, gates))

    def recovered(self, key: str, why: str) -> Sequence[Delivery]:
        """A condition is over that no batch waits for; never raises.

        Args:
            key: The incident's dedup key.
            why: What is well again, a sentence.
        """
        return self._after(lambda: self._changes.recovered(key, why))

    def batch_ended(self, batch_id: str, *, closed: bool) -> Sequence[Delivery]:
        """A run has ended the work on a batch, so the ledger answers; what is owed is sent. Never raises.

        Args:
            batch_id: The batch.
            closed: Whether it went through all gates.
        """
        return self._after(lambda: self._changes.batch_ended(batch_id, closed=closed))

    def deliver(self) -> Sequence[Delivery]:
        """Compare the incidents with the ledger, and send all that is owed and due; never raises."""
        until = self._until()
        found = self._stored(self._changes.settled, until)
        if found is None:
            return [self._reported(Delivery(STORE, DeliveryStatus.FAILED, "the incidents could not be read"))]
        worst_first = sorted(found, key=lambda one: (-rank_of(one.severity), one.opened_at))
        return self._deliver(worst_first, until, patient=False)

    def incidents(self) -> Sequence[Incident]:
        """What is open, or over without a channel knowing it.

        Raises:
            SluicegateError: The incidents cannot be read.
        """
        return self._store.unsettled()

    @property
    def problem(self) -> str:
        """Why `incidents` could not give all, when it was last called; "" when it could."""
        return self._store.problem

    def owed(self, incident: Incident) -> Mapping[str, Owed]:
        """What each channel has to be sent of an incident now; by channel.

        Raises:
            SluicegateError: The store's clock cannot be read.
        """
        now = self._store.now()
        found = {name: self._rules.owed(incident, name) for name in self._concerned(incident)}
        return {name: owed for name, owed in found.items() if owed is not None and owed.due <= now}

    def test(self, names: Sequence[str], alert: Alert) -> Sequence[Delivery]:
        """Send channels an alert and that it is over, past routes and incidents; never raises.

        Args:
            names: Which channels.
            alert: What to send.
        """
        calls = {name: self._trying(self._channels[name], alert) for name in names}
        done = side_by_side(calls, self._until())
        return self._reported_all(done.get(name, Delivery(name, DeliveryStatus.FAILED, self._late)) for name in names)

    def _after(self, change: Callable[[], Sequence[Incident]]) -> Sequence[Delivery]:
        """Change incidents, and send what is owed of those."""
        until = self._until()
        changed = self._stored(change, until)
        if changed is None:
            return [self._reported(Delivery(STORE, DeliveryStatus.FAILED, "the incidents could not be read"))]
        return self._deliver(changed, until)

    def _deliver(
        self, incidents: Sequence[Incident], until: float, *, patient: bool = True, verbose: Sequence[str] = ()
    ) -> list[Delivery]:
        """Send what is owed of these incidents, all channels side by side; for those in `verbose` say why not."""
        names = dict.fromkeys((*verbose, *(name for one in incidents for name in self._concerned(one))))
        couriers = {name: self._courier(name) for name in names if not self._rests(name)}

        def work(name: str, courier: Courier) -> Callable[[], Sequence[Delivery]]:
            return lambda: courier.deliver(incidents, patient=patient, verbose=name in verbose)

        done = side_by_side({name: work(name, courier) for name, courier in couriers.items()}, until)
        hung = [name for name in couriers if name not in done]
        self._rests_until |= dict.fromkeys(hung, time.monotonic() + HUNG)
        late = [couriers[name].give_up(self._late) for name in hung]
        resting = [
            Delivery(name, DeliveryStatus.FAILED, "it gave no answer before") for name in verbose if self._rests(name)
        ]
        resting = [one for one in resting if one.channel not in hung]
        return self._reported_all([*(one for name in done for one in done[name]), *late, *resting])

    def _courier(self, name: str) -> Courier:
        return Courier(name, self._channels.get(name), self._store, self._rules)

    def _sent_unclaimed(self, alert: Alert, wanted: Sequence[str], until: float) -> Sequence[Delivery]:
        """Neither the store nor the spool can be used: better sent twice than never."""

        def send(name: str) -> Callable[[], Delivery]:
            channel = self._channels.get(name)
            return lambda: _sent(
                name, problem_of(lambda: channel.trigger(alert)) if channel else "it is not configured"
            )

        done = side_by_side({name: send(name) for name in wanted}, until)
        return [done.get(name, Delivery(name, DeliveryStatus.FAILED, self._late)) for name in wanted]

    def _trying(self, channel: Channel, alert: Alert) -> Callable[[], Delivery]:
        over = replace(alert, title=f"Over: {alert.title}", summary="It was only a test.", next_step="")

        def both() -> Delivery:
            problem = problem_of(lambda: channel.trigger(alert)) or problem_of(lambda: channel.resolve(over))
            return _sent(channel.name, problem, "triggered and resolved")

        return both

    def _concerned(self, incident: Incident) -> Iterable[str]:
        return (*incident.channels, *self._wanted_for(incident.gate, incident.severity))

    def _wants(self, incident: Incident, name: str) -> bool:
        return name in self._wanted_for(incident.gate, incident.severity)

    def _wanted_for(self, gate: str, severity: str) -> Sequence[str]:
        named = routed(self._routes, gate, severity, self.configured)
        by_route = any(route.fits(gate, severity) for route in self._routes)
        return named if named or by_route else (self._log.name,)

    def _stored(self, change: Callable[[], T], until: float) -> T | None:
        """What a change of incidents gives; None when they cannot be read or written in time."""
        return side_by_side({STORE: change}, until).get(STORE)

    def _rests(self, name: str) -> bool:
        return time.monotonic() < self._rests_until.get(name, float("-inf"))

    def _until(self) -> float:
        return time.monotonic() + self.deadline

    @property
    def _late(self) -> str:
        return f"no answer within {self.deadline:.0f} s"

    def _reported_all(self, deliveries: Iterable[Delivery]) -> list[Delivery]:
        return [self._reported(delivery) for delivery in deliveries]

    def _reported(self, delivery: Delivery) -> Delivery:
        clean = replace(delivery, detail=self._secrecy.without(delivery.detail))
        bad = clean.status in (DeliveryStatus.FAILED, DeliveryStatus.NOT_CONFIGURED)
        name = "alert_failed" if bad else "alert_delivery"
        self._progress.event(name, channel=clean.channel, status=str(clean.status), detail=clean.detail)
        if clean.channel == self._log.name and clean.status is DeliveryStatus.DELIVERED and not clean.detail:
            return replace(clean, detail="" if self.configured else NO_CHANNEL)
        return clean


def _sent(name: str, problem: str, detail: str = "") -> Delivery:
    return Delivery(name, DeliveryStatus.FAILED if problem else DeliveryStatus.DELIVERED, problem or detail)
