"""What an alert says, whatever channel carries it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing people are told.

    Args:
        gate: The gate, or `pipeline`.
        severity: critical, error or warning.
        title: What happened, one line.
        summary: What failed, with counts, and what was done about it.
        examples: Three pairs of interaction_id and what is wrong with it.
        batch_id: The batch.
        docs: Address of the page with the details; "" for none.
        next_step: The command to run next.
        failure: A stable name of what failed.
    """

    gate: str
    severity: str
    title: str
    summary: str
    batch_id: str
    failure: str
    examples: tuple[tuple[str, str], ...] = ()
    docs: str = ""
    next_step: str = ""

    @property
    def dedup_key(self) -> str:
        """The same for the same failure of the same gate."""
        return f"sluicegate:{self.gate}:{self.failure}"
