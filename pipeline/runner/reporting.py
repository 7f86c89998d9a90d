"""What a run reports of one batch: that it was begun, how it ended, and what becomes of every error on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime

from expectations_plugins.core.errors import ConfigurationError, ExitCode, SluicegateError
from pipeline.core.outcome import BatchOutcome, Ending
from pipeline.core.program import program
from pipeline.ports.steps import Progress
from pipeline.runner.patience import LedgerDownError
from pipeline.runner.run_context import RunContext
from pipeline.runner.spool import RunnerSpool
from pipeline.runner.task import SoFar, Task, bug


def reported(context: RunContext, spool: RunnerSpool, task: Task, work: Callable[[SoFar], Ending]) -> BatchOutcome:
    """Do the work on a batch, and report it; the outcome, however it ended.

    Args:
        context: Where to report, and who is notified.
        spool: Where an outage of the ledger is counted.
        task: What is to be done.
        work: Does it.

    Raises:
        ConfigurationError: Something must be set right first; the batch stays resumable.
    """
    source, event = task.source, context.progress.event
    start, clock = datetime.now(UTC), time.perf_counter()
    event("batch_started", batch_id=source.batch_id, source=str(source.path), start_time=start.isoformat())
    so_far = SoFar(source)
    try:
        ending = work(so_far)
        context.alarms.ended(source.batch_id, ending)
    except ConfigurationError:
        _stopped(context.progress, source.batch_id, start)
        raise
    except LedgerDownError as error:
        context.alarms.ledger_down(source.batch_id, error.message)
        ending = spool.ledger_down(source, error)
    except SluicegateError as error:
        ending = Ending(None, error.exit_code, error.message, error.next_step)
    except Exception as error:  # noqa: BLE001 - a bug must not take the other batches with it
        event("bug", batch_id=source.batch_id, error=repr(error), exc_info=error)
        ending = bug(source, error)
    except BaseException:  # a signal
        _stopped(context.progress, source.batch_id, start)
        raise
    outcome = so_far.outcome(ending, round(time.perf_counter() - clock, 3))
    _ended(context.progress, so_far, outcome, start)
    return _shown(context, task, outcome)


def _shown(context: RunContext, task: Task, outcome: BatchOutcome) -> BatchOutcome:
    """The outcome, once people are shown it; another one when there is no room for the pages."""
    news = outcome.fresh and (task.shows or outcome.exit_code)
    if not news or outcome.exit_code is ExitCode.LEASE_HELD:  # whoever holds it publishes it
        return outcome
    unwritten = context.publish(outcome.batch_id)
    if not unwritten or outcome.exit_code:
        return outcome
    step = f"Make room, then: {program()} docs build"
    return replace(outcome, exit_code=ExitCode.OUTAGE, message=unwritten, next_step=step)


def _ended(progress: Progress, so_far: SoFar, outcome: BatchOutcome, start: datetime) -> None:
    progress.event(
        "batch_ended",
        batch_id=outcome.batch_id,
        status=str(outcome.status),
        exit_code=int(outcome.exit_code),
        start_time=start.isoformat(),
        end_time=datetime.now(UTC).isoformat(),
        duration_s=outcome.duration_s,
        reason=outcome.message,
        fresh=outcome.fresh,
        counts=asdict(outcome.counts),
        gained=so_far.gained(outcome),
    )


def _stopped(progress: Progress, batch_id: str, start: datetime) -> None:
    end = datetime.now(UTC)
    progress.event(
        "batch_stopped",
        batch_id=batch_id,
        start_time=start.isoformat(),
        end_time=end.isoformat(),
        duration_s=round((end - start).total_seconds(), 3),
    )
