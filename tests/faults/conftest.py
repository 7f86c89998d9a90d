"""Servers behind proxies, one set for all tests that take them away or crowd them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.local import LocalStack
from tests.faults.outages import FIXTURES, ROOT, Batch, Place, addresses, reading
from tests.faults.proxy import Proxy, port_of


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Servers of these tests' own, each behind a proxy, with the campaigns loaded."""
    folder = tmp_path_factory.mktemp("outages")
    shutil.copytree(ROOT / "gx", folder / "gx", ignore=shutil.ignore_patterns("uncommitted"))
    stack = LocalStack(folder / "stack")
    with stack.use() as at, contextlib.ExitStack() as proxies:
        ports = {name: port_of(address) for name, address in addresses(at).items()}
        found = Place(stack, at, {n: proxies.enter_context(Proxy(port)) for n, port in ports.items()}, folder)
        loaded = Batch(found).land().command("campaigns", "load", str(FIXTURES / "campaigns.jsonl"))
        assert loaded.code == 0, str(loaded)
        yield found


@pytest.fixture
def batch(place: Place) -> Iterator[Batch]:
    """A batch of its own; every proxy is healthy before and after."""
    place.heal()
    yield Batch(place).land()
    place.heal()


@pytest.fixture(scope="session")
def undisturbed(place: Place) -> Any:
    """The contents of a batch that met no outage; every server was reached through its proxy."""
    batch = Batch(place).land()
    ended = batch.run()
    assert ended.code == 0, str(ended)
    assert all(proxy.accepted for proxy in place.proxies.values())
    with reading(place) as stores:
        return stores.contents(batch)
