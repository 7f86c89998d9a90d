"""The closing check: one record is removed, added or swapped in a store, and the batch is not closed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.core.batch import CHECKSUM, GateState
from pipeline.core.batches import WAITING, BatchSource, BatchStatus
from pipeline.core.decision import Decision, DecisionKind
from pipeline.core.outcome import BatchOutcome
from pipeline.core.topology import STEPS
from pipeline.sources.discovery import discover
from tests.gates.conftest import Site

MakeSite = Callable[..., Site]
CLOSING = STEPS[-1]
RECORDS = 12
QUARANTINED, SILENT, GONE, STRANGE = "i-03", "i-05", "i-07", "i-99"
"""Records: in quarantine; without a text; the one that is removed; the one that is added."""


@dataclass(slots=True)
class Open:
    """A batch that has come to its closing check, and what can happen to its stores."""

    site: Site
    source: BatchSource

    @property
    def batch_id(self) -> str:
        return self.source.batch_id

    def check(self) -> BatchOutcome:
        """Let it come to its closing check."""
        return self.site.app.runner().attempt(self.source, CLOSING)

    def report(self) -> GateState:
        return self.site.app.ledger.find(self.batch_id).gates["closing"]

    def named(self) -> str:
        """All that is said about what was found."""
        return " ".join(f"{one.summary} {one.examples}" for one in self.report().findings)

    def status(self) -> BatchStatus | None:
        return self.site.app.ledger.find(self.batch_id).status


def _records(folder: Path) -> Path:
    path = folder / "twelve.jsonl"
    records = [
        {
            "interaction_id": f"i-{number:02}",
            "user_id": f"u_{1000 + number}" if f"i-{number:02}" != QUARANTINED else None,
            "campaign_id": "c_spring" if number % 2 else "c_autumn",
            "type": "click",
            "timestamp": "2026-11-20T09:00:00Z",
            **({} if f"i-{number:02}" == SILENT else {"message": f"message {number}"}),
        }
        for number in range(RECORDS)
    ]
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    return path


@pytest.fixture
def at_its_end(make_site: MakeSite, tmp_path: Path) -> Open:
    return brought_to_its_end(make_site(SLUICEGATE_USER_ID_TOLERANCE=0.5), tmp_path)


def brought_to_its_end(site: Site, folder: Path) -> Open:
    [source] = discover([_records(folder)], max_records=1_000, min_age=0)
    runner = site.app.runner()
    for step in STEPS[:-1]:
        assert runner.attempt(source, step).exit_code is ExitCode.OK
    return Open(site, source)


def remove_from_mongodb(one: Open) -> None:
    one.site.app.raw_store._interactions.delete_one({"_id": GONE})


def add_to_mongodb(one: Open) -> None:
    records = one.site.app.raw_store._interactions
    records.insert_one({**records.find_one({"_id": "i-01"}), "_id": STRANGE, "interaction_id": STRANGE})


def remove_from_neo4j(one: Open) -> None:
    _write(one, "MATCH (i:Interaction {interaction_id: $id}) DETACH DELETE i", GONE)


def add_to_neo4j(one: Open) -> None:
    _write(one, "CREATE (i:Interaction {interaction_id: $id, batch_id: $batch})", STRANGE)


def _write(one: Open, query: str, key: str) -> None:
    parameters = {"id": key, "batch": one.batch_id}
    one.site.app.graph_store._graph.write([query], parameters, doing="damaging", timeout=60)


def remove_from_milvus(one: Open) -> None:
    one.site.vectors.delete([GONE])


def add_to_milvus(one: Open) -> None:
    row = one.site.vectors.rows(["i-01"])["i-01"]
    one.site.vectors.upsert([replace(row, interaction_id=STRANGE)])


def remove_from_bigquery(one: Open) -> None:
    _run(one, "DELETE FROM `{table}` WHERE batch_id = '{batch}' AND campaign_id = 'c_spring'")


def add_to_bigquery(one: Open) -> None:
    _run(
        one,
        "INSERT INTO `{table}`"
        " (batch_id, campaign_id, type, interactions, distinct_users, value, revision, fence, loaded_at)"
        " SELECT batch_id, 'c_strange', 'click', 1, 1, 0, revision, fence, CURRENT_TIMESTAMP()"
        " FROM `{dataset}.publications` WHERE batch_id = '{batch}' AND published",
    )


def swap_in_bigquery(one: Open) -> None:
    _run(one, "UPDATE `{table}` SET campaign_id = 'c_strange' WHERE batch_id = '{batch}' AND campaign_id = 'c_spring'")


def change_sum_in_bigquery(one: Open) -> None:
    _run(one, "UPDATE `{table}` SET value = value + 0.01 WHERE batch_id = '{batch}' AND campaign_id = 'c_spring'")


def _run(one: Open, query: str) -> None:
    store: Any = one.site.app.stores.metrics
    table = f"{store._dataset}.metric_revisions"
    store._client.query(query.format(table=table, dataset=store._dataset, batch=one.batch_id)).result()


def both(remove: Callable[[Open], None], add: Callable[[Open], None]) -> Callable[[Open], None]:
    def swap(one: Open) -> None:
        remove(one)
        add(one)

    return swap


MUTATIONS: dict[tuple[str, str], tuple[Callable[[Open], None], tuple[str, ...]]] = {
    ("MongoDB", "removed"): (remove_from_mongodb, (GONE,)),
    ("MongoDB", "added"): (add_to_mongodb, (STRANGE,)),
    ("MongoDB", "swapped"): (both(remove_from_mongodb, add_to_mongodb), (GONE, STRANGE)),
    ("Neo4j", "removed"): (remove_from_neo4j, (GONE,)),
    ("Neo4j", "added"): (add_to_neo4j, (STRANGE,)),
    ("Neo4j", "swapped"): (both(remove_from_neo4j, add_to_neo4j), (GONE, STRANGE)),
    ("Milvus", "removed"): (remove_from_milvus, (GONE,)),
    ("Milvus", "added"): (add_to_milvus, (STRANGE,)),
    ("Milvus", "swapped"): (both(remove_from_milvus, add_to_milvus), (GONE, STRANGE)),
    ("BigQuery", "removed"): (remove_from_bigquery, ("c_spring",)),
    ("BigQuery", "added"): (add_to_bigquery, ("c_strange",)),
    ("BigQuery", "another sum"): (change_sum_in_bigquery, ("c_spring",)),
    ("BigQuery", "swapped"): (swap_in_bigquery, ("c_spring", "c_strange")),
}
"""By store and kind: what is done, and what must be named."""

SAME = [pytest.param(store, kind, id=f"{store}-{kind}") for store, kind in MUTATIONS]
REPAIRED = [one for one in SAME if one.values[0] != "MongoDB"]


def test_a_batch_that_nobody_changed_is_closed(at_its_end: Open) -> None:
    outcome = at_its_end.check()
    assert (outcome.status, outcome.verdicts["closing"]) == (BatchStatus.CLOSED, "PASS")
    assert (outcome.counts.accepted, outcome.counts.quarantined) == (RECORDS - 1, 1)


@pytest.mark.parametrize(("store", "kind"), SAME)
def test_one_record_is_found_and_named(at_its_end: Open, store: str, kind: str) -> None:
    mutate, named = MUTATIONS[store, kind]
    mutate(at_its_end)
    outcome = at_its_end.check()
    assert (outcome.status, outcome.exit_code) == (BatchStatus.INCONSISTENT, ExitCode.GATE_FAILED)
    assert (outcome.verdicts["closing"], at_its_end.status()) == ("FAIL", BatchStatus.INCONSISTENT)
    said = at_its_end.named()
    assert [one for one in named if one not in said] == []
    assert store in said or store.lower() in said
    assert SILENT not in said
    assert f"recheck {at_its_end.batch_id[:12]} --redo" in outcome.next_step


@pytest.mark.parametrize(("store", "kind"), REPAIRED)
def test_what_differs_outside_mongodb_is_repaired_by_doing_it_again(at_its_end: Open, store: str, kind: str) -> None:
    MUTATIONS[store, kind][0](at_its_end)
    at_its_end.check()
    asked = at_its_end.site.asked_of_gemini()
    outcome = at_its_end.site.app.runner().recheck(at_its_end.batch_id, redo=True)
    assert (outcome.status, outcome.verdicts["closing"]) == (BatchStatus.CLOSED, "PASS")
    assert at_its_end.site.asked_of_gemini() - asked == (1 if (store, kind[0]) in MISSING_VECTOR else 0)


MISSING_VECTOR = {("Milvus", "r"), ("Milvus", "s")}
"""Only a vector that is missing is embedded again."""


def test_a_record_missing_from_mongodb_is_loaded_again_from_its_file(at_its_end: Open) -> None:
    remove_from_mongodb(at_its_end)
    at_its_end.check()
    runner = at_its_end.site.app.runner()
    again = runner.recheck(at_its_end.batch_id, redo=True)
    assert (again.status, "Run it again" in again.next_step) == (BatchStatus.RUNNING, True)
    outcome = runner.process(at_its_end.source)
    assert (outcome.status, outcome.counts.accepted, outcome.counts.quarantined) == (BatchStatus.CLOSED, RECORDS - 1, 1)


def test_a_record_added_to_mongodb_is_removed_by_a_person_and_the_batch_closes(at_its_end: Open) -> None:
    add_to_mongodb(at_its_end)
    at_its_end.check()
    at_its_end.site.app.raw_store._interactions.delete_one({"_id": STRANGE})
    assert at_its_end.site.app.runner().recheck(at_its_end.batch_id).status is BatchStatus.CLOSED


def test_an_inconsistent_batch_cannot_be_resumed_but_rejected(at_its_end: Open) -> None:
    remove_from_neo4j(at_its_end)
    at_its_end.check()
    runner = at_its_end.site.app.runner()
    with pytest.raises(ConfigurationError, match="closing gate"):
        runner.resume(at_its_end.batch_id)
    assert runner.reject(at_its_end.batch_id, "given up").status is BatchStatus.DEAD


def test_an_inconsistent_batch_waits_and_stops_the_pipeline_where_that_is_set(
    at_its_end: Open, make_site: MakeSite
) -> None:
    remove_from_neo4j(at_its_end)
    at_its_end.check()
    assert at_its_end.site.app.runner().process(at_its_end.source).exit_code is ExitCode.GATE_FAILED
    strict = make_site(SLUICEGATE_HALT_SCOPE="pipeline")
    assert "is inconsistent and SLUICEGATE_HALT_SCOPE" in strict.process("clean.jsonl").message


@pytest.mark.parametrize(
    "down", [{"MILVUS_URI": "http://127.0.0.1:9"}, {"BIGQUERY_API_ENDPOINT": "http://127.0.0.1:9"}], ids=str
)
def test_a_store_that_is_down_holds_the_batch(at_its_end: Open, make_site: MakeSite, down: dict[str, str]) -> None:
    cut_off = make_site(**down)
    runner = cut_off.app.runner("mongodb")
    for _ in range(4):
        outcome = runner.attempt(at_its_end.source, CLOSING)
    assert (outcome.status, outcome.verdicts["closing"]) == (BatchStatus.HELD, "ERROR")
    assert at_its_end.check().status is BatchStatus.CLOSED


def test_a_vector_that_must_not_be_written_may_be_missing_and_no_other(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site(SLUICEGATE_USER_ID_TOLERANCE=0.5, SLUICEGATE_VECTOR_MIN_INVALID=2)
    site.order("wrong_length", match="message 7")
    one = brought_to_its_end(site, tmp_path)
    site.order(None)
    assert (one.check().status, site.vectors.rows([GONE])) == (BatchStatus.CLOSED, {})
    site.vectors.delete(["i-01"])
    outcome = site.app.runner().again(one.batch_id, [CLOSING.key])
    assert (outcome.status, "i-01" in one.named()) == (BatchStatus.INCONSISTENT, True)


@pytest.mark.parametrize(
    ("mutate", "status"),
    [
        (None, BatchStatus.CLOSED),
        (remove_from_mongodb, BatchStatus.INCONSISTENT),
        (add_to_mongodb, BatchStatus.INCONSISTENT),
        (both(remove_from_mongodb, add_to_mongodb), BatchStatus.INCONSISTENT),
    ],
    ids=["unchanged", "removed", "added", "swapped"],
)
def test_a_batch_an_older_program_loaded_is_checked_by_its_count_and_by_ids(
    at_its_end: Open, mutate: Callable[[Open], None] | None, status: BatchStatus
) -> None:
    _forget_checksums(at_its_end)
    if mutate:
        mutate(at_its_end)
    assert at_its_end.check().status is status


def _forget_checksums(one: Open) -> None:
    """As the ledger of an older program is: it kept none."""
    steps = [f"steps.stage:{stage}.counts.{CHECKSUM}" for stage in ("load", "publish")]
    batches = one.site.app.ledger._batches
    assert batches.update_one({"_id": one.batch_id}, {"$unset": dict.fromkeys(steps, "")}).modified_count == 1


def test_a_batch_that_went_on_without_its_file_is_closed(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site(SLUICEGATE_USER_ID_TOLERANCE=0.5)
    one = brought_to_its_end(site, tmp_path)
    _as_cut_off_while_loading(one)
    outcome = site.app.runner().resume(one.batch_id, without_file=True)
    assert (outcome.status, outcome.verdicts["closing"]) == (BatchStatus.CLOSED, "PASS")
    assert (outcome.counts.accepted, outcome.counts.quarantined) == (RECORDS - 2, 1)


def _as_cut_off_while_loading(one: Open) -> None:
    """One record was not loaded yet, and nothing after the load was begun."""
    site = one.site
    remove_from_mongodb(one)
    remove_from_neo4j(one)
    remove_from_milvus(one)
    kept = ("attempts", "started_at")
    steps = {"stage:load": {"ok": False, **dict.fromkeys(kept)}}
    site.app.ledger._batches.update_one({"_id": one.batch_id}, {"$set": {"steps": steps, "gates": {}, "counts": {}}})


def test_a_batch_whose_vectors_were_rolled_back_is_not_closed_without_them(at_its_end: Open) -> None:
    site, batch_id = at_its_end.site, at_its_end.batch_id
    runner, embedding = site.app.runner(), site.app.ledger.find(at_its_end.batch_id).embedding
    assert embedding is not None
    data = {"embedding_batch_id": embedding.embedding_batch_id, "collection": ""}
    assert runner.decide(batch_id, Decision(DecisionKind.ROLLBACK, data, "me")).status is BatchStatus.HALTED
    assert runner.again(batch_id, [CLOSING.key]).status in WAITING
    assert "recheck" in runner.again(batch_id, [CLOSING.key]).next_step
    again = runner.recheck(batch_id, redo=True)
    assert (again.status, site.vectors.rows([GONE]) != {}) == (BatchStatus.CLOSED, True)
