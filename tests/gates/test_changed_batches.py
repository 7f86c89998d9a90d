"""What is changed in a batch that a gate has judged is judged again, also when the process that changed it has died."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.batches import BatchStatus, short
from tests.fakes.effects import Killed
from tests.gates.conftest import Site
from tests.gates.test_decisions import command, everywhere
from tests.gates.test_thresholds import batch

MakeSite = Callable[..., Site]


def status_of(site: Site, batch_id: str) -> str:
    return str(site.app.ledger.find(batch_id).status)


def test_a_release_in_a_batch_halted_after_the_raw_gate_is_judged_by_the_raw_gate(
    make_site: MakeSite, tmp_path: Path
) -> None:
    site = make_site(SLUICEGATE_USER_ID_TOLERANCE=0.5)
    outcome = site.process(batch(tmp_path, "taken", 12, bad=1))
    [bad] = site.app.raw_store.quarantined(outcome.batch_id, 10)
    command(site, "rollback", short(outcome.batch_id), "--yes")
    told = command(site, "quarantine", "release", bad.interaction_id, "--set", "user_id=still bad")
    assert "Its batch is halted." in told.output, told.output
    assert site.app.runner().recheck(outcome.batch_id, redo=True).status is BatchStatus.CLOSED
    assert [one.interaction_id for one in site.app.raw_store.quarantined(outcome.batch_id, 10)] == [bad.interaction_id]
    assert everywhere(site, outcome) == [outcome.counts.accepted] * 3
    assert bad.interaction_id not in list(site.vectors.of_batch(outcome.batch_id))


def test_a_resume_after_a_release_does_not_pass_over_what_was_released(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site()
    outcome = site.process(batch(tmp_path, "guest", 12, bad=1))
    [bad] = site.app.raw_store.quarantined(outcome.batch_id, 10)
    command(site, "quarantine", "release", bad.interaction_id, "--set", "user_id=guest")
    resumed = site.app.runner().resume(outcome.batch_id)
    assert (resumed.status, resumed.verdicts["raw"]) == (BatchStatus.HALTED, "FAIL")
    assert everywhere(site, outcome) == [0, 0, 0]
    assert site.app.runner().resume(outcome.batch_id).status is BatchStatus.CLOSED
    assert everywhere(site, outcome) == [outcome.counts.accepted] * 3


def test_one_repair_in_a_resumed_batch_does_not_halt_it_for_the_others(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site()
    outcome = site.process(batch(tmp_path, "repaired", 12, bad=2))
    site.app.runner().resume(outcome.batch_id)
    bad = site.app.raw_store.quarantined(outcome.batch_id, 10)
    released = command(site, "quarantine", "release", bad[0].interaction_id, "--set", "user_id=u_777")
    assert status_of(site, outcome.batch_id) == "closed", released.output
    assert site.app.alerts.incidents() == []
    assert site.app.raw_store.counts(outcome.batch_id)[1] == len(bad) - 1
    assert everywhere(site, outcome) == [outcome.counts.accepted + 1] * 3


def test_what_the_store_has_lost_cannot_be_left_out(make_site: MakeSite) -> None:
    site = make_site()
    outcome = site.process("bad_user_ids.jsonl")
    name = short(outcome.batch_id)
    kept = {one.interaction_id for one in site.app.raw_store.quarantined(outcome.batch_id, 10)}
    records: Any = site.app.stores.raw_store._interactions  # type: ignore[attr-defined]
    lost = next(row["_id"] for row in records.find({}, {"interaction_id": 1}) if row["interaction_id"] not in kept)
    records.delete_one({"_id": lost})
    again = site.app.runner().recheck(outcome.batch_id)
    advice = f"run.py recheck {name} --redo"
    assert again.status is BatchStatus.HALTED
    assert advice in again.next_step
    assert advice in command(site, "status", name).output
    assert [one.alert.next_step for one in site.app.alerts.incidents()] == [advice]
    with pytest.raises(ConfigurationError, match=r"MongoDB holds 11 records of batch .*, 12 were loaded"):
        site.app.runner().resume(outcome.batch_id)
    site.app.runner().recheck(outcome.batch_id, redo=True)
    site.process("bad_user_ids.jsonl")
    assert site.app.runner().resume(outcome.batch_id).status is BatchStatus.CLOSED


class Dies:
    """A port whose process ends at one call."""

    def __init__(self, port: Any, at: str) -> None:
        self._port, self._at = port, at

    def __getattr__(self, name: str) -> Any:
        return self._killed if name == self._at else getattr(self._port, name)

    def _killed(self, *_: Any, **__: Any) -> Any:
        raise Killed


def dies(wanted: str, at: str) -> Callable[..., Any]:
    return lambda name, port, /: Dies(port, at) if name == wanted else port


def test_a_rollback_by_hand_that_is_killed_leaves_no_closed_batch_and_is_finished(
    make_site: MakeSite, tmp_path: Path
) -> None:
    site = make_site()
    outcome = site.process(batch(tmp_path, "halved", 12))
    name = short(outcome.batch_id)
    with pytest.raises(Killed):
        command(make_site(dies("journal", "rolled_back")), "rollback", name, "--yes")
    assert status_of(site, outcome.batch_id) == "halted"
    assert everywhere(site, outcome)[2] == 0
    assert "the next run finishes what was decided" in command(site, "status", name).output
    assert "Rolled back." in command(site, "rollback", name, "--yes").output
    assert f"run.py recheck {name} --redo" in command(site, "status", name).output
    assert site.app.runner().recheck(outcome.batch_id, redo=True).status is BatchStatus.CLOSED
    assert everywhere(site, outcome) == [12] * 3


def test_a_release_that_is_killed_is_finished_by_the_next_run(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site(SLUICEGATE_USER_ID_TOLERANCE=0.5)
    path = batch(tmp_path, "freed", 12, bad=1)
    outcome = site.process(path)
    [bad] = site.app.raw_store.quarantined(outcome.batch_id, 10)

    release = ("quarantine", "release", bad.interaction_id, "--set", "user_id=u_777")
    with pytest.raises(Killed):
        command(make_site(dies("raw_store", "release"), SLUICEGATE_USER_ID_TOLERANCE=0.5), *release)
    assert status_of(site, outcome.batch_id) == "running"
    assert site.process(path).status is BatchStatus.CLOSED
    assert everywhere(site, outcome) == [12] * 3


def test_a_re_embedding_that_is_killed_before_its_gate_is_judged_by_the_next_run(
    make_site: MakeSite, tmp_path: Path
) -> None:
    site = make_site()
    site.order("503")
    path = batch(tmp_path, "killed", 24)
    outcome = site.process(path)
    site.order(None)

    class Killing:
        """A re-embedding whose process ends when all is written."""

        def run(self, context: Any, begin: Callable[[], None]) -> Any:
            site.app.reembedder().run(context, begin)
            raise Killed

    with pytest.raises(Killed):
        site.app.runner().reembed(outcome.batch_id, Killing())
    assert status_of(site, outcome.batch_id) == "running"
    judged = site.process(path)
    assert (judged.status, judged.verdicts["vectors"]) == (BatchStatus.CLOSED, "PASS")
    found = site.app.ledger.find(outcome.batch_id)
    assert found.embedding
    assert (found.embedding.kind, found.embedding.expected, site.app.fallbacks(found)) == ("reembed", 24, 0)
