"""With a tolerance above the worst day's share, a real day flows on by itself, without its quarantined records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Workspace
from tests.end_to_end.oracle import Stores, Truth, read


@pytest.fixture(scope="module")
def day(real_logs: Path) -> Path:
    return real_logs / "logs" / "2010-12-22.jsonl.gz"


@pytest.fixture(scope="module")
def truth(real_logs: Path, day: Path) -> Truth:
    return read([day], real_logs / "campaigns.jsonl")


@pytest.fixture(scope="module")
def tolerant(workspace: Workspace, real_logs: Path, day: Path) -> dict[str, Any]:
    return workspace.run("--campaigns", real_logs / "campaigns.jsonl", "--tolerance", "0.8", day)


def test_a_tolerant_run_closes_the_batch_with_a_warning(tolerant: dict[str, Any]) -> None:
    [batch] = tolerant["batches"]
    assert (tolerant["returncode"], batch["status"]) == (0, "closed")
    assert batch["verdicts"] == {"raw": "WARN", "graph": "WARN", "vectors": "PASS", "closing": "PASS"}


def test_no_tolerated_record_flows_on(tolerant: dict[str, Any], stores: Stores, truth: Truth) -> None:
    assert tolerant
    assert stores.quarantined_ids() == truth.bad_users
    assert sorted(stores.graph_ids()) == sorted(truth.good)
    assert sorted(stores.vector_ids()) == sorted(truth.good_messages)
    assert stores.published() == len(truth.good)
