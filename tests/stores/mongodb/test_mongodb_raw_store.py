"""The raw store, on a real server: the conformance of MongoRawStore to the port RawStore."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from expectations_plugins.core.errors import TerminalError, TransientError
from expectations_plugins.mongodb.connection import Database, connect
from pipeline.core.locator import Locator
from pipeline.core.records import Interaction, MetricRow
from pipeline.stores.mongodb.raw_store import MongoRawStore
from tests.faults.fail_points import EXCEEDED_TIME_LIMIT, FailPoints

Make = Callable[..., Interaction]
CURSOR_NOT_FOUND = 43
WRITE_CONFLICT = 112
NOW = datetime(2010, 12, 2, tzinfo=UTC)
NOT_TEXT: dict[str, Any] = {"$ne": [{"$type": "$user_id"}, "string"]}


def quarantine(store: MongoRawStore, batch_id: str, run_id: str = "run_1") -> int:
    return store.quarantine(batch_id, NOT_TEXT, gate="raw", reason="malformed user_id", run_id=run_id, fence=1)


def only_row(store: MongoRawStore, batch_id: str = "b_1") -> MetricRow:
    (row,) = store.metrics(batch_id, include_quarantined=True)
    return row


def test_preparing_twice_is_preparing_once(raw_store: MongoRawStore, database: Database) -> None:
    before = sorted(database["interactions"].index_information())
    raw_store.prepare()
    assert (
        sorted(database["interactions"].index_information())
        == before
        == ["_id_", "batch_interaction", "batch_quarantine", "quarantined_by_time"]
    )


def test_the_first_writer_keeps_the_id(raw_store: MongoRawStore, make: Make) -> None:
    raw_store.insert("b_1", [make("i_1", content_hash="first")], NOW, fence=1)
    raw_store.insert("b_2", [make("i_1", content_hash="second", at=Locator(9)), make("i_2")], NOW, fence=1)
    assert raw_store.owners(["i_1", "i_2", "i_3"]) == {
        "i_1": ("b_1", Locator(1), "first"),
        "i_2": ("b_2", Locator(1), "h"),
    }


def test_of_records_inserted_together_the_first_keeps_the_id(raw_store: MongoRawStore, make: Make) -> None:
    raw_store.insert("b_1", [make("i_1", at=Locator(1)), make("i_1", at=Locator(2))], NOW, fence=1)
    assert raw_store.owners(["i_1"])["i_1"][1] == Locator(1)


def test_inserting_again_changes_nothing(raw_store: MongoRawStore, make: Make) -> None:
    records = [make(f"i_{number:04d}") for number in range(2500)]
    for _ in range(2):
        raw_store.insert("b_1", records, NOW, fence=1)
        assert raw_store.counts("b_1") == (2500, 0)


def test_inserting_nothing_is_allowed(raw_store: MongoRawStore) -> None:
    raw_store.insert("b_1", [], NOW, fence=1)
    assert (raw_store.counts("b_1"), raw_store.owners([])) == ((0, 0), {})


def test_missing_and_null_are_kept_apart(raw_store: MongoRawStore, database: Database, make: Make) -> None:
    raw_store.insert("b_1", [make("i_1", user_id=None)], NOW, fence=1)
    document = database["interactions"].find_one({"_id": "i_1"})
    assert document is not None
    assert document["user_id"] is None
    assert "campaign_id" not in document


@pytest.mark.parametrize("value", [{"$gt": ""}, {"a.b": 1, "": 2}, ["$x", None], "$user_id", -(2**63), 1.5])
def test_values_come_back_as_they_were_given(
    raw_store: MongoRawStore, database: Database, make: Make, value: object
) -> None:
    raw_store.insert("b_1", [make("i_1", user_id=value, extra={"$odd.name": value})], NOW, fence=1)
    document = database["interactions"].find_one({"_id": "i_1"})
    assert document is not None
    assert (document["user_id"], document["extra"]) == (value, {"$odd.name": value})


def test_a_write_error_other_than_a_known_id_is_raised_without_the_record(
    raw_store: MongoRawStore, database: Database, make: Make
) -> None:
    database.command("collMod", "interactions", validator={"type": {"$ne": "forbidden"}})
    with pytest.raises(TerminalError, match="inserting records of batch b_1") as caught:
        raw_store.insert("b_1", [make("i_1", type="forbidden", message="private words")], NOW, fence=1)
    assert "private words" not in str(caught.value)


def test_quarantine_marks_what_meets_the_condition_in_that_batch_only(
    raw_store: MongoRawStore, database: Database, make: Make
) -> None:
    raw_store.insert("b_1", [make("i_1"), make("i_2", user_id=None), make("i_3", user_id=7)], NOW, fence=1)
    raw_store.insert("b_2", [make("i_4", user_id=None)], NOW, fence=1)
    assert quarantine(raw_store, "b_1") == 2
    assert (raw_store.counts("b_1"), raw_store.counts("b_2")) == ((1, 2), (1, 0))
    marked = database["interactions"].find_one({"_id": "i_2"})
    assert marked is not None
    assert {name: marked["quarantine"][name] for name in ("gate", "reason", "run_id")} == {
        "gate": "raw",
        "reason": "malformed user_id",
        "run_id": "run_1",
    }


@pytest.mark.parametrize("value", [{"$ref": "a", "$id": {"$ref": "b", "$id": 1}}, {"$ref": "a", "$id": 1, "$db": "c"}])
def test_a_quarantined_value_is_shown_as_it_was_sent(raw_store: MongoRawStore, make: Make, value: Any) -> None:
    raw_store.insert("b_1", [make("i_1", user_id=value)], NOW, fence=1)
    quarantine(raw_store, "b_1")
    (found,) = raw_store.quarantined("b_1", 10)
    assert found.record["user_id"] == value


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 8])
def test_records_are_marked_in_bounded_pieces(
    raw_store: MongoRawStore, database: Database, make: Make, piece: int
) -> None:
    records = [make(f"i_{number}", user_id=number if number % 2 else "u_100") for number in range(7)]
    raw_store.insert("b_1", records, NOW, fence=1)
    raw_store.insert("b_2", [make("i_45", user_id=None)], NOW, fence=1)
    before = fenced_writes(database)
    assert quarantine(MongoRawStore(database, piece=piece), "b_1") == 3
    assert fenced_writes(database) - before == 7 // piece + 1
    assert (raw_store.counts("b_1"), raw_store.counts("b_2")) == ((4, 3), (1, 0))


def fenced_writes(database: Database) -> int:
    """How many transactions the batch had."""
    found = database["batches"].find_one({"_id": "b_1"}) or {}
    return int(found.get("fenced_writes", 0))


def test_quarantine_again_keeps_the_first_mark(raw_store: MongoRawStore, database: Database, make: Make) -> None:
    raw_store.insert("b_1", [make("i_1", user_id=None)], NOW, fence=1)
    assert [quarantine(raw_store, "b_1", run_id) for run_id in ("run_1", "run_2")] == [1, 1]
    assert database["interactions"].count_documents({"quarantine.run_id": "run_1"}) == 1


def test_metrics_are_grouped_by_campaign_type_and_ten_minutes(raw_store: MongoRawStore, make: Make) -> None:
    times = [datetime(2010, 12, 1, 8, minute, tzinfo=UTC) for minute in (0, 9, 10)]
    records = [make(f"i_{n}", campaign_id="c", type="click", timestamp=at) for n, at in enumerate(times)]
    raw_store.insert("b_1", records, NOW, fence=1)
    rows = list(raw_store.metrics("b_1", include_quarantined=True))
    assert [(row.window_start, row.interactions) for row in rows] == [(times[0], 2), (times[2], 1)]
    assert {(row.batch_id, row.campaign_id, row.type) for row in rows} == {("b_1", "c", "click")}


def test_a_time_before_1970_falls_into_its_own_window(raw_store: MongoRawStore, make: Make) -> None:
    raw_store.insert("b_1", [make("i_1", timestamp=datetime(1969, 12, 31, 23, 59, tzinfo=UTC))], NOW, fence=1)
    assert only_row(raw_store).window_start == datetime(1969, 12, 31, 23, 50, tzinfo=UTC)


def test_a_record_without_a_time_has_no_window(raw_store: MongoRawStore, make: Make) -> None:
    raw_store.insert("b_1", [make("i_1", timestamp=None)], NOW, fence=1)
    assert only_row(raw_store).window_start is None


def test_a_user_is_counted_once_and_only_when_it_is_text(raw_store: MongoRawStore, make: Make) -> None:
    users: list[object] = ["u_1", "u_1", "u_2", None, 7, {"a": 1}]
    raw_store.insert("b_1", [make(f"i_{n}", user_id=user) for n, user in enumerate(users)], NOW, fence=1)
    row = only_row(raw_store)
    assert (row.interactions, row.distinct_users) == (6, 2)


def test_only_numbers_add_up_to_the_value(raw_store: MongoRawStore, make: Make) -> None:
    values: list[object] = [1.5, 2, "3", None, True, {"v": 4}, [5]]
    records = [make(f"i_{n}", extra={"value": value}) for n, value in enumerate(values)]
    raw_store.insert("b_1", [*records, make("i_x")], NOW, fence=1)
    assert only_row(raw_store).value == 3.5


def test_a_number_that_was_read_from_a_text_adds_up_and_one_that_is_too_large_does_not(
    raw_store: MongoRawStore, make: Make
) -> None:
    records = [make("i_1", value=19.9, extra={"value": "19.90"})]
    records += [make(f"big_{n}", extra={"value": value}) for n, value in enumerate((1e308, 1e308, 2**63 - 1, -1e308))]
    raw_store.insert("b_1", records, NOW, fence=1)
    assert only_row(raw_store).value == Decimal("19.9")


def test_a_sum_is_the_exact_decimal_of_what_the_records_say(raw_store: MongoRawStore, make: Make) -> None:
    values = [0.1, 0.2, 1e15, -1e15, 123456.789012345, 1e-9, 7]
    raw_store.insert("b_1", [make(f"i_{n}", extra={"value": value}) for n, value in enumerate(values)], NOW, fence=1)
    assert only_row(raw_store).value == sum(Decimal(repr(value)) for value in values)


def test_a_sum_is_never_less_than_no_sum(raw_store: MongoRawStore, make: Make) -> None:
    raw_store.insert("b_1", [make("i_1", extra={"value": -0.0})], NOW, fence=1)
    assert str(only_row(raw_store).value) == "0E-9"


def test_a_sum_has_as_many_decimals_as_bigquery_keeps(raw_store: MongoRawStore, make: Make) -> None:
    raw_store.insert("b_1", [make(f"i_{n}", extra={"value": 1e-10}) for n in range(26)], NOW, fence=1)
    assert str(only_row(raw_store).value) == "3E-9"


def test_a_sum_of_the_largest_numbers_is_finite(raw_store: MongoRawStore, make: Make) -> None:
    raw_store.insert("b_1", [make(f"i_{n}", extra={"value": 2**53}) for n in range(1_100)], NOW, fence=1)
    assert only_row(raw_store).value == 1_100 * 2.0**53


def test_a_campaign_or_type_that_is_not_text_counts_under_null(raw_store: MongoRawStore, make: Make) -> None:
    odd: list[dict[str, object]] = [{"campaign_id": 7, "type": ["x"]}, {"campaign_id": None, "type": None}, {}]
    raw_store.insert("b_1", [make(f"i_{n}", **fields) for n, fields in enumerate(odd)], NOW, fence=1)
    row = only_row(raw_store)
    assert (row.campaign_id, row.type, row.interactions) == (None, None, 3)


def test_quarantined_records_are_left_out_of_metrics_when_asked(raw_store: MongoRawStore, make: Make) -> None:
    raw_store.insert("b_1", [make("i_1"), make("i_2", user_id=None)], NOW, fence=1)
    quarantine(raw_store, "b_1")
    counted = [
        sum(row.interactions for row in raw_store.metrics("b_1", include_quarantined=asked)) for asked in (True, False)
    ]
    assert counted == [2, 1]


def test_graph_records_are_the_accepted_ones_by_id(raw_store: MongoRawStore, make: Make) -> None:
    records = [make(f"i_{number:04d}", campaign_id=number) for number in reversed(range(2100))]
    raw_store.insert("b_1", [*records, make("i_x", user_id=None)], NOW, fence=1)
    quarantine(raw_store, "b_1")
    found = list(raw_store.graph_records("b_1"))
    assert [record.interaction_id for record in found] == [f"i_{number:04d}" for number in range(2100)]
    assert {(record.user_id, record.campaign_id, record.type) for record in found} == {("u_100", None, None)}


def test_an_accepted_record_without_a_user_id_stops_the_graph_stage(raw_store: MongoRawStore, make: Make) -> None:
    raw_store.insert("b_1", [make("i_1"), make("i_2", user_id=None)], NOW, fence=1)
    with pytest.raises(TerminalError, match=r"Interaction 'i_2' of batch b_1"):
        list(raw_store.graph_records("b_1"))


def test_messages_are_those_of_accepted_records_that_have_one(raw_store: MongoRawStore, make: Make) -> None:
    records = [make("i_2", message="b"), make("i_1", message="a"), make("i_3"), make("i_4", message="c", user_id=None)]
    raw_store.insert("b_1", records, NOW, fence=1)
    quarantine(raw_store, "b_1")
    assert list(raw_store.messages("b_1")) == [("i_1", "a"), ("i_2", "b")]


def test_reading_goes_on_after_the_server_gave_up_the_cursor(
    raw_store: MongoRawStore, failing: FailPoints, make: Make
) -> None:
    raw_store.insert("b_1", [make(f"i_{number:04d}", message="m") for number in range(3000)], NOW, fence=1)
    reader = raw_store.messages("b_1")
    found = [next(reader)[0]]
    failing.fail("getMore", CURSOR_NOT_FOUND, 1)
    found.extend(interaction_id for interaction_id, _ in reader)
    assert found == [f"i_{number:04d}" for number in range(3000)]


def test_a_reader_whose_cursors_are_always_given_up_ends(
    raw_store: MongoRawStore, failing: FailPoints, make: Make
) -> None:
    raw_store.insert("b_1", [make(f"i_{number:04d}", message="m") for number in range(1500)], NOW, fence=1)
    failing.fail("find", CURSOR_NOT_FOUND, 9)
    with pytest.raises(TransientError, match="reading batch b_1 failed: CursorNotFound"):
        list(raw_store.messages("b_1"))


def test_what_a_failed_insert_left_undone_is_done_by_the_next(
    raw_store: MongoRawStore, failing: FailPoints, make: Make
) -> None:
    records = [make(f"i_{number:04d}") for number in range(2500)]
    failing.fail("insert", EXCEEDED_TIME_LIMIT, 9)
    with pytest.raises(TransientError, match="inserting records of batch b_1 failed"):
        raw_store.insert("b_1", records, NOW, fence=1)
    failing.heal()
    raw_store.insert("b_1", records, NOW, fence=1)
    assert raw_store.counts("b_1") == (2500, 0)


def test_an_insert_that_another_batch_was_in_the_way_of_is_done_at_once(
    raw_store: MongoRawStore, failing: FailPoints, make: Make
) -> None:
    failing.fail("insert", WRITE_CONFLICT, 3)
    raw_store.insert("b_1", [make(f"i_{number:04d}") for number in range(10)], NOW, fence=1)
    assert raw_store.counts("b_1") == (10, 0)


def test_an_outage_is_transient() -> None:
    down = MongoRawStore(connect("mongodb://127.0.0.1:1/", "test", timeout=0.2))
    with pytest.raises(TransientError, match="counting batch b_1 failed"):
        down.counts("b_1")
