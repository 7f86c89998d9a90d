"""The Gemini adapter against a real HTTP endpoint that can be ordered to misbehave."""

from __future__ import annotations

import json
import math
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from pipeline.embedding import GeminiEmbedder
from pipeline.embedding.fallback import fallback
from pipeline.embedding.vectors import checked
from pipeline.errors import TerminalError
from pipeline.local import Endpoints
from pipeline.model import VECTOR_DIMENSION
from pipeline.resilience import RetryPolicy

POLICY = RetryPolicy(attempts=3, wait=0.01, wait_max=0.05)


@dataclass(frozen=True, slots=True)
class Server:
    """The endpoint, as a test orders it about."""

    endpoint: str
    key: str

    def call(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"x-goog-api-key": self.key, "content-type": "application/json"}
        request = urllib.request.Request(self.endpoint + path, method=method, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"{}")

    def order(self, fault: str, **options: object) -> None:
        self.call("POST", "/faults", {"fault": fault, **options})

    @property
    def requests(self) -> int:
        return int(self.call("GET", "/requests")["requests"])

    @property
    def texts(self) -> int:
        return int(self.call("GET", "/requests")["texts"])


@pytest.fixture
def server(endpoints: Endpoints) -> Iterator[Server]:
    found = Server(str(endpoints.gemini_endpoint), str(endpoints.gemini_api_key))
    found.call("DELETE", "/requests")
    yield found
    found.call("DELETE", "/faults")


@pytest.fixture
def embedder(server: Server) -> GeminiEmbedder:
    return GeminiEmbedder(
        server.key,
        endpoint=server.endpoint,
        model="gemini-embedding-001",
        requests_per_second=1_000,
        policy=POLICY,
        timeout=1.0,
    )


def test_embeddings_come_in_the_order_of_the_texts(embedder: GeminiEmbedder) -> None:
    texts = [f"text {n}" for n in range(250)]
    together = embedder.embed(texts)
    backwards = embedder.embed(texts[::-1])
    assert [one.vector for one in backwards[::-1]] == [one.vector for one in together]
    assert len({one.vector for one in together}) == 250


def test_a_vector_names_its_model_and_is_of_unit_length(embedder: GeminiEmbedder) -> None:
    [one] = embedder.embed(["hello"])
    assert (one.source, one.invalid, len(one.vector)) == ("gemini-embedding-001", None, VECTOR_DIMENSION)
    assert math.isclose(math.sqrt(sum(x * x for x in one.vector)), 1.0, abs_tol=1e-6)


def test_requests_hold_a_hundred_texts_and_equal_texts_are_sent_once(embedder: GeminiEmbedder, server: Server) -> None:
    embedder.embed([f"text {n % 230}" for n in range(1_000)])
    assert (server.requests, server.texts) == (3, 230)
    embedder.embed([f"text {n % 230}" for n in range(1_000)])
    assert server.requests == 3


def test_nothing_to_embed_sends_nothing(embedder: GeminiEmbedder, server: Server) -> None:
    assert embedder.embed([]) == []
    assert server.requests == 0


@pytest.mark.parametrize("fault", ["429", "500", "503", "short"])
def test_a_passing_fault_is_retried(embedder: GeminiEmbedder, server: Server, fault: str) -> None:
    server.order(fault, times=2)
    assert [one.source for one in embedder.embed(["a", "b"])] == ["gemini-embedding-001"] * 2
    assert server.requests == 3


@pytest.mark.parametrize("fault", ["429", "500", "503", "short"])
def test_a_lasting_fault_gives_marked_fallback_vectors_after_bounded_requests(
    embedder: GeminiEmbedder, server: Server, fault: str
) -> None:
    server.order(fault, times=None)
    found = embedder.embed([f"text {n}" for n in range(1_000)])
    assert {(one.source, one.invalid) for one in found} == {("fallback", None)}
    assert server.requests <= 4 * POLICY.attempts


def test_a_slow_answer_is_a_fault_like_another(embedder: GeminiEmbedder, server: Server) -> None:
    server.order("slow", times=1, seconds=3)
    assert [one.source for one in embedder.embed(["a"])] == ["gemini-embedding-001"]
    assert server.requests == 2


@pytest.mark.parametrize("fault", ["zero", "wrong_length", "non_finite"])
def test_a_broken_vector_is_named_and_not_given(embedder: GeminiEmbedder, server: Server, fault: str) -> None:
    server.order(fault, match="bad")
    good, bad = embedder.embed(["good", "bad"])
    assert (good.invalid, bad.invalid, bad.vector) == (None, fault, ())


def test_a_broken_vector_is_asked_for_again_the_next_time(embedder: GeminiEmbedder, server: Server) -> None:
    server.order("zero", times=1)
    assert embedder.embed(["a"])[0].invalid == "zero"
    assert embedder.embed(["a"])[0].invalid is None


def test_a_wrong_key_is_terminal_and_not_repeated(server: Server) -> None:
    refused = GeminiEmbedder("wr0ng-key", endpoint=server.endpoint, model="gemini-embedding-001", policy=POLICY)
    with pytest.raises(TerminalError) as caught:
        refused.embed(["a"])
    assert "wr0ng-key" not in str(caught.value)


def test_a_fallback_vector_is_the_same_each_time_and_of_unit_length() -> None:
    one, other = fallback("text"), fallback("other")
    assert one == fallback("text")
    assert one.vector != other.vector
    assert math.isclose(math.fsum(x * x for x in one.vector), 1.0)


def test_a_vector_that_was_cut_short_by_the_api_is_normalised_again() -> None:
    found = checked([3.0, 4.0] + [0.0] * 766, "model")
    assert found.vector[:2] == pytest.approx((0.6, 0.8))
