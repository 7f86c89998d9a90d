"""What a gate does about its verdict: written down first, in order, each once, whatever fails or dies in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from checkpoints.actions import ACTIONS
from checkpoints.gx_gate import GxGate, open_project
from expectations_plugins.core.errors import LeaseLostError, TransientError
from pipeline.core.batch import GateState
from pipeline.core.batches import Lease
from pipeline.core.verdicts import Verdict
from tests.fakes.effects import Hands, Killed, WatchedRawStore
from tests.gates.conftest import Site

MakeSite = Callable[..., Site]


class Scene:
    """A batch with bad user_ids, loaded, and its raw gate with hands of the test's."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.batch_id = site.process("bad_user_ids.jsonl").batch_id
        self.lease: Lease = site.app.ledger.acquire(self.batch_id, "test", 600)
        self.hands = Hands()
        site.app.ledger.clear_steps(self.lease, ["gate:raw"])
        self.site.app.stores.raw_store._interactions.update_many({}, {"$unset": {"quarantine": ""}})  # type: ignore[attr-defined]

    def gate(self, name: str = "raw", **others: Any) -> GxGate:
        app = self.site.app
        context = open_project(app.settings.gx_root, app.environment())
        return GxGate(name, context, app.settings, self.hands.over(app._effects(), **others))

    def record(self, gate: str = "raw") -> GateState:
        return self.site.app.ledger.find(self.batch_id).gates[gate]

    def statuses(self) -> dict[str, str]:
        return {intent.action: intent.status for intent in self.record().intents}


@pytest.fixture
def scene(make_site: MakeSite) -> Scene:
    return Scene(make_site())


def test_verdict_and_intents_are_in_the_ledger_before_the_first_action_acts(scene: Scene) -> None:
    seen: list[tuple[str, dict[str, str]]] = []
    store = WatchedRawStore(scene.site.app.raw_store, lambda: seen.append((scene.record().verdict, scene.statuses())))
    report = scene.gate(raw_store=store).check(scene.batch_id, scene.lease)
    assert seen == [("FAIL", {"quarantine": "pending", "alert": "pending", "docs": "pending"})]
    assert [(one.action, one.status) for one in report.actions] == [
        ("quarantine", "done"),
        ("alert", "done"),
        ("docs", "done"),
    ]
    assert set(scene.statuses().values()) == {"done"}


def test_an_alert_says_what_was_done_and_what_to_run(scene: Scene) -> None:
    report = scene.gate().check(scene.batch_id, scene.lease)
    [alert] = scene.hands.alerts
    assert (alert.severity, alert.gate, alert.failure) == ("critical", "raw", "expect_user_ids_to_be_well_formed")
    assert "records are in quarantine" in alert.summary
    assert alert.next_step == f"run.py resume {scene.batch_id[:12]}"
    assert alert.docs == report.docs != ""
    assert 1 <= len(alert.examples) <= 3
    assert {what for _, what in alert.examples} <= {"null", "aaaaa", "{'$aa': ''}"}  # the shapes of user_ids


@pytest.mark.parametrize("killed_at", ["quarantine", "alert", "docs"])
def test_a_kill_in_between_loses_and_repeats_nothing(scene: Scene, killed_at: str) -> None:
    def die() -> None:
        raise Killed

    store = WatchedRawStore(scene.site.app.raw_store, die if killed_at == "quarantine" else lambda: None)
    if killed_at == "alert":
        scene.hands.failing["alert"] = Killed()
    gate = scene.gate(raw_store=store)
    if killed_at == "docs":
        gate._context.validation_results_store.get = lambda _: die()
    with pytest.raises(Killed):
        gate.check(scene.batch_id, scene.lease)
    run_id, alerts = scene.record().run_id, len(scene.hands.alerts)
    again = WatchedRawStore(scene.site.app.raw_store, lambda: None)
    report = scene.gate(raw_store=again).check(scene.batch_id, scene.lease)
    assert (report.verdict, report.run_id) == (Verdict.FAIL, run_id)
    assert again.quarantined == (1 if killed_at == "quarantine" else 0)
    assert len(scene.hands.alerts) - alerts == (0 if killed_at == "docs" else 1)
    assert set(scene.statuses().values()) == {"done"}
    assert scene.site.app.raw_store.counts(scene.batch_id)[1] > 0


def test_an_alert_that_fails_stops_neither_the_rest_nor_the_verdict(scene: Scene) -> None:
    scene.hands.failing["alert"] = RuntimeError("no route to host")
    report = scene.gate().check(scene.batch_id, scene.lease)
    assert report.verdict is Verdict.FAIL
    assert {one.action: one.status for one in report.actions} == {
        "quarantine": "done",
        "alert": "failed",
        "docs": "done",
    }
    assert "no route to host" in next(one.detail for one in report.actions if one.action == "alert")


def test_records_that_cannot_be_marked_hold_the_batch_and_are_marked_next_time(scene: Scene) -> None:
    def outage() -> None:
        raise TransientError("MongoDB: it went away")

    store = WatchedRawStore(scene.site.app.raw_store, outage)
    held = scene.gate(raw_store=store).check(scene.batch_id, scene.lease)
    assert (held.verdict, held.transient) == (Verdict.ERROR, True)
    assert scene.hands.alerts == []
    report = scene.gate().check(scene.batch_id, scene.lease)
    assert (report.verdict, report.run_id) == (Verdict.FAIL, held.run_id)
    assert len(scene.hands.alerts) == 1


def test_a_lost_lease_stops_everything(scene: Scene) -> None:
    def lost() -> None:
        raise LeaseLostError("another run took it")

    with pytest.raises(LeaseLostError):
        scene.gate(raw_store=WatchedRawStore(scene.site.app.raw_store, lost)).check(scene.batch_id, scene.lease)
    assert scene.hands.calls == []


def test_a_run_whose_lease_was_taken_over_changes_nothing(scene: Scene) -> None:
    scene.site.app.ledger.release(scene.lease)
    scene.site.app.ledger.acquire(scene.batch_id, "another run", 600)
    with pytest.raises(LeaseLostError):
        scene.gate().check(scene.batch_id, scene.lease)
    assert scene.site.app.raw_store.counts(scene.batch_id)[1] == 0
    assert scene.hands.calls == []


def test_every_action_has_a_kind_of_its_own() -> None:
    assert list(ACTIONS) == ["quarantine", "flag", "rollback", "sweep", "alert", "docs"]


def test_a_gate_that_passes_resolves_what_was_open(make_site: MakeSite) -> None:
    site = make_site()
    batch_id = site.process("clean.jsonl").batch_id
    lease, hands = site.app.ledger.acquire(batch_id, "test", 600), Hands()
    context = open_project(site.app.settings.gx_root, site.app.environment())
    gate = GxGate("raw", context, site.app.settings, hands.over(site.app._effects()))
    assert gate.check(batch_id, lease).verdict is Verdict.PASS
    assert hands.calls == ["passed raw"]
