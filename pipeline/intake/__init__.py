"""From log files to interactions: finding files, naming batches, reading records. No store is known here."""

from __future__ import annotations

from pipeline.intake.discovery import discover
from pipeline.intake.reading import read

__all__ = ["discover", "read"]
