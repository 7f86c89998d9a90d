"""Who starts, shares, keeps and stops the stack. One small server stands for all where its kind does not matter."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from expectations_plugins.core.errors import ConfigurationError
from pipeline.local import ALL, LocalStack, MissingPackageError, ServerState, StackError
from pipeline.local.specs import ServerSpec, require_packages

SMALL = ("gemini",)

ProcessesOf = Callable[[Path], list[int]]
Eventually = Callable[[Callable[[], bool]], bool]
StartUser = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def own(tmp_path: Path) -> LocalStack:
    return LocalStack(tmp_path / "home")


def state_of(stack: LocalStack, name: str) -> ServerState:
    return next(server.state for server in stack.status() if server.name == name)


def pid_of(stack: LocalStack, name: str) -> int:
    return next(server.pid for server in stack.status() if server.name == name and server.pid)


def said(user: subprocess.Popen[str]) -> str:
    assert user.stdout is not None
    return user.stdout.readline().strip()


def supervisor_of(home: Path) -> int:
    command = ["pgrep", "-f", f"pipeline.local.supervisor {home}"]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_after_the_last_use_no_process_is_left(own: LocalStack, processes_of: ProcessesOf) -> None:
    with own.use(SMALL):
        assert state_of(own, "gemini") is ServerState.UP
    assert processes_of(own.home) == []


def test_a_stack_that_was_up_is_left_up(own: LocalStack, processes_of: ProcessesOf) -> None:
    own.up(SMALL)
    try:
        with own.use(SMALL):
            pass
        assert state_of(own, "gemini") is ServerState.UP
    finally:
        own.down()
    assert processes_of(own.home) == []


def test_up_keeps_what_was_only_up_for_a_use(own: LocalStack) -> None:
    with own.use(SMALL):
        own.up(SMALL)
    try:
        assert state_of(own, "gemini") is ServerState.UP
    finally:
        own.down()


def test_up_twice_changes_nothing(own: LocalStack) -> None:
    with own.use(SMALL) as first:
        before = pid_of(own, "gemini")
        assert (own.up(SMALL, persistent=False), pid_of(own, "gemini")) == (first, before)


def test_down_without_a_stack_does_nothing(own: LocalStack) -> None:
    own.down()
    assert not own.home.exists()


def test_two_processes_that_start_at_once_share_one_stack(
    own: LocalStack, processes_of: ProcessesOf, start_user: StartUser
) -> None:
    users = [start_user(own.home, *SMALL) for _ in range(2)]
    heard = [said(user) for user in users]
    running = len(processes_of(own.home))
    for user in users:
        user.communicate()
    assert (heard, running) == (["up", "up"], 2)
    assert processes_of(own.home) == []


def test_the_stack_outlives_its_starter_while_another_uses_it(
    own: LocalStack, processes_of: ProcessesOf, start_user: StartUser
) -> None:
    starter = start_user(own.home, *SMALL)
    assert said(starter) == "up"
    with own.use(SMALL):
        before = pid_of(own, "gemini")
        starter.communicate()
        assert (state_of(own, "gemini"), pid_of(own, "gemini")) == (ServerState.UP, before)
    assert processes_of(own.home) == []


def test_a_second_use_may_ask_for_more_servers(own: LocalStack) -> None:
    with own.use(SMALL) as few, own.use(["gemini", "milvus"]) as more:
        assert (few.milvus_uri, more.gemini_endpoint) == (None, few.gemini_endpoint)
        assert more.milvus_uri


def test_a_killed_user_leaves_no_process(
    own: LocalStack, processes_of: ProcessesOf, eventually: Eventually, start_user: StartUser
) -> None:
    user = start_user(own.home, *ALL)
    assert said(user) == "up"
    user.send_signal(signal.SIGKILL)
    user.communicate()
    assert eventually(lambda: processes_of(own.home) == [])


def test_a_killed_supervisor_leaves_no_process(
    own: LocalStack, processes_of: ProcessesOf, eventually: Eventually
) -> None:
    own.up(ALL)
    os.kill(supervisor_of(own.home), signal.SIGKILL)
    assert eventually(lambda: processes_of(own.home) == [])


def test_what_a_killed_supervisor_left_written_is_not_believed(
    own: LocalStack, processes_of: ProcessesOf, eventually: Eventually
) -> None:
    own.up(SMALL)
    os.kill(supervisor_of(own.home), signal.SIGKILL)
    assert eventually(lambda: state_of(own, "gemini") is ServerState.DOWN)
    with own.use(SMALL):
        assert state_of(own, "gemini") is ServerState.UP
    assert processes_of(own.home) == []


def test_a_stack_starts_right_after_its_supervisor_was_killed(own: LocalStack, processes_of: ProcessesOf) -> None:
    names = ("mongodb", "milvus")  # those whose data two processes must not open at once
    own.up(names)
    os.kill(supervisor_of(own.home), signal.SIGKILL)
    with own.use(names) as endpoints:
        assert endpoints.mongodb_uri
        assert endpoints.milvus_uri
    own.down()  # it may count as the stack that was up
    assert processes_of(own.home) == []


def test_leaving_does_not_hide_what_was_raised_when_the_home_is_gone(
    own: LocalStack, processes_of: ProcessesOf, eventually: Eventually
) -> None:
    def lose_the_home_and_fail() -> None:
        shutil.rmtree(own.home)
        raise KeyError("from the user")

    with pytest.raises(KeyError, match="from the user"), own.use(SMALL):
        lose_the_home_and_fail()
    assert eventually(lambda: processes_of(own.home) == [])


def test_a_server_that_died_is_shown_and_started_again(own: LocalStack, eventually: Eventually) -> None:
    with own.use(SMALL):
        os.kill(pid_of(own, "gemini"), signal.SIGKILL)
        assert eventually(lambda: state_of(own, "gemini") is ServerState.DIED)
        with own.use(SMALL):
            assert state_of(own, "gemini") is ServerState.UP


def test_a_server_that_does_not_come_up_is_named_with_its_log_and_last_line(
    own: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICEGATE_LOCAL_GEMINI_FAULTS", "not json")
    with pytest.raises(StackError) as failure, own.use(SMALL):
        pass
    for part in ("gemini", str(own.log_path("gemini")), "SLUICEGATE_LOCAL_GEMINI_FAULTS cannot be read"):
        assert part in str(failure.value)


def test_faults_can_be_ordered_before_the_start(own: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICEGATE_LOCAL_GEMINI_FAULTS", '[{"fault": "503", "times": 2}]')
    with own.use(SMALL):
        assert state_of(own, "gemini") is ServerState.UP


def test_a_missing_package_says_how_to_install_it() -> None:
    spec = ServerSpec("mongodb", "MongoDB", ("a_package_nobody_has",), "pipeline.local.mongodb_server")
    with pytest.raises(MissingPackageError, match=r'pip install "sluicegate\[local\]"'):
        require_packages(spec)


def test_an_unknown_server_is_refused_with_the_list(own: LocalStack) -> None:
    with pytest.raises(ConfigurationError, match=r"oracle.*Choose from: mongodb"):
        own.up(["oracle"])


def test_a_home_that_cannot_be_made_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="home folder"):
        LocalStack(tmp_path / "file" / "home").up(SMALL)


def test_the_endpoints_show_no_secret(own: LocalStack) -> None:
    with own.use(SMALL) as endpoints:
        assert str(endpoints.gemini_api_key) not in repr(endpoints)


def test_state_and_secrets_are_for_the_owner_only(own: LocalStack) -> None:
    with own.use(SMALL):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (own.home / "stack").glob("*.json")}
    assert modes.keys() >= {"state.json", "secrets.json"}
    assert set(modes.values()) == {0o600}


def test_importing_the_stack_imports_no_driver() -> None:
    program = "import sys, pipeline.local; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert not {"pymongo", "neo4j", "pymilvus", "grpc", "google.cloud.bigquery", "great_expectations"} & set(
        loaded.split()
    )


def test_a_server_whose_process_lives_is_waited_for_until_the_bound(tmp_path: Path) -> None:
    impatient = LocalStack(tmp_path / "home", start_seconds=0.000001)
    with pytest.raises(StackError, match=r"gemini.* within 1e-06 s \(SLUICEGATE_START_SECONDS\)"):
        impatient.up(SMALL)
    impatient.down()


def test_the_first_failure_is_named_at_once_and_the_others_come_up(
    own: LocalStack, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setenv("SLUICEGATE_LOCAL_GEMINI_FAULTS", "not json")
    try:
        with pytest.raises(StackError, match="gemini"):
            own.up(("gemini", "mongodb"))
        assert eventually(lambda: state_of(own, "mongodb") is ServerState.UP)
    finally:
        own.down()
