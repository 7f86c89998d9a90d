r"""Regular expressions and LIKE: each means to every store what it means to Python.

Drawn patterns are searched in drawn texts, four times: the original by Python's `re`, and what is sent by Python, by the
local MongoDB, by Java through the local Neo4j, and by the system's PCRE2. The last is what a mongod compiles with; the
local MongoDB evaluates patterns in Python, so without that library (it is skipped then) nothing here speaks for a mongod.
Texts of other scripts leave out `\d`, `\w` and `\b`: they are the named difference.
"""

from __future__ import annotations

import ctypes.util
import re
import sys
import unicodedata
import uuid
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from expectations_plugins.patterns import PatternError, common, like
from pipeline.local import Endpoints
from pipeline.stores import mongodb, neo4j

Pairs = Sequence[tuple[str, str]]
"""Patterns as they are sent, and the text to search."""
Search = Callable[[Pairs], list[bool]]

ASCII = "aabbcABkKsSiI019 _-.,\t\n\r\x0b\x1c\x00"
UNICODE = "aabkKsSiI_\n\r\x85\xa0\u2028\u3000éÉßẞſ\u212aİıσςΣµμǅ中\U0001f600\U0001f601\U00010400\U00010428\uffff"
ENGINES = ["python", "mongodb", "java", "pcre2"]


def search_python(pairs: Pairs) -> list[bool]:
    return [re.search(pattern, text) is not None for pattern, text in pairs]


class SearchMongoDB:
    def __init__(self, endpoints: Endpoints) -> None:
        self._database = mongodb.connect(str(endpoints.mongodb_uri), f"t{uuid.uuid4().hex[:10]}")

    def __call__(self, pairs: Pairs) -> list[bool]:
        self._database.pairs.delete_many({})
        self._database.pairs.insert_many([{"_id": i, "p": p, "t": t} for i, (p, t) in enumerate(pairs)])
        found = {"$project": {"found": {"$regexMatch": {"input": "$t", "regex": "$p"}}}}
        return [row["found"] for row in self._database.pairs.aggregate([{"$sort": {"_id": 1}}, found])]

    def close(self) -> None:
        self._database.client.drop_database(self._database.name)
        self._database.client.close()


class SearchJava:
    """As expectations_plugins.neo4j.conditions asks, but with many patterns at once."""

    QUERY = "UNWIND $pairs AS pair RETURN pair[1] =~ ('(?s).*?(?-s:' + pair[0] + ').*') AS found"

    def __init__(self, endpoints: Endpoints) -> None:
        self._graph = neo4j.connect(
            str(endpoints.neo4j_uri), str(endpoints.neo4j_user), str(endpoints.neo4j_password), database="graph"
        )

    def __call__(self, pairs: Pairs) -> list[bool]:
        rows = self._graph.read(self.QUERY, {"pairs": [list(pair) for pair in pairs]}, doing="matching", timeout=60)
        return [row["found"] for row in rows]

    def close(self) -> None:
        self._graph.close()


class SearchPCRE2:
    """The system's library, with the one option mongod sets: UTF."""

    UTF = 0x00080000

    def __init__(self, _: Endpoints) -> None:
        name = ctypes.util.find_library("pcre2-8")
        if name is None:
            pytest.skip("this system has no libpcre2-8")
        self._library = ctypes.CDLL(name)
        size, pointer = ctypes.c_size_t, ctypes.c_void_p
        code, offset = ctypes.POINTER(ctypes.c_int), ctypes.POINTER(size)
        self._declare("compile", pointer, ctypes.c_char_p, size, ctypes.c_uint32, code, offset, pointer)
        self._declare("match_data_create", pointer, ctypes.c_uint32, pointer)
        self._declare(
            "match", ctypes.c_int, pointer, ctypes.c_char_p, size, size, ctypes.c_uint32, pointer, pointer
        )
        self._declare("code_free", None, pointer)
        self._matched = self._call("match_data_create", 1, None)

    def __call__(self, pairs: Pairs) -> list[bool]:
        return [self._found(pattern.encode(), text.encode()) for pattern, text in pairs]

    def close(self) -> None:
        self._declare("match_data_free", None, ctypes.c_void_p)
        self._call("match_data_free", self._matched)

    def _found(self, pattern: bytes, text: bytes) -> bool:
        error, offset = ctypes.c_int(), ctypes.c_size_t()
        compiled = self._call("compile", pattern, len(pattern), self.UTF, error, offset, None)
        assert compiled, f"PCRE2 refuses {pattern!r} at {offset.value}: error {error.value}"
        found = self._call("match", compiled, text, len(text), 0, 0, self._matched, None)
        self._call("code_free", compiled)
        assert found >= -1, f"PCRE2 ended {pattern!r} on {text!r} with error {found}"
        return bool(found != -1)

    def _declare(self, name: str, result: type | None, *arguments: type) -> None:
        function = getattr(self._library, f"pcre2_{name}_8")
        function.restype, function.argtypes = result, arguments

    def _call(self, name: str, *arguments: object) -> int:
        result: int = getattr(self._library, f"pcre2_{name}_8")(*arguments)
        return result


@pytest.fixture(scope="module", params=ENGINES)
def search(request: pytest.FixtureRequest) -> Iterator[Search]:
    if request.param == "python":
        yield search_python
        return
    kind = {"mongodb": SearchMongoDB, "java": SearchJava, "pcre2": SearchPCRE2}[request.param]
    found = kind(request.getfixturevalue("endpoints"))
    yield found
    found.close()


def characters(alphabet: str) -> st.SearchStrategy[str]:
    return st.sampled_from(alphabet).map(re.escape)


def classes(alphabet: str, named: Sequence[str]) -> st.SearchStrategy[str]:
    span = st.tuples(st.sampled_from(alphabet), st.sampled_from(alphabet)).map(sorted)
    items = st.one_of(
        characters(alphabet),
        span.map(lambda ends: f"{re.escape(ends[0])}-{re.escape(ends[1])}"),
        st.sampled_from(named),
    )
    inner = st.lists(items, min_size=1, max_size=3).map("".join)
    return st.one_of(inner.map("[{}]".format), inner.map("[^{}]".format))


def patterns(alphabet: str, named: Sequence[str], bounds: Sequence[str]) -> st.SearchStrategy[str]:
    """Valid patterns of all that Python knows, much of it together."""
    alone = st.one_of(characters(alphabet), classes(alphabet, named), st.sampled_from([*named, "."]))
    places = st.sampled_from(["^", "$", r"\A", r"\Z", *bounds, r"\1", ""])
    repeats = ["*", "+", "?", "{2}", "{1,2}", "{2,}", "{0,3}", "{0}", "*?", "+?", "??", "{2,3}?", "*+", "++", "?+"]
    groups = ["({})", "(?:{})", "(?P<g>{})", "(?={})", "(?!{})", "(?<={})", "(?<!{})", "(?>{})", "(?i:{})", "(?s-i:{})"]

    def larger(smaller: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        grouped = st.builds(str.format, st.sampled_from([*groups, "(?m:{})"]), smaller)
        repeated = st.builds(str.__add__, st.one_of(alone, grouped), st.sampled_from(repeats))
        joined = st.lists(smaller, min_size=2, max_size=3)
        return st.one_of(grouped, repeated, joined.map("".join), joined.map("|".join))

    flags = st.sampled_from(["", "", "(?i)", "(?m)", "(?s)", "(?ims)"])
    return st.builds(str.__add__, flags, st.recursive(st.one_of(alone, places), larger, max_leaves=8))


def pairs_of(alphabet: str, named: Sequence[str], bounds: Sequence[str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    pair = st.tuples(patterns(alphabet, named, bounds).filter(is_common), st.text(alphabet, max_size=7))
    return st.lists(pair, min_size=1, max_size=40)


def is_common(pattern: str) -> bool:
    try:
        common(pattern)
    except PatternError:
        return False
    return True


def as_python_finds(pairs: Pairs) -> list[bool]:
    try:
        return search_python(pairs)
    except SystemError:  # a fault of Python's: "The span of capturing group is wrong, please report a bug"
        return assume(False) or []  # noqa: FBT003


MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)


@MANY
@given(pairs=pairs_of(ASCII, [r"\d", r"\D", r"\w", r"\W", r"\s", r"\S"], [r"\b", r"\B"]))
def test_a_pattern_finds_in_ascii_text_what_python_finds(search: Search, pairs: Pairs) -> None:
    assert search([(common(pattern), text) for pattern, text in pairs]) == as_python_finds(pairs)


@MANY
@given(pairs=pairs_of(UNICODE, [r"\s", r"\S"], []))
def test_a_pattern_finds_in_any_text_what_python_finds(search: Search, pairs: Pairs) -> None:
    assert search([(common(pattern), text) for pattern, text in pairs]) == as_python_finds(pairs)
