"""Notifying one channel of one incident: claim it in the store, send, write down what became of it."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from expectations_plugins.core.errors import SluicegateError, TransientError
from pipeline.alerts import transitions
from pipeline.alerts.channels import Channel
from pipeline.alerts.messages import end_message, message
from pipeline.alerts.redaction import Secrecy
from pipeline.alerts.transitions import Kind, Owed, Timing
from pipeline.core.alert import Alert, Delivery, DeliveryStatus
from pipeline.core.incident import ChannelState, Incident
from pipeline.ports.incidents import IncidentStore

TRIES = 20
"""How often an incident is read again because another run wrote it meanwhile; with the waits some 2 s."""

Wanted = Callable[[Incident, str], bool]


def update(store: IncidentStore, key: str, change: Callable[[Incident | None], Incident | None]) -> Incident | None:
    """Change an incident as it is at the moment of writing; the incident after it, None when there is none.

    Args:
        store: Where it is.
        key: Its key.
        change: Makes the next of what was read; may be called several times.

    Raises:
        SluicegateError: The store cannot be used.
    """
    for attempt in range(TRIES):
        found = store.read(key)
        changed = change(found)
        if changed is None or changed == found:
            return found
        if store.write(changed):
            return changed
        time.sleep(random.uniform(0, 0.01 * (attempt + 1)))  # noqa: S311 - a wait, no secret
    raise TransientError(f"The incident {key} could not be written: other runs write it all the time.")


@dataclass(frozen=True, slots=True)
class Sending:
    """A message that is on its way."""

    key: str
    token: str


@dataclass(frozen=True, slots=True)
class Rules:
    """When a channel is sent what.

    Args:
        timing: What is bundled, and when a reminder is due.
        wanted: Whether the routes send an incident to a channel.
        secrecy: Keeps secrets out of what is written down.
    """

    timing: Timing
    wanted: Wanted
    secrecy: Secrecy

    def owed(self, incident: Incident, channel: str) -> Owed | None:
        """What a channel has to be sent of an incident; None when nothing."""
        return transitions.owed(incident, channel, self.timing, wanted=self.wanted(incident, channel))


class Courier:
    """Sends one channel what it is owed. One at a time: what hangs is found in `sending`.

    Args:
        name: The channel's name.
        channel: The channel; None when it is not configured.
        store: The incidents.
        rules: When it is sent what.
    """

    def __init__(self, name: str, channel: Channel | None, store: IncidentStore, rules: Rules) -> None:
        self._name = name
        self._channel = channel
        self._store = store
        self._rules = rules
        self.sending: Sending | None = None

    def deliver(self, incidents: Sequence[Incident], *, patient: bool, verbose: bool) -> Sequence[Delivery]:
        """Send what is owed and due; a message that is refused keeps none of the others.

        Args:
            incidents: Of which something may be owed.
            patient: Whether a channel that failed is left alone for a while.
            verbose: Whether to say why nothing is sent.
        """
        done: list[Delivery] = []
        for incident in incidents:
            delivery = self._deliver(incident, patient=patient)
            if delivery is not None and delivery.status is not DeliveryStatus.SUPPRESSED:
                done.append(delivery)
            elif verbose and not done and incident is incidents[0]:
                done.append(delivery or Delivery(self._name, DeliveryStatus.SUPPRESSED, "it knows"))
        return done

    def give_up(self, why: str) -> Delivery:
        """What is on its way takes too long: it stays owed."""
        sending = self.sending
        if sending is not None:
            self._settle(sending, lambda found, now: transitions.failed(found, self._name, sending.token, why, now))
        return Delivery(self._name, DeliveryStatus.FAILED, why)

    def _deliver(self, incident: Incident, *, patient: bool) -> Delivery | None:
        owed = self._owed(incident)
        if owed is None:
            return None
        if self._channel is None and owed.kind is not Kind.END:
            return Delivery(self._name, DeliveryStatus.NOT_CONFIGURED, "a route names it, but its settings are not set")
        try:
            now = self._store.now()
            if (why := _not_now(owed, incident.channel(self._name), now, patient=patient)) is not None:
                return Delivery(self._name, DeliveryStatus.SUPPRESSED, why)
            claimed, token = self._claimed(incident, now)
        except SluicegateError:  # what matters is the alert: better twice than never
            claimed, token = incident, ""
        if claimed is None:
            return Delivery(self._name, DeliveryStatus.SUPPRESSED, "another run is sending it")
        return self._send(claimed, owed, Sending(incident.key, token))

    def _owed(self, incident: Incident) -> Owed | None:
        return self._rules.owed(incident, self._name)

    def _claimed(self, incident: Incident, now: datetime) -> tuple[Incident | None, str]:
        token, name = uuid.uuid4().hex, self._name

        def claim(found: Incident | None) -> Incident | None:
            if found is None or found.occurrence != incident.occurrence:
                return None
            owed = self._owed(found)
            if owed is None or owed.due > now or transitions.is_claimed(found.channel(name), now):
                return None
            return transitions.claimed(found, name, token, now)

        found = update(self._store, incident.key, claim)
        is_ours = found is not None and found.channel(name).claim == token
        return (found if is_ours else None), token

    def _send(self, incident: Incident, owed: Owed, sending: Sending) -> Delivery:
        self.sending = sending
        state, is_end = incident.channel(self._name), owed.kind is Kind.END
        problem = self._end(incident, state) if is_end else self._trigger(message(incident, owed.kind, state))
        self.sending = None
        if problem:
            text = self._rules.secrecy.without(problem)
            self._settle(sending, lambda found, now: transitions.failed(found, self._name, sending.token, text, now))
            return Delivery(self._name, DeliveryStatus.FAILED, f"{incident.key} is still owed: {problem}")
        if is_end:
            self._settle(sending, lambda found, _: transitions.ended(found, self._name, sending.token))
            return self._end_delivery(incident)
        self._settle(sending, lambda found, now: transitions.notified(found, self._name, sending.token, incident, now))
        return Delivery(self._name, DeliveryStatus.DELIVERED, "" if owed.kind is Kind.NEWS else "reminder")

    def _trigger(self, alert: Alert) -> str:
        assert self._channel is not None
        channel = self._channel
        return problem_of(lambda: channel.trigger(alert))

    def _end(self, incident: Incident, state: ChannelState) -> str:
        channel, is_first = self._channel, state.notified_at is None
        if channel is None or (is_first and channel.keeps_incidents):
            return ""
        return problem_of(lambda: channel.resolve(end_message(incident, is_first=is_first)))

    def _end_delivery(self, incident: Incident) -> Delivery:
        if self._channel is None:
            return Delivery(self._name, DeliveryStatus.NOT_CONFIGURED, f"resolve {incident.key} there by hand")
        return Delivery(self._name, DeliveryStatus.DELIVERED, f"resolved {incident.key}")

    def _settle(self, sending: Sending, change: Callable[[Incident, datetime], Incident]) -> None:
        """Write down what became of it; when the store is down the claim expires, and a later run sends it again."""
        if not sending.token:
            return
        try:
            now = self._store.now()
            update(self._store, sending.key, lambda found: change(found, now) if found else None)
        except SluicegateError:
            return


def problem_of(send: Callable[[], None]) -> str:
    """Call a channel; what went wrong as a sentence, "" when nothing did."""
    try:
        send()
    except SluicegateError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a channel's bug stays the channel's; its text may hold anything
        return f"This is a bug in the channel: {type(error).__name__}."
    return ""


def _not_now(owed: Owed, state: ChannelState, now: datetime, *, patient: bool) -> str | None:
    """Why something is not sent now; None when it is."""
    if owed.due > now:
        minutes = max(0, int((now - state.notified_at).total_seconds() // 60)) if state.notified_at else 0
        return f"notified {minutes} min ago" if minutes else "notified just now"
    if patient and state.next_try is not None and state.next_try > now:
        return f"it is tried again later: {state.error}"
    return None
