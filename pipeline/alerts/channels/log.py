"""A line in the log: what is left when no channel is configured."""

from __future__ import annotations

from pipeline.config import Settings
from pipeline.core.alert import Alert
from pipeline.ports.steps import Progress


class LogChannel:
    """Says it in the run's own log.

    Args:
        progress: Where the run reports.
    """

    name = "log"
    keeps_incidents = False

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    @classmethod
    def configured(cls, settings: Settings) -> LogChannel | None:
        """None: it needs no setting, and stands in when no other channel is configured."""
        del settings
        return None

    def trigger(self, alert: Alert) -> None:
        """Log the alert."""
        self._progress.event(
            "alert",
            gate=alert.gate,
            severity=alert.severity,
            title=alert.title,
            summary=alert.summary,
            examples=[f"{key}: {what}" for key, what in alert.shown_examples()],
            batch_id=alert.batch_id,
            docs=alert.docs,
            next_step=alert.next_step,
        )

    def resolve(self, alert: Alert) -> None:
        """Log that it is over."""
        self._progress.event(
            "alert_resolved", gate=alert.gate, dedup_key=alert.dedup_key, title=alert.title, summary=alert.summary
        )
