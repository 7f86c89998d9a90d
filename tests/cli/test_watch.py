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
    """Implements pipeline.ports.health.StandingReader: records came so many minutes ago, or the ledger is down."""

    def __init__(self, minutes_ago: float | None = None, *, outages: int = 0, ahead: float = 0) -> None:
        self._minutes_ago = minutes_ago
        self._outages = outages
        self._ahead = timedelta(minutes=ahead)

    def standing(self) -> Standing:
        return Standing()

    def last_finished(self) -> tuple[datetime, str] | None:
        raise AssertionError("a batch that closed may have brought nothing")

    def last_loaded(self) -> tuple[datetime, str] | None:
        if self._outages:
            self._outages -= 1
            raise TransientError("MongoDB: nobody there.", next_step="Check MONGODB_URI.")
        if self._minutes_ago is None:
            return None
        return self.now() - timedelta(minutes=self._minutes_ago), BATCH

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead


class RecordedAlarms:
    """Implements what the watchdog asks of pipeline.alerts.router.AlertRouter: keeps what it is asked."""

    def __init__(self) -> None:
        self.raised: list[Alert] = []
        self.over: list[str] = []
        self.delivered = 0

    def raise_(self, alert: Alert) -> Sequence[Delivery]:
        self.raised.append(alert)
        return [Delivery("slack", DeliveryStatus.DELIVERED)]

    def recovered(self, key: str, why: str) -> Sequence[Delivery]:
        assert why
        self.over.append(key)
        return []

    def deliver(self) -> Sequence[Delivery]:
        self.delivered += 1
        return []


STALE, CLOCKS = "sluicegate:freshness:no batch closes", "sluicegate:freshness:clocks"


@pytest.fixture
def alarms(app: CommandApp) -> RecordedAlarms:
    app.configure(SLUICEGATE_RETRY_WAIT=0)
    found: Any = RecordedAlarms()
    app.alerts = found
    return found  # type: ignore[no-any-return]


def test_records_that_came_lately_are_fresh_end_the_alert_and_are_not_worth_a_word(
    invoke: Invoke, app: CommandApp, alarms: RecordedAlarms
) -> None:
    app.standing = ScriptedStanding(29)
    result = invoke(watch)
    assert (result.return_value, result.output, alarms.raised, alarms.over) == (0, "", [], [STALE, CLOCKS])
    assert alarms.delivered == 1
    assert invoke(watch, "--verbose").output.startswith("Fresh: The newest records are of batch 3f2a91c07d11, loaded")


def test_none_for_longer_than_the_setting_says_is_stale(
    invoke: Invoke, app: CommandApp, alarms: RecordedAlarms
) -> None:
    app.standing = ScriptedStanding(31)
    result = invoke(watch)
    (alert,) = alarms.raised
    assert (result.return_value, alarms.over) == (10, [CLOCKS])
    assert (alert.dedup_key, alert.severity) == (STALE, "critical")
    assert alert.title == "No new records for 30 minutes"
    assert "3f2a91c07d11" in alert.summary
    assert result.output.startswith("Stale: ")


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
    assert (result.return_value, result.output) == (10, "Stale: No batch with new records has ever closed.\n")
    assert len(alarms.raised) == 1


def test_a_batch_from_the_future_is_not_fresh(invoke: Invoke, app: CommandApp, alarms: RecordedAlarms) -> None:
    app.standing = ScriptedStanding(-90)
    result = invoke(watch)
    assert result.return_value == 10
    assert "loaded 90.0 minutes in the future, by the ledger's clock" in result.output
    assert [alert.dedup_key for alert in alarms.raised] == [STALE, CLOCKS]


def test_ages_are_reckoned_by_the_ledgers_clock_and_another_one_is_said(
    invoke: Invoke, app: CommandApp, alarms: RecordedAlarms
) -> None:
    app.standing = ScriptedStanding(10, ahead=120)
    result = invoke(watch)
    assert (result.return_value, [alert.dedup_key for alert in alarms.raised]) == (0, [CLOCKS])
    assert "This machine's clock and the ledger's are 120.0 minutes apart." in result.output


def test_a_clock_that_jumps_between_two_watches_is_noticed(
    invoke: Invoke, app: CommandApp, alarms: RecordedAlarms
) -> None:
    app.standing = ScriptedStanding(1)
    invoke(watch)
    assert alarms.raised == []
    kept = app.settings.spool_dir / "watch" / "clock.json"
    before = json.loads(kept.read_text("ascii"))
    kept.write_text(json.dumps({**before, "boot": "a", "wall": before["wall"] - 3600}))
    assert invoke(watch).output == ""  # another start of the machine says nothing
    kept.write_text(json.dumps({**before, "wall": before["wall"] - 3600}))
    if before["boot"]:
        assert "This machine's clock jumped by 60.0 minutes since the last watch." in invoke(watch).output


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
    assert alarms.over == []


def test_json_says_it_all(invoke: Invoke, app: CommandApp, alarms: RecordedAlarms) -> None:
    assert alarms
    app.standing = ScriptedStanding(31)
    found = json.loads(invoke(watch, "--json").output)
    assert (found["fresh"], found["minutes"], found["batch_id"], found["age_minutes"]) == (False, 30, BATCH, 31)
    assert found["alerts"] == [{"channel": "slack", "status": "delivered", "detail": ""}]
