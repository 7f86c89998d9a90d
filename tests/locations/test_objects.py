"""Objects as if they were files: written whole, listed as they are now, with the errors of a disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import fsspec
import pytest

from expectations_plugins.core.errors import ConfigurationError
from pipeline.storage import cache, objects
from pipeline.storage.fetching import ChangedObjectError, local, local_if_there, size
from pipeline.storage.location import Remote, place
from tests.locations.conftest import BUCKET, SECRET, FaultyFileSystem

ODD = "q#y*[z] %2e é.jsonl"


def test_what_is_written_is_listed_read_and_removed(elsewhere: Remote, tmp_path: Path) -> None:
    (tmp_path / "given").write_bytes(b"three")
    objects.write(elsewhere / "a.html", b"one", "text/html")
    objects.write(elsewhere / "a.html", b"one more", "text/html")
    objects.write(elsewhere / "deep" / "b", b"two")
    objects.upload(tmp_path / "given", elsewhere / ODD)
    assert sorted((one.place.name, one.is_file) for one in objects.children(elsewhere)) == [
        ("a.html", True),
        ("deep", False),
        (ODD, True),
    ]
    names = {str(one.place)[len(str(elsewhere)) + 1 :]: one.size for one in objects.below(elsewhere)}
    assert names == {"a.html": 8, "deep/b": 3, ODD: 5}
    assert (objects.read(elsewhere / "a.html"), objects.read(elsewhere / ODD)) == (b"one more", b"three")
    for _ in range(2):
        objects.remove(elsewhere / "a.html")
    assert {one.place.name for one in objects.children(elsewhere)} == {"deep", ODD}


def test_what_is_not_there_is_said_as_a_disk_says_it(elsewhere: Remote) -> None:
    assert objects.below(elsewhere) == []
    for ask in (objects.look, objects.read, objects.children):
        with pytest.raises(FileNotFoundError) as missing:
            ask(elsewhere / "x")
        assert missing.value.errno == errno.ENOENT
    assert (size(elsewhere / "x"), local_if_there(elsewhere / "x")) == (0, None)


def test_an_object_has_one_version_however_it_is_looked_at_and_another_when_it_is_written(elsewhere: Remote) -> None:
    objects.write(elsewhere / "a", b"one")
    listed, looked = objects.children(elsewhere)[0].place, objects.look(elsewhere / "a").place
    assert listed.version == looked.version != ""
    objects.write(elsewhere / "a", b"other")
    assert objects.look(elsewhere / "a").place.version != looked.version


def test_a_copy_is_the_object_and_gone_when_it_is_forgotten(elsewhere: Remote, home: Path) -> None:
    objects.write(elsewhere / "a.jsonl.gz", os.urandom(100_000))
    found = objects.look(elsewhere / "a.jsonl.gz").place
    copy = local(found)
    assert copy.read_bytes() == objects.read(found)
    assert (copy.is_relative_to(home), copy.name.endswith(".jsonl.gz")) == (True, True)
    cache.forget(found)
    assert not copy.exists()
    local(found)
    cache.clear()
    assert not copy.parent.exists()


def test_of_an_object_that_was_replaced_there_is_no_copy(elsewhere: Remote) -> None:
    objects.write(elsewhere / "a", b"one")
    listed = objects.look(elsewhere / "a").place
    objects.write(elsewhere / "a", b"other")
    with pytest.raises(ChangedObjectError):
        local(listed)
    assert not any(cache.folder().iterdir())


@pytest.mark.parametrize("name", ["../../escape.jsonl", "x" * 900 + ".jsonl", "new\nline.jsonl", "\udcff.jsonl"])
def test_no_name_of_an_object_is_part_of_a_path_here(name: str, home: Path) -> None:
    copy = cache.local_copy(Remote(f"memory://x/{name}"))
    assert copy.resolve().parent.is_relative_to(home)
    assert (len(copy.name) < 100, copy.suffix) == (True, ".jsonl")


def fails(error: Exception) -> object:
    raise error


class NoCredentialsError(Exception):
    """As botocore calls it."""


@pytest.mark.parametrize(
    ("raised", "number"),
    [
        (PermissionError("403"), errno.EACCES),
        (NoCredentialsError("Unable to locate credentials"), errno.EACCES),
        (TimeoutError(), errno.EIO),
        (OSError(errno.EBUSY, "SlowDown"), errno.EIO),
        (OSError(errno.EINVAL, "no such thing"), errno.EINVAL),
        (RuntimeError("the service is unwell"), errno.EIO),
    ],
    ids=str,
)
def test_what_a_package_raises_is_an_error_of_a_disk(faulty: Remote, raised: Exception, number: int) -> None:
    objects.write(faulty / "a", b"one")
    FaultyFileSystem.orders["a"] = lambda: fails(raised)
    with pytest.raises(OSError, match=r"faulty://") as told:
        local(faulty / "a")
    assert told.value.errno == number


def test_a_missing_package_is_named() -> None:
    with pytest.raises(ConfigurationError, match="gcsfs"):
        objects.look(place("gs://bucket/x"))
    with pytest.raises(ConfigurationError, match="knows no locations that start with nothing://"):
        objects.look(place("nothing://bucket/x"))


def test_a_store_that_does_not_answer_is_an_outage_without_its_secrets(
    s3: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(OSError, match=r"127\.0\.0\.1:1") as told:
        objects.look(s3 / "x")
    fsspec.filesystem("s3").clear_instance_cache()
    assert (told.value.errno, SECRET in str(told.value)) == (errno.EIO, False)


def test_a_page_in_a_bucket_says_that_it_is_one(s3: Remote) -> None:
    objects.write(s3 / "page.html", b"<p>", "text/html; charset=utf-8")
    assert fsspec.filesystem("s3").info(f"{BUCKET}/page.html")["ContentType"] == "text/html; charset=utf-8"
