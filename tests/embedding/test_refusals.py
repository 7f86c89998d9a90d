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


def test_a_text_of_more_tokens_than_the_model_reads_is_cut_and_its_vector_says_so(endpoints: Endpoints) -> None:
    key, endpoint = str(endpoints.gemini_api_key), endpoints.gemini_endpoint
    embedder = GeminiEmbedder(key, endpoint=endpoint, model="gemini-embedding-001", policy=POLICY)
    long, dense, whole = "word " * 3_000, "\u8a9e" * 5_000, "a short text"
    for _ in range(2):  # the second time from memory
        found = embedder.embed([long, dense, whole])
        assert [one.invalid for one in found] == [None] * 3
        assert [one.source for one in found] == [*["gemini-embedding-001 (truncated)"] * 2, "gemini-embedding-001"]
    assert embedder.embed([long[:6_144]])[0].source == "gemini-embedding-001"


def test_a_long_text_that_is_refused_however_short_says_what_the_api_said() -> None:
    with refusing_api() as api:
        [found] = asking(api).embed([WORD + " and more" * 3_000])
    assert (found.source, found.invalid, found.detail) == ("m", "refused", "Unsupported content.")
    assert len(api.asked) < 8


def test_a_text_that_is_cut_while_the_model_is_down_has_a_plain_fallback_vector() -> None:
    embedder = GeminiEmbedder("key", endpoint="http://127.0.0.1:9", model="m", policy=POLICY)
    assert [one.source for one in embedder.embed(["long " * 3_000])] == ["fallback"]
