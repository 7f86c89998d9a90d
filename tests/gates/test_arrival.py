"""What of a file did not arrive, or arrived as something else than it ought to be: the raw gate says so."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.core.batches import BatchStatus
from tests.gates.conftest import Site

MakeSite = Callable[..., Site]


def good(number: int, **fields: Any) -> dict[str, Any]:
    """A record nothing is wrong with."""
    record = {
        "interaction_id": f"a{number:03}",
        "user_id": "u_100",
        "campaign_id": "c_newsletter",
        "type": "click",
        "timestamp": "2026-11-20T09:00:00Z",
        "message": f"hello {number}",
        "value": 1.5,
    }
    return record | fields


def lines(*records: Any) -> bytes:
    return b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in records)


def some(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [good(number) for number in range(start, start + count)]


@pytest.fixture
def land(tmp_path: Path) -> Callable[..., Path]:
    def landed(data: bytes, name: str = "log.jsonl") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return landed


def summaries(site: Site, outcome: Any, severity: str = "critical") -> Sequence[str]:
    return [one.summary for one in site.report(outcome, "raw").findings if one.severity == severity]


def test_a_few_dead_records_warn_with_reason_count_and_example(make_site: MakeSite, land: Callable[..., Path]) -> None:
    site = make_site()
    outcome = site.process(land(lines(*some(99), b"2026-11-20 INFO no JSON")))
    assert (outcome.verdicts["raw"], outcome.status) == ("WARN", BatchStatus.CLOSED)
    [said] = summaries(site, outcome, "warning")
    assert said == (
        "1 of 100 (1.00%) records could not be loaded: 1 unparsable (line 100: not JSON: Extra data at character 5)"
    )


def test_many_dead_records_fail_and_a_person_lets_the_others_pass_by_name(
    make_site: MakeSite, land: Callable[..., Path]
) -> None:
    site = make_site()
    outcome = site.process(land(lines(*some(8), b"no JSON", b'{"user_id": "u_1"}')))
    assert (outcome.verdicts, outcome.status) == ({"raw": "FAIL"}, BatchStatus.HALTED)
    assert outcome.exit_code is ExitCode.GATE_FAILED
    assert "20.00%" in summaries(site, outcome)[0]
    assert "1 unparsable (line 9: not JSON" in summaries(site, outcome)[0]
    assert "1 missing_id (line 10: interaction_id is missing)" in summaries(site, outcome)[0]
    assert "resume" in outcome.next_step
    assert "--incomplete" in outcome.next_step
    with pytest.raises(ConfigurationError, match="did not arrive"):
        site.app.runner().resume(outcome.batch_id)
    resumed = site.app.runner().resume(outcome.batch_id, incomplete=True)
    assert (resumed.status, site.published(resumed)) == (BatchStatus.CLOSED, 8)
    assert gzip
