"""A real day whose missing campaigns arrive afterwards: every flag lifts by itself, and its history stays."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from expectations_plugins.neo4j.connection import connect
from pipeline.stores.neo4j.review_queue import Neo4jReviewQueue
from tests.end_to_end.conftest import Workspace
from tests.end_to_end.oracle import Stores, Truth, read

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def day(real_logs: Path) -> Path:
    return real_logs / "logs" / "2010-12-16.jsonl.gz"


@pytest.fixture(scope="module")
def truth(real_logs: Path, day: Path) -> Truth:
    return read([day], real_logs / "campaigns.jsonl")


@pytest.fixture(scope="module")
def flagged(workspace: Workspace, real_logs: Path, day: Path) -> set[str]:
    """What is flagged after a tolerant run of the day."""
    workspace.run("--campaigns", real_logs / "campaigns.jsonl", "--tolerance", "0.8", day)
    stores = Stores(workspace.places)
    found = stores.flagged_ids()
    stores.close()
    return found


@pytest.fixture(scope="module")
def loaded(flagged: set[str], workspace: Workspace, day: Path, truth: Truth) -> int:
    """The campaigns that were missing, loaded; the exit code."""
    assert flagged
    records = map(json.loads, gzip.decompress(day.read_bytes()).decode().splitlines())
    missing = {record["campaign_id"] for record in records if record["interaction_id"] in truth.orphans}
    late = workspace.folder / "late.jsonl"
    late.write_text("".join(json.dumps({"campaign_id": one}) + "\n" for one in sorted(missing)), encoding="utf-8")
    return workspace.cli("campaigns", "load", late).returncode


def test_exactly_the_orphans_that_flowed_on_are_flagged(flagged: set[str], truth: Truth) -> None:
    assert flagged == truth.good_orphans


def test_loading_the_missing_campaigns_lifts_every_flag_and_links(loaded: int, stores: Stores, truth: Truth) -> None:
    assert loaded == 0
    assert stores.flagged_ids() == set()
    assert stores.linked_ids() == truth.good


def test_the_history_of_each_stays(loaded: int, flagged: set[str], workspace: Workspace) -> None:
    assert loaded == 0
    places = workspace.places
    graph = connect(
        str(places["neo4j_uri"]),
        str(places["neo4j_user"]),
        str(places["neo4j_password"]),
        database=places["neo4j_database"],
    )
    queue = Neo4jReviewQueue(graph)
    items = [queue.show(key) for key in flagged]
    assert [item.state for item in items if item] == ["lifted"] * len(flagged)
    assert {tuple(line["what"] for line in item.history) for item in items if item} == {("flagged", "lifted")}
    assert queue.counts() == {"lifted": len(flagged)}
    graph.close()
