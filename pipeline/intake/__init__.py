"""From log files to interactions: finding files, naming batches, reading records. No store is known here."""

from __future__ import annotations

from pipeline.intake.discovery import changed, discover
from pipeline.intake.reading import read

__all__ = ["changed", "discover", "read"]
