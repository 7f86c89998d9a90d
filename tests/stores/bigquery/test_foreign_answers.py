"""What BigQuery does not answer: a part of an answer, and what a gateway or another server says in its place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from expectations_plugins.core.errors import SluicegateError, TransientError
from pipeline.stores.bigquery.connection import Client, connect
from pipeline.stores.bigquery.errors import ERRORS
from tests.fakes.breaking_off import breaking_off
from tests.fakes.odd_answers import BODIES, STATUSES, answering

ASKING: dict[str, Callable[[Client], object]] = {
    "get": lambda client: client.get_dataset("dataset", retry=None),
    "list": lambda client: list(client.list_datasets(max_results=1, retry=None, timeout=10)),  # type: ignore[arg-type]
    "query": lambda client: client.query("SELECT 1", retry=None, job_retry=None, timeout=10).result(retry=None),
}


def test_an_answer_that_ends_within_its_headers_is_an_outage_and_no_answer_without_content() -> None:
    with breaking_off() as endpoint:
        client = connect("project", endpoint=endpoint)
        with pytest.raises(TransientError, match="the answer is empty"), ERRORS.guard("asking for a dataset"):
            client.get_dataset("dataset", retry=None)
        client.close()


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("body", BODIES)
def test_a_foreign_answer_is_an_error_of_ours_and_no_bug(status: int, body: bytes) -> None:
    with answering(status, body) as endpoint:
        client = connect("project", endpoint=endpoint)
        for ask in ASKING.values():
            with pytest.raises(SluicegateError, match=r"^BigQuery: asking failed"), ERRORS.guard("asking"):
                ask(client)
        client.close()
