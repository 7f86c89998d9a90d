"""The dead-letter queue with a spool of objects, over a real MongoDB: what dies is taken in, replayed and let go."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from expectations_plugins.core.errors import ExitCode
from expectations_plugins.mongodb.connection import connect
from pipeline.config import Settings, load_settings
from pipeline.core.batches import BatchStatus
from pipeline.core.topology import MAX_ATTEMPTS
from pipeline.dead_letters import DeadFolders
from pipeline.local import Endpoints
from pipeline.storage import objects
from pipeline.storage.location import Remote
from tests.dlq.conftest import Site, dlq
from tests.dlq.test_replay import broken, record
from tests.dlq.test_spool import outage

__all__ = ["dlq"]


class SiteWithObjects(Site):
    """A site whose spool is in a place of objects."""

    objects: Remote

    @property
    def spool(self) -> Remote:  # type: ignore[override]
        return self.objects

    @property
    def settings(self) -> Settings:
        return load_settings(
            SLUICEGATE_SPOOL=self.objects,
            SLUICEGATE_HOME=self.folder / "home",
            SLUICEGATE_MAX_BATCH_RECORDS=self.max_records,
        )


@pytest.fixture(params=["memory", "s3"])
def site(request: pytest.FixtureRequest, endpoints: Endpoints, tmp_path: Path) -> Iterator[SiteWithObjects]:
    database = connect(str(endpoints.mongodb_uri), f"t{uuid.uuid4().hex[:10]}")
    with contextlib.closing(database.client):
        found = SiteWithObjects(database, tmp_path)
        name = uuid.uuid4().hex
        is_s3 = request.param == "s3"
        found.objects = request.getfixturevalue("s3") / name if is_s3 else Remote(f"memory://{name}")
        yield found


def test_a_dead_batch_is_replayed_from_the_object_that_was_kept(site: SiteWithObjects, dlq: object) -> None:
    (source,) = site.land(record(1), record(2))
    site.dies("graph", broken())
    outcome = site.process(source)
    assert (outcome.exit_code, f"Its file is kept as {site.objects}/dlq/" in outcome.message) == (5, True)
    source.path.unlink()  # type: ignore[union-attr]
    site.dies("graph")
    assert f"kept as      {site.objects}/dlq/" in dlq("show", source.batch_id[:12]).stdout  # type: ignore[operator]
    assert dlq("replay", source.batch_id[:12]).return_value == ExitCode.OK  # type: ignore[operator]
    assert site.document(source.batch_id)["status"] == BatchStatus.CLOSED
    assert objects.below(site.objects / "dlq") == []
    assert site.counted() == []


def test_a_batch_that_died_without_a_ledger_is_taken_in_by_the_next_run(site: SiteWithObjects) -> None:
    (source,) = site.land(record(1))
    ended = [outage(site, source) for _ in range(MAX_ATTEMPTS)]
    assert ended == [ExitCode.OUTAGE] * (MAX_ATTEMPTS - 1) + [ExitCode.DEAD_LETTERED]
    assert [batch_id for batch_id, _ in DeadFolders(site.objects).pending()] == [source.batch_id]
    site.runner().catch_up()
    assert site.document(source.batch_id)["status"] == BatchStatus.DEAD
    assert list(DeadFolders(site.objects).pending()) == []


def test_a_repaired_record_waits_in_a_place_of_objects_until_it_is_delivered(
    site: SiteWithObjects, dlq: object
) -> None:
    (source,) = site.land(record(1), '{"user_id": "u_100", "type": "click"}')
    site.process(source)
    done = dlq("replay", f"{source.batch_id[:12]}:2", "--set", "interaction_id=mended")  # type: ignore[operator]
    assert done.return_value == ExitCode.OK
    assert objects.below(site.objects / "replays") == []
    assert site.database["interactions"].count_documents({}) == 2


def test_a_dropped_batch_leaves_nothing(site: SiteWithObjects, dlq: object) -> None:
    (source,) = site.land(record(1))
    site.dies("load", broken())
    site.process(source)
    assert objects.below(site.objects / "dlq")
    assert dlq("drop", source.batch_id[:12], "--yes").return_value == ExitCode.OK  # type: ignore[operator]
    assert objects.below(site.objects / "dlq") == []
