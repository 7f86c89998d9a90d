"""`watch`: stale or fresh, who is told, under which key, and what the exit code says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from expectations_plugins.core.errors import TransientError
from pipeline.cli.watch import watch
from pipeline.core.alert import Alert, Delivery, DeliveryStatus
from pipeline.ports.health import Standing
from tests.cli.conftest import Invoke
from tests.fakes.command_app import CommandApp

BATCH = "3f2a91c07d11" + "0" * 52


class ScriptedStanding:
    """Implements pipeline.ports.health.StandingReader: a batch closed so many minutes ago, or the ledger is down."""

    def __init__(self, minutes_ago: float | None = None, *, outages: int = 0) -> None:
        self._minutes_ago = minutes_ago
        self._outages = outages

    def standing(self) -> Standing:
        return Standing()

    def last_finished(self) -> tuple[datetime, str] | None:
        if self._outages:
            self._outages -= 1
            raise TransientError("MongoDB: nobody there.", next_step="Check MONGODB_URI.")
        if self._minutes_ago is None:
            return None
        return datetime.now(UTC) - timedelta(minutes=self._minutes_ago), BATCH


class RecordedAlarms:
    """Implements pipeline.ports.Alarms: keeps what it was told."""

    def __init__(self) -> None:
        self.raised: list[Alert] = []
        self.green: list[str] = []

    def raise_(self, alert: Alert) -> Sequence[Delivery]:
        self.raised.append(alert)
        return [Delivery("slack", DeliveryStatus.DELIVERED)]

    def all_green(self, gate: str, keep: Sequence[str] = ()) -> Sequence[Delivery]:
        assert not keep
        self.green.append(gate)
        return []

    def decided(self, batch_id: str, gates: Sequence[str] | None = None) -> Sequence[Delivery]:
        raise AssertionError((batch_id, gates))


@pytest.fixture
def alarms(app: CommandApp) -> RecordedAlarms:
    app.configure(SLUICEGATE_RETRY_WAIT=0)
    found: Any = RecordedAlarms()
    app.alerts = found
    return found  # type: ignore[no-any-return]


def test_a_batch_that_closed_lately_is_fresh_and_ends_the_alert(
    invoke: Invoke, app: CommandApp, alarms: RecordedAlarms
) -> None:
    app.standing = ScriptedStanding(29)
    result = invoke(watch)
    assert (result.return_value, alarms.raised, alarms.green) == (0, [], ["freshness"])
    assert result.output.startswith("Fresh: Batch 3f2a91c07d11 closed at ")


def test_none_for_longer_than_the_setting_says_is_stale(
    invoke: Invoke, app: CommandApp, alarms: RecordedAlarms
) -> None:
    app.standing = ScriptedStanding(31)
    result = invoke(watch)
    (alert,) = alarms.raised
    assert (result.return_value, alarms.green) == (10, [])
    assert (alert.dedup_key, alert.severity) == ("sluicegate:freshness:no batch closes", "critical")
    assert alert.title == "No batch has closed for 30 minutes"
    assert "3f2a91c07d11" in alert.summary


@pytest.mark.parametrize(("minutes", "code"), [("32", 0), ("30", 10)])
def test_an_option_wins_over_the_setting(
    invoke: Invoke, app: CommandApp, alarms: RecordedAlarms, minutes: str, code: int
) -> None:
    assert alarms
    app.configure(SLUICEGATE_FRESHNESS_MINUTES=5)
    app.standing = ScriptedStanding(31)
    assert invoke(watch, "--minutes", minutes).return_value == code


def test_a_ledger_in_which_no_batch_ever_closed_is_stale(
    invoke: Invoke, app: CommandApp, alarms: RecordedAlarms
) -> None:
    app.standing = ScriptedStanding()
    result = invoke(watch)
    assert (result.return_value, result.output) == (10, "Stale: No batch has ever closed.\n")
    assert len(alarms.raised) == 1


def test_a_short_outage_is_waited_for(invoke: Invoke, app: CommandApp, alarms: RecordedAlarms) -> None:
    app.standing = ScriptedStanding(1, outages=3)
    assert invoke(watch).return_value == 0
    assert alarms.raised == []


def test_a_ledger_that_is_down_is_alerted_under_the_key_of_runs(
    invoke: Invoke, app: CommandApp, alarms: RecordedAlarms
) -> None:
    app.standing = ScriptedStanding(1, outages=4)
    with pytest.raises(TransientError) as caught:
        invoke(watch)
    (alert,) = alarms.raised
    assert (alert.dedup_key, caught.value.exit_code) == ("sluicegate:pipeline:ledger down", 3)
    assert alarms.green == []


def test_json_says_it_all(invoke: Invoke, app: CommandApp, alarms: RecordedAlarms) -> None:
    assert alarms
    app.standing = ScriptedStanding(31)
    found = json.loads(invoke(watch, "--json").output)
    assert (found["fresh"], found["minutes"], found["batch_id"], found["age_minutes"]) == (False, 30, BATCH, 31)
    assert found["alerts"] == [{"channel": "slack", "status": "delivered", "detail": ""}]
