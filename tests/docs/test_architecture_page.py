"""The architecture page and its drawing say what the code does: packages, who imports whom, the order of steps."""

from __future__ import annotations

import ast
import re
import runpy
from collections.abc import Iterator

import pytest

from pipeline.core.fields import DEAD_LETTERS, INTERACTIONS
from pipeline.core.topology import STEPS
from pipeline.stores.mongodb import incident_queries, ledger_queries, undo_journal
from tests.test_architecture import PACKAGES, ROOT, SOURCES, imported

DOCS = ROOT / "docs"
PAGE = (DOCS / "architecture.md").read_text("utf-8")
DRAWN = (DOCS / "architecture.svg").read_text("utf-8")


def arrows() -> set[tuple[str, str]]:
    """Who imports whom, by the files."""
    return {edge for path in SOURCES for edge in _edges(path.relative_to(ROOT).parts[0], set(imported(path)))}


def _edges(package: str, modules: set[str]) -> Iterator[tuple[str, str]]:
    named = {module.split(".")[0] for module in modules}
    yield from ((package, other) for other in PACKAGES if other in named and other != package)


def test_the_drawing_is_what_its_script_draws() -> None:
    assert runpy.run_path(str(DOCS / "architecture_drawing.py"))["drawing"]() == DRAWN


def test_the_arrows_that_are_drawn_are_the_imports_there_are() -> None:
    assert set(re.findall(r'data-from="([^"]+)" data-to="([^"]+)"', DRAWN)) == arrows()


def test_the_table_of_layers_tells_the_same_imports() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| [^|]+ \| ([^|]+) \|$", PAGE.partition("## A batch")[0], re.MULTILINE)
    said = {(name, other) for name, others in rows for other in re.findall(r"`(\w+)`", others)}
    assert (said, {name for name, _ in rows}) == (arrows(), {"run.py", *PACKAGES})


def test_every_step_is_drawn_in_its_order() -> None:
    assert re.findall(r'data-step="([^"]+)"', DRAWN) == [step.key for step in STEPS]


def test_every_package_that_is_drawn_or_named_is_there() -> None:
    named = {*re.findall(r'data-package="([^"]+)"', DRAWN), *re.findall(r"`((?:pipeline|docs)/[\w/.]+)`", PAGE)}
    assert len(named) > 15
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_package_of_the_pipeline_is_drawn() -> None:
    folders = {path.parent.relative_to(ROOT / "pipeline") for path in (ROOT / "pipeline").rglob("__init__.py")}
    tops = {str(folder).split("/")[0] for folder in folders} - {"."}
    drawn = {name.split("/")[1] for name in re.findall(r'data-package="([^"]+)"', DRAWN)}
    assert drawn == tops


def test_the_collections_that_are_named_are_those_there_are() -> None:
    part = PAGE.partition("## Where state lives")[2].partition("\n## ")[0]
    named = {name for row in re.findall(r"MongoDB ([^|:]+)", part) for name in re.findall(r"`(\w+)`", row)}
    assert named == {
        INTERACTIONS,
        ledger_queries.BATCHES,
        ledger_queries.LEASES,
        DEAD_LETTERS,
        undo_journal.COLLECTION,
        incident_queries.INCIDENTS,
    }


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\]\(([^)#:]+)\)", PAGE))))
def test_every_page_it_links_to_is_there(name: str) -> None:
    assert (DOCS / name).is_file()


def test_the_drawing_needs_nothing_from_elsewhere_and_has_words_for_those_who_do_not_see_it() -> None:
    assert re.findall(r"(?:href|src|url)\W{1,3}(?!http://www\.w3\.org)[a-z]+:", DRAWN) == []
    assert 'role="img" aria-label="' in DRAWN
    assert "prefers-color-scheme: dark" in DRAWN
    assert ast.get_docstring(ast.parse((DOCS / "architecture_drawing.py").read_text("utf-8")))
