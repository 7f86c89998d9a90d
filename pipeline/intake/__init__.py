"""From log files to interactions: finding files, naming batches, reading records. No store is known here."""

from __future__ import annotations

from pipeline.intake.discovery import batch_in, changed, discover
from pipeline.intake.reading import read

__all__ = ["batch_in", "changed", "discover", "read"]
