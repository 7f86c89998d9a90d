"""What every store of incidents does: MongoDB's, the spool's files, and the one in front of both, up and down."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from expectations_plugins.core.errors import TransientError
from expectations_plugins.mongodb.connection import Database
from pipeline.alerts import transitions
from pipeline.alerts.delivery import update
from pipeline.alerts.spooled_incidents import IncidentFiles, SpooledIncidents
from pipeline.core.incident import Incident, as_document, incident_in
from pipeline.ports.incidents import IncidentStore
from pipeline.stores.mongodb.incidents import MongoIncidents
from tests.alerts.conftest import Clock, Failed

MakeStore = Callable[[], IncidentStore]


def _down() -> IncidentStore:
    raise TransientError("MongoDB: nobody there.")


@pytest.fixture(params=["mongodb", "files", "spooled, up", "spooled, down"])
def make(request: pytest.FixtureRequest, database: Database, tmp_path: Path, clock: Clock) -> MakeStore:
    """Makes the store, once for each process of a test."""
    makers: dict[str, MakeStore] = {
        "mongodb": lambda: MongoIncidents(database),
        "files": lambda: IncidentFiles(tmp_path, clock),
        "spooled, up": lambda: SpooledIncidents(lambda: MongoIncidents(database), tmp_path, clock),
        "spooled, down": lambda: SpooledIncidents(_down, tmp_path, clock),
    }
    return makers[request.param]


@pytest.fixture
def incident(failed: Failed, clock: Clock) -> Incident:
    return transitions.raised(None, failed(share=0.25), ["slack", "pagerduty"], clock())


def test_what_is_written_is_read(make: MakeStore, incident: Incident) -> None:
    assert make().read(incident.key) is None
    assert make().write(incident)
    assert make().read(incident.key) == replace(incident, version=1)
    assert list(make().unsettled()) == [replace(incident, version=1)]


def test_only_what_was_read_is_written_over(make: MakeStore, incident: Incident, clock: Clock) -> None:
    store = make()
    store.write(incident)
    assert not make().write(incident)
    found = store.read(incident.key)
    assert found is not None
    assert store.write(transitions.claimed(found, "slack", "one", clock()))
    assert not make().write(transitions.claimed(found, "slack", "other", clock()))
    again = store.read(incident.key)
    assert again is not None
    assert again.channel("slack").claim == "one"


def test_of_many_who_claim_one_gets_it(make: MakeStore, incident: Incident, clock: Clock) -> None:
    make().write(incident)
    granted: list[str] = []

    def claim(token: str) -> None:
        def change(found: Incident | None) -> Incident | None:
            if found is None or transitions.is_claimed(found.channel("slack"), clock()):
                return None
            return transitions.claimed(found, "slack", token, clock())

        after = update(make(), incident.key, change)
        assert after is not None
        granted.append(after.channel("slack").claim)

    threads = [threading.Thread(target=claim, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(granted), len(set(granted))) == (4, 1)


def test_an_incident_survives_being_written_as_plain_data(incident: Incident, clock: Clock) -> None:
    claimed = transitions.claimed(incident, "slack", "t", clock())
    sent = transitions.notified(claimed, "slack", "t", incident, clock())
    failed = transitions.failed(
        transitions.claimed(sent, "pagerduty", "u", clock()), "pagerduty", "u", "it answered 503", clock()
    )
    over = transitions.resolved(failed, "It is over.", clock(), by="ann")
    for one in (incident, claimed, sent, failed, over):
        assert incident_in(as_document(one)) == one
        assert incident_in({**as_document(one), "of a newer program": 1}) == one
