"""What people decide about batches and records: reject, recheck, release, and a pipeline that waits for them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.core.batches import BatchStatus, short
from pipeline.core.outcome import BatchOutcome
from sluicegate.app import sluicegate
from tests.gates.conftest import Site

MakeSite = Callable[..., Site]


def command(site: Site, *arguments: str) -> Result:
    """A command as a person types it, over the site's stores."""
    return CliRunner().invoke(sluicegate, arguments, obj=site.app)


def everywhere(site: Site, outcome: BatchOutcome) -> list[int]:
    """How many interactions of a batch are published, in the graph, and have vectors."""
    batch_id = outcome.batch_id
    return [
        site.published(outcome),
        site.app.graph_store.count(batch_id),
        len(list(site.vectors.of_batch(batch_id))),
    ]


def test_a_released_record_goes_through_the_stages_it_missed(make_site: MakeSite) -> None:
    site = make_site(SLUICEGATE_USER_ID_TOLERANCE=0.5)
    outcome = site.process("one_bad_user_id.jsonl")
    assert outcome.status is BatchStatus.CLOSED
    [bad] = site.app.raw_store.quarantined(outcome.batch_id, 10)
    listed = command(site, "quarantine", "list", "--batch", short(outcome.batch_id))
    assert bad.interaction_id in listed.output
    shown = json.loads(command(site, "quarantine", "show", bad.interaction_id).output)
    assert (shown["gate"], shown["reason"]) == ("raw", "malformed user_id")
    before = site.app.graph_store.count(outcome.batch_id)
    released = command(
        site, "quarantine", "release", bad.interaction_id, "--set", "user_id=u_777", "--note", "asked the shop"
    )
    assert "is released" in released.output, released.output
    assert site.app.graph_store.count(outcome.batch_id) == before + 1
    assert site.app.raw_store.counts(outcome.batch_id)[1] == 0
    assert site.app.ledger.find(outcome.batch_id).status == "closed"
    assert command(site, "quarantine", "list").output.startswith("Nothing is in quarantine.")


def test_a_repair_that_repairs_nothing_goes_back_into_quarantine(make_site: MakeSite) -> None:
    site = make_site(SLUICEGATE_USER_ID_TOLERANCE=0.5)
    outcome = site.process("one_bad_user_id.jsonl")
    [bad] = site.app.raw_store.quarantined(outcome.batch_id, 10)
    command(site, "quarantine", "release", bad.interaction_id, "--set", "user_id=still bad")
    [again] = site.app.raw_store.quarantined(outcome.batch_id, 10)
    assert again.interaction_id == bad.interaction_id
    assert [entry["before"] for entry in again.record["quarantine_history"]] == [{"user_id": bad.record["user_id"]}]


def test_a_release_in_a_halted_batch_waits_for_the_decision_about_it(make_site: MakeSite) -> None:
    site = make_site()
    outcome = site.process("one_bad_user_id.jsonl")
    [bad] = site.app.raw_store.quarantined(outcome.batch_id, 10)
    told = command(site, "quarantine", "release", bad.interaction_id, "--set", "user_id=u_777")
    assert f"run.py recheck {short(outcome.batch_id)}" in told.output
    rechecked = site.app.runner().recheck(outcome.batch_id)
    assert (rechecked.status, rechecked.counts.quarantined) == (BatchStatus.CLOSED, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["release", "nobody"], "is not in quarantine"),
        (["show", "nobody"], "is not in quarantine"),
        (["release", "nobody", "--set", "batch_id=x"], "not FIELD=VALUE"),
    ],
)
def test_what_cannot_be_released_is_said(make_site: MakeSite, arguments: list[str], said: str) -> None:
    result = command(make_site(), "quarantine", *arguments)
    assert result.exit_code != 0
    assert said in result.output + str(result.exception)


def test_a_rejected_batch_takes_back_what_it_published(make_site: MakeSite) -> None:
    tolerant = make_site(SLUICEGATE_USER_ID_TOLERANCE=0.5)
    outcome = tolerant.process("one_bad_user_id.jsonl")
    [bad] = tolerant.app.raw_store.quarantined(outcome.batch_id, 10)
    site = make_site()  # strict from now on: the repair that repairs nothing halts a batch that is published already
    command(site, "quarantine", "release", bad.interaction_id, "--set", "user_id=x")
    assert site.app.ledger.find(outcome.batch_id).status == "halted"
    assert everywhere(site, outcome) == [outcome.counts.accepted] * 3
    unanswered = command(site, "reject", short(outcome.batch_id))
    assert "add --yes" in str(getattr(unanswered.exception, "next_step", "")), unanswered.output
    rejected = site.app.runner().reject(outcome.batch_id, "a test file")
    assert (rejected.status, rejected.exit_code) == (BatchStatus.DEAD, ExitCode.OK)
    assert everywhere(site, outcome) == [0, 0, 0]
    assert site.app.raw_store.counts(outcome.batch_id)[0] == 0
    listed = command(site, "quarantine", "list", "--limit", "3").output.splitlines()
    assert (len(listed), listed[-1].split(".")[0]) == (6, "The newest 3; there are more: --limit N")
    assert "Rejected: a test file" in site.app.ledger.find(outcome.batch_id).reason
    with pytest.raises(ConfigurationError, match="is in the dead-letter queue") as refused:
        site.app.runner().recheck(outcome.batch_id)
    assert f"run.py dlq replay {short(outcome.batch_id)}" in refused.value.next_step


def test_a_batch_that_is_closed_cannot_be_rejected(make_site: MakeSite) -> None:
    site = make_site()
    outcome = site.process("clean.jsonl")
    with pytest.raises(ConfigurationError, match="is closed"):
        site.app.runner().reject(outcome.batch_id, "too late")


def test_a_halted_batch_stops_the_pipeline_when_it_is_told_to(make_site: MakeSite) -> None:
    site = make_site(SLUICEGATE_HALT_SCOPE="pipeline")
    halted = site.process("bad_user_ids.jsonl")
    waiting = site.process("clean.jsonl")
    assert (waiting.exit_code, waiting.steps) == (ExitCode.GATE_FAILED, ())
    assert f"batch {short(halted.batch_id)} is halted" in waiting.message
    site.app.runner().reject(halted.batch_id, "given up")
    assert site.process("clean.jsonl").status is BatchStatus.CLOSED


def test_without_it_later_batches_go_on(make_site: MakeSite) -> None:
    site = make_site()
    site.process("bad_user_ids.jsonl")
    assert site.process("clean.jsonl").status is BatchStatus.CLOSED
