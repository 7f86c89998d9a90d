"""The collection of a batch's vectors, where a person names it or has dropped it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.batches import BatchStatus, short
from pipeline.core.outcome import BatchOutcome
from pipeline.stages import Sweep
from tests.fakes.effects import Killed
from tests.gates.conftest import Site
from tests.gates.moved import SIZE, MakeSite, Moved, cut_off, refused, two_models
from tests.gates.test_changed_batches import dies
from tests.gates.test_decisions import command


@pytest.fixture
def moved(make_site: MakeSite, tmp_path: Path) -> Iterator[Moved]:
    yield from two_models(make_site, tmp_path)


def test_the_collection_cannot_be_said_to_be_another_than_the_manifest_says(moved: Moved) -> None:
    outcome = moved.embedded()
    other = ("--collection", moved.collection("b"))
    assert "its manifest says so" in refused(command(moved.site("b"), "rollback", short(outcome.batch_id), *other))
    assert len(moved.rows("a", outcome)) == SIZE


def test_an_interrupted_rollback_goes_on_where_its_manifest_says(moved: Moved) -> None:
    outcome = moved.embedded()
    with pytest.raises(Killed):
        command(moved.site("a", dies("journal", "rolled_back")), "rollback", short(outcome.batch_id), "--yes")
    site, arguments = moved.site("b"), ("rollback", short(outcome.batch_id), "--yes")
    assert "its manifest says so" in refused(command(site, *arguments, "--collection", moved.collection("b")))
    assert "Rolled back." in command(site, *arguments, "--collection", moved.collection("a")).output


def test_a_dry_run_finishes_no_interrupted_rollback(moved: Moved) -> None:
    outcome = moved.embedded()
    with pytest.raises(Killed):
        command(moved.site("a", dies("journal", "rolled_back")), "rollback", short(outcome.batch_id), "--yes")
    before = moved.batch(outcome)
    assert before.decision
    said = command(moved.site("a"), "rollback", short(outcome.batch_id), "--dry-run").output
    assert f"{SIZE} vectors are removed, 0 restored" in said
    assert moved.batch(outcome) == before


def test_a_rollback_that_is_done_is_not_said_to_be_in_a_collection(moved: Moved) -> None:
    outcome, other = moved.embedded(), ("--collection", moved.collection("b"))
    command(moved.site("a"), "rollback", short(outcome.batch_id), "--yes")
    assert "was rolled back already" in refused(command(moved.site("b"), "rollback", short(outcome.batch_id), *other))


@pytest.mark.parametrize("how", ["--dry-run", "--yes"])
def test_a_misspelt_collection_is_refused_and_not_created(moved: Moved, how: str) -> None:
    outcome = moved.embedded()
    moved.forget(outcome)
    misspelt, right = f"{moved.collection('a')}_", moved.collection("a")
    output = refused(command(moved.site("a"), "rollback", short(outcome.batch_id), "--collection", misspelt, how))
    assert f"Milvus has no collection {misspelt}. The settings' collection is {right}." in output
    assert "Correct --collection." in output
    assert not moved.client.has_collection(misspelt)
    assert (moved.batch(outcome).status, len(moved.rows("a", outcome))) == (BatchStatus.CLOSED, SIZE)


def test_a_collection_that_exists_is_refused_while_the_settings_one_holds_the_vectors(moved: Moved) -> None:
    outcome = moved.embedded()
    moved.forget(outcome)
    site = moved.site("b")
    site.app.stores.vectors.open(moved.collection("b"))
    arguments = ("rollback", short(outcome.batch_id), "--collection", moved.collection("b"), "--yes")
    output = refused(command(moved.site("a"), *arguments))
    assert f"are in collection {moved.collection('a')}. Leave --collection out." in output
    assert len(moved.rows("a", outcome)) == SIZE


def test_vectors_in_a_collection_that_only_a_person_knows_of_are_removed_there(moved: Moved) -> None:
    outcome = moved.embedded()
    moved.forget(outcome)
    arguments = ("rollback", short(outcome.batch_id), "--collection", moved.collection("a"), "--yes")
    assert f"{SIZE} vectors removed, 0 restored. Embed" in command(moved.site("b"), *arguments).output
    assert (moved.rows("a", outcome), moved.exists("b")) == ([], False)


@pytest.mark.parametrize("note", [True, False], ids=["noted", "not noted"])
def test_a_dry_run_creates_nothing(moved: Moved, note: bool) -> None:
    outcome = moved.embedded()
    if not note:
        moved.forget(outcome)
    names = ((), ("--collection", moved.collection("b")), ("--collection", "misspelt"))
    for named in names:
        command(moved.site("b"), "rollback", short(outcome.batch_id), "--dry-run", *named)
    assert (moved.exists("b"), moved.client.has_collection("misspelt")) == (False, False)


def sweep(site: Site, outcome: BatchOutcome) -> str:
    with site.leased(outcome.batch_id) as keeper:
        found = site.app.ledger.find(outcome.batch_id)
        return str(Sweep(site.app.stores.vectors, site.app.stores.journal).perform(keeper.lease, found))


def gate(site: Site, outcome: BatchOutcome) -> str:
    return str(site.app.gate("vectors").check(outcome.batch_id, None))


def typed(*arguments: str) -> Callable[[Site, BatchOutcome], str]:
    def act(site: Site, outcome: BatchOutcome) -> str:
        record = next(iter(site.app.raw_store.messages(outcome.batch_id)))[0]
        values = {"BATCH": short(outcome.batch_id), "RECORD": record}
        result = command(site, *(values.get(one, one) for one in arguments))
        return f"{result.output} {result.exception or ''}"

    return act


LEAVES_DROPPED = {
    "trace": (typed("trace", "RECORD"), "but no vector"),
    "status": (typed("status", "BATCH"), "collection: {collection}"),
    "rollback --dry-run": (
        typed("rollback", "BATCH", "--dry-run"),
        "collection {collection} does not exist, the ledger expects 12",
    ),
    "rollback": (
        typed("rollback", "BATCH", "--yes"),
        "0 vectors removed, 0 restored; collection {collection} does not exist, the ledger expects 12",
    ),
    "reembed": (typed("reembed"), "were in collection {collection}, which does not exist."),
    "reembed --batch": (
        typed("reembed", "--batch", "BATCH"),
        "were in collection {collection}, which does not exist.",
    ),
    "sweep": (sweep, "[]"),
    "gate": (gate, "FAIL"),
}
"""What reads vectors, or removes them, and what it says of a batch whose collection was dropped."""


@pytest.mark.parametrize("which", "ab")
@pytest.mark.parametrize("name", LEAVES_DROPPED)
def test_a_collection_that_was_dropped_on_purpose_is_not_created_again(moved: Moved, name: str, which: str) -> None:
    outcome = moved.embedded(order="503")
    moved.drop("a")
    act, said = LEAVES_DROPPED[name]
    assert said.format(collection=moved.collection("a")) in act(moved.site(which), outcome)
    assert (moved.exists("a"), moved.exists("b")) == (False, False)


def test_a_batch_whose_collection_was_dropped_is_embedded_again_once_it_is_rolled_back(moved: Moved) -> None:
    moved.settings["SLUICEGATE_USER_ID_TOLERANCE"] = 0.5
    outcome = moved.embedded(bad=1)
    moved.drop("a")
    site, before = moved.site("b"), moved.embedding(outcome)
    [bad] = site.app.raw_store.quarantined(outcome.batch_id, 10)
    output = refused(command(site, "quarantine", "release", bad.interaction_id, "--set", "user_id=u_777"))
    assert f"were in collection {moved.collection('a')}, which does not exist." in output
    assert f"run.py rollback {short(outcome.batch_id)}, then run.py recheck {short(outcome.batch_id)} --redo" in output
    assert moved.embedding(outcome) == before
    command(site, "rollback", short(outcome.batch_id), "--yes")
    assert site.app.runner().recheck(outcome.batch_id, redo=True).status is BatchStatus.CLOSED
    assert (moved.exists("a"), moved.sources("b", outcome)) == (False, {moved.model("b"): SIZE})


def test_a_batch_whose_collection_was_dropped_can_be_rejected(moved: Moved) -> None:
    moved.settings["SLUICEGATE_USER_ID_TOLERANCE"] = 0.5
    outcome = moved.embedded(bad=1)
    moved.settings["SLUICEGATE_USER_ID_TOLERANCE"] = 0.0
    site = moved.site("b")
    [bad] = site.app.raw_store.quarantined(outcome.batch_id, 10)
    command(site, "quarantine", "release", bad.interaction_id, "--set", "user_id=still bad")
    moved.drop("a")
    command(site, "reject", short(outcome.batch_id), "--note", "not ours", "--yes")
    assert (moved.batch(outcome).status, moved.exists("a")) == (BatchStatus.DEAD, False)


def test_what_was_cut_off_in_a_collection_that_was_dropped_is_done_with_the_new_model(moved: Moved) -> None:
    path = cut_off(moved)
    moved.drop("a")
    outcome = moved.site("b").process(path)
    assert outcome.status is BatchStatus.CLOSED
    assert (moved.exists("a"), moved.sources("b", outcome)) == (False, {moved.model("b"): SIZE})


def test_only_the_settings_collection_is_created(moved: Moved) -> None:
    vectors = moved.site("a").app.stores.vectors
    with pytest.raises(ConfigurationError, match=f"Milvus has no collection {moved.collection('b')}"):
        vectors.open(moved.collection("b"))
    vectors.open(moved.collection("a"))
    assert (moved.exists("a"), moved.exists("b")) == (True, False)
