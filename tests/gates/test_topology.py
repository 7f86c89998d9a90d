"""The topology's rows: what one says of a gate must agree, or it is refused when it is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.core.policy import FLAG, QUARANTINE, REDO, RESUME, policy
from pipeline.core.topology import EMBED, GATE_STEPS, STEPS, gate_of
from pipeline.core.verdicts import Verdict

RAW, GRAPH = GATE_STEPS["raw"], GATE_STEPS["graph"]
PASSES_ONLY = {Verdict.PASS: RAW.policy[Verdict.PASS]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"redo": ()}, "judges no stage"),
        ({"policy": PASSES_ONLY}, "says nothing of EMPTY, ERROR, FAIL, WARN"),
        ({"actions": (FLAG,)}, "`resume` goes with the action quarantine"),
        ({"policy": policy(QUARANTINE, fail=REDO, warn="doctor")}, "`resume` goes with the action quarantine"),
    ],
)
def test_a_gates_row_whose_facts_do_not_agree_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(RAW, **changes)


def test_resume_is_not_offered_where_nothing_is_quarantined() -> None:
    with pytest.raises(ValueError, match="The graph gate"):
        replace(GRAPH, policy=policy(FLAG, fail=RESUME, warn="doctor"))


def test_every_stage_a_gate_judges_is_done_before_it() -> None:
    keys = [step.key for step in STEPS]
    assert [gate.key for gate in GATE_STEPS.values() if max(map(keys.index, gate.redo)) > keys.index(gate.key)] == []
    assert gate_of(EMBED).name == "vectors"
