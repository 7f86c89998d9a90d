"""The Gemini adapter against a real HTTP endpoint that can be ordered to misbehave."""

from __future__ import annotations

import json
import math
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import google.api_core.exceptions
import pytest

from expectations_plugins.core.defaults import VECTOR_DIMENSION
from expectations_plugins.core.errors import ConfigurationError, TransientError
from expectations_plugins.core.retry import RetryPolicy
from pipeline.embedding import GeminiEmbedder
from pipeline.embedding.errors import retry_after
from pipeline.embedding.fallback import fallback
from pipeline.embedding.gemini import REQUEST_BYTES, requests
from pipeline.embedding.vectors import checked
from pipeline.local import Endpoints
from tests.fakes.refusing_api import WORD, refusing_api

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


def test_an_api_that_was_down_is_asked_once_by_the_next_call(embedder: GeminiEmbedder, server: Server) -> None:
    server.order("503", times=None)
    embedder.embed([f"text {n}" for n in range(500)])
    before = server.requests
    assert {one.source for one in embedder.embed([f"more {n}" for n in range(500)])} == {"fallback"}
    assert server.requests == before + 1


def test_an_api_that_is_back_is_used_again(embedder: GeminiEmbedder, server: Server) -> None:
    server.order("503", times=None)
    embedder.embed([f"text {n}" for n in range(500)])
    server.call("DELETE", "/faults")
    assert {one.source for one in embedder.embed([f"text {n}" for n in range(500)])} == {"gemini-embedding-001"}


def test_an_api_that_cannot_be_reached_gives_fallback_vectors() -> None:
    embedder = GeminiEmbedder("key", endpoint="http://127.0.0.1:9", model="gemini-embedding-001", policy=POLICY)
    assert [one.source for one in embedder.embed(["a"])] == ["fallback"]


def test_the_wait_the_api_asks_for_reaches_the_retry(embedder: GeminiEmbedder, server: Server) -> None:
    server.order("429", times=1, retry_after=7)
    with pytest.raises(TransientError) as caught:
        embedder._call(["a"])
    assert caught.value.retry_after == 7.0


def test_a_wait_in_the_details_of_an_answer_is_read_where_there_is_no_header() -> None:
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
    assert retry_after(google.api_core.exceptions.TooManyRequests("quota", details=[detail])) == 34.5


@pytest.mark.parametrize("detail", [{"retryDelay": "soon"}, {"violations": []}, "text"])
def test_an_answer_that_names_no_seconds_asks_for_no_wait(detail: object) -> None:
    assert retry_after(google.api_core.exceptions.TooManyRequests("quota", details=[detail])) is None


def test_a_text_the_api_refuses_is_marked_and_the_others_are_embedded() -> None:
    texts = [f"text {n}" for n in range(150)]
    texts[42], texts[43], texts[149] = f"a {WORD}", f"b {WORD}", f"c {WORD}"
    with refusing_api() as api:
        embedder = GeminiEmbedder("key", endpoint=api.endpoint, model="m", requests_per_second=1_000, policy=POLICY)
        found = embedder.embed(texts)
    refused = [text for text, one in zip(texts, found, strict=True) if one.invalid == "refused"]
    assert refused == [texts[42], texts[43], texts[149]]
    assert {one.source for one in found} == {"m"}
    assert len(api.asked) < 50


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


def test_a_wrong_key_is_a_wrong_setting_and_not_repeated(server: Server) -> None:
    refused = GeminiEmbedder("wr0ng-key", endpoint=server.endpoint, model="gemini-embedding-001", policy=POLICY)
    with pytest.raises(ConfigurationError) as caught:
        refused.embed(["a", "b"])
    assert "wr0ng-key" not in str(caught.value)
    assert server.requests == 0


def test_requests_are_bounded_in_bytes_and_one_text_alone_may_have_more() -> None:
    large, small = "ü" * (REQUEST_BYTES // 2), "x"
    assert [len(request) for request in requests([small, large, large * 2, small, small])] == [1, 1, 1, 2]
    assert list(requests([])) == []


def test_a_fallback_vector_is_the_same_each_time_and_of_unit_length() -> None:
    one, other = fallback("text"), fallback("other")
    assert one == fallback("text")
    assert one.vector != other.vector
    assert math.isclose(math.fsum(x * x for x in one.vector), 1.0)


def test_a_vector_that_was_cut_short_by_the_api_is_normalised_again() -> None:
    found = checked([3.0, 4.0] + [0.0] * 766, "model")
    assert found.vector[:2] == pytest.approx((0.6, 0.8))
