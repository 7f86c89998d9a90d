"""MongoDB down: people are still told, once, and what was told then is resolved when it is back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.alerts.router import AlertRouter
from pipeline.core.alert import Alert
from tests.alerts.test_router import outcomes
from tests.fakes.alert_receiver import SLACK, AlertReceiver, Answer

Router = Callable[..., AlertRouter]
Failed = Callable[..., Alert]


def test_an_outage_of_the_book_is_told_once_and_over_when_it_is_back(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    outage = failed(gate="pipeline", severity="error", failure="ledger down", examples=())
    told = [router(book_down=True).raise_(outage) for _ in range(3)]
    assert [outcomes(deliveries)["slack"] for deliveries in told] == ["delivered", "suppressed", "suppressed"]
    assert outcomes(router(book_down=True).all_green("pipeline")) == {"book": "failed"}
    assert [row.told for row in router().open_alerts()] == [1, 1]
    assert outcomes(router().all_green("pipeline")) == {"pagerduty": "delivered", "slack": "delivered"}
    assert router().all_green("pipeline") == []
    assert [action for action, _ in receiver.events] == ["trigger", "resolve"]
    assert len(receiver.messages) == 2


def test_what_failed_to_be_told_during_the_outage_is_tried_again(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    receiver.script[SLACK] = [Answer(500)] * 3
    told = [outcomes(router(book_down=True).raise_(failed())) for _ in range(2)]
    assert [one["slack"] for one in told] == ["failed", "delivered"]


def test_what_was_told_in_the_outage_is_not_told_again_after_it(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    router(book_down=True).raise_(failed())
    assert outcomes(router().raise_(failed())) == {"pagerduty": "suppressed", "slack": "suppressed"}
    assert len(receiver.events) == 1


def test_neither_book_nor_spool_and_people_are_still_told(
    router: Router, receiver: AlertReceiver, failed: Failed, tmp_path: Path
) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    assert outcomes(router(book_down=True).raise_(failed())) == {"pagerduty": "delivered", "slack": "delivered"}
    assert len(receiver.events) == 1


def test_a_spool_file_that_is_not_ours_is_passed_over(router: Router, failed: Failed, tmp_path: Path) -> None:
    alarms = router(book_down=True)
    alarms.raise_(failed())
    for path in (tmp_path / "spool" / "alerts").glob("*.json"):
        path.write_text("[1]")
    assert outcomes(alarms.raise_(failed())) == {"pagerduty": "delivered", "slack": "delivered"}
