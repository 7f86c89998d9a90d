"""Files that a run leaves out, so that one bad file does not keep the others from flowing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import click

from expectations_plugins.core.errors import ExitCode, SluicegateError
from pipeline.cli.tables import printable
from pipeline.core.outcome import BatchOutcome, exit_code_of
from pipeline.ports.steps import Progress
from pipeline.sources.files import printed
from pipeline.storage.location import Place


@dataclass(slots=True)
class LeftOut:
    """Collects them.

    Args:
        progress: Is told of each.
        files: Paths and reasons so far.
    """

    progress: Progress
    files: list[tuple[Place, SluicegateError]] = field(default_factory=list)

    def add(self, path: Place, why: SluicegateError) -> None:
        """Leave a file out."""
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

    def as_data(self) -> list[dict[str, str | int]]:
        """The files as JSON types."""
        return [
            {
                "file": printed(path),
                "message": why.message,
                "next_step": why.next_step,
                "exit_code": int(why.exit_code),
            }
            for path, why in self.files
        ]

    def as_text(self) -> Iterator[str]:
        """The files in words, line by line."""
        for _, why in self.files:
            yield f"{click.style('Left out', fg='yellow')}: {printable(why)}"
