"""Which expectation of a gate an action on records acts on, when it does not hold: asked by actions and by pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.core.policy import FLAG, QUARANTINE, ROLLBACK, SWEEP
from pipeline.core.topology import GATE_STEPS
from pipeline.core.verdicts import Verdict

FENCE_FIELD = "fence"
"""The field that says under which lease a vector was written."""


def _domain_has(name: str) -> Callable[[Any], bool]:
    return lambda configuration: hasattr(configuration.to_domain_obj(), name)


ACTED_ON: Mapping[str, Callable[[Any], bool]] = {
    QUARANTINE: _domain_has("bad_records"),
    FLAG: _domain_has("target_label"),
    ROLLBACK: _domain_has("sample_ids"),
    SWEEP: lambda configuration: configuration.kwargs.get("column") == FENCE_FIELD,
}
"""By the action's kind: whether an expectation, given GX's configuration of it, names what the action acts on."""

ONLY_AFTER_FAIL = frozenset({ROLLBACK, SWEEP})
"""Kinds of actions that do nothing after a warning."""


def actions_of(gate: str, configuration: Any, verdict: Verdict) -> tuple[str, ...]:
    """Kinds of the actions on records that follow when an expectation of a gate does not hold.

    Args:
        gate: The gate's name; of what is no gate nothing follows.
        configuration: GX's configuration of the expectation.
        verdict: What the gate says then.
    """
    kinds = GATE_STEPS[gate].actions if gate in GATE_STEPS else ()
    acts = [kind for kind in kinds if kind not in ONLY_AFTER_FAIL or verdict is Verdict.FAIL]
    return tuple(kind for kind in acts if ACTED_ON[kind](configuration))
