"""What an outage of the embeddings API costs: bounded requests, no pointless waits, and nothing made up is kept."""

from __future__ import annotations

import contextlib

import pytest

from expectations_plugins.core.errors import SluicegateError, TransientError
from expectations_plugins.core.retry import RetryPolicy
from pipeline.embedding import GeminiEmbedder
from pipeline.embedding.fallback import fallback
from tests.fakes.breaking_off import breaking_off
from tests.fakes.odd_answers import BODIES, STATUSES, answering

NOWHERE = "http://127.0.0.1:9"
ONE_ATTEMPT = RetryPolicy(attempts=1)


def unreachable(policy: RetryPolicy, *, concurrency: int = 1) -> GeminiEmbedder:
    return GeminiEmbedder(
        "key", endpoint=NOWHERE, model="m", concurrency=concurrency, requests_per_second=1_000, policy=policy
    )


def test_an_outage_that_is_known_is_not_waited_for_as_one_that_may_pass() -> None:
    embedder = unreachable(ONE_ATTEMPT)
    embedder.embed([f"text {n}" for n in range(200)])
    with pytest.raises(SluicegateError) as caught:
        embedder._attempt_unless_down(["a"])
    assert not isinstance(caught.value, TransientError)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_fallback_vectors_stand_at_the_place_of_their_texts(concurrency: int) -> None:
    texts = [f"text {n % 350}" for n in range(700)]
    assert unreachable(ONE_ATTEMPT, concurrency=concurrency).embed(texts) == [fallback(text) for text in texts]


def test_a_fallback_vector_is_never_remembered() -> None:
    embedder = unreachable(ONE_ATTEMPT)
    embedder.embed(["a"])
    assert embedder._memory.recall("a") is None


def test_an_answer_that_ends_within_its_headers_is_an_outage() -> None:
    with breaking_off() as endpoint:
        embedder = GeminiEmbedder(
            "key", endpoint=endpoint, model="m", concurrency=1, requests_per_second=1_000, policy=ONE_ATTEMPT
        )
        with pytest.raises(TransientError):
            embedder._attempt(["a"])
        assert embedder.embed(["a"]) == [fallback("a")]


@pytest.mark.parametrize("text", ["", " ", "\0", "\ud800", "ünï 😀 \u2028", "x" * 100_000])
def test_every_text_has_a_fallback_vector(text: str) -> None:
    assert any(fallback(text).vector)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("body", BODIES)
def test_what_a_gateway_answers_is_no_vector_and_no_bug(status: int, body: bytes) -> None:
    with answering(status, body) as endpoint:
        embedder = GeminiEmbedder("key", endpoint=endpoint, model="m", policy=ONE_ATTEMPT)
        found = None
        with contextlib.suppress(SluicegateError):
            found = embedder.embed(["a"])
    assert found == [fallback("a")] or (found is None and status < 500)
