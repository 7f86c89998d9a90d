"""One site made by real runs: passed, warned, halted, rolled back, with fallbacks, and with markup in its data."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from pipeline.core.outcome import BatchOutcome
from pipeline.local import LocalStack
from sluicegate.app import App
from tests.gates.conftest import (  # noqa: F401 - some are fixtures
    FIXTURES,
    ROOT,
    Site,
    gate_endpoints,
    gx_root,
    make_site,
    variables_of,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync")
NASTY = "<script>document.title='owned'</script><img src=x onerror=alert(1)>{{7*7}}"


@dataclass(frozen=True, slots=True)
class Sample:
    """A site, and what became of the batches on it."""

    site: Site
    folder: Path
    outcomes: dict[str, BatchOutcome]

    def batch(self, name: str) -> Path:
        """The page of a batch."""
        return self.folder / "batches" / f"{self.outcomes[name].batch_id}.html"

    def result(self, name: str, gate: str) -> Path:
        """The page of a gate's result."""
        report = self.site.report(self.outcomes[name], gate)
        return self.folder / report.page


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    with made(tmp_path_factory.mktemp("site"), masked="none") as found:
        yield found


@contextlib.contextmanager
def made(home: Path, *, masked: str, more: int = 0) -> Iterator[Sample]:
    """A site below `home`, with its servers running; `more` batches that pass."""
    shutil.copytree(ROOT / "gx", home / "gx", ignore=shutil.ignore_patterns("uncommitted"))
    app = App()
    with LocalStack(home / "stack").use() as endpoints:
        app.configure(
            **variables_of(endpoints, "pages", home / "gx", home),
            SLUICEGATE_MASKED_FIELDS=masked,
        )
        try:
            campaigns = (FIXTURES / "campaigns.jsonl").read_text("utf-8").splitlines()
            app.graph_store.load_campaigns([json.loads(line) for line in campaigns])
            site = Site(app, endpoints)
            yield Sample(site, home / "gx" / "uncommitted" / "data_docs" / "local_site", _run(site, home, more))
        finally:
            app.close()


def _run(site: Site, home: Path, more: int) -> dict[str, BatchOutcome]:
    found = {name: site.process(f"{name}.jsonl") for name in ("clean", "bad_user_ids", "orphans", "nothing")}
    for number in range(more):
        found[f"more {number}"] = site.process(written(home, f"more-{number}", records=20 + number * 7 % 30))
    found["nasty"] = site.process(written(home, "nasty", user_id=NASTY))
    site.order("zero")
    found["rolled back"] = site.process(written(home, "zero"))
    site.order(None)
    site.order("503")
    found["fallbacks"] = site.process(written(home, "down"))
    site.order(None)
    return found


def written(home: Path, name: str, user_id: str = "u_777", records: int = 30) -> Path:
    lines = [
        {
            "interaction_id": f"{name}-{number:03d}",
            "user_id": user_id if number == 1 else "u_777",
            "campaign_id": "c_1",
            "type": "click",
            "timestamp": "2026-11-20T09:00:00Z",
            "message": f"{name} {number}",
        }
        for number in range(records)
    ]
    path = home / f"{name}.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in lines), "utf-8")
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium of this machine."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine: apt install chromium")
    with launched() as found:
        yield found


@contextlib.contextmanager
def launched() -> Iterator[Browser]:
    """Chromium, started and closed."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, "--no-sandbox"])
        yield found
        found.close()
