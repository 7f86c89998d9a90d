"""Each store of STORES, connected once for the module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import great_expectations
import pytest

import expectations_plugins
from pipeline.local import Endpoints
from tests.conformance.contract import StoreUnderTest
from tests.conformance.stores import STORES


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Any:
    expectations_plugins.register()
    found = great_expectations.get_context(mode="file", project_root_dir=tmp_path_factory.mktemp("project"))
    found.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return found


@pytest.fixture(scope="module", params=STORES, ids=lambda store: store.name)
def store(request: pytest.FixtureRequest, context: Any, endpoints: Endpoints) -> Iterator[StoreUnderTest]:
    with pytest.MonkeyPatch.context() as patch:
        found = request.param(context, endpoints, patch)
        yield found
        found.close()
