"""A batch stays where it was embedded: whatever GEMINI_MODEL is now, every command looks where its manifest says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pipeline.core.batches import BatchStatus, short
from pipeline.core.embeddings import FALLBACK_SOURCE
from sluicegate.commands import COMMANDS
from tests.fakes.effects import Killed
from tests.gates.moved import SIZE, Finishing, MakeSite, Moved, cut_off, refused, two_models
from tests.gates.test_changed_batches import dies
from tests.gates.test_decisions import command
from tests.gates.test_thresholds import batch


@pytest.fixture
def moved(make_site: MakeSite, tmp_path: Path) -> Iterator[Moved]:
    yield from two_models(make_site, tmp_path)


def rollback_removes_them(moved: Moved) -> None:
    outcome = moved.embedded()
    done = command(moved.site("b"), "rollback", short(outcome.batch_id), "--yes")
    assert f"{SIZE} vectors removed" in done.output, done.output
    assert moved.rows("a", outcome) == []


def rollback_counts_them_first(moved: Moved) -> None:
    outcome = moved.embedded()
    moved.delete(outcome, 5)
    dry = command(moved.site("b"), "rollback", short(outcome.batch_id), "--dry-run")
    assert "7 vectors are removed" in dry.output, dry.output
    assert f"held 7 of its vectors, the ledger expects {SIZE}" in dry.output
    assert len(moved.rows("a", outcome)) == 7


def trace_finds_the_vector(moved: Moved) -> None:
    outcome = moved.embedded()
    [row, *_] = moved.rows("a", outcome)
    output = json.loads(command(moved.site("b"), "trace", row["interaction_id"], "--json").output)
    assert output["contradictions"] == []
    assert output["milvus"]["vector"]["embedding_source"] == moved.model("a")
    assert output["milvus"]["nearest"]["records"]
    assert moved.collection("a") in command(moved.site("b"), "trace", row["interaction_id"]).output


def status_names_the_collection(moved: Moved) -> None:
    outcome = moved.embedded()
    assert moved.collection("a") in command(moved.site("b"), "status", short(outcome.batch_id)).output


def reembed_replaces_them_with_their_model(moved: Moved) -> None:
    outcome = moved.embedded(order="503")
    assert moved.sources("a", outcome) == {FALLBACK_SOURCE: SIZE}
    done = command(moved.site("b"), "reembed")
    assert f"{SIZE} of {SIZE} replaced" in done.output, done.output
    assert moved.sources("a", outcome) == {moved.model("a"): SIZE}
    assert moved.embedding(outcome).collection == moved.collection("a")


def gate_judges_them(moved: Moved) -> None:
    outcome = moved.embedded()
    report = moved.site("b").app.gate("vectors").check(outcome.batch_id, None)
    assert str(report.verdict) == "PASS", report.findings


def gate_rolls_them_back(moved: Moved) -> None:
    outcome = moved.embedded()
    moved.delete(outcome, 5)
    site = moved.site("b")
    with site.leased(outcome.batch_id) as keeper:
        report = site.app.gate("vectors").check(outcome.batch_id, keeper.lease)
    [done] = [action for action in report.actions if action.action == "rollback"]
    assert done.detail.startswith("7 vectors removed, 0 restored"), done
    assert f"the ledger expects {SIZE}" in done.detail
    assert moved.rows("a", outcome) == []


def gate_sweeps_stale_ones(moved: Moved) -> None:
    outcome = moved.embedded()
    stale = [row | {"fence": 99} for row in moved.rows("a", outcome)]
    moved.client.upsert(moved.collection("a"), stale)
    site = moved.site("b")
    with site.leased(outcome.batch_id) as keeper:
        report = site.app.gate("vectors").check(outcome.batch_id, keeper.lease)
    assert f"{SIZE} vectors of a run that had lost the batch removed" in str(report.actions)
    assert moved.rows("a", outcome) == []


def release_adds_to_them(moved: Moved) -> None:
    moved.settings["SLUICEGATE_USER_ID_TOLERANCE"] = 0.5
    outcome = moved.embedded(bad=1)
    site = moved.site("b")
    [bad] = site.app.raw_store.quarantined(outcome.batch_id, 10)
    command(site, "quarantine", "release", bad.interaction_id, "--set", "user_id=u_777")
    assert moved.sources("a", outcome) == {moved.model("a"): SIZE}
    assert moved.rows("b", outcome) == []
    assert moved.batch(outcome).status == BatchStatus.CLOSED


def reject_removes_them(moved: Moved) -> None:
    moved.settings["SLUICEGATE_USER_ID_TOLERANCE"] = 0.5
    outcome = moved.embedded(bad=1)
    moved.settings["SLUICEGATE_USER_ID_TOLERANCE"] = 0.0
    site = moved.site("b")
    [bad] = site.app.raw_store.quarantined(outcome.batch_id, 10)
    command(site, "quarantine", "release", bad.interaction_id, "--set", "user_id=still bad")
    assert moved.batch(outcome).status == BatchStatus.HALTED
    assert len(moved.rows("a", outcome)) == SIZE - 1
    command(site, "reject", short(outcome.batch_id), "--note", "not ours", "--yes")
    assert moved.batch(outcome).status == BatchStatus.DEAD
    assert moved.rows("a", outcome) == []


def recheck_leaves_them(moved: Moved) -> None:
    """A batch that is done again from before the embed stage is not embedded twice."""
    moved.settings["SLUICEGATE_USER_ID_TOLERANCE"] = 0.5
    outcome = moved.embedded(bad=1)
    moved.settings["SLUICEGATE_USER_ID_TOLERANCE"] = 0.0
    site = moved.site("b")
    [bad] = site.app.raw_store.quarantined(outcome.batch_id, 10)
    command(site, "quarantine", "release", bad.interaction_id, "--set", "user_id=still bad")
    moved.settings["SLUICEGATE_USER_ID_TOLERANCE"] = 0.5
    assert moved.site("b").app.runner().recheck(outcome.batch_id).status is BatchStatus.CLOSED
    assert moved.sources("a", outcome) == {moved.model("a"): SIZE - 1}
    assert moved.rows("b", outcome) == []


def docs_name_the_collection(moved: Moved) -> None:
    outcome = moved.embedded()
    site = moved.site("b")
    command(site, "docs", "build")
    pages = list(Path(site.app.docs_index).parent.rglob(f"*{short(outcome.batch_id)}*.html"))
    assert any(moved.collection("a") in path.read_text("utf-8") for path in pages), pages


def lineage_events_name_the_collection(moved: Moved) -> None:
    moved.settings["SLUICEGATE_USER_ID_TOLERANCE"] = 0.5
    outcome = moved.embedded(bad=1)
    output = moved.folder / "lineage.jsonl"
    site = moved.site("b", SLUICEGATE_LINEAGE_FILE=output)
    [bad] = site.app.raw_store.quarantined(outcome.batch_id, 10)
    command(site, "quarantine", "release", bad.interaction_id, "--set", "user_id=u_777")
    site.app.close()
    assert moved.collection("a") in output.read_text("utf-8")
    assert moved.collection("b") not in output.read_text("utf-8")


ACTS = {
    act.__name__.replace("_", " "): act
    for act in (
        rollback_removes_them,
        rollback_counts_them_first,
        trace_finds_the_vector,
        status_names_the_collection,
        reembed_replaces_them_with_their_model,
        gate_judges_them,
        gate_rolls_them_back,
        gate_sweeps_stale_ones,
        release_adds_to_them,
        reject_removes_them,
        recheck_leaves_them,
        docs_name_the_collection,
        lineage_events_name_the_collection,
    )
}
"""Everything that acts on, or reads, the vectors of a batch that was embedded before."""

COVERED = frozenset({"rollback", "trace", "status", "reembed", "gate", "quarantine", "reject", "recheck", "docs"})
SAME_PATH = {
    "run": "goes on with a batch as recheck does",
    "stage": "makes one attempt of what run does",
    "backfill": "runs what run does",
    "resume": "goes on as recheck does",
    "supersede": "moves records; both batches then go on as recheck does",
    "migrate": "names in manifests where the vectors are: see tests/upgrades",
    "dlq": "replays through run; what it replays has no vectors yet, or its embed stage is gone on with",
}
NO_VECTORS = frozenset(
    {"init", "plan", "airflow", "alerts", "review", "campaigns", "collect", "watch", "metrics", "doctor", "stack", "gx"}
)


@pytest.mark.parametrize("name", ACTS)
def test_under_another_model_vectors_are_where_the_manifest_says(moved: Moved, name: str) -> None:
    ACTS[name](moved)


def test_every_command_is_known_to_look_there_or_to_have_no_vectors() -> None:
    """A new command is added to one of the three, with its test where it acts on vectors."""
    assert COVERED | set(SAME_PATH) | NO_VECTORS == set(COMMANDS)
    assert all(any(name.startswith(command) for name in ACTS) for command in COVERED - {"quarantine"})


def test_what_was_cut_off_with_another_model_is_taken_back_and_done_with_the_new_one(moved: Moved) -> None:
    path = cut_off(moved)
    assert moved.client.query(moved.collection("a"), output_fields=["count(*)"])[0]["count(*)"] == SIZE
    outcome = moved.site("b").process(path)
    assert outcome.status is BatchStatus.CLOSED
    assert moved.rows("a", outcome) == []
    assert moved.sources("b", outcome) == {moved.model("b"): SIZE}
    first, second = sorted(moved.batch(outcome).embeddings.values(), key=lambda one: one.number)
    assert first.rolled_back
    assert (first.rolled_back.removed, first.collection) == (SIZE, moved.collection("a"))
    assert (second.finished, second.collection) == (True, moved.collection("b"))


def test_what_was_finished_once_is_not_taken_for_cut_off_when_it_is_gone_on_with(moved: Moved) -> None:
    """Its vectors were judged: they stay with their model, however often going on with them is interrupted."""
    moved.settings["SLUICEGATE_USER_ID_TOLERANCE"] = 0.5
    outcome = moved.embedded(bad=1)
    [bad] = moved.site("b").app.raw_store.quarantined(outcome.batch_id, 10)
    dying = moved.site("b", lambda name, port: Finishing(port) if name == "ledger" else port)
    with pytest.raises(Killed):
        command(dying, "quarantine", "release", bad.interaction_id, "--set", "user_id=u_777")
    for again in (dying, moved.site("b")):
        with suppress(Killed):
            again.process(batch(moved.folder, "moved", SIZE, bad=1))
        assert moved.sources("a", outcome) == {moved.model("a"): SIZE}
        assert moved.rows("b", outcome) == []
    assert moved.batch(outcome).status == BatchStatus.CLOSED


def test_a_batch_that_was_rolled_back_is_embedded_with_the_new_model(moved: Moved) -> None:
    outcome = moved.embedded()
    site = moved.site("b")
    command(site, "rollback", short(outcome.batch_id), "--yes")
    assert site.app.runner().recheck(outcome.batch_id, redo=True).status is BatchStatus.CLOSED
    assert (moved.rows("a", outcome), moved.sources("b", outcome)) == ([], {moved.model("b"): SIZE})


def test_an_interrupted_rollback_says_the_whole_number(moved: Moved) -> None:
    outcome = moved.embedded()
    with pytest.raises(Killed):
        command(moved.site("a", dies("journal", "rolled_back")), "rollback", short(outcome.batch_id), "--yes")
    assert moved.rows("a", outcome) == []
    done = command(moved.site("b"), "rollback", short(outcome.batch_id), "--yes")
    assert f"{SIZE} vectors removed, 0 restored. Embed" in done.output, done.output


def test_a_manifest_of_an_earlier_version_is_never_said_to_be_rolled_back_where_its_vectors_are_not(
    moved: Moved,
) -> None:
    outcome = moved.embedded()
    moved.forget(outcome)
    name = short(outcome.batch_id)
    for arguments in (("rollback", name, "--yes"), ("rollback", name, "--dry-run"), ("reembed", "--batch", name)):
        output = refused(command(moved.site("b"), *arguments))
        assert f"expects {SIZE} vectors" in output
        assert f"collection {moved.collection('b')} holds none" in output
        assert "Set GEMINI_MODEL" in output
    assert (moved.batch(outcome).status, len(moved.rows("a", outcome))) == (BatchStatus.CLOSED, SIZE)
    [row, *_] = moved.rows("a", outcome)
    assert "did not note in which collection" in command(moved.site("b"), "trace", row["interaction_id"]).output
    done = command(moved.site("a"), "rollback", name, "--yes")
    assert f"{SIZE} vectors removed" in done.output
    assert moved.rows("a", outcome) == []


def test_vectors_that_an_earlier_version_wrote_and_that_are_lost_can_be_embedded_again(moved: Moved) -> None:
    outcome = moved.embedded()
    moved.forget(outcome)
    moved.client.drop_collection(moved.collection("a"))
    name, site = short(outcome.batch_id), moved.site("b")
    done = command(site, "rollback", name, "--collection", moved.collection("b"), "--yes")
    lost = (
        f"0 vectors removed, 0 restored; collection {moved.collection('b')} does not exist, the ledger expects {SIZE}"
    )
    assert lost in done.output, done.output
    assert site.app.runner().recheck(outcome.batch_id, redo=True).status is BatchStatus.CLOSED
    assert moved.sources("b", outcome) == {moved.model("b"): SIZE}
