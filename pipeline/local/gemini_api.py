"""The Gemini embeddings REST calls as functions of a request, without a socket.

embedContent, batchEmbedContents and the list of models; for tests, `/faults` orders faults and `/requests` counts.
Errors have Google's JSON form
(https://google.aip.dev/193), so that Google's clients raise their own exceptions.
"""

from __future__ import annotations

import hmac
import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from expectations_plugins.core.defaults import VECTOR_DIMENSION
from pipeline.local.gemini_faults import STATUS_FAULTS, Fault, FaultPlan, parse_faults, spoil
from pipeline.local.text_features import embed

MODEL = "gemini-embedding-001"
MAX_DIMENSIONS = 3072
MAX_BATCH = 100
MAX_TOKENS = 2_048
"""Of a text, as gemini-embedding-001 reads at most. What the service does above is not documented; this one refuses."""
_MODEL_NAME = re.compile(r"[a-z0-9.-]*embedding[a-z0-9.-]*")
_CALL = re.compile(r"/v1beta/models/(?P<model>[^/:]+):(?P<method>embedContent|batchEmbedContents)")
_STATUS_NAMES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request: the method, the path without its query, the API key it came with, the body."""

    method: str
    path: str
    api_key: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; the body is JSON."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class EmbeddingApi:
    """Answers requests; shared by the server's threads.

    Args:
        api_key: The key every request must bring.
        faults: What goes wrong from the start.
    """

    def __init__(self, api_key: str, faults: Sequence[Fault] = ()) -> None:
        self._api_key = api_key
        self._plan = FaultPlan(faults)
        self._counts = _Counts()
        self._routes: Mapping[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/v1beta/models"): _list_models,
            ("POST", "/faults"): self._order_faults,
            ("DELETE", "/faults"): self._clear_faults,
            ("GET", "/requests"): lambda _: Answer(HTTPStatus.OK, self._counts.read()),
            ("DELETE", "/requests"): self._reset_counts,
        }

    def answer(self, request: Request) -> Answer:
        """Answer a request, with an error in Google's form where it is wrong or a fault is due."""
        try:
            return self._route(request)
        except _ApiError as error:
            return error.answer()

    def _route(self, request: Request) -> Answer:
        if not hmac.compare_digest(request.api_key.encode(), self._api_key.encode()):
            raise _ApiError(400, "API key not valid. Please pass a valid API key.")
        if request.method == "POST" and (call := _CALL.fullmatch(request.path)):
            return self._embed(call["model"], call["method"], _json_object(request.body))
        route = self._routes.get((request.method, request.path))
        if route is None:
            raise _ApiError(404, f"There is nothing at {request.method} {request.path}.")
        return route(request)

    def _embed(self, model: str, method: str, body: Mapping[str, Any]) -> Answer:
        if not _MODEL_NAME.fullmatch(model):
            raise _ApiError(
                404, f"models/{model} is not found for API version v1beta, or is not supported for {method}."
            )
        asked = _parse_batch(body) if method == "batchEmbedContents" else [_parse_content(body)]
        texts = [content.text for content in asked]
        faults = self._plan.due_for(texts)
        self._counts.add(len(texts), len(faults))
        _raise_or_wait(faults)
        vectors = [{"values": spoil(embed(c.text, c.dimensions, model), c.text, faults)} for c in asked]
        if any(fault.kind == "short" for fault in faults):
            vectors = vectors[:-1]
        if method == "embedContent":
            return Answer(HTTPStatus.OK, {"embedding": vectors[0]} if vectors else {})
        return Answer(HTTPStatus.OK, {"embeddings": vectors})

    def _order_faults(self, request: Request) -> Answer:
        try:
            faults = parse_faults(json.loads(request.body))
        except ValueError as error:
            raise _ApiError(400, f"The order cannot be read: {error}.") from error
        self._plan.add(faults)
        return Answer(HTTPStatus.OK, {"ordered": len(faults)})

    def _clear_faults(self, request: Request) -> Answer:
        del request
        self._plan.clear()
        return Answer(HTTPStatus.OK, {})

    def _reset_counts(self, request: Request) -> Answer:
        del request
        self._counts.reset()
        return Answer(HTTPStatus.OK, {})


def _list_models(request: Request) -> Answer:
    del request
    methods = ["embedContent", "batchEmbedContents"]
    return Answer(HTTPStatus.OK, {"models": [{"name": f"models/{MODEL}", "supportedGenerationMethods": methods}]})


@dataclass(frozen=True, slots=True)
class _Content:
    text: str
    dimensions: int


class _ApiError(Exception):
    def __init__(self, code: int, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self._code = code
        self._message = message
        self._retry_after = retry_after

    def answer(self) -> Answer:
        error: dict[str, Any] = {"code": self._code, "message": self._message, "status": _STATUS_NAMES[self._code]}
        headers = {}
        if self._retry_after is not None:
            headers["Retry-After"] = f"{self._retry_after:g}"
            delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{self._retry_after:g}s"}
            error["details"] = [delay]
        return Answer(self._code, {"error": error}, headers)


class _Counts:
    """How many embedding calls came, how many texts they held, how often a fault hit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def add(self, texts: int, faults: int) -> None:
        with self._lock:
            self._requests += 1
            self._texts += texts
            self._faults += faults

    def reset(self) -> None:
        with self._lock:
            self._requests = self._texts = self._faults = 0

    def read(self) -> dict[str, int]:
        with self._lock:
            return {"requests": self._requests, "texts": self._texts, "faults": self._faults}


def _raise_or_wait(faults: Sequence[Fault]) -> None:
    for fault in faults:
        if fault.kind == "slow":
            time.sleep(fault.seconds)
        if fault.kind in STATUS_FAULTS:
            code = STATUS_FAULTS[fault.kind]
            raise _ApiError(code, f"An ordered fault: {HTTPStatus(code).phrase}.", fault.retry_after)


def _json_object(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError as error:
        raise _ApiError(400, "Invalid JSON payload received.") from error
    if not isinstance(value, dict):
        raise _ApiError(400, "Invalid JSON payload received: an object is expected.")
    return value


def _parse_batch(body: Mapping[str, Any]) -> list[_Content]:
    requests = body.get("requests")
    if not isinstance(requests, list) or not requests:
        raise _ApiError(400, "BatchEmbedContentsRequest.requests: at least one request is required.")
    if len(requests) > MAX_BATCH:
        raise _ApiError(400, f"BatchEmbedContentsRequest.requests: at most {MAX_BATCH} requests can be in one batch.")
    return [_parse_content(request) for request in requests]


def _parse_content(request: Any) -> _Content:
    match request:
        case {"content": {"parts": [*parts]}}:
            text = "".join(_part_text(part) for part in parts)
        case _:
            raise _ApiError(400, "EmbedContentRequest.content contains no parts.")
    if not text:
        raise _ApiError(400, "EmbedContentRequest.content contains an empty Part.")
    if (tokens := token_count(text)) > MAX_TOKENS:
        raise _ApiError(
            400, f"The input token count ({tokens}) exceeds the maximum number of tokens allowed ({MAX_TOKENS})."
        )
    return _Content(text, _dimensions(request))


def token_count(text: str) -> int:
    """About how many tokens a text has: four ASCII characters are one, and so is each other character."""
    ascii_ones = sum(character < "\x80" for character in text)
    return len(text) - ascii_ones + -(-ascii_ones // 4)


def _part_text(part: Any) -> str:
    text = part.get("text", "") if isinstance(part, dict) else None
    if not isinstance(text, str):
        raise _ApiError(400, "EmbedContentRequest.content: every part must be text.")
    return text


def _dimensions(request: Mapping[str, Any]) -> int:
    asked = request.get("outputDimensionality", request.get("output_dimensionality", VECTOR_DIMENSION))
    if isinstance(asked, bool) or not isinstance(asked, int) or not 1 <= asked <= MAX_DIMENSIONS:
        raise _ApiError(400, f"EmbedContentRequest.output_dimensionality must be from 1 to {MAX_DIMENSIONS}.")
    return asked
