"""The Gemini adapter: batched, each text once, bounded concurrency and rate, backoff, and a fallback when it is down.

google-generativeai is imported here and nowhere else. It retries 503 by itself for up to a minute; that is turned off,
so that retries do not multiply: they are `expectations_plugins.core.retry`'s.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from expectations_plugins.core.defaults import VECTOR_DIMENSION
from expectations_plugins.core.errors import SluicegateError, TransientError
from expectations_plugins.core.retry import RetryPolicy, retry
from pipeline.core.embeddings import REFUSED, Embedding
from pipeline.embedding.errors import ERRORS, RequestRefusedError, classified
from pipeline.embedding.fallback import fallback
from pipeline.embedding.memory import Memory
from pipeline.embedding.pacing import CircuitBreaker, RateLimit
from pipeline.embedding.vectors import checked

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # its end of support is known and written down in docs
    import google.generativeai as genai

REQUEST_SIZE = 100
"""Texts in a request; the API takes no more."""

CHARACTERS_PER_TOKEN = 3
"""Of a text that is cut before it is sent. English has about 4; a text of more tokens is refused, and cut again."""

REQUEST_BYTES = 4_000_000
"""Bytes of text in a request, unless one text alone has more; the API takes about 20 MB."""

BREAKER_THRESHOLD = 2

HARMLESS = "ok"
"""A text that no API refuses: when it is refused too, the fault is not in the texts."""

REMEMBERED = 20_000
"""Texts whose vectors are kept in memory: 60 MB at most."""


class _KnownToBeDownError(SluicegateError):
    """Not transient on purpose: waiting to ask again an API that others found down would only take time."""


class GeminiEmbedder:
    """Implements `pipeline.ports.Embedder`.

    Args:
        api_key: The API key.
        endpoint: Another endpoint than Google's; None for Google's.
        model: The embedding model.
        concurrency: Requests in flight at most.
        requests_per_second: Requests started per second at most.
        policy: Attempts and waits of one request.
        timeout: Seconds one request may take.
        max_tokens: Tokens of a text that the model reads; longer texts are cut.
        reaching: Stands around a request with its retries, and tells an address that is wrong from an outage.
    """

    def __init__(
        self,
        api_key: str,
        *,
        endpoint: str | None = None,
        model: str,
        concurrency: int = 2,
        requests_per_second: float = 20.0,
        policy: RetryPolicy,
        timeout: float = 30.0,
        max_tokens: int = 2_048,
        reaching: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        options = {"api_endpoint": endpoint} if endpoint else None
        genai.configure(api_key=api_key, transport="rest", client_options=options)
        self._model = model
        self._concurrency = concurrency
        self._rate = RateLimit(requests_per_second)
        self._policy = policy
        self._timeout = timeout
        self._max_tokens = max_tokens
        self._reaching = reaching
        self._memory = Memory(REMEMBERED)
        self._breaker = CircuitBreaker(BREAKER_THRESHOLD)

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model

    def with_model(self, model: str) -> GeminiEmbedder:
        """The same API at the same pace, asked for another model's vectors."""
        other = copy.copy(self)
        vars(other).update(_model=model, _memory=Memory(REMEMBERED))
        return other

    def embed(self, texts: Sequence[str]) -> Sequence[Embedding]:
        """One embedding per text, in order; equal texts are sent once, also when they were sent lately.

        A text that is longer than the model reads is cut, and its vector's source says so. A text the API refuses is
        marked invalid and does not keep the others from being embedded.

        Raises:
            ConfigurationError: The API refuses us: the key, or what it may do.
            TerminalError: It refuses what we ask: the model, or every text. An outage does not raise.
        """
        sent = [text[: self._max_tokens * CHARACTERS_PER_TOKEN] for text in texts]
        known: dict[str, Embedding] = {
            text: found for text in dict.fromkeys(sent) if (found := self._memory.recall(text)) is not None
        }
        distinct = [text for text in dict.fromkeys(sent) if text not in known]
        chunks = list(requests(distinct))
        for chunk, made in zip(chunks, self._embed_all(chunks), strict=True):
            known.update(zip(chunk, made, strict=True))
        return [known[part] if part == text else known[part].cut() for text, part in zip(texts, sent, strict=True)]

    def _embed_all(self, chunks: Sequence[Sequence[str]]) -> Iterator[Sequence[Embedding]]:
        if chunks and self._breaker.is_open:
            yield self._probe(chunks[0])
            chunks = chunks[1:]
        with ThreadPoolExecutor(max_workers=self._concurrency, thread_name_prefix="gemini") as pool:
            yield from pool.map(self._request, chunks)

    def _probe(self, texts: Sequence[str]) -> Sequence[Embedding]:
        """After an outage: one attempt without retries tells whether the API is back."""
        try:
            found = self._attempt(texts)
        except TransientError:
            return [fallback(text) for text in texts]
        except RequestRefusedError:
            self._breaker.succeeded()
            return self._request(texts)
        return self._answered(texts, found)

    def _request(self, texts: Sequence[str], *, is_part: bool = False) -> Sequence[Embedding]:
        try:
            with self._reaching():
                found = retry(lambda: self._attempt_unless_down(texts), self._policy)
        except _KnownToBeDownError:
            return [fallback(text) for text in texts]
        except TransientError:
            self._breaker.failed()
            return [fallback(text) for text in texts]
        except RequestRefusedError as refused:
            if list(texts) == [HARMLESS]:
                raise
            if not is_part:
                self._request([HARMLESS])
            return self._apart(texts, refused)
        return self._answered(texts, found)

    def _answered(self, texts: Sequence[str], found: Sequence[Embedding]) -> Sequence[Embedding]:
        self._breaker.succeeded()
        for text, embedding in zip(texts, found, strict=True):
            self._memory.keep(text, embedding)
        return found

    def _apart(self, texts: Sequence[str], refused: RequestRefusedError) -> Sequence[Embedding]:
        """Find the texts that are refused, by halves; one that may have too many tokens is cut by half until it has
        not: a token is a byte at least.
        """
        if len(texts) == 1:
            [text] = texts
            if len(text.encode("utf-8", "replace")) > self._max_tokens:
                [shorter] = self._request([text[: len(text) // 2]], is_part=True)
                if shorter.invalid != REFUSED:
                    return [shorter.cut()]
            return [Embedding(vector=(), source=self._model, invalid=REFUSED, detail=refused.said)]
        half = len(texts) // 2
        return [*self._request(texts[:half], is_part=True), *self._request(texts[half:], is_part=True)]

    def _attempt_unless_down(self, texts: Sequence[str]) -> Sequence[Embedding]:
        if self._breaker.is_open:
            raise _KnownToBeDownError("Gemini: other requests found the API down.")
        return self._attempt(texts)

    def _attempt(self, texts: Sequence[str]) -> Sequence[Embedding]:
        self._rate.wait()
        answer = self._call(texts)
        vectors = answer.get("embedding") or []
        if len(vectors) != len(texts):
            raise TransientError(f"Gemini: {len(texts)} texts were sent and {len(vectors)} embeddings came back.")
        return [checked(vector, self._model) for vector in vectors]

    def _call(self, texts: Sequence[str]) -> Mapping[str, Any]:
        doing = f"embedding {len(texts)} texts with {self._model}"
        try:
            answer: Mapping[str, Any] = genai.embed_content(
                model=self._model if "/" in self._model else f"models/{self._model}",
                content=list(texts),
                task_type="retrieval_document",
                output_dimensionality=VECTOR_DIMENSION,
                request_options={"retry": None, "timeout": self._timeout},
            )
        except ERRORS.base as error:
            raise classified(error, doing) from error
        except (AttributeError, KeyError, TypeError) as error:  # the library fails within itself over such an answer
            raise TransientError(
                f"Gemini: {doing} failed: what came back is no answer of Gemini.",
                next_step="Check GEMINI_API_ENDPOINT, and what stands between.",
            ) from error
        return answer


def requests(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts in the requests they are sent in: at most 100, and of bounded size."""
    request: list[str] = []
    size = 0
    for text in texts:
        length = len(text.encode("utf-8", "replace"))
        if request and (len(request) == REQUEST_SIZE or size + length > REQUEST_BYTES):
            yield request
            request, size = [], 0
        request.append(text)
        size += length
    if request:
        yield request
