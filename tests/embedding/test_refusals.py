"""What the embeddings API refuses for good: us, the model, or single texts. None of it is tried again or made up."""

from __future__ import annotations

import pytest

from expectations_plugins.core.errors import ConfigurationError, TerminalError
from expectations_plugins.core.retry import RetryPolicy
from pipeline.embedding import GeminiEmbedder
from pipeline.local import Endpoints
from tests.fakes.refusing_api import WORD, RefusingApi, refusing_api

POLICY = RetryPolicy(attempts=3, wait=0.01, wait_max=0.05)


def asking(api: RefusingApi) -> GeminiEmbedder:
    return GeminiEmbedder("key", endpoint=api.endpoint, model="m", requests_per_second=1_000, policy=POLICY)


def test_a_model_that_does_not_exist_is_a_setting_and_is_named(endpoints: Endpoints) -> None:
    embedder = GeminiEmbedder(
        str(endpoints.gemini_api_key), endpoint=endpoints.gemini_endpoint, model="no-such-model", policy=POLICY
    )
    with pytest.raises(ConfigurationError, match=r"embedding 1 texts with no-such-model failed.*GEMINI_MODEL"):
        embedder.embed(["a"])


def test_a_refused_text_is_not_a_fallback_and_has_no_vector() -> None:
    with refusing_api() as api:
        [found] = asking(api).embed([WORD])
    assert (found.source, found.invalid, found.vector) == ("m", "refused", ())


def test_a_refused_request_is_not_retried_as_it_is() -> None:
    with refusing_api() as api:
        asking(api).embed(["a", WORD])
    assert api.asked.count(["a", WORD]) == 1


def test_the_other_texts_of_a_refused_request_are_sent_once_more_and_then_remembered() -> None:
    with refusing_api() as api:
        embedder = asking(api)
        embedder.embed(["a", WORD])
        before = len(api.asked)
        embedder.embed(["a"])
    assert len(api.asked) == before


def test_an_api_that_refuses_every_text_is_terminal() -> None:
    with refusing_api() as api:
        api.word = ""
        with pytest.raises(TerminalError, match="Gemini: embedding 1 texts with m failed"):
            asking(api).embed(["a", "b"])
    assert len(api.asked) == 2
