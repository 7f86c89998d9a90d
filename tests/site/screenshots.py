"""The pictures in docs/screenshots: `python -m tests.site.screenshots`; look at them before they are committed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.site.conftest import ROOT, Sample, launched, made

FOLDER = ROOT / "docs" / "screenshots"
WIDE, NARROW = 1280, 390


def main() -> None:
    """Make a site by real runs, and picture its pages."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home, made(Path(home), masked="user_id", more=14) as sample:
        pages = _pages(sample)
        with launched() as browser:
            for name, (file, width, scheme) in pages.items():
                context = browser.new_context(
                    color_scheme=scheme, viewport={"width": width, "height": 900}, device_scale_factor=1
                )
                page = context.new_page()
                page.goto(file.as_uri())
                page.screenshot(path=FOLDER / f"{name}.png", full_page=True)
                context.close()


def _pages(sample: Sample) -> dict[str, tuple[Path, int, str]]:
    start = sample.folder / "index.html"
    halted, vectors = sample.batch("bad_user_ids"), sample.result("rolled back", "vectors")
    return {
        "start-light": (start, WIDE, "light"),
        "start-dark": (start, WIDE, "dark"),
        "start-phone": (start, NARROW, "light"),
        "halted-batch": (halted, WIDE, "light"),
        "halted-batch-phone": (halted, NARROW, "dark"),
        "vector-gate": (vectors, WIDE, "light"),
        "vector-gate-dark": (vectors, WIDE, "dark"),
        "orphans": (sample.result("orphans", "graph"), WIDE, "light"),
        "suite": (sample.folder / "expectations" / "vectors.html", WIDE, "light"),
    }


if __name__ == "__main__":
    main()
