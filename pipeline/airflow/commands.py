"""The command lines that tasks run, the environment they run in, and what they answer. No Airflow in here.

A command line is a list of arguments and never goes through a shell: batch ids and paths come from data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.core.topology import STEPS, Step, StepKind

BATCH_ID = re.compile(r"[0-9a-f]{64}")

NOT_OURS = re.compile(r"_*AIRFLOW_|PYTHON(PATH|HOME)$")
"""Variables of Airflow's own environment: its secrets, and module paths that would mix the two environments."""

LEFT_OUT_SHOWN = 20
"""Files that are named in Airflow's database; all of them are in the task's log."""


class UnreadableAnswerError(Exception):
    """What a command printed is not what Sluicegate prints."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Args:
        batches: `batch_id` and `source` of each pending batch, the oldest first.
        left_out: `file` and `why` of each file that is not taken.
    """

    batches: tuple[Mapping[str, str], ...]
    left_out: tuple[Mapping[str, str], ...]


def plan_arguments(paths: Sequence[str], most: int) -> list[str]:
    """The arguments that ask for the pending batches.

    Args:
        paths: Files or folders; the landing folder when there is none.
        most: How many batches at most.
    """
    return ["plan", f"--limit={most}", "--", *paths]


def step_arguments(step: Step, batch_id: str, source: str) -> list[str]:
    """The arguments of one attempt at a step.

    Args:
        step: The stage or gate.
        batch_id: The batch's whole id.
        source: Where the batch's file is; only the load reads it.

    Raises:
        ValueError: The batch id is not one.
    """
    if not BATCH_ID.fullmatch(batch_id):
        raise ValueError(f"{batch_id!r} is not a batch id: 64 of the characters 0-9 and a-f.")
    file = [f"--file={source}"] if step == STEPS[0] else []
    return [str(StepKind(step.kind)), step.name, batch_id, *file, "--json"]


def environment(parent: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command.

    Args:
        parent: The worker's environment.
        extra: What the DAG adds; wins.
    """
    return {name: value for name, value in parent.items() if not NOT_OURS.match(name)} | dict(extra)


def plan_in(printed: str) -> Plan:
    """The plan that `plan` printed.

    Args:
        printed: All of its standard output.

    Raises:
        UnreadableAnswerError: It is no plan.
    """
    try:
        found = json.loads(printed)
        batches = tuple({"batch_id": str(one["batch_id"]), "source": str(one["source"])} for one in found["batches"])
        left_out = tuple({"file": str(one["file"]), "why": _why(one)} for one in found["left_out"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableAnswerError(f"`plan` did not print a plan ({error!r}): {printed[:200]!r}") from error
    return Plan(batches, left_out)


def outcome_in(printed: str) -> str | None:
    """Why a step ended as it did, in Sluicegate's words; None when it ended before it came to the batch.

    Args:
        printed: All of its standard output.
    """
    try:
        [batch] = json.loads(printed)["batches"]
        return _why(batch)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _why(told: Mapping[str, Any]) -> str:
    return " ".join(str(told[name]) for name in ("message", "next_step") if told.get(name))
