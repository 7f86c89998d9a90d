"""The Gemini adapter: batched, each text once, bounded concurrency and rate, backoff, and a fallback when it is down.

google-generativeai is imported here and nowhere else. It retries 503 by itself for up to a minute; that is turned off,
so that retries do not multiply: they are `pipeline.resilience`'s.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pipeline.embedding.errors import ERRORS, retry_after
from pipeline.embedding.fallback import fallback
from pipeline.embedding.memory import Memory
from pipeline.embedding.pacing import CircuitBreaker, RateLimit
from pipeline.embedding.vectors import checked
from pipeline.errors import TransientError
from pipeline.model import VECTOR_DIMENSION, Embedding
from pipeline.resilience import RetryPolicy, retry

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # its end of support is known and written down in docs
    import google.generativeai as genai

REQUEST_SIZE = 100
"""Texts in a request; the API takes no more."""

BREAKER_THRESHOLD = 2

REMEMBERED = 20_000
"""Texts whose vectors are kept in memory: 60 MB at most."""


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
    ) -> None:
        options = {"api_endpoint": endpoint} if endpoint else None
        genai.configure(api_key=api_key, transport="rest", client_options=options)
        self._model = model
        self._concurrency = concurrency
        self._rate = RateLimit(requests_per_second)
        self._policy = policy
        self._timeout = timeout
        self._memory = Memory(REMEMBERED)

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model

    def embed(self, texts: Sequence[str]) -> Sequence[Embedding]:
        """One embedding per text, in order; equal texts are sent once, also when they were sent lately.

        Raises:
            TerminalError: The API refuses us: key, permission or model. An outage does not raise.
        """
        known: dict[str, Embedding] = {
            text: found for text in dict.fromkeys(texts) if (found := self._memory.recall(text)) is not None
        }
        distinct = [text for text in dict.fromkeys(texts) if text not in known]
        chunks = [distinct[start : start + REQUEST_SIZE] for start in range(0, len(distinct), REQUEST_SIZE)]
        breaker = CircuitBreaker(BREAKER_THRESHOLD)
        with ThreadPoolExecutor(max_workers=self._concurrency, thread_name_prefix="gemini") as pool:
            for chunk, made in zip(chunks, pool.map(lambda part: self._request(part, breaker), chunks), strict=True):
                known.update(zip(chunk, made, strict=True))
        return [known[text] for text in texts]

    def _request(self, texts: Sequence[str], breaker: CircuitBreaker) -> Sequence[Embedding]:
        if breaker.is_open:
            return [fallback(text) for text in texts]
        try:
            found = retry(lambda: self._attempt(texts, breaker), self._policy)
        except TransientError:
            breaker.failed()
            return [fallback(text) for text in texts]
        breaker.succeeded()
        for text, embedding in zip(texts, found, strict=True):
            self._memory.keep(text, embedding)
        return found

    def _attempt(self, texts: Sequence[str], breaker: CircuitBreaker) -> Sequence[Embedding]:
        if breaker.is_open:
            raise TransientError("Gemini: other requests found the API down.")
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
            ours = ERRORS.classify(error, doing)
            if isinstance(ours, TransientError):
                ours.retry_after = retry_after(error)
            raise ours from error
        return answer
