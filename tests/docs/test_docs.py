"""What is written is true: the configuration page follows the settings, the README names every stage and gate."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from pipeline.core.topology import STEPS

ROOT = Path(__file__).parent.parent.parent


def test_the_configuration_page_is_what_the_settings_say() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "configuration_reference.py"))["page"]()
    assert (ROOT / "docs" / "configuration.md").read_text("utf-8") == page


def test_the_push_down_page_is_what_the_engines_support() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "support_matrix.py"))["page"]()
    assert (ROOT / "docs" / "push-down.md").read_text("utf-8") == page


def test_the_gates_page_is_what_the_actions_act_on() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "gates_table.py"))["page"]()
    assert (ROOT / "docs" / "gates.md").read_text("utf-8") == page


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.key)
def test_the_readme_names_every_stage_and_gate(step: object) -> None:
    mark = "[{}]" if step.kind == "stage" else "<gate: {}>"  # type: ignore[attr-defined]
    assert mark.format(step.name) in (ROOT / "README.md").read_text("utf-8")  # type: ignore[attr-defined]


def test_the_sample_is_what_its_generator_makes(tmp_path: Path) -> None:
    sample = ROOT / "docs" / "sample"
    made = runpy.run_path(str(sample / "generate.py"))
    made["main"].__globals__["HERE"] = tmp_path
    made["main"]()
    names = ["campaigns.jsonl", *(f"landing/{path.name}" for path in sorted((sample / "landing").iterdir()))]
    assert [(tmp_path / name).read_bytes() for name in names] == [(sample / name).read_bytes() for name in names]
