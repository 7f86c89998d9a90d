"""Two real days, held against an oracle that reads files and stores alone; their README says what is wrong in them."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Workspace
from tests.end_to_end.oracle import Stores, Truth, read

DAYS = ("2010-12-15", "2010-12-16")
RECORDS = 1349 + 1790
NULL_USERS = 19 + 84
ORPHANS_WITH_A_USER = 29


@pytest.fixture(scope="module")
def files(real_logs: Path) -> list[Path]:
    return [real_logs / "logs" / f"{day}.jsonl.gz" for day in DAYS]


@pytest.fixture(scope="module")
def truth(real_logs: Path, files: list[Path]) -> Truth:
    return read(files, real_logs / "campaigns.jsonl")


@pytest.fixture(scope="module")
def strict(workspace: Workspace, real_logs: Path, files: list[Path]) -> dict[str, Any]:
    return workspace.run("--campaigns", real_logs / "campaigns.jsonl", *files)


@pytest.fixture(scope="module")
def halted(strict: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    """What the stores held after the strict run, before anything was resumed."""
    stores = Stores(workspace.places)
    found = {
        "raw": stores.raw_ids(),
        "quarantined": stores.quarantined_ids(),
        "graph": stores.graph_ids(),
        "vectors": stores.vector_ids(),
        "published": stores.published(),
    }
    stores.close()
    return found | {"run": strict}


@pytest.fixture(scope="module")
def resumed(halted: dict[str, Any], workspace: Workspace) -> list[int]:
    """Both batches resumed without their quarantined records."""
    batches = [batch["batch_id"] for batch in halted["run"]["batches"]]
    return [workspace.cli("resume", batch).returncode for batch in batches]


def test_the_files_hold_what_their_readme_says(truth: Truth) -> None:
    assert (len(truth.ids), len(truth.bad_users), len(truth.good_orphans)) == (RECORDS, NULL_USERS, ORPHANS_WITH_A_USER)


def test_a_strict_run_halts_on_both_days(halted: dict[str, Any]) -> None:
    assert halted["run"]["returncode"] == 10
    assert [batch["status"] for batch in halted["run"]["batches"]] == ["halted", "halted"]
    assert [batch["exit_code"] for batch in halted["run"]["batches"]] == [10, 10]


def test_exactly_the_null_user_ids_are_quarantined(halted: dict[str, Any], truth: Truth) -> None:
    assert halted["quarantined"] == truth.bad_users


def test_a_halted_batch_is_in_mongodb_and_nowhere_else(halted: dict[str, Any], truth: Truth) -> None:
    assert sorted(halted["raw"]) == sorted(truth.ids)
    assert (halted["graph"], halted["vectors"], halted["published"]) == ([], [], 0)


def test_a_resumed_batch_flows_on_without_its_quarantined_records(
    resumed: list[int], stores: Stores, truth: Truth
) -> None:
    assert resumed == [0, 0]
    assert sorted(stores.graph_ids()) == sorted(truth.good)
    assert sorted(stores.vector_ids()) == sorted(truth.good_messages)
    assert stores.published() == len(truth.good)


def test_exactly_the_late_campaigns_orphans_that_have_a_user_are_in_the_graph(
    resumed: list[int], stores: Stores, truth: Truth
) -> None:
    assert resumed == [0, 0]
    orphans = set(stores.graph_ids()) - stores.linked_ids()
    assert orphans == truth.good_orphans
    [warned] = [batch for batch in stores.ledger() if batch["gates"]["graph"]["verdict"] == "WARN"]
    assert warned["gates"]["graph"]["findings"][0]["unexpected"] == ORPHANS_WITH_A_USER


def test_no_campaign_was_invented(resumed: list[int], stores: Stores, real_logs: Path) -> None:
    assert resumed == [0, 0]
    assert len(stores.campaign_ids()) == len((real_logs / "campaigns.jsonl").read_text("utf-8").splitlines())


def test_the_same_files_renamed_and_gzipped_again_load_nothing_twice(
    resumed: list[int], workspace: Workspace, stores: Stores, files: list[Path], tmp_path: Path
) -> None:
    assert resumed == [0, 0]
    before = (sorted(stores.raw_ids()), sorted(stores.graph_ids()), sorted(stores.vector_ids()), stores.published())
    plain = tmp_path / "another-name.jsonl"
    plain.write_bytes(gzip.decompress(files[0].read_bytes()))
    again = tmp_path / "packed-again.jsonl.gz"
    again.write_bytes(gzip.compress(gzip.decompress(files[1].read_bytes()), compresslevel=1))
    found = workspace.run(plain, again)
    assert found["returncode"] == 0
    assert len(stores.ledger()) == len(DAYS)
    after = (sorted(stores.raw_ids()), sorted(stores.graph_ids()), sorted(stores.vector_ids()), stores.published())
    assert after == before


def test_conservation_holds_for_every_batch(resumed: list[int], stores: Stores) -> None:
    assert resumed == [0, 0]
    for batch in stores.ledger():
        counts = batch["counts"]
        parts = ("accepted", "quarantined", "duplicate", "dead")
        assert counts["read"] == sum(counts[part] for part in parts)


def test_every_batch_and_stage_has_a_start_and_an_end(resumed: list[int], stores: Stores) -> None:
    assert resumed == [0, 0]
    for batch in stores.ledger():
        assert batch["start_time"] <= batch["end_time"]
        assert all(step["start_time"] <= step["end_time"] for step in batch["steps"].values())
