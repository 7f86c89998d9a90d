"""Pages are replaced whole: a reader meets the old one or the new one, and never half of one."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from checkpoints.data_docs.storage import SiteFiles
from expectations_plugins.files import AtomicFilesystemStoreBackend


@pytest.fixture
def files(tmp_path: Path) -> SiteFiles:
    return SiteFiles(
        AtomicFilesystemStoreBackend(
            base_directory=str(tmp_path / "a site"), root_directory=str(tmp_path), suppress_store_backend_id=True
        )
    )


def test_what_is_written_is_read_listed_and_deleted(files: SiteFiles) -> None:
    files.write("days/2026-11-20.html", "one")
    files.write("index.html", "two")
    assert files.read("days/2026-11-20.html") == "one"
    assert list(files.list("days")) == ["days/2026-11-20.html"]
    files.delete("days/2026-11-20.html")
    files.delete("days/2026-11-20.html")
    assert files.read("days/2026-11-20.html") is None
    assert list(files.list("days")) == []


def test_a_reader_never_meets_half_a_page(files: SiteFiles) -> None:
    whole = {letter * 300_000 for letter in "ab"}
    files.write("index.html", "a" * 300_000)
    stop, seen = threading.Event(), set[str]()

    def read() -> None:
        while not stop.is_set():
            seen.add(files.read("index.html") or "")

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(200):
        files.write("index.html", "ab"[number % 2] * 300_000)
    stop.set()
    for reader in readers:
        reader.join(30)
    assert seen <= whole


def test_a_page_that_cannot_be_written_leaves_nothing_behind(files: SiteFiles, tmp_path: Path) -> None:
    (tmp_path / "a site" / "index.html").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        files.write("index.html", "page")
    assert [path.name for path in (tmp_path / "a site").iterdir()] == ["index.html"]


def test_an_address_is_one_a_browser_can_open(files: SiteFiles, tmp_path: Path) -> None:
    assert files.address("batches/ab.html") == (tmp_path / "a site" / "batches" / "ab.html").as_uri()
