"""Runs side by side behind a BigQuery that cancels statements which mutate one table: none loses an attempt.

python -m tests.faults.side_by_side        # 16 of them, with figures
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline.local import Endpoints
from tests.faults.side_by_side import RECORDS, Outcome, side_by_side

RUNS = 4


@pytest.fixture(scope="module")
def outcome(endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return side_by_side(endpoints, tmp_path_factory.mktemp("side"), "side_by_side", RUNS, 0.5)


def test_every_batch_is_closed_and_no_attempt_is_lost(outcome: Outcome) -> None:
    said = "\n".join(map(str, outcome.ended))
    assert (outcome.closed, outcome.lost) == (RUNS, 0), said
    assert [ended.code for ended in outcome.ended] == [0] * RUNS, said


def test_what_analysts_see_is_the_exact_sum(outcome: Outcome) -> None:
    assert outcome.sums == [RECORDS * Decimal("0.1")] * RUNS


def test_no_statement_in_a_batchs_way_mutates_a_table(outcome: Outcome) -> None:
    assert (outcome.bigquery.mutating, outcome.bigquery.cancelled) == (0, [])


def test_a_batch_with_nothing_in_quarantine_takes_one_load_job(outcome: Outcome) -> None:
    assert outcome.bigquery.loads == RUNS
