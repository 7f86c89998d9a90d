"""A backfill on the real stores: what is missing, what is outdated, and one that is killed in the middle."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pymongo
import pytest

from pipeline.core.version import code_version
from tests.end_to_end.conftest import ROOT, Workspace, make_workspace, workspace

__all__ = ["make_workspace", "workspace"]

SAMPLE = ROOT / "docs" / "sample" / "landing"
LOCAL = dict.fromkeys(("MONGODB_URI", "NEO4J_URI", "MILVUS_URI", "BIGQUERY_PROJECT", "GEMINI_API_KEY"), "local")
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
TOLERANT = {"SLUICEGATE_USER_ID_TOLERANCE": "0.5"}


def backfill(workspace: Workspace, *arguments: str, **variables: str) -> dict[str, Any]:
    done = workspace.cli("backfill", *arguments, "--json", **(TOLERANT | variables))
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"returncode": done.returncode}


@pytest.fixture(scope="module")
def killed(workspace: Workspace) -> Workspace:
    """Three batches have landed; a backfill of them was killed once the first was done, and its leases ended."""
    shutil.copytree(SAMPLE, workspace.folder / "landing")
    command = [sys.executable, str(ROOT / "run.py"), "backfill", "--workers", "2"]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env=workspace.environment | TOLERANT,
        cwd=workspace.folder,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if '"backfilled"' in line:
            break
    os.killpg(process.pid, signal.SIGKILL)  # its workers too: no batch is finished any more
    process.wait()
    process.stderr.close()
    with pymongo.MongoClient[dict[str, Any]](str(workspace.endpoints.mongodb_uri)) as client:
        client["sluicegate"]["leases"].update_many({}, {"$set": {"expires_at": LONG_AGO}})
    return workspace


def test_the_same_command_goes_on_where_one_was_killed(killed: Workspace) -> None:
    left = backfill(killed, "--dry-run")["batches"]
    assert 1 <= len(left) <= 2
    done = backfill(killed)
    assert (done["exit_code"], {one["status"] for one in done["batches"]}) == (0, {"closed"})
    assert backfill(killed)["wanted"] == 0


def test_what_older_code_did_is_done_again_and_then_no_more(killed: Workspace) -> None:
    """Depends on the batches being through."""
    assert backfill(killed)["wanted"] == 0
    client = pymongo.MongoClient[dict[str, Any]](str(killed.endpoints.mongodb_uri))
    batches = client["sluicegate"]["batches"]
    before = batches.find_one({"source": {"$regex": "0900"}})
    assert before is not None
    batches.update_one({"_id": before["_id"]}, {"$set": {"steps.gate:vectors.code_version": "0.0.1"}})
    found = backfill(killed, "--older-than", code_version(), "--from", "2026-11-20", "--to", "2026-11-20")
    after = batches.find_one({"_id": before["_id"]})
    assert after is not None
    client.close()
    assert [one["batch_id"] for one in found["batches"]] == [before["_id"]]
    assert after["steps"]["stage:load"] == before["steps"]["stage:load"]
    assert after["steps"]["gate:raw"]["start_time"] > before["steps"]["gate:raw"]["start_time"]
    assert after["steps"]["gate:vectors"]["code_version"] == code_version()
    assert (after["status"], after["counts"]) == ("closed", before["counts"])
    assert backfill(killed, "--older-than", code_version())["wanted"] == 0


def test_other_days_are_left_alone(killed: Workspace) -> None:
    found = backfill(killed, "--older-than", code_version(), "--from", "2026-11-21", "--dry-run")
    assert found["batches"] == []


def test_again_does_whatever_version_did_it_and_wants_days(killed: Workspace) -> None:
    assert backfill(killed)["wanted"] == 0
    days = ("--from", "2026-11-20", "--to", "2026-11-20", "--dry-run")
    assert backfill(killed, *days)["batches"] == []
    assert {one["kind"] for one in backfill(killed, "--again", *days)["batches"]} == {"again"}
    assert killed.cli("backfill", "--again").returncode == 2


def test_a_batch_by_name_is_done_again_only_when_it_is_closed(killed: Workspace) -> None:
    assert backfill(killed)["wanted"] == 0
    shutil.copy(ROOT / "tests" / "fixtures" / "bad_user_ids.jsonl", killed.folder)
    halted = killed.run(killed.folder / "bad_user_ids.jsonl", SLUICEGATE_USER_ID_TOLERANCE="0")["batches"][0]
    refused = killed.cli("backfill", "--batch", halted["batch_id"])
    assert (refused.returncode, "is halted, not closed" in refused.stderr) == (2, True)
    assert [one["kind"] for one in backfill(killed, "--batch", "8b7f947c", "--dry-run")["batches"]] == ["again"]


def test_a_file_that_changed_since_it_was_listed_is_not_loaded_under_its_old_name(killed: Workspace) -> None:
    """What a worker is told, long after the listing."""
    path = killed.folder / "changed.jsonl"
    path.write_text('{"interaction_id": "i_new", "user_id": "u_100", "timestamp": "2026-11-20T09:00:00Z"}\n')
    order = json.dumps({"kind": "missing", "batch_id": "ab" * 32, "source": str(path)})
    command = [sys.executable, str(ROOT / "run.py"), "backfill", "--worker"]
    done = subprocess.run(
        command,
        input=f"{order}\n",
        capture_output=True,
        text=True,
        env=killed.environment,
        cwd=killed.folder,
        check=True,
    )
    answer = json.loads(done.stdout)
    assert (answer["exit_code"], "was changed" in answer["message"]) == (2, True)
    with pymongo.MongoClient[dict[str, Any]](str(killed.endpoints.mongodb_uri)) as client:
        assert client["sluicegate"]["interactions"].find_one({"_id": "i_new"}) is None
        assert client["sluicegate"]["batches"].find_one({"_id": "ab" * 32}) is None


def test_workers_are_given_the_stores_that_the_environment_names(killed: Workspace) -> None:
    record = '{"interaction_id": "i_env", "user_id": "u_100", "timestamp": "2026-11-22T09:00:00Z", "message": "hello"}'
    (killed.folder / "landing" / "named.jsonl").write_text(f"{record}\n")
    done = backfill(killed, **LOCAL)
    assert [(one["exit_code"], one.get("status")) for one in done["batches"]] == [(0, "closed")]
