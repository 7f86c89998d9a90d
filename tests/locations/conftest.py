"""Places that are no folders: fsspec's memory, its folders, a server that speaks S3, and one with faults to order."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from moto.server import ThreadedMotoServer

from pipeline.storage import cache
from pipeline.storage.location import Remote

BUCKET = "sluicegate-tests"
SECRET = "a-secret-of-the-bucket"


class FaultyFileSystem(MemoryFileSystem):
    """Memory, where opening or writing an object may be ordered to fail, or to let something else happen first."""

    protocol = "faulty"
    store: dict[str, object] = {}  # noqa: RUF012 - one for all instances, as of memory
    pseudo_dirs = [""]  # noqa: RUF012
    opened: list[str] = []  # noqa: RUF012
    orders: dict[str, Callable[[], object]] = {}  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(MemoryFileSystem._strip_protocol(path.replace("faulty://", "memory://", 1)))

    def open(self, path: str, mode: str = "rb", **kwargs: object) -> object:
        name = path.rpartition("/")[2]
        if mode == "rb":
            self.opened.append(name)
        for ordered in (name, f"{mode} {name}", f"{mode} any"):
            if ordered in self.orders:
                self.orders[ordered]()
        return super().open(path, mode, **kwargs)


fsspec.register_implementation("faulty", FaultyFileSystem)


@pytest.fixture(scope="session")
def s3() -> Iterator[Remote]:
    """A bucket on a server that speaks S3, as the environment of this process, and of those it starts, says."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    wanted = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    fsspec.filesystem("s3").mkdir(BUCKET)
    yield Remote(f"s3://{BUCKET}")
    server.stop()
    for name, value in before.items():
        os.environ.pop(name)
        if value is not None:
            os.environ[name] = value


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Path:
    """Where copies of objects go."""
    cache.keep_below(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture(params=["memory", "file", "s3"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Remote:
    """An empty folder of each kind."""
    name = uuid.uuid4().hex
    if request.param == "s3":
        return request.getfixturevalue("s3") / name  # type: ignore[no-any-return]
    return Remote(f"memory://{name}" if request.param == "memory" else f"file://{tmp_path / name}")


@pytest.fixture
def faulty() -> Iterator[Remote]:
    """An empty folder with faults to order."""
    FaultyFileSystem.orders.clear()
    FaultyFileSystem.opened.clear()
    yield Remote(f"faulty://{uuid.uuid4().hex}")
    FaultyFileSystem.orders.clear()
