"""Results and pages in a folder of objects: GX's interface over each kind of place, and what the settings do to it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from great_expectations.core import ExpectationSuiteValidationResult
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.store import ValidationResultsStore
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.exceptions import InvalidKeyError

from checkpoints.data_docs.object_storage import ObjectStoreBackend, backend_of
from checkpoints.data_docs.storage import SiteFiles
from checkpoints.gx_gate import open_project
from checkpoints.sync import differences
from expectations_plugins.core.errors import ConfigurationError, TransientError
from pipeline.config import load_settings
from pipeline.storage import objects
from pipeline.storage.location import Remote
from tests.locations.conftest import FaultyFileSystem
from tests.locations.test_landing import fail, forbid

ROOT = Path(__file__).parent.parent.parent


def site_at(place: Remote, **options: Any) -> SiteFiles:
    return SiteFiles(ObjectStoreBackend(place.url, suppress_store_backend_id=True, **options))


def result(run: str) -> tuple[ValidationResultIdentifier, ExpectationSuiteValidationResult]:
    key = ValidationResultIdentifier(ExpectationSuiteIdentifier("raw"), RunIdentifier(run_name=run), "a-batch")
    return key, ExpectationSuiteValidationResult(success=True, results=[], suite_name="raw", meta={})


def test_a_page_is_written_read_listed_and_removed(elsewhere: Remote) -> None:
    files = site_at(elsewhere)
    files.write("days/2026-11-20.html", "one é")
    files.write("index.html", "two")
    files.write("index.html", "three")
    assert (files.read("days/2026-11-20.html"), files.read("index.html")) == ("one é", "three")
    assert (list(files.list("days")), list(files.list("years"))) == (["days/2026-11-20.html"], [])
    for _ in range(2):
        files.delete("days/2026-11-20.html")
    assert (files.read("days/2026-11-20.html"), list(files.list("days"))) == (None, [])


def test_a_pages_address_is_that_of_its_object_or_of_the_web_server(elsewhere: Remote) -> None:
    assert site_at(elsewhere).address("batches/ab.html") == f"{elsewhere}/batches/ab.html"
    public = site_at(elsewhere, base_public_path="https://docs.example.com/")
    assert public.address("batches/ab.html") == "https://docs.example.com/batches/ab.html"


def test_results_are_kept_listed_and_removed_as_gx_does_it(elsewhere: Remote) -> None:
    store: Any = ValidationResultsStore(store_backend=backend_of(elsewhere))
    (one, found), (other, _) = result("one"), result("other")
    store.set(one, found)
    store.set(other, found)
    assert store.get(one).success is True
    assert {key.run_id.run_name for key in store.list_keys()} == {"one", "other"}
    assert all(listed.place.name.endswith(".json") for listed in objects.below(elsewhere))
    store.remove_key(one)
    assert [key.run_id.run_name for key in store.list_keys()] == ["other"]
    with pytest.raises(InvalidKeyError):
        store.get(one)


def test_a_place_that_fails_is_an_outage_and_one_that_refuses_a_wrong_setting(faulty: Remote) -> None:
    FaultyFileSystem.orders["wb index.html"] = fail
    with pytest.raises(TransientError, match="503 Slow Down"):
        site_at(faulty).write("index.html", "page")
    FaultyFileSystem.orders["wb index.html"] = forbid
    with pytest.raises(ConfigurationError, match="Permission denied"):
        site_at(faulty).write("index.html", "page")


def test_the_settings_put_results_and_pages_elsewhere_and_gx_stays_as_it_is(elsewhere: Remote, tmp_path: Path) -> None:
    root = tmp_path / "gx"
    shutil.copytree(ROOT / "gx", root, ignore=shutil.ignore_patterns("uncommitted"))
    settings = load_settings(
        SLUICEGATE_GX=root,
        SLUICEGATE_RESULTS_URL=elsewhere / "results",
        SLUICEGATE_DOCS_URL=elsewhere / "docs",
        SLUICEGATE_DOCS_PUBLIC_URL="https://docs.example.com/sluicegate",
    )
    context = open_project(root, {}, settings)
    context.validation_results_store.set(*result("one"))
    files = SiteFiles.of(context)
    files.write("index.html", "page")
    kept = sorted(one.place.url[len(elsewhere.url) + 1 :] for one in objects.below(elsewhere))
    assert [path.split("/")[0] for path in kept] == ["docs", "results"]
    assert files.address("index.html") == "https://docs.example.com/sluicegate/index.html"
    context.build_data_docs()
    assert site_at(elsewhere / "docs").has("suites.html")
    assert differences(root) == []
    assert not list((root / "uncommitted").rglob("*.html"))


def test_another_folder_of_this_machine_will_do_too(tmp_path: Path) -> None:
    root = tmp_path / "gx"
    shutil.copytree(ROOT / "gx", root, ignore=shutil.ignore_patterns("uncommitted"))
    settings = load_settings(SLUICEGATE_GX=root, SLUICEGATE_DOCS_URL=f"file://{tmp_path}/a%20site")
    SiteFiles.of(open_project(root, {}, settings)).write("index.html", "page")
    assert settings.docs_index == tmp_path / "a site" / "index.html"
    assert settings.docs_index.read_text() == "page"
