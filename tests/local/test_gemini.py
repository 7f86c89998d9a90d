"""The local embeddings server through Google's own client: what that client makes of answers, errors and faults."""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import google.generativeai
import pytest
import requests
from google.api_core import exceptions

from pipeline.local import Endpoints

genai: Any = google.generativeai  # it exports nothing explicitly

Control = Callable[..., Any]


@pytest.fixture
def control(endpoints: Endpoints) -> Iterator[Control]:
    """Asks the server directly: `control("POST", "/faults", {...})`. Faults and counts are cleared around each test."""

    def ask(method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        headers = {"x-goog-api-key": key or str(endpoints.gemini_api_key)}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{endpoints.gemini_endpoint}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    ask("DELETE", "/faults")
    ask("DELETE", "/requests")
    yield ask
    ask("DELETE", "/faults")


@pytest.fixture
def embed(endpoints: Endpoints) -> Callable[..., list[list[float]]]:
    genai.configure(
        api_key=endpoints.gemini_api_key,
        transport="rest",
        client_options={"api_endpoint": endpoints.gemini_endpoint},
    )

    def call(*texts: str, model: str = "models/gemini-embedding-001", timeout: float = 10) -> list[list[float]]:
        answer = genai.embed_content(
            model=model,
            content=list(texts),
            output_dimensionality=768,
            request_options={"retry": None, "timeout": timeout},
        )
        vectors: list[list[float]] = answer["embedding"]
        return vectors

    return call


Embed = Callable[..., list[list[float]]]


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("429", exceptions.TooManyRequests),
        ("500", exceptions.InternalServerError),
        ("503", exceptions.ServiceUnavailable),
    ],
)
def test_an_ordered_status_is_raised_as_googles_exception(
    control: Control, embed: Embed, fault: str, raised: type[Exception]
) -> None:
    control("POST", "/faults", {"fault": fault})
    with pytest.raises(raised):
        embed("a text")


def test_a_fault_ordered_once_hits_one_request(control: Control, embed: Embed) -> None:
    control("POST", "/faults", {"fault": "503", "times": 1})
    with pytest.raises(exceptions.ServiceUnavailable):
        embed("a text")
    assert len(embed("a text")) == 1


def test_a_fault_without_a_number_of_times_lasts_until_it_is_cleared(control: Control, embed: Embed) -> None:
    control("POST", "/faults", {"fault": "500", "times": None})
    for _ in range(2):
        with pytest.raises(exceptions.InternalServerError):
            embed("a text")
    control("DELETE", "/faults")
    assert len(embed("a text")) == 1


def test_a_quota_error_says_when_to_come_back(control: Control) -> None:
    control("POST", "/faults", {"fault": "429", "retry_after": 2})
    with pytest.raises(urllib.error.HTTPError) as refused:
        control("POST", "/v1beta/models/gemini-embedding-001:embedContent", {"content": {"parts": [{"text": "a"}]}})
    assert refused.value.headers["Retry-After"] == "2"
    assert json.load(refused.value)["error"]["status"] == "RESOURCE_EXHAUSTED"


def test_a_slow_answer_runs_into_the_clients_timeout(control: Control, embed: Embed) -> None:
    control("POST", "/faults", {"fault": "slow", "seconds": 1, "times": 1})
    with pytest.raises((requests.exceptions.ReadTimeout, exceptions.RetryError)):
        embed("a text", timeout=0.3)


def test_a_zero_fault_spoils_the_matching_text_only(control: Control, embed: Embed) -> None:
    control("POST", "/faults", {"fault": "zero", "match": "bad"})
    good, bad = embed("a good text", "a bad text")
    assert (any(good), any(bad)) == (True, False)


def test_a_wrong_length_fault_gives_one_value_too_few(control: Control, embed: Embed) -> None:
    control("POST", "/faults", {"fault": "wrong_length"})
    assert [len(vector) for vector in embed("a text")] == [767]


def test_a_non_finite_fault_reaches_the_client_as_nan(control: Control, embed: Embed) -> None:
    control("POST", "/faults", {"fault": "non_finite"})
    assert math.isnan(float(embed("a text")[0][0]))  # the library hands it over as the string "NaN"


def test_a_short_fault_gives_fewer_vectors_than_texts(control: Control, embed: Embed) -> None:
    control("POST", "/faults", {"fault": "short"})
    assert len(embed("one", "two", "three")) == 2


def test_a_fault_nobody_knows_is_refused_with_the_list(control: Control) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        control("POST", "/faults", {"fault": "meteor"})
    assert "wrong_length" in json.load(refused.value)["error"]["message"]


def test_requests_and_texts_are_counted(control: Control, embed: Embed) -> None:
    embed("one", "two")
    embed("three")
    assert control("GET", "/requests") == {"requests": 2, "texts": 3, "faults": 0}


def test_another_key_is_refused_as_google_does(control: Control) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        control("GET", "/v1beta/models", key="not-the-key")
    assert "API key not valid" in json.load(refused.value)["error"]["message"]


def test_the_key_may_be_in_the_query(endpoints: Endpoints) -> None:
    url = f"{endpoints.gemini_endpoint}/v1beta/models?key={endpoints.gemini_api_key}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "body",
    [
        {"content": {"parts": [{"text": ""}]}},
        {"content": {"parts": []}},
        {"content": {"parts": [{"text": 7}]}},
        {"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 0},
        {"content": {"parts": [{"text": "a"}]}, "outputDimensionality": "768"},
        {},
        [],
    ],
    ids=["empty text", "no parts", "not text", "no dimensions", "dimensions as text", "nothing", "a list"],
)
def test_a_request_that_is_wrong_is_an_invalid_argument(control: Control, body: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        control("POST", "/v1beta/models/gemini-embedding-001:embedContent", body)
    assert json.load(refused.value)["error"]["status"] == "INVALID_ARGUMENT"


def test_more_than_a_hundred_texts_in_one_call_are_refused(control: Control) -> None:
    content = {"content": {"parts": [{"text": "a"}]}}
    with pytest.raises(urllib.error.HTTPError) as refused:
        control("POST", "/v1beta/models/gemini-embedding-001:batchEmbedContents", {"requests": [content] * 101})
    assert "at most 100" in json.load(refused.value)["error"]["message"]


def test_a_model_that_embeds_nothing_is_not_found(control: Control, embed: Embed) -> None:
    del control
    with pytest.raises(exceptions.NotFound):
        embed("a text", model="models/gemini-pro")


def test_models_do_not_share_a_space(control: Control, embed: Embed) -> None:
    del control
    assert embed("a text") != embed("a text", model="models/text-embedding-004")
