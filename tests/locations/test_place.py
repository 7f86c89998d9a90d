"""Which names are addresses, which are paths, and which are refused because they may hold a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.core.redaction import hidden
from pipeline.config import load_settings
from pipeline.storage.location import Remote, place, recorded, written


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("landing", Path("landing")),
        ("/srv/a b/x.jsonl", Path("/srv/a b/x.jsonl")),
        ("file:///srv/a%20b/x.jsonl", Path("/srv/a b/x.jsonl")),
        ("file://localhost/srv", Path("/srv")),
        ("c::d", Path("c::d")),
        ("S3://logs/landing/", Remote("s3://logs/landing")),
        ("memory://x", Remote("memory://x")),
        ("abfs://container@account.dfs.core.windows.net/x", Remote("abfs://container@account.dfs.core.windows.net/x")),
        ("sftp://user@host/x", Remote("sftp://user@host/x")),
    ],
)
def test_a_name_is_a_path_or_an_address(given: str, expected: object) -> None:
    assert place(given) == expected


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("s3://key:hunter2secret@logs/x", "user name or password"),
        ("https://hunter2secret@host/x", "user name or password"),
        ("sftp://user:hunter2secret@host/x", "user name or password"),
        ("https://host/x.jsonl?sig=hunter2secret", "query string"),
        ("simplecache::s3://hunter2secret/x", "chain of addresses"),
        ("zip://x.jsonl::https://u:hunter2secret@host/x.zip", "chain of addresses"),
        ("file://hunter2secret/x", "another machine"),
        ("s3://", "names nothing"),
    ],
)
def test_what_may_hold_a_secret_is_refused_and_not_repeated(given: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as refused:
        place(given)
    assert "hunter2secret" not in str(refused.value)
    for name in ("SLUICEGATE_LANDING", "SLUICEGATE_SPOOL", "SLUICEGATE_DOCS_URL", "SLUICEGATE_RESULTS_URL"):
        with pytest.raises(ConfigurationError, match=f"{name}: .*{why}") as wrong:
            load_settings(**{name: given})
        assert "hunter2secret" not in str(wrong.value)


@pytest.mark.parametrize("given", ["ftp://x/", "https://u:hunter2secret@host", "https://host/?t=hunter2secret"])
def test_a_public_address_is_one_of_the_web_without_secrets(given: str) -> None:
    with pytest.raises(ConfigurationError, match="SLUICEGATE_DOCS_PUBLIC_URL") as wrong:
        load_settings(SLUICEGATE_DOCS_PUBLIC_URL=given)
    assert "hunter2secret" not in str(wrong.value)


def test_what_is_written_down_is_found_again() -> None:
    for given in (Remote("s3://logs/a?b.jsonl"), Path("/srv/x.jsonl")):
        assert recorded(written(given)) == given
    assert recorded(None) == Path()


def test_a_secret_of_a_package_for_locations_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    monkeypatch.setenv("FSSPEC_S3_SECRET", "K7MDENGbPxRfi")
    load_settings()
    assert hidden("AWS said wJalrXUtnFEMI and K7MDENGbPxRfi") == "AWS said *** and ***"
