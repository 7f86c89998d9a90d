"""The two expectations about all ids of a batch, by a checksum that was kept and by a count from elsewhere."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import great_expectations
import pytest
from great_expectations.core.partitioners import PartitionerColumnValue
from great_expectations.expectations.row_conditions import Column

from expectations_plugins.core.checksums import Checksum
from expectations_plugins.core.errors import TransientError
from expectations_plugins.engine.datasource import without_connecting
from expectations_plugins.expectations.ids import ExpectIdsToMatchChecksum, ExpectPublishedCountToMatch
from expectations_plugins.mongodb.connection import connect
from pipeline.local import Endpoints

IDS = [f"i-{number}" for number in range(9)]
KEPT = Checksum.of(IDS).as_list()


@pytest.fixture
def context(tmp_path: Path) -> Any:
    found = great_expectations.get_context(mode="file", project_root_dir=tmp_path)
    found.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return found


class Logs:
    """A batch in a collection of its own."""

    def __init__(self, database: Any, batch: Any) -> None:
        self._collection, self._batch = database["logs"], batch

    def put(self, ids: Sequence[Any], **more: Any) -> None:
        self._collection.insert_many([{"interaction_id": key, "batch_id": "b", **more} for key in ids])

    def check(self, expectation: Any) -> tuple[bool, dict[str, Any]]:
        found = self._batch.validate(expectation)
        return bool(found.success), dict(found.result)

    def checksum(self, count: int = 9, checksum: Sequence[int] = KEPT, **more: Any) -> tuple[bool, dict[str, Any]]:
        return self.check(ExpectIdsToMatchChecksum(count=count, checksum=list(checksum), **more))


@pytest.fixture
def logs(context: Any, endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    database = connect(str(endpoints.mongodb_uri), f"t{uuid.uuid4().hex[:10]}")
    monkeypatch.setenv("A_MONGODB", str(endpoints.mongodb_uri))
    source = context.data_sources.add_mongodb("logs", connection_string="${A_MONGODB}", database=database.name)
    asset = source.add_collection("logs", collection="logs", allow_missing=True)
    definition = asset.add_batch_definition("by batch", PartitionerColumnValue(column_name="batch_id"))
    yield Logs(database, definition.get_batch({"batch_id": "b"}))
    database.client.drop_database(database.name)
    database.client.close()


def test_the_ids_that_were_written_match(logs: Logs) -> None:
    logs.put(IDS[::-1])
    passed, result = logs.checksum()
    assert (passed, result["observed_value"]) == (True, "9 records, 9 were written")


def test_a_missing_id_is_known_by_its_absence(logs: Logs) -> None:
    logs.put(IDS[1:])
    passed, result = logs.checksum()
    assert (passed, result["unexpected_count"], result["details"]["examples"]) == (False, 1, [])
    assert result["observed_value"] == "8 records, 9 were written"


def test_an_id_that_was_added_is_named(logs: Logs) -> None:
    logs.put([*IDS, "strange"])
    passed, result = logs.checksum()
    assert (passed, result["unexpected_count"]) == (False, 1)
    assert result["details"]["examples"] == [["strange", "was added"]]


def test_an_id_in_anothers_place_is_named(logs: Logs) -> None:
    logs.put([*IDS[1:], "strange"])
    passed, result = logs.checksum()
    assert (passed, result["unexpected_count"]) == (False, 1)
    assert result["observed_value"] == "9 records, 9 were written, but not the same ones; added: strange"


def test_two_ids_in_others_places_are_found_and_not_named(logs: Logs) -> None:
    logs.put([*IDS[2:], "strange", "stranger"])
    passed, result = logs.checksum()
    assert (passed, result["details"]["examples"]) == (False, [])


def test_an_id_that_is_no_text_is_not_one_of_them(logs: Logs) -> None:
    logs.put([*IDS[1:], 7])
    assert logs.checksum()[0] is False


def test_without_a_checksum_only_the_count_is_compared(logs: Logs) -> None:
    logs.put([*IDS[1:], "strange"])
    assert logs.checksum(checksum=[])[0] is True
    assert logs.checksum(count=10, checksum=[])[0] is False


def test_a_row_condition_leaves_records_out(logs: Logs) -> None:
    logs.put(IDS)
    logs.put(["bad"], quarantine={"gate": "raw"})
    assert logs.checksum()[0] is False
    assert logs.checksum(row_condition=Column("quarantine").is_null())[0] is True


def test_a_batch_of_nothing_matches_the_checksum_of_nothing(logs: Logs) -> None:
    assert logs.checksum(count=0, checksum=Checksum().as_list())[0] is True


@pytest.mark.parametrize(
    ("published", "differences", "passed", "unexpected"),
    [(9, [], True, 0), (8, [], False, 1), (0, [], False, 9), (9, ["c_1: 3 and not 4"], False, 1)],
)
def test_another_system_counts_as_many(
    logs: Logs, published: int, differences: list[str], passed: bool, unexpected: int
) -> None:
    logs.put(IDS)
    expectation = ExpectPublishedCountToMatch(published=published, where="BigQuery", differences=differences)
    found, result = logs.check(expectation)
    assert (found, result["unexpected_count"]) == (passed, unexpected)
    assert result["observed_value"].startswith(f"BigQuery publishes {published} records, MongoDB has 9")
    assert result["details"]["examples"] == [["BigQuery", one] for one in differences]


def test_an_outage_is_no_difference(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOBODY", "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200")
    with without_connecting():
        asset = context.data_sources.add_mongodb("down", connection_string="${NOBODY}", database="none").add_collection(
            "logs"
        )
    batch = asset.add_batch_definition("by batch", PartitionerColumnValue(column_name="batch_id")).get_batch(
        {"batch_id": "b"}
    )
    batch.validate(ExpectIdsToMatchChecksum(count=9, checksum=KEPT))
    assert [type(one) for one in batch.data.execution_engine.failures.values()] == [TransientError]
