"""What the tests of this folder share: one whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.local import Endpoints
from tests.security.whole_run import WholeRun
from tests.security.whole_run import whole_run as one_run


@pytest.fixture(scope="session")
def whole_run(endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeRun]:
    """A good batch and two hostile ones, run once for the session."""
    with one_run(tmp_path_factory.mktemp("run"), endpoints) as made:
        yield made
