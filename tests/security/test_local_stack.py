"""The local servers as another user of the machine sees them: addresses, processes, files."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.local import Endpoints, LocalStack
from pipeline.local.layout import Layout
from tests.security.processes import ROOT, run

GIVEN = {
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/environHunter2a",
    "PAGERDUTY_ROUTING_KEY": "environHunter2b",
    "NEO4J_PASSWORD": "environHunter2c",
    "MILVUS_TOKEN": "root:environHunter2d",
    "GOOGLE_API_KEY": "environHunter2e",
    "AWS_SESSION_TOKEN": "environHunter2f",
}
"""Secrets in the environment of whoever starts local servers."""


ON_LINUX = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")
LISTENS = "0A"
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}
"""127.0.0.1 as the kernel writes it, and the same as an IPv6 address."""


def processes(home: Path) -> list[Path]:
    """The folders in /proc of the processes of the stack in a home."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes()
        except OSError:  # it ended meanwhile
            continue
        if b"pipeline.local." in arguments and str(home).encode() in arguments:
            found.append(folder)
    return found


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a stack that somebody with secrets in the environment has started."""
    folder = tmp_path_factory.mktemp("environ")
    home = folder / ".sluicegate"
    done = run(folder, "stack", "up", "mongodb", "gemini", SLUICEGATE_HOME=str(home), **GIVEN)
    assert done.returncode == 0, done.stderr
    yield home
    LocalStack(home).down()


def secrets_in(home: Path) -> list[str]:
    return list(json.loads(Layout(home).secrets.read_text()).values())


@ON_LINUX
def test_no_secret_is_in_the_arguments_or_the_environment_of_a_local_server(started: Path) -> None:
    found = processes(started)
    assert len(found) >= 3  # the supervisor and two servers
    seen = b"".join((folder / name).read_bytes() for folder in found for name in ("cmdline", "environ")).decode()
    assert [secret for secret in [*secrets_in(started), "environHunter2"] if secret in seen] == []


def test_what_has_a_secret_is_for_its_owner_only(stack_home: Path, endpoints: Endpoints) -> None:
    assert endpoints.mongodb_uri
    secrets = [secret.encode() for secret in secrets_in(stack_home)]
    files = [path for path in stack_home.rglob("*") if path.is_file() and not path.is_symlink()]
    holding = [path for path in files if any(secret in path.read_bytes() for secret in secrets)]
    assert holding == [Layout(stack_home).secrets]
    assert {stat.S_IMODE(path.stat().st_mode) for path in holding} == {0o600}


@pytest.mark.parametrize("name", ["stack", "data", "logs"])
def test_the_folders_of_the_local_stack_are_closed_to_others(stack_home: Path, endpoints: Endpoints, name: str) -> None:
    assert endpoints.mongodb_uri
    assert stat.S_IMODE((stack_home / name).stat().st_mode) == 0o700


def listening(home: Path) -> set[str]:
    """The addresses on which the stack's processes take connections, as the kernel writes them."""
    sockets = set()
    for folder in processes(home):
        for link in (folder / "fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                sockets.add(str(link.readlink()))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == LISTENS and f"socket:[{rest[5]}]" in sockets:
                found.add(local.partition(":")[0])
    return found


@ON_LINUX
def test_every_port_of_the_local_servers_is_on_loopback_only(stack_home: Path, endpoints: Endpoints) -> None:
    assert len(processes(stack_home)) >= 6  # the supervisor and five servers
    assert endpoints.mongodb_uri
    found = listening(stack_home)
    assert found
    assert found <= LOOPBACK


def test_what_must_not_be_committed_is_ignored(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text((ROOT / ".gitignore").read_text())
    wanted = [".env", ".env.local", ".env.production", "service-account.json", "key.pem", ".sluicegate/x", "landing/x"]
    asked = subprocess.run(
        ["git", "-C", str(tmp_path), "check-ignore", "--no-index", *wanted],
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.stdout.split() == wanted


def committed(*options: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", *options], capture_output=True, text=True, cwd=ROOT, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    return listed.stdout.splitlines()


def test_no_committed_file_is_a_link_or_one_that_is_ignored() -> None:
    assert [line for line in committed("--stage") if line.startswith("120000")] == []
    assert committed("--cached", "--ignored", "--exclude-standard") == []


def test_no_committed_file_is_an_env_file_or_a_key() -> None:
    names = [Path(name).name for name in committed()]
    assert [name for name in names if name.startswith(".env") or name.endswith((".pem", ".key"))] == []


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    (tmp_path / ".env").write_text("NEO4J_PASSWORD=hunter2hunter2\n")
    return tmp_path / ".env"


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize(
    ("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True), (0o620, True)]
)
def test_an_env_file_others_can_read_or_change_is_warned_of(env_file: Path, mode: int, warned: bool) -> None:
    env_file.chmod(mode)
    done = run(env_file.parent, "doctor")
    assert (f"chmod 600 {env_file}" in done.stderr) == warned
    assert "hunter2" not in done.stdout + done.stderr
