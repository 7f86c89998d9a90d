"""Each gate just under, at and just over its threshold; the sample and the exact scan; what a rollback leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.core.batch import EmbeddingState
from pipeline.core.batches import BatchStatus, Lease, short
from pipeline.core.embeddings import FALLBACK_SOURCE
from pipeline.core.outcome import BatchOutcome
from pipeline.core.topology import MAX_ATTEMPTS
from pipeline.core.verdicts import Verdict
from sluicegate.app import sluicegate
from tests.gates.conftest import Site

MakeSite = Callable[..., Site]


def batch(folder: Path, name: str, size: int, *, bad: int = 0) -> Path:
    """A batch of records, the first ones without a user_id."""
    rows = [
        {
            "interaction_id": f"{folder.name}-{name}-{number:04d}",
            "user_id": None if number < bad else f"u_{number:03d}",
            "campaign_id": "c_1",
            "timestamp": "2026-11-20T09:00:00Z",
            "type": "click",
            "message": f"message {number}",
        }
        for number in range(size)
    ]
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(("tolerance", "verdict"), [(0.04, "FAIL"), (0.05, "WARN"), (0.06, "WARN")])
def test_user_ids_at_the_tolerance_pass_and_above_it_fail(
    make_site: MakeSite, tmp_path: Path, tolerance: float, verdict: str
) -> None:
    outcome = make_site(SLUICEGATE_USER_ID_TOLERANCE=tolerance).process(batch(tmp_path, "users", 20, bad=1))
    assert outcome.verdicts["raw"] == verdict
    assert outcome.counts.quarantined == 1


def embedding_of(site: Site, batch_id: str) -> EmbeddingState:
    latest = site.app.ledger.find(batch_id).embedding
    assert latest
    return latest


class Vectors:
    """A closed batch whose vectors a test damages before its gate is asked again."""

    def __init__(self, site: Site, path: Path) -> None:
        self.site = site
        self.outcome: BatchOutcome = site.process(path)
        assert self.outcome.verdicts["vectors"] == "PASS"
        self.store = site.vectors
        self.sample = list(self.embedding.sample_ids)

    @property
    def embedding(self) -> EmbeddingState:
        return embedding_of(self.site, self.outcome.batch_id)

    def lose(self, number: int) -> None:
        self.store.delete(self.sample[:number])

    def check(self) -> Any:
        lease: Lease = self.site.app.ledger.acquire(self.outcome.batch_id, "test", 600)
        report = self.site.app.gate("vectors").check(self.outcome.batch_id, lease)
        self.site.app.ledger.release(lease)
        return report


@pytest.mark.parametrize(("lost", "verdict"), [(0, "PASS"), (2, "PASS"), (3, "FAIL")])
def test_vectors_at_the_tolerance_pass_and_above_it_are_rolled_back(
    make_site: MakeSite, tmp_path: Path, lost: int, verdict: str
) -> None:
    vectors = Vectors(make_site(), batch(tmp_path, "vectors", 40))
    vectors.lose(lost)
    report = vectors.check()
    assert str(report.verdict) == verdict
    left = vectors.store.count_of(vectors.embedding.embedding_batch_id)
    assert left == (0 if verdict == "FAIL" else 40 - lost)
    assert bool(vectors.embedding.rolled_back_at) == (verdict == "FAIL")


@pytest.mark.parametrize(("tolerance", "verdict"), [(0.04, "WARN"), (0.05, "PASS"), (0.06, "PASS")])
def test_fallback_vectors_at_the_tolerance_pass_and_above_it_are_warned_of(
    make_site: MakeSite, tmp_path: Path, tolerance: float, verdict: str
) -> None:
    vectors = Vectors(make_site(SLUICEGATE_FALLBACK_TOLERANCE=tolerance), batch(tmp_path, "fallback", 20))
    [row] = vectors.store.rows(vectors.sample[:1]).values()
    vectors.store.upsert([replace(row, embedding_source=FALLBACK_SOURCE)])
    assert str(vectors.check().verdict) == verdict


@pytest.mark.parametrize(("exact_scan", "verdict"), [(True, "PASS"), (False, "FAIL")])
def test_six_of_a_hundred_that_are_under_five_percent_of_all_decide_only_by_the_literal_rule(
    make_site: MakeSite, tmp_path: Path, exact_scan: bool, verdict: str
) -> None:
    vectors = Vectors(make_site(SLUICEGATE_VECTOR_EXACT_SCAN=exact_scan), batch(tmp_path, "sample", 250))
    vectors.lose(6)
    report = vectors.check()
    assert str(report.verdict) == verdict
    kinds = [intent.action for intent in report.intents]
    assert ("rollback" in kinds) == (verdict == "FAIL")


def test_a_halted_batch_is_embedded_again_under_another_id(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site()
    site.order("zero")
    halted = site.process(batch(tmp_path, "again", 30))
    site.order(None)
    assert (halted.status, halted.verdicts["vectors"]) == (BatchStatus.HALTED, "FAIL")
    first = embedding_of(site, halted.batch_id).embedding_batch_id
    mended = site.app.runner().recheck(halted.batch_id, redo=True)
    embedding = embedding_of(site, halted.batch_id)
    assert (mended.status, embedding.number) == (BatchStatus.CLOSED, 2)
    assert embedding.embedding_batch_id != first
    assert site.vectors.count_of(embedding.embedding_batch_id) == 30


def test_a_rollback_by_hand_is_shown_first_and_halts_the_batch(make_site: MakeSite, tmp_path: Path) -> None:
    vectors = Vectors(make_site(), batch(tmp_path, "hand", 12))
    name, app = short(vectors.outcome.batch_id), vectors.site.app
    dry = CliRunner().invoke(sluicegate, ["rollback", name, "--dry-run"], obj=app)
    assert "12 vectors are removed, 0 restored" in dry.output
    assert vectors.store.count_of(vectors.embedding.embedding_batch_id) == 12
    done = CliRunner().invoke(sluicegate, ["rollback", name, "--yes"], obj=app)
    assert f"run.py recheck {name} --redo" in done.output
    assert vectors.store.count_of(vectors.embedding.embedding_batch_id) == 0
    assert app.ledger.find(vectors.outcome.batch_id).status == "halted"
    again = CliRunner().invoke(sluicegate, ["rollback", name, "--yes"], obj=app)
    assert "rolled back already" in str(again.exception)


def test_gemini_down_closes_the_batch_with_fallbacks_and_reembed_replaces_them(
    make_site: MakeSite, tmp_path: Path
) -> None:
    site = make_site()
    site.order("503")
    asked = site.asked_of_gemini()
    outcome = site.process(batch(tmp_path, "down", 24))
    assert (outcome.status, outcome.verdicts["vectors"]) == (BatchStatus.CLOSED, "WARN")
    rows = site.vectors.rows([f"{tmp_path.name}-down-{number:04d}" for number in range(24)])
    assert {row.embedding_source for row in rows.values()} == {FALLBACK_SOURCE}
    assert site.asked_of_gemini() - asked == MAX_ATTEMPTS
    still = CliRunner().invoke(sluicegate, ["reembed", "--batch", short(outcome.batch_id)], obj=site.app)
    assert "24 fallback vectors stay" in still.output
    site.order(None)
    done = CliRunner().invoke(sluicegate, ["reembed"], obj=site.app)
    assert "24 of 24 replaced" in done.output, done.output
    assert site.app.fallbacks(site.app.ledger.find(outcome.batch_id)) == 0


def test_a_poisoned_re_embedding_is_rolled_back_by_the_gate(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site()
    site.order("503")
    outcome = site.process(batch(tmp_path, "poison", 24))
    ids = [f"{tmp_path.name}-poison-{number:04d}" for number in range(24)]
    before = dict(site.vectors.rows(ids))
    site.order(None)
    site.order("zero")
    done = CliRunner().invoke(sluicegate, ["reembed"], obj=site.app)
    site.order(None)
    assert Verdict.FAIL in done.output, done.output
    assert dict(site.vectors.rows(ids)) == before
    assert site.app.fallbacks(site.app.ledger.find(outcome.batch_id)) == 24


def test_a_re_embedding_that_loses_vectors_is_rolled_back_by_the_gate(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site()
    site.order("503")
    outcome = site.process(batch(tmp_path, "lost", 24))
    site.order(None)
    ids = [f"{tmp_path.name}-lost-{number:04d}" for number in range(24)]
    before = dict(site.vectors.rows(ids))

    class Loses:
        """A re-embedding some of whose vectors are gone afterwards."""

        def run(self, context: Any, begin: Callable[[], None]) -> Any:
            manifest = site.app.reembedder().run(context, begin)
            site.vectors.delete(ids[:3])
            return manifest

    ended = site.app.runner().reembed(outcome.batch_id, Loses())
    assert (ended.status, ended.verdicts["vectors"]) == (BatchStatus.HALTED, "FAIL")
    assert "3 missing" in site.report(outcome, "vectors").findings[0].summary
    assert dict(site.vectors.rows(ids)) == before
