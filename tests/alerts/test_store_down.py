"""MongoDB down: people are still notified, once, and what was noted in the spool is in the store when it is back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from pipeline.core.batch import Batch
from pipeline.core.batches import BatchStatus
from tests.alerts.conftest import Failed, Router, outcomes
from tests.fakes.alert_receiver import PAGERDUTY, SLACK, AlertReceiver, Answer

DOWN = {"gate": "pipeline", "severity": "error", "failure": "ledger down", "examples": (), "waits": False}
ONE, TWO = "a" * 64, "b" * 64


def test_an_outage_of_the_ledger_is_sent_once_and_over_when_it_is_reached(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    sent = [router(store_down=True).raise_(failed(**DOWN)) for _ in range(3)]
    assert [outcomes(deliveries)["slack"] for deliveries in sent] == ["delivered", "suppressed", "suppressed"]
    assert len(router(store_down=True).incidents()) == 1
    assert outcomes(router().batch_ended(ONE, closed=False)) == {"pagerduty": "delivered", "slack": "delivered"}
    assert router().deliver() == []
    assert [action for action, _ in receiver.events] == ["trigger", "resolve"]
    assert len(receiver.messages) == 2


def test_the_batches_at_hand_are_named_not_only_the_first(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    alarms = router(store_down=True, SLUICEGATE_ALERT_INTERVAL=0)
    for batch in (ONE, TWO):
        alarms.raise_(failed(**DOWN, batch_id=batch, title=f"The ledger cannot be reached for batch {batch[:12]}"))
    assert [batch[:12] in text for batch, text in zip((ONE, TWO), receiver.messages, strict=True)] == [True, True]


def test_what_could_not_be_sent_during_the_outage_is_sent_after_it(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    receiver.script[SLACK] = [Answer(500)] * 3
    assert outcomes(router(store_down=True).raise_(failed()))["slack"] == "failed"
    assert outcomes(router().deliver()) == {"slack": "delivered"}
    assert len(receiver.events) == 1


def test_what_was_sent_in_the_outage_is_not_sent_again_after_it(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    router(store_down=True).raise_(failed())
    assert outcomes(router().raise_(failed())) == {"pagerduty": "suppressed", "slack": "suppressed"}
    assert len(receiver.events) == 1


def test_a_batch_noted_in_the_outage_joins_the_incident_that_was_open(
    router: Router, receiver: AlertReceiver, failed: Failed, ledger: dict[str, Batch]
) -> None:
    router().raise_(failed(batch_id=ONE))
    router(store_down=True).raise_(failed(batch_id=TWO))
    (incident,) = router().incidents()
    assert [one.batch_id for one in incident.waiting] == [ONE, TWO]
    ledger[ONE] = Batch(ONE, BatchStatus.CLOSED)
    router().deliver()
    assert [action for action, _ in receiver.events] == ["trigger", "trigger"]
    router().decided(TWO)
    assert receiver.events[-1][0] == "resolve"


def test_neither_store_nor_spool_and_people_are_still_notified(
    router: Router, receiver: AlertReceiver, failed: Failed, tmp_path: Path
) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    assert outcomes(router(store_down=True).raise_(failed())) == {"pagerduty": "delivered", "slack": "delivered"}
    assert len(receiver.events) == 1


def test_a_spool_file_that_is_not_ours_is_passed_over(router: Router, failed: Failed, tmp_path: Path) -> None:
    router(store_down=True).raise_(failed())
    for path in (tmp_path / "spool" / "incidents").glob("*.json"):
        path.write_text("[1]")
    assert outcomes(router(store_down=True).raise_(failed())) == {"pagerduty": "delivered", "slack": "delivered"}


def test_what_an_older_program_noted_in_the_spool_is_taken_over(
    router: Router, receiver: AlertReceiver, failed: Failed, tmp_path: Path
) -> None:
    told = datetime(2026, 11, 30, 14, 0, tzinfo=UTC).isoformat()
    row = {"dedup_key": "sluicegate:pipeline:ledger down", "gate": "pipeline", "severity": "error", "batch_id": ONE}
    folder = tmp_path / "spool" / "alerts"
    folder.mkdir(parents=True)
    for channel in (SLACK, PAGERDUTY):
        (folder / f"{channel}.json").write_text(
            json.dumps({**row, "channel": channel, "opened_at": told, "told_at": told})
        )
    assert outcomes(router().raise_(failed(**DOWN, batch_id=ONE))) == {"pagerduty": "suppressed", "slack": "suppressed"}
    assert outcomes(router().batch_ended(ONE, closed=True)) == {"pagerduty": "delivered", "slack": "delivered"}
    assert [action for action, _ in receiver.events] == ["resolve"]
    assert list(folder.iterdir()) == []
