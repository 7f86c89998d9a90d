"""Whether the clocks can be trusted that ages are reckoned with: this machine's, the ledger's, and the newest batch's.

A clock that jumps makes old data look fresh, or fresh data old.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.storage.location import Place
from pipeline.storage.small_files import small_files

TOLERANCE = timedelta(minutes=1)
"""How far two clocks may be apart, and a clock may be corrected, without a word."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
LAST = "clock.json"


@dataclass(frozen=True, slots=True)
class Reading:
    """This machine's clocks at one moment.

    Args:
        boot: Names the machine's start, from which `running` counts; "" when it is not known.
        running: Seconds since then, which nobody can set.
        wall: Seconds since the epoch, as the machine's clock has it.
    """

    boot: str
    running: float
    wall: float


def reading() -> Reading:
    """The clocks now."""
    boot = ""
    with suppress(OSError):
        boot = BOOT_ID.read_text("ascii").strip()
    counts_sleep = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return Reading(boot, time.clock_gettime(counts_sleep), time.time())


def clock_problems(now: Reading, before: Reading | None, ledger: datetime, newest: datetime | None) -> Iterator[str]:
    """What is wrong with the clocks, in sentences.

    Args:
        now: This machine's.
        before: At an earlier time; None when that is not known.
        ledger: The ledger's time.
        newest: When the newest batch was loaded, by the ledger's clock.
    """
    if before is not None and before.boot == now.boot and now.boot:
        jump = timedelta(seconds=(now.wall - before.wall) - (now.running - before.running))
        if abs(jump) > TOLERANCE:
            yield f"This machine's clock jumped by {_minutes(jump)} since the last watch."
    apart = datetime.fromtimestamp(now.wall, UTC) - ledger
    if abs(apart) > TOLERANCE:
        yield f"This machine's clock and the ledger's are {_minutes(apart)} apart."
    if newest is not None and newest - ledger > TOLERANCE:
        yield f"The newest batch was loaded {_minutes(newest - ledger)} in the future, by the ledger's clock."


def exchange(folder: Place, now: Reading) -> Reading | None:
    """Keep this machine's clocks in the spool for the next watch; those that were kept there, None for none."""
    files, before = small_files(folder), None
    with suppress(OSError, ValueError, TypeError):
        before = Reading(**json.loads(files.read(LAST)))
    with suppress(OSError):  # a spool that cannot be written is reported by whoever needs it
        files.write(LAST, json.dumps(asdict(now)).encode("ascii"))
    return before


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:,.1f} minutes".removeprefix("-")
