"""What an exit code means for an Airflow task: whether it is tried again, and who tells people. No Airflow in here."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass

from expectations_plugins.core.errors import ExitCode
from pipeline.core.topology import MAX_ATTEMPTS

RETRIES = MAX_ATTEMPTS - 1
"""Airflow's retries of a task: with the first try as many as the ledger counts, so both come to their end together."""

SIGNAL_BASE = 128
"""A shell's exit code of a process that a signal ended is this and the signal's number."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an attempt's end means.

    Args:
        again: Whether another try may help.
        told: Whether Sluicegate tells people of it itself, so that Airflow must not.
        words: What happened, for the log.
    """

    again: bool
    told: bool
    words: str


MEANINGS: Mapping[int, Meaning] = {
    # the ledger counts the attempts and tells people after the last; when it is the ledger that is down, so do alerts
    ExitCode.OUTAGE: Meaning(again=True, told=True, words="an outage; what was done is kept"),
    ExitCode.LEASE_HELD: Meaning(again=True, told=True, words="another run is at the batch, and tells how it ends"),
    ExitCode.DEAD_LETTERED: Meaning(again=False, told=True, words="the batch is in the dead-letter queue"),
    ExitCode.GATE_FAILED: Meaning(again=False, told=True, words="the batch waits for a person"),
    ExitCode.USAGE: Meaning(again=False, told=False, words="something is set up wrongly"),
    ExitCode.BUG: Meaning(again=False, told=False, words="a bug in Sluicegate"),
}
"""Of every exit code a step can end with but 0 and signals."""


def meaning_of(code: int) -> Meaning:
    """What the end of an attempt at a step means.

    Args:
        code: The exit code, not 0; negative when a signal ended the process, as `subprocess` says it.
    """
    number = -code if code < 0 else code - SIGNAL_BASE
    if number > 0:  # a worker that shuts down, or memory that ran out: the batch is resumable
        return Meaning(again=True, told=False, words=f"it was ended by {_name(number)}; what was done is kept")
    unknown = Meaning(again=False, told=False, words="an exit code Sluicegate does not use; is the command right?")
    return MEANINGS.get(code, unknown)


def meaning_for_plan(code: int) -> Meaning:
    """What the end of an attempt to plan means: `plan` tells nobody, so Airflow must.

    Args:
        code: As of `meaning_of`.
    """
    meaning = meaning_of(code)
    return Meaning(again=meaning.again, told=False, words=meaning.words)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
