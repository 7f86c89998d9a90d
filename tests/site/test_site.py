"""The site over a real project: what GX itself builds, retention, a failure to publish, and what is masked."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from checkpoints.data_docs.site import Site as Pages
from checkpoints.gx_gate import open_project
from pipeline.core.batches import BatchStatus
from tests.gates.conftest import Site

MakeSite = Callable[..., Site]


def folder_of(site: Site) -> Path:
    """The folder of a site's pages."""
    return site.app.docs_index.parent


def pages_in(folder: Path) -> dict[str, str]:
    """Every page by its path."""
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*.html")}


def test_gx_builds_the_same_pages_of_results_and_suites(make_site: MakeSite) -> None:
    site = make_site()
    outcome = site.process("bad_user_ids.jsonl")
    page = folder_of(site) / site.report(outcome, "raw").page
    suite = folder_of(site) / "expectations" / "raw.html"
    before = page.read_text("utf-8"), suite.read_text("utf-8")
    page.unlink()
    suite.unlink()
    open_project(site.app.settings.gx_root, site.app.environment()).build_data_docs()
    assert (page.read_text("utf-8"), suite.read_text("utf-8")) == before


def test_building_again_gives_the_same_pages(make_site: MakeSite) -> None:
    site = make_site()
    for name in ("clean.jsonl", "orphans.jsonl"):
        site.process(name)
    folder = folder_of(site)
    before = pages_in(folder)
    site.app.site.build(lambda _: None)
    after = pages_in(folder)
    assert after.keys() == before.keys()
    assert {path for path in after if after[path] != before[path]} <= {"index.html"}  # it says when it was built


def test_a_result_that_cannot_be_read_takes_no_other_page_with_it(make_site: MakeSite) -> None:
    site = make_site()
    outcome = site.process("clean.jsonl")
    page = folder_of(site) / site.report(outcome, "graph").page
    results = site.app.settings.gx_root / "uncommitted" / "validations"
    [half] = (results / "raw" / site.report(outcome, "raw").run_id).rglob("*.json")
    whole = half.read_text("utf-8")
    half.write_text(whole[: len(whole) // 2], "utf-8")
    page.unlink()
    try:
        built = site.app.site.build(lambda _: None)
    finally:
        half.write_text(whole, "utf-8")
    assert page.is_file()
    [unreadable] = built.unreadable
    assert f"raw/{outcome.batch_id[:12]}-" in unreadable


def test_a_user_id_shows_its_shape_only(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site()
    record = {"interaction_id": f"{tmp_path.name}-1", "user_id": "jane.doe42", "campaign_id": "spring", "type": "click"}
    file = tmp_path / "named.jsonl"
    file.write_text(json.dumps(record) + "\n", "utf-8")
    outcome = site.process(file)
    folder = folder_of(site)
    shown = [
        (folder / "batches" / f"{outcome.batch_id}.html").read_text("utf-8"),
        (folder / site.report(outcome, "raw").page).read_text("utf-8"),
    ]
    everything = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not [text for text in everything if b"jane" in text]
    [told] = [intent for intent in site.report(outcome, "raw").intents if intent.action == "alert"]
    assert told.data["examples"] == [[record["interaction_id"], "aaaa.aaa99"]]
    assert "jane" not in str(told)
    assert all("aaaa.aaa99" in page for page in shown)


def test_a_failure_to_publish_changes_no_verdict(make_site: MakeSite) -> None:
    site = make_site()
    site.process("orphans.jsonl")
    index = folder_of(site) / "index.html"
    index.unlink(missing_ok=True)
    (index / "in the way").mkdir(parents=True)
    try:
        outcome = site.process("clean.jsonl")
    finally:
        (index / "in the way").rmdir()
        index.rmdir()
    assert (outcome.status, outcome.exit_code) == (BatchStatus.CLOSED, 0)
    assert set(outcome.verdicts.values()) <= {"PASS", "WARN"}


def test_what_is_old_goes_with_its_results(make_site: MakeSite) -> None:
    site = make_site(SLUICEGATE_DOCS_KEEP_DAYS="30")
    outcome = site.process("clean.jsonl")
    page = folder_of(site) / site.report(outcome, "raw").page
    results = site.app.settings.gx_root / "uncommitted" / "validations"
    mine = f"{outcome.batch_id[:12]}-*"
    assert list(results.rglob(mine))
    assert page.is_file()
    assert site.app.site.prune().batches == 0
    site.app.stores.database["batches"].update_one(
        {"_id": outcome.batch_id}, {"$set": {"first_seen": datetime.now(UTC) - timedelta(days=31)}}
    )
    pages: Pages = site.app.site
    pages.batch(outcome.batch_id)  # its day's list, which retention goes by
    assert not page.is_file()
    assert not [path for path in results.rglob("*.json") if outcome.batch_id in path.name]
    assert not (folder_of(site) / "batches" / f"{outcome.batch_id}.html").exists()
    assert site.app.ledger.batch(outcome.batch_id) is not None
