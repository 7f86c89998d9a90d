"""No secret is in anything that outlives a moment: logs at every level, errors, JSON, pages, the ledger, the spool."""

from __future__ import annotations

import base64
import io
import json
import logging
import signal
import sys
import traceback
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog
from rich.console import Console

from expectations_plugins.core.errors import ConfigurationError, TerminalError
from expectations_plugins.core.redaction import Secrets, hidden, remember
from pipeline.cli.console import ConsoleProgress
from pipeline.cli.logs import JsonProgress, set_up_logging
from pipeline.config import load_settings
from pipeline.config.connections import resolve, without_credentials
from pipeline.local import Endpoints
from sluicegate.commands import start
from tests.fakes.alert_receiver import WEBHOOK
from tests.security.whole_run import TOKEN, WholeRun, secrets_of

ROUTING_KEY = "routingKeyOf32CharactersInLength"


@pytest.mark.parametrize(
    ("secret", "written"),
    [
        ("p@ss/w:rd 1", "p@ss/w:rd 1"),
        ("p@ss/w:rd 1", quote("p@ss/w:rd 1", safe="")),
        ('say "friend"', json.dumps('say "friend"')),
        ("s\u00e9same\\open", repr("s\u00e9same\\open")),
        ("hunter2hunter2", base64.b64encode(b"hunter2hunter2").decode()),
        ("mongodb://ann:p%40ssw0rd@h/db", "p@ssw0rd"),
        ("mongodb://ann:p%40ssw0rd@h/db", "p%40ssw0rd"),
        ("mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:abcdef123", "abcdef123"),
        ("mongodb://h/?tls=true&tlsCertificateKeyFilePassword=opensesame", "opensesame"),
        (TOKEN, TOKEN.partition(":")[2]),
        (TOKEN, base64.b64encode(TOKEN.encode()).decode()),
        (f"https://hooks.slack.com{WEBHOOK}", WEBHOOK.rpartition("/")[2]),
    ],
)
def test_a_secret_is_known_in_every_form_it_is_written_in(secret: str, written: str) -> None:
    shown = Secrets([secret]).without(f"before {written} after")
    assert "***" in shown
    assert written.strip("'\"=") not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


def test_ordinary_words_of_an_address_are_left() -> None:
    secrets = Secrets(["mongodb://ann:hunter2@db.example/sluicegate?authSource=admin"])
    assert secrets.without("database sluicegate on db.example, admin") == "database sluicegate on db.example, admin"


def test_settings_and_connections_show_no_secret() -> None:
    given = _settings()
    settings = load_settings(**given)
    connections = resolve(settings, Endpoints(mongodb_uri="mongodb://u:localhunter@h", gemini_api_key="localkey1"))
    seen = [repr(settings), str(settings), settings.model_dump_json(), repr(connections), str(connections.addresses())]
    assert found_in(" ".join(seen), [*secrets_of(given), "localhunter", "localkey1"]) == []


def _settings() -> dict[str, str]:
    return {
        "MONGODB_URI": "mongodb://ann:mongohunter2@db.example/?authSource=admin",
        "NEO4J_URI": "neo4j+s://graph.example",
        "NEO4J_PASSWORD": "neohunter2",
        "MILVUS_URI": "https://vectors.example",
        "MILVUS_TOKEN": TOKEN,
        "BIGQUERY_PROJECT": "project",
        "GEMINI_API_KEY": "AIzaSyNotARealKey0123456789",
        "SLACK_WEBHOOK_URL": f"https://hooks.slack.com{WEBHOOK}",
        "PAGERDUTY_ROUTING_KEY": ROUTING_KEY,
    }


def found_in(text: str, secrets: Sequence[str]) -> list[str]:
    return [secret for secret in secrets if secret in text]


PASSWORD = uuid.uuid4().hex  # a traceback shows the lines of this file


@pytest.mark.parametrize("name", ["MONGODB_URI", "MILVUS_TOKEN", "SLACK_WEBHOOK_URL", "PAGERDUTY_ROUTING_KEY"])
def test_a_secret_of_the_wrong_kind_is_not_repeated(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as caught:
        load_settings(**{name: {PASSWORD: PASSWORD}})
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("variable", ["NEO4J_URI", "MILVUS_URI", "BIGQUERY_API_ENDPOINT", "GEMINI_API_ENDPOINT"])
def test_an_address_that_is_shown_must_hold_no_password(variable: str) -> None:
    scheme = "bolt" if variable == "NEO4J_URI" else "https"
    with pytest.raises(ConfigurationError, match=variable) as caught:
        load_settings(**{variable: f"{scheme}://ann:{PASSWORD}@h"})
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("readPreference=secondaryPreferred", "its readPreference must be primary"),
        ("tls=true&readpreference=nearest", "its readPreference must be primary"),
        ("w=0", "its w must not be 0"),
    ],
)
def test_a_mongodb_that_may_not_have_what_was_just_written_is_refused(options: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as caught:
        load_settings(MONGODB_URI=f"mongodb://ann:{PASSWORD}@h/?{options}")
    assert "MONGODB_URI" in str(caught.value)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("options", ["readPreference=primary", "w=1", "readConcernLevel=majority", ""])
def test_other_options_of_its_address_are_mongodbs(options: str) -> None:
    assert load_settings(MONGODB_URI=f"mongodb://h/?{options}").mongodb_uri is not None


@pytest.mark.parametrize(
    "uri",
    ["mongodb://h?authMechanismProperties=AWS_SESSION_TOKEN:abc", "mongodb://h#abc", "mongodb://u:abc@h:1,i:2/d?x=abc"],
)
def test_an_address_is_shown_without_what_follows_the_host(uri: str) -> None:
    assert "abc" not in without_credentials(uri)


@pytest.fixture
def quiet() -> Iterator[None]:
    """Logging is as it was before, after the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


SAID = "key AIzaLogged0123 refused"


def _failed() -> Exception:
    try:
        raise ValueError(SAID)  # noqa: TRY301 - with a traceback
    except ValueError as error:
        return error


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_no_log_line_holds_a_secret_however_deep(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    remember(["AIzaLogged0123"])
    set_up_logging(level)
    progress, error = JsonProgress(), _failed()
    progress.event("bug", error=error, exc_info=error, findings=[{"why": (SAID, {SAID: [SAID]})}], path=Path(SAID))
    logging.getLogger("driver").error("%s", SAID, exc_info=error, stack_info=True)
    logging.getLogger("driver").debug({"key": SAID})
    shown = capsys.readouterr().err
    assert "refused" in shown
    assert "AIzaLogged" not in shown
    assert all(json.loads(line) for line in shown.splitlines())


def test_no_line_on_a_terminal_holds_a_secret() -> None:
    remember(["AIzaLogged0123"])
    out, error = io.StringIO(), _failed()
    progress = ConsoleProgress(Console(file=out, width=80), tracebacks=True)
    progress.event("bug", error=error, exc_info=error)
    progress.event("retry", error=SAID, attempt=1, step="stage:load", wait_s=1)
    progress.event("alert", severity="critical", title=SAID, summary=SAID, next_step=SAID)
    progress.close()
    assert "refused" in out.getvalue()
    assert "AIzaLogged" not in out.getvalue()


class Broken:
    """A composition root whose every part is broken, and says what it knows."""

    json_logs = False
    wants_tracebacks = True

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> object:
        raise self._error

    def configure(self, **settings: str) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize("kind", [RuntimeError, TerminalError])
def test_the_last_resort_of_the_command_line_shows_no_secret(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    remember(["AIzaLogged0123"])
    monkeypatch.setattr(sys, "argv", ["run.py", "--traceback", "status"])
    on_terminate = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit):
        start(lambda: Broken(kind(SAID)))  # type: ignore[arg-type, return-value]
    signal.signal(signal.SIGTERM, on_terminate)
    shown = capsys.readouterr().err
    assert "refused" in shown
    assert ("Traceback" in shown) == (kind is RuntimeError)
    assert "AIzaLogged" not in shown


def test_a_run_says_what_its_drivers_do_and_no_secret(whole_run: WholeRun) -> None:
    assert {"pymongo", "neo4j"} <= {part for part in ("pymongo", "neo4j") if part in whole_run.errors}  # they did speak
    assert found_in(whole_run.errors, whole_run.secrets) == []


def test_the_results_of_a_run_hold_no_secret(whole_run: WholeRun) -> None:
    assert '"batches"' in whole_run.output
    assert found_in(whole_run.output, whole_run.secrets) == []


def test_the_ledger_holds_no_secret(whole_run: WholeRun) -> None:
    assert "gates" in whole_run.ledger
    assert found_in(whole_run.ledger, whole_run.secrets) == []


def test_no_file_a_run_leaves_holds_a_secret(whole_run: WholeRun) -> None:
    files = [path for path in whole_run.folder.rglob("*") if path.is_file()]
    assert {"validations", "data_docs"} <= {part for path in files for part in path.parts}
    leaks = {str(path): found_in(path.read_bytes().decode("utf-8", "replace"), whole_run.secrets) for path in files}
    assert {name: found for name, found in leaks.items() if found} == {}


def test_what_is_hidden_stays_hidden_in_this_process() -> None:
    load_settings(GEMINI_API_KEY="AIzaLoaded0123")
    assert hidden("got AIzaLoaded0123") == "got ***"
