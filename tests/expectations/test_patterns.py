r"""Regular expressions and LIKE: each means to every store what it means to Python.

Drawn patterns are searched in drawn texts: the original by Python's `re`, and what is sent by Python, by the local
MongoDB, by Java through the local Neo4j, and by the system's PCRE2. The last is what a mongod compiles with; the local
MongoDB evaluates patterns in Python, so where that library is missing (it is skipped then) nothing here speaks for a
mongod. Texts of other scripts leave out `\d`, `\w` and `\b`: they are the named difference.
"""

from __future__ import annotations

import ctypes.util
import re
import sys
import unicodedata
import uuid
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st

from expectations_plugins.conditions.patterns import PatternError, common, like
from expectations_plugins.mongodb import connection as mongodb
from expectations_plugins.neo4j import connection as neo4j
from pipeline.local import Endpoints

Pairs = Sequence[tuple[str, str]]
"""Patterns as they are sent, and the text to search."""
Search = Callable[[Pairs], list[bool]]

ASCII = "aabbcABkKsSiI019 _-.,\t\n\r\x0b\x1c\x00"
UNICODE = (
    "aabkKsSiI_\n\r\x85\xa0\u2028\u3000\u212a\u017f\u0131\u03c3\uffff\U0001f600\U0001f601\U00010400\U00010428"
    "éÉßẞİςΣµμǅ中"
)
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
            str(endpoints.neo4j_uri),
            str(endpoints.neo4j_user),
            str(endpoints.neo4j_password),
            database=endpoints.neo4j_database,
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
        self._declare("match", ctypes.c_int, pointer, ctypes.c_char_p, size, size, ctypes.c_uint32, pointer, pointer)
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
    kinds: dict[str, Callable[[Endpoints], SearchMongoDB | SearchJava | SearchPCRE2]]
    kinds = {"mongodb": SearchMongoDB, "java": SearchJava, "pcre2": SearchPCRE2}
    found = kinds[request.param](request.getfixturevalue("endpoints"))
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
    return st.lists(pair, min_size=20, max_size=40)


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
        reject()


MANY = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)


@MANY
@given(pairs=pairs_of(ASCII, [r"\d", r"\D", r"\w", r"\W", r"\s", r"\S"], [r"\b", r"\B"]))
def test_a_pattern_finds_in_ascii_text_what_python_finds(search: Search, pairs: Pairs) -> None:
    assert search([(common(pattern), text) for pattern, text in pairs]) == as_python_finds(pairs)


@MANY
@given(pairs=pairs_of(UNICODE, [r"\s", r"\S"], []))
def test_a_pattern_finds_in_any_text_what_python_finds(search: Search, pairs: Pairs) -> None:
    assert search([(common(pattern), text) for pattern, text in pairs]) == as_python_finds(pairs)


TRAPS = {
    "PCRE2 takes one a for two": (r"(?=a).?a", "ba"),
    "Java steps back by half characters": (r"(?<=a.)b", "a\U0001f600b"),
    "Java steps back by half characters after a start": ("(?<=^.)", "\U0001f600b"),
    "Java has no length for groups repeated in a lookbehind": (r"(?<=(?:ab|cd){2})x", "abcdx"),
    "Java ends a repeat at its first empty round": (r"^(?:a?|ab){2}c", "abc"),
    "Java's $ stops before any line end": ("a$", "a\r\n"),
    "Java's $ stops before a line separator": ("a$", "a\u2028"),
    "a last newline": ("a$", "a\n"),
    "two last newlines": ("a$", "a\n\n"),
    "the very end": (r"a\Z", "a\n"),
    "a carriage return is no line end": ("^a.b$", "a\rb"),
    "a line begins after the last newline": ("(?m)^$", "a\n"),
    "a line ends at a newline only": ("(?m)^b", "a\rb"),
    "POSIX class": ("[[:alpha:]]", "z]"),
    "Java's intersection": ("[a&&b]", "&"),
    "Java's union": ("[a[b]]", "b]"),
    "vertical tab": (r"^\v$", "\n"),
    "a digit behind a backreference": (r"(a)(?:\1)1", "aa1"),
    "a name": (r"(?P<quote>['\"]).*(?P=quote)", "say 'a\" b'"),
    "dots and signs": (r"^\$\{x\}#&~-\ $", "${x}#&~- "),
    "Kelvin": ("(?i)^k$", "\u212a"),
    "Kelvin is not ASCII": ("(?ia)^k$", "\u212a"),
    "long s": ("(?i)^[a-z]+$", "\u017f"),
    "final sigma": ("(?i)^\u03a3+$", "\u03c3\u03c2"),
    "sharp s": ("(?i)^\xdf$", "\u1e9e"),
    "a range over the surrogates": ("[a-\uffff]", "\U0001f600"),
    "no-break space": (r"^\s|\s$", "a\xa0"),
    "unit separator": (r"\s", "a\x1fb"),
    "NUL": ("a\0b", "a\0b"),
    "one emoji is one character": ("^.$", "\U0001f600"),
    "nothing in no text": (r"\B", ""),
    "alternatives at the top": ("^a|b$", "xb"),
    "an empty alternative": ("a|", ""),
    "an empty pattern": ("", "a"),
    "verbose": ("(?x) a b  # c", "ab"),
}


@pytest.mark.filterwarnings("ignore:Possible")  # Python's own, of a future nested set
@pytest.mark.parametrize("name", TRAPS)
def test_a_known_trap_is_avoided(search: Search, name: str) -> None:
    pattern, text = TRAPS[name]
    assert search([(common(pattern), text)]) == search_python([(pattern, text)])


@pytest.mark.parametrize(
    ("pattern", "sent"),
    [
        (r"^u_\d{3,}$", r"^u_[0-9]{3,}(?=\n?(?![\s\S]))"),
        (r"^[\w.+-]+@\w+\Z", r"^[\+\-\.0-9A-Z_a-z]+@[0-9A-Z_a-z]+(?![\s\S])"),
        (r"(?P<a>x|yz)+.", r"(?:x|yz)+[^\n]"),
        (r"(?s)[^\W\d].", r"[A-Z_a-z][\s\S]"),
        (r"(?i)ab\d", r"[Aa][Bb][0-9]"),
        ("(a)(b)\\2\0", r"a(b)(?:\1)\x00"),
        (r"(?m)^a$", r"(?<![^\n])a(?![^\n])"),
    ],
)
def test_what_is_sent(pattern: str, sent: str) -> None:
    assert common(pattern) == sent


REFUSED = [
    (r"(a)?(?(1)b|c)", "The conditional at position 4", "Write its cases as alternatives"),
    (r"a(?>b|c)", "The atomic group at position 1", "Write (?:...)."),
    (r"x(?:ab)++", "The possessive repeat at position 7", "Leave out its last +"),
    (r"(?:^|,)+a", "The repeat at position 7", "Let every round of the repeat match at least one character"),
    (r"a+(?:b*(?=c))*", "The repeat at position 13", "Let every round"),
    (r"(?i)(a)\1", "The backreference at position 7", "Write out what it may repeat"),
    (r"(?:(a)b)+\1", "The backreference at position 9", "its group stands in a repeat or a lookaround"),
    (r"(a)(?<=\1)", "The backreference at position 7", "it stands in a lookbehind"),
    (r"a{70000}", "The repeat at position 1", "PCRE2 counts to 65535"),
    (r"(?<=a{65535}b)c", "A lookbehind", "PCRE2 looks back over 65535 characters"),
    (r"(?<=(?:ab|cd){9999})e", "A lookbehind", "it is too long once its repeats are written out"),
    (r"b(?a:\w)", "The flag at position 1", "Put (?a) first"),
    ("a\ud800", "The surrogate at position 1", r"Write the whole character, \UXXXXXXXX."),
    (r"x[\ud800-\udfff]", "The surrogate at position 2", "no store holds half a character"),
    ("a" * 40_000, "The length", "longer than the 32764 bytes MongoDB takes"),
    ("(?:ab?" * 300 + ")*" * 300, "The nesting", "Write it with fewer or smaller groups"),
    ("a" * 300 + "(", "The syntax at position 300 of the pattern 'aaa", "...': Python says: missing ), unterminated"),
    (r"a**", "The syntax at position 2", "Python says: multiple repeat. Correct it."),
    (r"\p{L}", "The syntax at position 0", r"Python says: bad escape \p"),
    (r"(?<=a*)b", "The syntax", "Python says: look-behind requires fixed-width pattern"),
]


@pytest.mark.parametrize(("pattern", "named", "said"), REFUSED, ids=[named for _, named, _ in REFUSED])
def test_what_would_differ_is_refused(pattern: str, named: str, said: str) -> None:
    with pytest.raises(PatternError) as caught:
        common(pattern)
    assert str(caught.value).startswith(named)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(r"\d", "\u0663"), (r"\w", "\xe9"), (r"a\b", "a\xe9"), (r"\xe9\B", "\xe9x")],
)
def test_digits_and_letters_of_other_scripts_are_none_the_named_difference(
    search: Search, pattern: str, text: str
) -> None:
    as_ascii = re.search(pattern, text, re.ASCII) is not None
    assert search_python([(pattern, text)]) == [not as_ascii]
    assert search([(common(pattern), text)]) == [as_ascii]


EVERY_CHARACTER = "".join(map(chr, [*range(0xD800), *range(0xE000, sys.maxunicode + 1)]))


@pytest.mark.parametrize(
    "pattern",
    [
        *[r"\s", r"\S", r"[^\Sa]", r".", r"(?s).", r"(?a)\s", r"(?a)\w", r"(?a)[^\d\s]", r"[\x00-\x1f\x7f]"],
        *["(?i)[a-z]", "(?i)[^a-z]", "(?i)[^k]", "(?ai)[a-z]", "(?i)[\xc0-\xff]", "(?i)[\u0370-\u03ff]", "(?i)\xb5"],
        *["(?i)[\u0100-\U0001ffff]", "(?i)[\U00010400-\U00010420]", "[^\U0001f600-\U0001f64f]", "[\ud7ff-\ue000]"],
    ],
    ids=ascii,
)
def test_a_class_holds_the_characters_it_holds_in_python(pattern: str) -> None:
    assert re.findall(common(pattern), EVERY_CHARACTER) == re.findall(pattern, EVERY_CHARACTER)


def test_every_cased_character_is_found_in_every_case() -> None:
    cased = [c for c in EVERY_CHARACTER if unicodedata.category(c) in ("Ll", "Lu", "Lt", "Mn", "Nl", "So")]
    assert len(cased) > 2500
    text = "".join(c for c in cased if c.lower() != c or c.upper() != c)
    wrong = [c for c in text[::7] if re.findall(common(f"(?i){c}"), text) != re.findall(f"(?i){c}", text)]
    assert not wrong


LIKE = st.text("a_%b\\\n\U0001f600.", max_size=7)


def is_like(pattern: str, text: str) -> bool:
    """LIKE as SQL defines it, character by character."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(is_like(pattern[1:], text[start:]) for start in range(len(text) + 1))
    if pattern[0] == "\\":
        return text[:1] == pattern[1] and is_like(pattern[2:], text[1:])
    return bool(text) and pattern[0] in ("_", text[0]) and is_like(pattern[1:], text[1:])


@MANY
@given(pairs=st.lists(st.tuples(LIKE, st.text("aabB%_\\\n\U0001f600.", max_size=7)), min_size=30, max_size=60))
def test_a_like_pattern_matches_the_whole_text(search: Search, pairs: Pairs) -> None:
    known = [(pattern, text) for pattern, text in pairs if re.fullmatch(r"(?:[^\\]|\\[%_\\])*", pattern)]
    assert search([(like(pattern), text) for pattern, text in known]) == [is_like(*pair) for pair in known]


@pytest.mark.parametrize(
    ("pattern", "sent"),
    [
        ("a%", "^a"),
        ("%a", r"a(?![\s\S])"),
        ("%a_%%c%", r"a[\s\S][\s\S]*c"),
        ("%", ""),
        ("", r"^(?![\s\S])"),
        (r"50\%", r"^50%(?![\s\S])"),
        (r"a\\%", r"^a\\"),
    ],
)
def test_what_is_sent_for_a_like_pattern(pattern: str, sent: str) -> None:
    assert like(pattern) == sent


@pytest.mark.parametrize(("pattern", "position"), [("a\\", 1), (r"\pa", 0), ("ab\ud800", 2)])
def test_a_like_pattern_that_databases_read_differently_is_refused(pattern: str, position: int) -> None:
    with pytest.raises(PatternError, match=f"at position {position} of the pattern"):
        like(pattern)
