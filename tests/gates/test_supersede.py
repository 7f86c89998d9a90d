"""A corrected resend takes over the records of the batch it corrects: nothing lost, nothing twice, after a kill too."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.batches import BatchStatus, short
from pipeline.core.outcome import BatchOutcome
from pipeline.core.records import DeadReason
from tests.fakes.effects import Killed
from tests.gates.conftest import Site
from tests.gates.test_changed_batches import dies
from tests.gates.test_decisions import command, everywhere

MakeSite = Callable[..., Site]


def written(folder: Path, name: str, rows: Sequence[dict[str, Any]]) -> Path:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows(folder: Path, size: int, **first: Any) -> list[dict[str, Any]]:
    """Records; the first one with other values."""
    found = [
        {
            "interaction_id": f"{folder.name}-{number:03d}",
            "user_id": f"u_{number:03d}",
            "campaign_id": "c_1",
            "timestamp": "2026-11-20T09:00:00Z",
            "type": "click",
            "value": 1,
            "message": f"message {number}",
        }
        for number in range(size)
    ]
    found[0] |= first
    return found


@dataclass
class Resend:
    """A batch of ten that the raw gate halted for one null user_id, and the corrected file of twenty after it."""

    site: Site
    folder: Path
    halted: BatchOutcome
    resent: BatchOutcome
    file: Path

    def finished(self) -> None:
        """Check that all is where it belongs."""
        ledger, raw = self.site.app.ledger, self.site.app.raw_store
        older, newer = ledger.find(self.halted.batch_id), ledger.find(self.resent.batch_id)
        assert (older.status, newer.status) == (BatchStatus.CLOSED, BatchStatus.CLOSED)
        assert (newer.counts.read, newer.counts.accepted, newer.counts.duplicate, newer.counts.dead) == (20, 20, 0, 0)
        assert (older.counts.read, older.counts.duplicate, older.counts.dead) == (10, 9, 1)
        assert older.counts.adds_up
        assert everywhere(self.site, self.resent) == [20] * 3
        assert everywhere(self.site, self.halted) == [0] * 3
        assert raw.stored([f"{self.folder.name}-000"])[f"{self.folder.name}-000"]["user_id"] == "u_000"
        (letter,) = ledger.dead_letters(self.halted.batch_id)
        assert (letter.reason, json.loads(letter.raw)["user_id"]) == (DeadReason.SUPERSEDED, None)
        assert list(ledger.dead_letters(self.resent.batch_id)) == []


@pytest.fixture
def resend(make_site: MakeSite, tmp_path: Path) -> Resend:
    site = make_site()
    halted = site.process(written(tmp_path, "first", rows(tmp_path, 10, user_id=None)))
    file = written(tmp_path, "corrected", rows(tmp_path, 20))
    return Resend(site, tmp_path, halted, site.process(file), file)


def test_the_gate_names_the_batch_that_waits_and_the_command(resend: Resend) -> None:
    assert (resend.halted.status, resend.resent.status) == (BatchStatus.HALTED, BatchStatus.HALTED)
    name, older = short(resend.resent.batch_id), short(resend.halted.batch_id)
    assert f"10 of 20 (50.00%) records had arrived with a batch that did not go through: {older} (10)" in (
        resend.resent.message
    )
    assert f"run.py supersede {name}" in resend.resent.next_step
    assert f"run.py supersede {name}" in command(resend.site, "status", name).output


def test_the_corrected_file_takes_the_records_over(resend: Resend) -> None:
    told = command(resend.site, "supersede", short(resend.resent.batch_id))
    assert told.exit_code == 0, told.output
    resend.finished()


@pytest.mark.parametrize("first", ["rejected", "dropped"])
def test_what_a_person_gave_up_can_be_taken_over_too(resend: Resend, first: str) -> None:
    older, newer = resend.halted.batch_id, resend.resent.batch_id
    command(resend.site, "reject", older, "--yes")
    if first == "dropped":
        command(resend.site, "dlq", "drop", older, "--yes")
    told = command(resend.site, "supersede", short(newer))
    assert told.exit_code == 0, told.output
    found = resend.site.app.ledger.find(newer)
    assert (found.status, found.counts.accepted) == (BatchStatus.CLOSED, 20)
    assert everywhere(resend.site, resend.resent) == [20] * 3
    left = resend.site.app.ledger.find(older)
    assert (left.status, left.counts.duplicate, left.counts.dead) == (BatchStatus.DEAD, 9, 1)


def test_what_the_corrected_file_does_not_bring_stays_with_the_older_batch(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site()
    halted = site.process(written(tmp_path, "first", rows(tmp_path, 10, user_id=None)))
    resent = site.process(written(tmp_path, "corrected", rows(tmp_path, 10)[:4]))
    told = command(site, "supersede", short(resent.batch_id))
    assert told.exit_code == 0, told.output
    older = site.app.ledger.find(halted.batch_id)
    assert (older.status, older.counts.accepted, older.counts.duplicate) == (BatchStatus.CLOSED, 6, 3)
    assert everywhere(site, halted) == [6] * 3
    assert everywhere(site, resent) == [4] * 3


def test_a_closed_batch_keeps_its_records(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site()
    site.process(written(tmp_path, "first", rows(tmp_path, 10)))
    resent = site.process(written(tmp_path, "corrected", rows(tmp_path, 20, value=2)))
    assert (resent.status, resent.counts.duplicate, resent.counts.dead) == (BatchStatus.CLOSED, 9, 1)
    told = command(site, "supersede", short(resent.batch_id))
    assert "there is nothing to take over" in str(told.exception)


def test_what_is_decided_about_the_older_batch_lets_the_newer_one_pass(resend: Resend) -> None:
    with pytest.raises(ConfigurationError, match="what it says of them would be lost"):
        resend.site.app.runner().resume(resend.resent.batch_id)
    resend.site.app.runner().resume(resend.halted.batch_id)
    again = resend.site.app.runner().recheck(resend.resent.batch_id)
    assert (again.status, again.verdicts["raw"]) == (BatchStatus.CLOSED, "WARN")


KILLED_AT = [
    ("ledger", "decide"),
    ("ledger", "bury"),
    ("raw_store", "take_over"),
    ("ledger", "exhume"),
    ("ledger", "end_step"),
    ("metrics", "publish"),
    ("graph_store", "write"),
    ("vectors", "upsert"),
    ("ledger", "finish_decision"),
]


@pytest.mark.parametrize(("port", "at"), KILLED_AT)
@pytest.mark.parametrize("then", ["run", "supersede"])
def test_a_killed_one_is_finished_by_the_next_command(
    resend: Resend, make_site: MakeSite, port: str, at: str, then: str
) -> None:
    name = short(resend.resent.batch_id)
    with pytest.raises(Killed):
        command(make_site(dies(port, at)), "supersede", name)
    resend.site.process(resend.file)
    if then == "supersede" or resend.site.app.ledger.find(name).status is not BatchStatus.CLOSED:
        command(resend.site, "supersede", name)
    resend.finished()
