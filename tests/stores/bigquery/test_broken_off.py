"""Answers that end within their headers, as a proxy or a server that is killed leaves them."""

from __future__ import annotations

import pytest

from expectations_plugins.core.errors import TransientError
from pipeline.stores.bigquery.connection import connect
from pipeline.stores.bigquery.errors import ERRORS
from tests.fakes.breaking_off import breaking_off


def test_an_answer_that_ends_within_its_headers_is_an_outage_and_no_answer_without_content() -> None:
    with breaking_off() as endpoint:
        client = connect("project", endpoint=endpoint)
        with pytest.raises(TransientError, match="ended within its headers"), ERRORS.guard("asking for a dataset"):
            client.get_dataset("dataset", retry=None)
        client.close()
