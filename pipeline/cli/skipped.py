"""Files that a run leaves out, so that one bad file does not keep the others from flowing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from expectations_plugins.core.errors import ExitCode, SluicegateError
from pipeline.cli.tables import printable
from pipeline.config import Settings
from pipeline.core.batches import BatchSource
from pipeline.core.outcome import BatchOutcome, exit_code_of
from pipeline.ports.steps import Progress
from pipeline.sources.discovery import discover
from pipeline.sources.files import printed
from pipeline.sources.passed_over import PassedOverError, Reason
from pipeline.storage.location import Place

EXAMPLES = 3
"""Files that are named for each reason."""


@dataclass(slots=True)
class PassedOver:
    """Counts what was found in folders and is not to be taken, and keeps a few examples.

    Args:
        counts: How many, by reason.
        examples: The first of each reason.
    """

    counts: Counter[Reason] = field(default_factory=Counter)
    examples: dict[Reason, list[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.counts)

    def add(self, path: Place, why: PassedOverError) -> None:
        """Count one."""
        self.counts[why.reason] += 1
        named = self.examples.setdefault(why.reason, [])
        if len(named) < EXAMPLES:
            named.append(printed(path))

    def as_data(self) -> dict[str, Any]:
        """Numbers, reasons and examples as JSON types."""
        reasons = [
            {"reason": str(reason), "count": count, "examples": self.examples[reason]}
            for reason, count in self.counts.most_common()
        ]
        return {"count": self.counts.total(), "reasons": reasons}

    def as_text(self) -> Iterator[str]:
        """A line for each reason."""
        for reason, count in self.counts.most_common():
            more = ", …" if count > EXAMPLES else ""
            yield f"{count:,} ({printable(', '.join(self.examples[reason]))}{more}): {reason}."


@dataclass(slots=True)
class LeftOut:
    """Collects them.

    Args:
        progress: Is told of each.
        files: Paths and reasons so far, of those that could not be taken.
        passed_over: Those that were not to be taken.
    """

    progress: Progress
    files: list[tuple[Place, SluicegateError]] = field(default_factory=list)
    passed_over: PassedOver = field(default_factory=PassedOver)

    def discovered(self, paths: Sequence[Place], settings: Settings) -> Iterator[BatchSource]:
        """The batches in these files and folders; what is not taken is collected."""
        return discover(
            paths,
            max_records=settings.max_batch_records,
            min_age=settings.min_file_age,
            leave_out=self.add,
            files=settings.log_files,
        )

    def add(self, path: Place, why: SluicegateError) -> None:
        """Leave a file out."""
        if isinstance(why, PassedOverError):
            self.passed_over.add(path, why)
            return
        self.files.append((path, why))
        self.progress.event("file_left_out", file=printed(path), why=str(why))

    def exit_code(self, outcomes: Sequence[BatchOutcome]) -> ExitCode:
        """The exit code of the run: that of its batches; 3 when a file could not be read for now, 2 when never.

        Args:
            outcomes: What became of the batches.
        """
        code, codes = exit_code_of(outcomes), {why.exit_code for _, why in self.files}
        if code is not ExitCode.BUG and ExitCode.OUTAGE in codes:
            return ExitCode.OUTAGE
        return code or (ExitCode.USAGE if ExitCode.USAGE in codes else ExitCode.OK)

    def as_data(self) -> dict[str, Any]:
        """The files as JSON types: `left_out`, one by one, and `passed_over`, by reason."""
        left_out = [
            {
                "file": printed(path),
                "message": why.message,
                "next_step": why.next_step,
                "exit_code": int(why.exit_code),
            }
            for path, why in self.files
        ]
        return {"left_out": left_out, "passed_over": self.passed_over.as_data()}

    def as_text(self) -> Iterator[str]:
        """The files in words, line by line."""
        for _, why in self.files:
            yield f"{click.style('Left out', fg='yellow')}: {printable(why)}"
        for line in self.passed_over.as_text():
            yield f"Passed over: {line}"
