"""Publishing one batch touches the same few pages however long the history is, and mends what a kill left behind."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checkpoints.data_docs import addresses
from checkpoints.data_docs.days import BATCHES_A_PART, part_of
from checkpoints.data_docs.publisher import Publisher
from checkpoints.data_docs.retention import Retention
from checkpoints.data_docs.storage import SiteFiles
from expectations_plugins.core.errors import TransientError
from expectations_plugins.core.masking import Masks
from expectations_plugins.files import AtomicFilesystemStoreBackend
from expectations_plugins.mongodb.connection import Database, connect
from pipeline.local import Endpoints
from pipeline.stores.mongodb.history import MongoHistory
from pipeline.stores.mongodb.ledger_queries import BATCHES
from tests.fakes.history import LAST, batch_id, document, fill


class Counted(SiteFiles):
    """Pages of a folder, and which of them were written."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            AtomicFilesystemStoreBackend(
                base_directory=str(folder), root_directory=str(folder), suppress_store_backend_id=True
            )
        )
        self.written: list[str] = []

    def write(self, path: str, text: str) -> None:
        self.written.append(path)
        super().write(path, text)


@dataclass
class Scene:
    database: Database
    files: Counted
    folder: Path
    review: Callable[[int], int] = field(default=lambda _: 0)

    @property
    def publisher(self) -> Publisher:
        return Publisher(self.files, MongoHistory(self.database), self.review, Masks())

    def publish(self, name: str) -> list[str]:
        """Publish a batch; the pages that were written."""
        self.files.written.clear()
        self.publisher.batch(name)
        return sorted(self.files.written)


@pytest.fixture
def scene(endpoints: Endpoints, tmp_path: Path) -> Iterator[Scene]:
    database = connect(str(endpoints.mongodb_uri), f"site_{uuid.uuid4().hex[:8]}")
    MongoHistory(database).prepare()
    yield Scene(database, Counted(tmp_path / "site"), tmp_path / "site")
    database.client.drop_database(database.name)
    database.client.close()


@pytest.mark.parametrize("batches", [10, 400])
def test_a_batch_touches_the_same_pages_after_few_and_after_many(scene: Scene, batches: int) -> None:
    ids = fill(scene.database, batches)
    scene.publish(ids[-1])
    scene.database[BATCHES].insert_one(document(batches, LAST + timedelta(minutes=10)))
    touched = [addresses.batch_page(name) for name in (ids[-1], batch_id(batches))]
    day = addresses.day_page(f"{LAST:%Y-%m-%d}", part_of(min(batches, 73)))
    assert scene.publish(batch_id(batches)) == sorted([*touched, day, addresses.START, addresses.PUBLISHED])


def test_nothing_is_read_that_grows_with_history(scene: Scene) -> None:
    ids = fill(scene.database, 400)
    scene.publish(ids[-1])
    page = (scene.files.read(addresses.START) or "").count('<tr id="')
    assert page == 36


def test_a_batch_the_ledger_does_not_know_has_no_page(scene: Scene) -> None:
    assert scene.publish("0" * 64) == []


def test_the_batch_before_links_to_the_new_one(scene: Scene) -> None:
    ids = fill(scene.database, 3)
    for name in ids:
        scene.publish(name)
    assert f'rel="next" href="../batches/{ids[1]}.html"' in (scene.files.read(addresses.batch_page(ids[0])) or "")
    assert f'rel="prev" href="../batches/{ids[0]}.html"' in (scene.files.read(addresses.batch_page(ids[1])) or "")


def test_the_next_batch_mends_the_page_a_killed_run_did_not_write(scene: Scene) -> None:
    ids = fill(scene.database, 2)
    scene.publish(ids[0])
    changed = {"$set": {"status": "halted", "updated": LAST + timedelta(minutes=1)}}
    scene.database[BATCHES].update_one({"_id": ids[0]}, changed)
    scene.publish(ids[1])
    assert '<span class="state halted">' in (scene.files.read(addresses.batch_page(ids[0])) or "")


def test_the_next_batch_makes_up_for_all_that_was_not_published(scene: Scene) -> None:
    ids = fill(scene.database, 6)
    scene.publish(ids[0])
    scene.database[BATCHES].insert_one(document(6, LAST + timedelta(days=1)))
    for name in ids[2:5]:
        scene.files.delete(addresses.batch_page(name))
    scene.files.delete(addresses.PUBLISHED)  # as if the disk had been full since the first of them
    scene.publish(batch_id(6))
    assert all(scene.files.has(addresses.batch_page(name)) for name in (*ids, batch_id(6)))
    assert scene.publish(batch_id(6)) == sorted(
        [
            addresses.batch_page(batch_id(6)),
            addresses.day_page(f"{LAST + timedelta(days=1):%Y-%m-%d}", 1),
            addresses.START,
        ]
    )


def test_what_a_person_did_about_an_old_batch_shows_with_the_next_one(scene: Scene) -> None:
    ids = fill(scene.database, 60)
    scene.publish(ids[-1])
    changed = {"$set": {"status": "dead", "reason": "given up", "updated": datetime.now(UTC)}}
    scene.database[BATCHES].update_one({"_id": ids[3]}, changed)
    assert addresses.batch_page(ids[3]) in scene.publish(ids[-1])
    assert '<span class="state dead">' in (scene.files.read(addresses.batch_page(ids[3])) or "")


def test_pages_can_be_brought_up_to_date_without_a_batch(scene: Scene) -> None:
    ids = fill(scene.database, 5)
    scene.publish(ids[-1])
    assert scene.publisher.update() == 0
    scene.database[BATCHES].update_one({"_id": ids[1]}, {"$set": {"status": "dead", "updated": datetime.now(UTC)}})
    assert scene.publisher.update() == 1
    assert "is dead-lettered" in (scene.files.read(addresses.START) or "")


def test_a_note_of_what_is_published_that_cannot_be_read_costs_only_time(scene: Scene) -> None:
    ids = fill(scene.database, 2)
    for spoilt in ("{", "[]", ""):
        scene.files.write(addresses.PUBLISHED, spoilt)
        assert {addresses.batch_page(name) for name in ids} <= set(scene.publish(ids[-1]))


@dataclass
class NoResults:
    """A GX project that has kept no results."""

    @property
    def validation_results_store(self) -> NoResults:
        return self

    def list_keys(self) -> list[str]:
        return []


def retention(scene: Scene, *, keep_batches: int) -> Retention:
    return Retention(
        NoResults(), scene.files, MongoHistory(scene.database), keep_days=10_000, keep_batches=keep_batches
    )


def broken_links(folder: Path) -> list[str]:
    return [
        f"{file.relative_to(folder)} -> {target}"
        for file in folder.rglob("*.html")
        for target in re.findall(r'href="([^"#]+)', file.read_text("utf-8"))
        if not target.startswith("data:")
        and not target.endswith("suites.html")  # GX's part of the site
        and not (file.parent / target).is_file()
    ]


def test_pages_that_stay_link_to_none_that_went(scene: Scene, tmp_path: Path) -> None:
    """The first page still tells of batches whose pages are gone, one of them halted; the rest lead somewhere."""
    ids = fill(scene.database, 8, datetime(2026, 11, 20, 0, 35, tzinfo=UTC))  # four of them on the day before
    scene.database[BATCHES].update_one({"_id": ids[1]}, {"$set": {"status": "halted", "reason": "Bad data."}})
    scene.publish(ids[-1])
    assert broken_links(tmp_path / "site") == []
    assert retention(scene, keep_batches=5).prune(scene.publisher).batches == 4
    assert broken_links(tmp_path / "site") == []
    first = scene.files.read(addresses.START) or ""
    assert "Bad data." in first
    assert ids[1][:12] in first
    assert scene.publish(ids[-1]) == sorted(
        [addresses.batch_page(ids[-1]), addresses.day_page("2026-11-20", 1), addresses.START]
    )
    assert broken_links(tmp_path / "site") == []


def test_a_page_a_killed_run_did_not_put_in_its_place_stops_no_retention(scene: Scene, tmp_path: Path) -> None:
    ids = fill(scene.database, 3)
    scene.publish(ids[-1])
    fresh, old = (tmp_path / "site" / "days" / f".{LAST:%Y-%m-%d}.html.{name}" for name in ("00000000", "11111111"))
    for beside in (fresh, old):
        beside.write_text("half a page", "utf-8")
    os.utime(old, (0, 0))
    assert retention(scene, keep_batches=100).prune(scene.publisher).batches == 0
    assert fresh.exists()  # its writer may be at it
    assert not old.exists()


def test_a_page_names_a_file_and_not_the_folders_of_the_machine(scene: Scene) -> None:
    [name] = fill(scene.database, 1)
    scene.publish(name)
    page = scene.files.read(addresses.batch_page(name)) or ""
    assert f"{LAST:%Y-%m-%dT%H%M}.jsonl" in page
    assert "/landing" not in page


def test_marks_of_direction_in_a_name_cannot_turn_a_page(scene: Scene) -> None:
    [name] = fill(scene.database, 1)
    scene.database[BATCHES].update_one({"_id": name}, {"$set": {"source": "/landing/a\u202egnp.jsonl\x1b[2J"}})
    scene.publish(name)
    for path in (addresses.START, addresses.batch_page(name), addresses.day_page(f"{LAST:%Y-%m-%d}", 1)):
        page = scene.files.read(path) or ""
        assert "a\N{REPLACEMENT CHARACTER}gnp.jsonl" in page
        assert "\u202e" not in page
        assert "\x1b" not in page


def test_a_long_day_has_parts_that_lead_to_each_other(scene: Scene) -> None:
    start = datetime(2026, 11, 20, tzinfo=UTC)
    many = [document(number, start + timedelta(seconds=number)) for number in range(150)]
    scene.database[BATCHES].insert_many(many)
    for number in (0, 71, 72, 144, 149):
        scene.publish(batch_id(number))
    first, second, third = (scene.files.read(addresses.day_page("2026-11-20", part)) or "" for part in (1, 2, 3))
    assert [page.count('<tr id="') for page in (first, second, third)] == [72, 72, 6]
    assert 'href="../days/2026-11-20.2.html"' in first
    assert 'href="../days/2026-11-20.html"' in second
    assert 'href="../days/2026-11-20.3.html"' in second
    assert "2026-11-20.4.html" not in third


@pytest.mark.parametrize("batches", [BATCHES_A_PART, BATCHES_A_PART + 1])
def test_a_part_leads_to_another_only_when_there_is_one(scene: Scene, batches: int) -> None:
    start = datetime(2026, 11, 20, tzinfo=UTC)
    scene.database[BATCHES].insert_many(
        [document(number, start + timedelta(seconds=number)) for number in range(batches)]
    )
    scene.publish(batch_id(BATCHES_A_PART - 1))
    first = scene.files.read(addresses.day_page("2026-11-20", 1)) or ""
    assert first.count('<tr id="') == BATCHES_A_PART
    assert ("2026-11-20.2.html" in first) == (batches > BATCHES_A_PART)


@pytest.mark.parametrize(
    ("open_", "told"),
    [
        (1, "1 interaction is to be reviewed"),
        (10_000, ">10,000 interactions are to be reviewed"),
        (10_001, "more than 10,000 interactions are to be reviewed"),
        (70_000, "more than 10,000 interactions are to be reviewed"),
    ],
)
def test_what_is_to_be_reviewed_is_told_exactly_up_to_a_limit(scene: Scene, open_: int, told: str) -> None:
    scene.review = lambda limit: min(open_, limit)
    [name] = fill(scene.database, 1)
    scene.publish(name)
    assert told in (scene.files.read(addresses.START) or "")


def test_what_cannot_be_asked_is_said_and_the_rest_is_there(scene: Scene) -> None:
    def down(_: int) -> int:
        raise TransientError("Neo4j: it cannot be reached.")

    ids = fill(scene.database, 2)
    scene.review = down
    scene.publish(ids[-1])
    page = scene.files.read(addresses.START) or ""
    assert "the review queue: Neo4j: it cannot be reached." in page
    assert ids[-1][:12] in page


def test_an_empty_ledger_has_a_first_page_too(scene: Scene) -> None:
    scene.publisher.style()
    scene.publisher.days([])
    scene.publisher.start()
    assert broken_links(scene.folder) == []
    assert "Nothing has run yet" in (scene.files.read(addresses.START) or "")
