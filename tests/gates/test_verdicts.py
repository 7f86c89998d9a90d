"""The real checkpoints on the fixtures: a batch for each gate and verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from checkpoints.gx_gate import build_gates
from expectations_plugins.core.errors import ConfigurationError, ExitCode, TransientError
from expectations_plugins.neo4j.connection import connect
from pipeline.core.batches import BatchStatus
from pipeline.core.topology import GATES
from pipeline.core.verdicts import Verdict
from pipeline.ports.stores import RawStore
from tests.gates.conftest import Site

MakeSite = Callable[..., Site]
NOBODY = "127.0.0.1:9"
"""A port nobody listens on."""


def test_a_clean_batch_passes_all_gates(make_site: MakeSite) -> None:
    outcome = make_site().process("clean.jsonl")
    assert outcome.verdicts == dict.fromkeys(GATES, "PASS")
    assert (outcome.status, outcome.exit_code) == (BatchStatus.CLOSED, ExitCode.OK)


def test_bad_user_ids_fail_the_raw_gate_and_halt_the_batch(make_site: MakeSite) -> None:
    site = make_site()
    outcome = site.process("bad_user_ids.jsonl")
    assert outcome.verdicts == {"raw": "FAIL"}
    assert (outcome.status, outcome.exit_code) == (BatchStatus.HALTED, ExitCode.GATE_FAILED)
    finding = site.report(outcome, "raw").findings[0]
    assert finding.summary == "4 of 12 (33.33%) user_ids are bad: 2 null, 1 not text, 1 wrong format"
    assert {example[0] for example in finding.examples} == {"bad-02", "bad-05", "bad-07", "bad-09"}


def test_the_bad_records_are_quarantined_and_the_batch_resumes_without_them(make_site: MakeSite) -> None:
    site = make_site()
    halted = site.process("bad_user_ids.jsonl")
    assert (halted.counts.accepted, halted.counts.quarantined) == (8, 4)
    resumed = site.app.runner().resume(halted.batch_id)
    assert (resumed.status, resumed.exit_code) == (BatchStatus.CLOSED, ExitCode.OK)
    assert site.app.graph_store.count(halted.batch_id) == 8


def test_a_tolerated_bad_user_id_warns_is_quarantined_and_the_batch_flows_on(make_site: MakeSite) -> None:
    site = make_site(SLUICEGATE_USER_ID_TOLERANCE=0.1)
    outcome = site.process("one_bad_user_id.jsonl")
    assert outcome.verdicts["raw"] == "WARN"
    assert (outcome.status, outcome.counts.quarantined) == (BatchStatus.CLOSED, 1)
    assert site.app.graph_store.count(outcome.batch_id) == 11


def test_the_same_user_id_fails_without_a_tolerance(make_site: MakeSite) -> None:
    assert make_site().process("one_bad_user_id.jsonl").verdicts == {"raw": "FAIL"}


def test_an_empty_file_is_empty_at_every_gate(make_site: MakeSite) -> None:
    site = make_site()
    outcome = site.process("nothing.jsonl")
    assert outcome.verdicts == dict.fromkeys(GATES, "EMPTY")
    assert (outcome.status, outcome.exit_code) == (BatchStatus.CLOSED, ExitCode.OK)
    assert [one.action for one in site.report(outcome, "raw").actions] == ["docs"]


def test_a_file_of_nothing_but_dead_letters_fails_and_can_be_let_go_with_nothing(make_site: MakeSite) -> None:
    site = make_site()
    outcome = site.process("only_dead_letters.jsonl")
    assert (outcome.verdicts, outcome.status, outcome.counts.dead) == ({"raw": "FAIL"}, BatchStatus.HALTED, 3)
    assert site.report(outcome, "raw").findings[0].summary.startswith("3 of 3 (100.00%) records could not be loaded: ")
    assert site.app.runner().resume(outcome.batch_id, incomplete=True).status is BatchStatus.CLOSED


def test_a_graph_that_lost_records_cannot_be_passed_over_and_is_mended_by_a_recheck(make_site: MakeSite) -> None:
    site = make_site(SLUICEGATE_USER_ID_TOLERANCE=0.5)
    outcome = site.process("one_bad_user_id.jsonl")
    halt_at_the_graph_gate(site, outcome.batch_id, lost="one-03")
    with pytest.raises(ConfigurationError, match="no record can be left out"):
        site.app.runner().resume(outcome.batch_id)
    assert site.app.runner().recheck(outcome.batch_id, redo=True).status is BatchStatus.CLOSED
    assert site.app.graph_store.count(outcome.batch_id) == 11


def test_orphans_warn_are_counted_and_named_and_the_batch_goes_on(make_site: MakeSite) -> None:
    site = make_site()
    outcome = site.process("orphans.jsonl")
    assert outcome.verdicts == {"raw": "PASS", "graph": "WARN", "vectors": "PASS", "closing": "PASS"}
    finding = site.report(outcome, "graph").findings[0]
    assert finding.summary == "3 of 12 (25.00%) interactions are orphans; they name 1 missing campaign_id"
    assert sorted(finding.examples) == [
        ("orphan-01", "c_unknown"),
        ("orphan-02", "c_unknown"),
        ("orphan-03", "null"),
    ]


def test_a_graph_that_lost_a_record_fails_the_graph_gate(make_site: MakeSite) -> None:
    site = make_site()
    outcome = site.process("clean.jsonl")
    to = site.app.connections("neo4j")
    graph = connect(to.neo4j_uri, to.neo4j_user, to.neo4j_password, database=to.neo4j_database)
    graph.write(["MATCH (i:Interaction {interaction_id: 'clean-03'}) DETACH DELETE i"], {}, doing="test", timeout=10)
    graph.close()
    report = gates_of(site)["graph"].check(outcome.batch_id, None)
    assert (report.verdict, report.findings[0].summary) == (Verdict.FAIL, "found 11, expected 12")


def test_vectors_of_zeros_are_not_written_and_fail_the_vector_gate(make_site: MakeSite) -> None:
    site = make_site()
    site.order("zero")
    try:
        outcome = site.process("clean.jsonl")
    finally:
        site.order(None)
    assert outcome.verdicts["vectors"] == "FAIL"
    assert (outcome.status, outcome.exit_code) == (BatchStatus.HALTED, ExitCode.GATE_FAILED)
    assert "12 zero" in site.report(outcome, "vectors").findings[0].summary


def test_gemini_down_gives_marked_fallback_vectors_and_a_warning(make_site: MakeSite) -> None:
    site = make_site()
    site.order("503")
    try:
        outcome = site.process("clean.jsonl")
    finally:
        site.order(None)
    assert outcome.verdicts == {"raw": "PASS", "graph": "PASS", "vectors": "WARN", "closing": "PASS"}
    assert outcome.status is BatchStatus.CLOSED


def test_a_batch_without_messages_is_empty_at_the_vector_gate(make_site: MakeSite) -> None:
    outcome = make_site().process("no_messages.jsonl")
    assert outcome.verdicts == {"raw": "PASS", "graph": "PASS", "vectors": "EMPTY", "closing": "PASS"}


@pytest.mark.parametrize(
    ("gate", "down"),
    [
        ("raw", {"MONGODB_URI": f"mongodb://{NOBODY}/?serverSelectionTimeoutMS=300"}),
        ("graph", {"NEO4J_URI": f"bolt://{NOBODY}"}),
        ("vectors", {"MILVUS_URI": f"http://{NOBODY}"}),
    ],
)
def test_an_outage_is_an_error_and_never_a_failure(make_site: MakeSite, gate: str, down: dict[str, str]) -> None:
    site = make_site()
    outcome = site.process("bad_user_ids.jsonl" if gate == "raw" else "clean.jsonl")
    before = site.app.raw_store.counts(outcome.batch_id)
    report = gates_of(site, **down)[gate].check(outcome.batch_id, lease_of(site, outcome.batch_id))
    assert (report.verdict, report.transient) == (Verdict.ERROR, True)
    assert all(action.status != "done" for action in report.actions if action.action == "quarantine")
    assert site.app.raw_store.counts(outcome.batch_id) == before


def test_a_check_without_a_lease_says_what_it_would_do_and_does_nothing(make_site: MakeSite) -> None:
    site = make_site(SLUICEGATE_USER_ID_TOLERANCE=0.1)
    outcome = site.process("clean.jsonl")
    strict = make_site(SLUICEGATE_USER_ID_PATTERN="^x_")
    report = gates_of(strict)["raw"].check(outcome.batch_id, None)
    assert report.verdict is Verdict.FAIL
    [quarantine] = [action for action in report.actions if action.action == "quarantine"]
    assert (quarantine.status, quarantine.detail) == ("would do", "would quarantine 12 records")
    assert site.app.raw_store.counts(outcome.batch_id) == (12, 0)


def test_markup_in_data_is_text_on_the_page(make_site: MakeSite, gx_root: Path, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    record = {"interaction_id": "x<b>1", "user_id": hostile, "campaign_id": hostile, "message": hostile}
    (tmp_path / "hostile.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    site = make_site(SLUICEGATE_USER_ID_PATTERN="^<", SLUICEGATE_VECTOR_TOLERANCE=1)
    outcome = site.process(tmp_path / "hostile.jsonl")
    assert outcome.verdicts["graph"] == "WARN"
    strict = make_site()
    gates_of(strict)["raw"].check(outcome.batch_id, None)
    pages = list((gx_root / "uncommitted" / "data_docs").rglob("*.html"))
    ours = [text for page in pages if "alert(1)" in (text := page.read_text("utf-8"))]
    assert len(ours) >= 2
    assert not [text for text in ours if hostile in text]


def test_records_that_could_not_be_quarantined_hold_the_batch(make_site: MakeSite) -> None:
    site = make_site(SLUICEGATE_USER_ID_TOLERANCE=0.5)
    raw_store = Refusing(site.app.raw_store)
    outcome = site.process("one_bad_user_id.jsonl")
    gates = gates_of(site, raw_store=raw_store)
    report = gates["raw"].check(outcome.batch_id, lease_of(site, outcome.batch_id))
    assert (report.verdict, report.transient) == (Verdict.ERROR, True)
    assert "MongoDB went away" in report.findings[0].summary


def test_a_user_id_with_a_last_newline_is_malformed(make_site: MakeSite, tmp_path: Path) -> None:
    record = {"interaction_id": "newline-1", "user_id": "u_123\n", "campaign_id": "c_1"}
    (tmp_path / "newline.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    assert make_site().process(tmp_path / "newline.jsonl").verdicts == {"raw": "FAIL"}


class Refusing:
    """A raw store that cannot mark records."""

    def __init__(self, real: RawStore) -> None:
        self._real = real

    def quarantine(self, *_: object, **__: object) -> int:
        raise TransientError("MongoDB went away.")

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


def halt_at_the_graph_gate(site: Site, batch_id: str, lost: str) -> None:
    """Lose a node, and let the graph gate see it, as a run would."""
    to = site.app.connections("neo4j")
    graph = connect(to.neo4j_uri, to.neo4j_user, to.neo4j_password, database=to.neo4j_database)
    query = "MATCH (i:Interaction {interaction_id: $lost}) DETACH DELETE i"
    graph.write([query], {"lost": lost}, doing="losing a node", timeout=10)
    graph.close()
    ledger, lease = site.app.ledger, lease_of(site, batch_id)
    report = gates_of(site)["graph"].check(batch_id, lease)
    assert report.verdict is Verdict.FAIL
    ledger.clear_steps(lease, ["gate:graph", "stage:embed", "gate:vectors"])
    ledger.start_step(lease, "gate:graph")
    ledger.record_gate(lease, report)
    ledger.end_step(lease, "gate:graph", ok=False, counts={}, error="failed")
    ledger.set_status(lease, BatchStatus.HALTED)
    ledger.release(lease)


def gates_of(site: Site, raw_store: Any = None, **environment: str) -> dict[str, Any]:
    """The gates, with other addresses where the test wants a store to be down."""
    app = site.app
    known = app.connections("mongodb", "neo4j", "milvus").environment()
    effects = app._effects()
    found = build_gates(app.settings, {**known, **environment}, replace(effects, raw_store=raw_store or app.raw_store))
    return dict(found)


def lease_of(site: Site, batch_id: str) -> Any:
    return site.app.ledger.acquire(batch_id, "test", 60)
