"""Folders that a run makes are for their owner alone, and pages are served from their folder only."""

from __future__ import annotations

import functools
import http.server
import stat
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from pipeline.cli.docs import _Pages
from pipeline.local import Endpoints
from pipeline.storage.private_folders import make_private
from tests.faults.workplace import Workplace


def mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def test_folders_of_a_run_are_private(endpoints: Endpoints, tmp_path: Path) -> None:
    work = Workplace.prepared(endpoints, tmp_path, "private_folders")
    places = {"SLUICEGATE_RESULTS_URL": tmp_path / "a" / "results", "SLUICEGATE_DOCS_URL": tmp_path / "b" / "docs"}
    done = work.command("run", work.land("bad.jsonl", b"{\n" * 3), **places)
    assert done.code == 10, str(done)
    found = {name: mode(tmp_path / name) for name in ("home", "gx/uncommitted", "a/results", "b/docs")}
    assert found == dict.fromkeys(found, 0o700)


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    make_private(tmp_path / "shared", tmp_path / "shared" / "deep" / "spool", None)
    assert mode(tmp_path / "shared") == 0o755
    assert mode(tmp_path / "shared" / "deep") == mode(tmp_path / "shared" / "deep" / "spool") == 0o700


def test_pages_behind_links_out_of_the_folder_are_not_served(tmp_path: Path) -> None:
    site, secret = tmp_path / "site", tmp_path / "secret.txt"
    site.mkdir()
    secret.write_text("secret")
    (site / "page.html").write_text("page")
    (site / "inside.html").symlink_to(site / "page.html")
    (site / "file.html").symlink_to(secret)
    (site / "folder").symlink_to(tmp_path)
    handler = functools.partial(_Pages, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        at = f"http://127.0.0.1:{server.server_address[1]}"
        assert [get(f"{at}/{name}") for name in ("page.html", "inside.html")] == ["page", "page"]
        for name in ("file.html", "folder/secret.txt", "folder/", "%00"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                get(f"{at}/{name}")
        server.shutdown()


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return str(answer.read().decode())
