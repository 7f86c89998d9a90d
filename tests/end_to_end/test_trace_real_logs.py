"""A real record, followed through all stores: what `run.py trace` says is what its log says."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Workspace

DAY = "2010-12-16"


@pytest.fixture(scope="module")
def records(real_logs: Path) -> list[dict[str, Any]]:
    text = gzip.decompress((real_logs / "logs" / f"{DAY}.jsonl.gz").read_bytes()).decode("utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def loaded(workspace: Workspace, real_logs: Path) -> Workspace:
    """The day, without the records that have no user."""
    catalogue, log = real_logs / "campaigns.jsonl", real_logs / "logs" / f"{DAY}.jsonl.gz"
    done = workspace.run("--campaigns", catalogue, log, SLUICEGATE_USER_ID_TOLERANCE="0.5")
    assert done["returncode"] == 0
    return workspace


def traced(place: Workspace, interaction_id: str) -> dict[str, Any]:
    done = place.cli("trace", interaction_id, "--json", "--show-values")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_purchase_is_in_every_store_with_what_its_log_says(
    loaded: Workspace, records: list[dict[str, Any]], real_logs: Path
) -> None:
    known = {
        json.loads(line)["campaign_id"] for line in (real_logs / "campaigns.jsonl").read_text("utf-8").splitlines()
    }
    sent = next(one for one in records if one["user_id"] and one.get("message") and one["campaign_id"] in known)
    found = traced(loaded, sent["interaction_id"])
    fields = found["mongodb"]["record"]["fields"]
    assert {name: fields[name] for name in ("user_id", "campaign_id", "type", "message")} == {
        name: sent[name] for name in ("user_id", "campaign_id", "type", "message")
    }
    window = sent["timestamp"][:15]
    same = [
        one
        for one in records
        if one["user_id"]
        and (one["campaign_id"], one["type"], one["timestamp"][:15]) == (sent["campaign_id"], sent["type"], window)
    ]
    [row] = found["bigquery"]["metrics"]["rows"]
    assert (row["interactions"], row["distinct_users"]) == (len(same), len({one["user_id"] for one in same}))
    of_user = [one for one in records if one["user_id"] == sent["user_id"]]
    assert found["neo4j"]["node"]["of_user"] == len(of_user) - 1
    assert found["milvus"]["vector"]["embedding_source"] == "gemini-embedding-001"
    assert len(found["milvus"]["nearest"]["records"]) == 5
    assert (found["batch"]["document"]["status"], found["contradictions"]) == ("closed", [])


def test_a_guest_checkout_stays_in_quarantine(loaded: Workspace, records: list[dict[str, Any]]) -> None:
    guest = next(one for one in records if not one["user_id"])
    found = traced(loaded, guest["interaction_id"])
    assert (found["mongodb"]["state"], found["neo4j"]["node"], found["contradictions"]) == ("quarantined", None, [])
    assert "published metrics leave such records out" in found["bigquery"]["why_none"]
