"""Messages and help texts name the program as it was started; no text of the product has a name of its own for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from expectations_plugins.core.advice import check
from pipeline.cli.lazy_group import with_program
from pipeline.core.program import CHECKOUT, again, program, renamed, started_as, typed
from tests.test_architecture import ROOT, SOURCES, name_of

TEMPLATES = sorted((ROOT / "checkpoints").rglob("*.html"))
THE_PLACE = ROOT / "pipeline" / "core" / "program.py"
HELP = "Give up.\n\nExample:  python run.py dlq drop, then run.py run docs/sample/landing"


def texts(path: Path) -> Iterator[str]:
    """String literals that are values, also the parts of f-strings; docstrings are not."""
    tree = ast.parse(path.read_text("utf-8"))
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
            yield node.value


@pytest.mark.parametrize("path", [path for path in SOURCES if path not in {THE_PLACE, ROOT / CHECKOUT}], ids=name_of)
def test_no_text_of_the_product_names_the_program_by_itself(path: Path) -> None:
    assert [text for text in texts(path) if CHECKOUT in text] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_no_page_names_the_program_by_itself(path: Path) -> None:
    assert CHECKOUT not in path.read_text("utf-8")


@pytest.fixture(params=["sluicegate", "python -m sluicegate"])
def name(request: pytest.FixtureRequest) -> Iterator[str]:
    """The program was started by another name than in the other tests."""
    before = program()
    started_as(request.param)
    yield request.param
    started_as(before)


def test_every_text_has_the_name_it_was_started_by(name: str) -> None:
    assert (program(), typed(), check()) == (name, name, f" ({name} doctor)")
    assert again("status")[-2:] == [name, "status"]
    assert renamed(HELP) == f"Give up.\n\nExample:  {name} dlq drop, then {name} run sample/landing"


def test_the_help_of_inner_commands_and_options_has_it_too(name: str) -> None:
    option = click.Option(["--all"], help="As run.py dlq list.")
    inner = click.Command("drop", help=HELP, params=[option])
    with_program(click.Group("dlq", commands=[inner]))
    assert (inner.help, option.help) == (renamed(HELP), f"As {name} dlq list.")


def test_in_a_checkout_nothing_is_rewritten() -> None:
    assert (program(), typed(), renamed(HELP)) == ("run.py", "python run.py", HELP)
