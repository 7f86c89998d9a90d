"""`run.py collect`, over what counts and what is superseded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from pipeline.cli.collect import collect
from pipeline.ports.stores import Superseded


@dataclass(slots=True)
class Collector:
    """Implements pipeline.ports.stores.MetricsCollector; notes what it was asked."""

    asked: list[tuple[str, datetime]] = field(default_factory=list)

    def count(self, before: datetime) -> Superseded:
        self.asked.append(("count", before))
        return Superseded(1_200, 3)

    def collect(self, before: datetime) -> Superseded:
        self.asked.append(("collect", before))
        return Superseded(1_200, 3)


@pytest.mark.parametrize(
    ("arguments", "called", "hours", "said"),
    [
        ([], "collect", 24, "1,200 superseded rows and 3 superseded publications were deleted."),
        (
            ["--dry-run", "--older-than", "48"],
            "count",
            48,
            "1,200 superseded rows and 3 superseded publications would",
        ),
    ],
)
def test_it_says_how_much_it_deletes_and_leaves_what_is_younger(
    arguments: list[str], called: str, hours: int, said: str
) -> None:
    collector = Collector()
    done = CliRunner().invoke(
        collect, arguments, obj=SimpleNamespace(stores=SimpleNamespace(metrics_collector=collector))
    )
    [(name, before)] = collector.asked
    assert (done.exit_code, name, said in done.output) == (0, called, True), done.output
    apart = datetime.now(UTC) - timedelta(hours=hours) - before
    assert abs(apart) < timedelta(hours=1)


def test_nothing_of_the_last_hour_can_be_collected() -> None:
    done = CliRunner().invoke(collect, ["--older-than", "0"], obj=None)
    assert done.exit_code == 2
