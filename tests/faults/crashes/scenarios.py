"""What the crash matrix crashes: a log file, and the commands a scheduler and a person run on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.core.topology import STEPS
from tests.faults.crashes.stack import Plot

FILE = "landing/batch.jsonl"
CATALOGUE = [{"campaign_id": "c_known"}, {"campaign_id": "c_other"}]
POISON, DOWN = "poisoned", "unanswered"
"""Words the local model gives a vector of zeros for, and does not answer to."""

RUN = ("run", f"{{folder}}/{FILE}")


@dataclass(frozen=True, slots=True)
class Command:
    """A command line; `{batch}` stands for the batch's id, `{prefix}` and `{folder}` for the run's own.

    Args:
        arguments: After `run.py`.
        variables: Settings of this command.
        gemini: Faults of the model while it runs.
    """

    arguments: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    gemini: Sequence[Mapping[str, object]] = ()

    @property
    def decides(self) -> bool:
        """Whether a person decides something about the batch by it; a record's replay waits in the spool."""
        return self.arguments[0] in DECISIONS and not any(":" in one for one in self.arguments)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A file and what is done with it.

    Args:
        name: For the report.
        records: The file's lines, of a prefix.
        commands: In order.
        status: The batch's in the end.
    """

    name: str
    records: Callable[[str], Sequence[Any]]
    commands: Sequence[Command]
    status: str

    def land(self, plot: Plot) -> None:
        """Put the file, and the campaign catalogue, where the commands look for them."""
        lines = [line if isinstance(line, str) else json.dumps(line) for line in self.records(plot.prefix)]
        (plot.folder / "landing").mkdir(exist_ok=True)
        (plot.folder / FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
        (plot.folder / "elsewhere").mkdir(exist_ok=True)
        other = json.dumps(record(f"other-{plot.prefix}", 1))
        (plot.folder / "elsewhere" / "other.jsonl").write_text(f"{other}\n", encoding="utf-8")


def record(prefix: str, number: int, **others: Any) -> dict[str, Any]:
    """A good record."""
    return {
        "interaction_id": f"{prefix}-{number:03d}",
        "user_id": f"u_{number:03d}",
        "campaign_id": "c_known" if number % 2 else "c_other",
        "type": ("view", "click")[number % 2],
        "timestamp": f"2026-11-20T09:{number:02d}:00Z",
        "message": f"message {number}",
        **others,
    }


def mixed(prefix: str) -> list[Any]:
    """Ten good ones, a bad user_id, two orphans, one without a message, a duplicate, a conflict, an unreadable line."""
    good = [record(prefix, number) for number in range(10)]
    return [
        *good,
        record(prefix, 10, user_id="nobody"),
        record(prefix, 11, campaign_id="c_missing"),
        record(prefix, 12, campaign_id=None),
        record(prefix, 13, message=""),
        good[0],
        record(prefix, 1, message="something else"),
        "no record at all",
    ]


def nameless(prefix: str) -> list[Any]:
    """Three good ones, and one without an id."""
    lost = {name: value for name, value in record(prefix, 3).items() if name != "interaction_id"}
    return [*(record(prefix, number) for number in range(3)), lost]


def poisoned(prefix: str) -> list[Any]:
    """Twelve, four of which get no vector that may be kept."""
    return [record(prefix, n, message=f"{POISON} {n}" if n % 3 == 0 else f"message {n}") for n in range(12)]


def unanswered(prefix: str) -> list[Any]:
    """Eight, three of which get fallback vectors."""
    return [record(prefix, n, message=f"{DOWN} {n}" if n < 3 else f"message {n}") for n in range(8)]


ZEROS = {"fault": "zero", "match": POISON}
POISONED = {"fault": "zero", "match": DOWN}
SILENCE = {"fault": "503", "match": DOWN}
TOLERANT = {"SLUICEGATE_USER_ID_TOLERANCE": "0.5"}

DECISIONS = ("resume", "recheck", "reject", "rollback", "quarantine", "dlq")
"""First words of the commands by which a person decides."""

FOLLOWING: Mapping[str, Sequence[str]] = {
    "run": RUN,
    "run of something else": ("run", "{folder}/elsewhere"),
    "backfill": ("backfill", "{folder}/landing", "--workers", "1"),
    "watch": ("watch",),
    "resume": ("resume", "{batch}"),
    "replay": ("dlq", "replay", "{batch}"),
}
"""What comes next instead of the command that was killed. The first ones decide nothing."""

STEP_BY_STEP = (
    Command(("stage", STEPS[0].name, "{batch}", "--file", f"{{folder}}/{FILE}"), TOLERANT),
    *(Command((str(step.kind), step.name, "{batch}"), TOLERANT) for step in STEPS[1:]),
)
"""As a scheduler with a task for every step."""

SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("tolerant run", mixed, (Command(RUN, TOLERANT),), "closed"),
        Scenario("tolerant, step by step", mixed, STEP_BY_STEP, "closed"),
        Scenario("halted, resumed", mixed, (Command(RUN), Command(("resume", "{batch}"))), "closed"),
        Scenario("halted, rejected", mixed, (Command(RUN), Command(("reject", "{batch}", "--yes"))), "dead"),
        Scenario(
            "quarantined, released",
            mixed,
            (
                Command(RUN, TOLERANT),
                Command(("quarantine", "release", "{prefix}-010", "--set", "user_id=u_777"), TOLERANT),
            ),
            "closed",
        ),
        Scenario(
            "halted, released, checked again",
            mixed,
            (
                Command(RUN),
                Command(("quarantine", "release", "{prefix}-010", "--set", "user_id=u_777")),
                Command(("recheck", "{batch}")),
            ),
            "closed",
        ),
        Scenario(
            "rejected, replayed",
            mixed,
            (
                Command(RUN),
                Command(("reject", "{batch}", "--yes")),
                Command(("dlq", "replay", "{batch}"), TOLERANT),
            ),
            "closed",
        ),
        Scenario(
            "dead record, repaired",
            nameless,
            (Command(RUN), Command(("dlq", "replay", "{batch}:4", "--set", "interaction_id={prefix}-700"))),
            "closed",
        ),
        Scenario(
            "rejected, dropped",
            mixed,
            (
                Command(RUN),
                Command(("reject", "{batch}", "--yes")),
                Command(("dlq", "drop", "{batch}", "--yes")),
            ),
            "dead",
        ),
        Scenario("vectors rolled back by the gate", poisoned, (Command(RUN, gemini=(ZEROS,)),), "halted"),
        Scenario(
            "rolled back, embedded again",
            poisoned,
            (Command(RUN, gemini=(ZEROS,)), Command(("recheck", "{batch}", "--redo"))),
            "closed",
        ),
        Scenario(
            "fallbacks, embedded again",
            unanswered,
            (Command(RUN, gemini=(SILENCE,)), Command(("reembed", "--batch", "{batch}"))),
            "closed",
        ),
        Scenario(
            "vectors rolled back, rejected",
            poisoned,
            (Command(RUN, gemini=(ZEROS,)), Command(("reject", "{batch}", "--yes"))),
            "dead",
        ),
        Scenario(
            "fallbacks, poisoned when embedded again",
            unanswered,
            (Command(RUN, gemini=(SILENCE,)), Command(("reembed", "--batch", "{batch}"), gemini=(POISONED,))),
            "halted",
        ),
        Scenario(
            "rolled back by hand",
            unanswered,
            (Command(RUN), Command(("rollback", "{batch}", "--yes"))),
            "halted",
        ),
    )
}
"""By name."""
