"""Hostile records, generated: none crashes a run, none is lost, none is interpreted.

Ten thousand are a command, `python -m tests.faults.hostile`, and part of the long profile, `SLUICEGATE_FAULTS=long`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from pipeline.local import Endpoints
from tests.faults.hostile import Trial, not_so, tried
from tests.faults.hostile_records import CHANGES, Fate, records
from tests.faults.readback import Stores

COUNT = 10_000 if os.environ.get("SLUICEGATE_FAULTS") == "long" else 300
SEED = 5


@pytest.fixture(scope="module")
def trial(endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    stores = Stores(endpoints, "hostile")
    yield tried(endpoints, stores, tmp_path_factory.mktemp("hostile"), COUNT, SEED)
    stores.close()


def test_every_record_comes_to_its_end_as_it_was_sent_and_nothing_else_changes(trial: Trial) -> None:
    assert list(not_so(trial)) == []


def test_the_run_ends_well(trial: Trial) -> None:
    assert trial.ended.code == 0, str(trial.ended)
    assert {batch["status"] for batch in trial.ended.batches.values()} == {"closed"}
    assert "Traceback" not in trial.ended.stderr


def test_the_records_are_of_every_kind_and_always_the_same() -> None:
    first = list(records(SEED, 300))
    assert first == list(records(SEED, 300))
    assert min(Counter(record.fate for record in first)[fate] for fate in Fate) >= 5
    assert {name for record in first for name in record.done} >= {change.__name__ for change in CHANGES}
