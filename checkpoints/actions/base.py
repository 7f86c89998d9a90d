"""What all actions of ours share: they intend before they act, never raise, and act only in a run with a lease."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from checkpoints.actions.scope import ActionScope, current
from expectations_plugins.actions import TakesItsPlace
from expectations_plugins.engine.gx_internals import ValidationAction
from pipeline.core.topology import GATES
from pipeline.core.verdicts import GateReport


class GateAction(ValidationAction, metaclass=TakesItsPlace):
    """An action of a gate's checkpoint. Subclasses name their kind and say what they intend and do.

    `title` is its name in the GX project. An action that a row of the topology names is in that gate's checkpoint; any
    other is in the checkpoints of `gates`.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    gates: ClassVar[tuple[str, ...]] = GATES
    marks_records: ClassVar[bool] = False
    harmless: ClassVar[bool] = False

    def kind_of_action(self) -> str:
        """The kind of its intents."""
        return self.kind

    def intend(self, report: GateReport, results: Sequence[Any], scope: ActionScope) -> Mapping[str, Any] | None:
        """What it is going to do, as plain data; None for nothing."""
        raise NotImplementedError

    @classmethod
    def perform(cls, data: Mapping[str, Any], scope: ActionScope) -> str:
        """Do it; a sentence about what was done. Doing it again changes nothing."""
        raise NotImplementedError

    @classmethod
    def would(cls, data: Mapping[str, Any]) -> str:
        """What it would do, as a sentence."""
        del data
        return f"would {cls.kind}"

    def run(self, checkpoint_result: Any, action_context: Any = None) -> dict[str, Any]:
        """Act, or say what would be done."""
        del action_context
        scope = current() or by_hand(checkpoint_result, self._resolve_context().context)
        scope.plan(siblings(checkpoint_result, self), checkpoint_result)
        outcome = scope.act(
            self.kind,
            self.perform,
            would=self.would,
            marks_records=self.marks_records,
            harmless=self.harmless,
        )
        return dataclasses.asdict(outcome)


def siblings(checkpoint_result: Any, action: GateAction) -> list[GateAction]:
    """All actions of ours of the checkpoint, in their order; a result made by hand knows only this one."""
    configured = getattr(checkpoint_result.checkpoint_config, "actions", None) or [action]
    return [one for one in configured if isinstance(one, GateAction)]


def by_hand(checkpoint_result: Any, context: Any) -> ActionScope:
    """The scope of a checkpoint run from a notebook or by GX's Airflow operator: it looks, and writes its page."""
    from checkpoints.core.verdicts import judged  # noqa: PLC0415 - judges what plugins register
    from checkpoints.data_docs.gate_pages import GatePages  # noqa: PLC0415 - pages render what plugins register, and we are one
    from expectations_plugins.core.masking import Masks  # noqa: PLC0415

    name = str(getattr(checkpoint_result.checkpoint_config, "name", "") or "checkpoint")

    def judge(results: Sequence[Any]) -> GateReport:
        return judged(name, "", results, expected=1)

    return ActionScope(name, "", "", None, None, judge, GatePages(context, Masks()))
