"""Texts that the model does not take whole: cut, named, counted; or refused, and a person goes on without them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.batch import Batch
from pipeline.core.batches import BatchStatus
from pipeline.core.decision import WITHOUT_VECTORS, Decision, DecisionKind
from pipeline.core.next_steps import advice
from pipeline.core.outcome import BatchOutcome
from pipeline.core.topology import STEPS
from pipeline.core.verdicts import Verdict
from pipeline.runner.decisions import recorded_decision
from sluicegate.app import sluicegate
from tests.gates.conftest import Site

MakeSite = Callable[..., Site]
LONG = "the printer is out of toner again " * 400
DENSE = "\u8a9e" * 5_000
"""A token each: more than the model reads of a text that is not too long by its characters."""


@pytest.fixture
def site(make_site: MakeSite) -> Iterator[Site]:
    made = make_site()
    yield made
    made.order(None)


def texts(folder: Path, *special: str, size: int = 20) -> Path:
    """A batch whose first records have these messages."""
    messages = [*special, *(f"message {number}" for number in range(size - len(special)))]
    rows = [
        {
            "interaction_id": f"{folder.name}-{number:04d}",
            "user_id": f"u_{number:03d}",
            "campaign_id": "c_1",
            "timestamp": "2026-11-20T09:00:00Z",
            "type": "click",
            "message": message,
        }
        for number, message in enumerate(messages)
    ]
    path = folder / "texts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def after(site: Site, outcome: BatchOutcome) -> Batch:
    return site.app.ledger.find(outcome.batch_id)


def test_texts_too_long_for_the_model_are_cut_named_and_warned_of(site: Site, tmp_path: Path) -> None:
    outcome = site.process(texts(tmp_path, LONG, LONG + "too", DENSE))
    assert (outcome.status, outcome.verdicts["vectors"]) == (BatchStatus.CLOSED, Verdict.WARN)
    batch = after(site, outcome)
    ids = [f"{tmp_path.name}-{number:04d}" for number in range(3)]
    assert batch.embedding
    assert (batch.embedding.truncated, list(batch.embedding.truncated_ids)) == (3, ids)
    assert batch.step("stage:embed").counts["truncated"] == 3
    [finding] = batch.gates["vectors"].findings
    assert "3 of 20 (15.00%) texts were cut at the model's limit" in finding.summary
    assert ids[0] in finding.summary
    rows = site.vectors.rows([*ids, f"{tmp_path.name}-0003"])
    assert [rows[key].embedding_source.endswith("(truncated)") for key in sorted(rows)] == [True, True, True, False]


def test_a_share_of_cut_texts_that_is_tolerated_passes(make_site: MakeSite, tmp_path: Path) -> None:
    outcome = make_site(SLUICEGATE_TRUNCATED_TOLERANCE=0.1).process(texts(tmp_path, LONG, LONG + "too"))
    assert (outcome.status, outcome.verdicts["vectors"]) == (BatchStatus.CLOSED, Verdict.PASS)


def test_refused_texts_are_named_and_a_person_goes_on_without_their_vectors(site: Site, tmp_path: Path) -> None:
    site.order("400", match="poison")
    outcome = site.process(texts(tmp_path, "poison 1", "poison 2", "poison 3"))
    assert (outcome.status, outcome.verdicts["vectors"]) == (BatchStatus.HALTED, Verdict.FAIL)
    batch = after(site, outcome)
    sentences = [finding.summary for finding in batch.gates["vectors"].findings]
    assert any(
        "3 of 20 (15.00%) texts were refused by the API" in one and f"{tmp_path.name}-0000" in one for one in sentences
    )
    assert f"{tmp_path.name}-0000: An ordered fault: Bad Request." in str(sentences)
    assert f"run.py resume {batch.name} --without-vectors" in advice(batch)

    resumed = CliRunner().invoke(sluicegate, ["resume", batch.name, "--without-vectors"], obj=site.app)
    assert resumed.exit_code == 0, resumed.output
    batch = after(site, outcome)
    assert batch.status is BatchStatus.CLOSED
    assert batch.embedding
    assert (batch.embedding.expected, batch.embedding.written, batch.embedding.accepted) == (17, 17, 3)
    assert [key for key, _ in batch.embedding.refused] == [f"{tmp_path.name}-{number:04d}" for number in range(3)]
    assert batch.decisions[-1].data["without_vectors"] is True
    assert batch.gates["closing"].verdict is Verdict.PASS
    assert len(site.vectors.rows([f"{tmp_path.name}-{number:04d}" for number in range(20)])) == 17


def test_a_batch_goes_on_without_vectors_only_where_texts_were_refused(site: Site, tmp_path: Path) -> None:
    site.order("zero", match="broken")
    outcome = site.process(texts(tmp_path, "broken 1", "broken 2"))
    assert outcome.status is BatchStatus.HALTED
    with pytest.raises(ConfigurationError, match="does not wait because of texts that the model's API refused"):
        site.app.runner().resume(outcome.batch_id, without_vectors=True)
    assert "recheck" in advice(after(site, outcome))


def test_a_decision_to_go_on_without_vectors_that_was_cut_off_is_finished_by_the_next_run(
    site: Site, tmp_path: Path
) -> None:
    site.order("400", match="poison")
    path = texts(tmp_path, "poison 1", "poison 2")
    outcome = site.process(path)
    with site.leased(outcome.batch_id) as kept:
        batch = after(site, outcome)
        recorded_decision(site.app.ledger, kept.lease, batch, Decision(DecisionKind.RESUME, {WITHOUT_VECTORS: True}))
    assert not after(site, outcome).is_done(STEPS[-1].key)
    assert site.process(path).status is BatchStatus.CLOSED
