"""`gx/` is generated: built in an empty folder, its random ids replaced by ones that follow from names."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from checkpoints.project import build, new_context
from checkpoints.project_file import PROJECT_FILE, has_project
from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.program import program
from pipeline.storage.atomic_files import appearing

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/sluicegate/sluicegate/gx")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
FOLDERS = ("expectations", "validation_definitions", "checkpoints")
HEADER = (
    "# Generated from checkpoints/ by `sluicegate gx sync`; do not edit by hand, `gx sync --check` compares.\n"
    "# No secret is in here: ${VARIABLE} is filled in from the environment when the project is used.\n"
)
GITIGNORE = "uncommitted/\nplugins/\n.ge_store_backend_id\n"


def generate() -> dict[str, str]:
    """The project's files by their path below gx/; the same on every machine."""
    with tempfile.TemporaryDirectory(prefix="sluicegate-gx-") as folder:
        context = new_context(folder)
        build(context)
        root = Path(folder) / "gx"
        names = dict(_names(context))
        files = {PROJECT_FILE: HEADER + _body((root / PROJECT_FILE).read_text("utf-8"))}
        for path in sorted(path for name in FOLDERS for path in (root / name).rglob("*.json")):
            files[str(path.relative_to(root))] = _pretty(path.read_text("utf-8"))
    return {path: _stable(text, names, path) for path, text in files.items()} | {".gitignore": GITIGNORE}


def write(root: Path) -> list[str]:
    """Write the project below `root`; the paths that changed. What GX keeps in `uncommitted/` is left alone."""
    wanted, changed = generate(), differences(root)
    for folder in FOLDERS:
        shutil.rmtree(root / folder, ignore_errors=True)
    _write(root, wanted)
    return changed


def ensure(root: Path) -> bool:
    """Make the project where there is none; what is there is left as it is. Two processes may do so at once.

    Args:
        root: The project's folder.

    Returns:
        Whether it was made now.

    Raises:
        ConfigurationError: It cannot be written, or a folder without a project is in its place.
    """
    if has_project(root):
        return False
    wanted = generate()
    try:
        with appearing(root.absolute()) as hidden:
            _write(hidden, wanted)
            hidden.chmod(0o777 & ~_umask())  # a web server may read the pages in it
    except OSError as error:
        if has_project(root):  # another process was faster
            return False
        raise _cannot_be_made(root, error) from None
    return True


def _cannot_be_made(root: Path, error: OSError) -> ConfigurationError:
    if root.is_dir() and isinstance(error, FileExistsError):
        return ConfigurationError(
            f"The folder {root} holds files, but no Great Expectations project.",
            next_step=f"If it is the right one, write the project there: {program()} gx sync. If not, set"
            " SLUICEGATE_GX.",
        )
    return ConfigurationError(
        f"There is no Great Expectations project at {root}, and none can be made: {error.strerror}.",
        next_step="Make that folder writable, or make the project elsewhere and set SLUICEGATE_GX:"
        f" {program()} gx sync --root FOLDER",
    )


def differences(root: Path) -> list[str]:
    """Paths at which `root` is not what `generate` gives."""
    wanted = generate()
    there = {
        str(path.relative_to(root)): path.read_text("utf-8")
        for path in [
            *root.glob("*.yml"),
            *(p for name in FOLDERS for p in (root / name).rglob("*.json")),
            root / ".gitignore",
        ]
        if path.is_file()
    }
    return sorted(path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path))


def _write(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _umask() -> int:
    """The process's mask; it can be read only by setting it."""
    found = os.umask(0o077)
    os.umask(found)
    return found


def _names(context: Any) -> Iterator[tuple[str, str]]:
    yield str(context.variables.data_context_id), "context"
    for source in context.data_sources.all().values():
        yield str(source.id), f"data source {source.name}"
        for asset in source.assets:
            yield str(asset.id), f"asset {source.name}/{asset.name}"
            for batch in asset.batch_definitions:
                yield str(batch.id), f"batch definition {source.name}/{asset.name}/{batch.name}"
    for suite in context.suites.all():
        yield str(suite.id), f"suite {suite.name}"
        for number, expectation in enumerate(suite.expectations):
            yield str(expectation.id), f"expectation {suite.name}/{number}/{expectation.expectation_type}"
    for definition in context.validation_definitions.all():
        yield str(definition.id), f"validation definition {definition.name}"
    for checkpoint in context.checkpoints.all():
        yield str(checkpoint.id), f"checkpoint {checkpoint.name}"


def _stable(text: str, names: Mapping[str, str], path: str) -> str:
    unknown = sorted(found for found in set(UUID.findall(text)) if found not in names)
    if unknown:
        raise ConfigurationError(f"gx/{path} holds ids that follow from no name: {', '.join(unknown)}.")
    return UUID.sub(lambda found: str(uuid.uuid5(NAMESPACE, names[found.group()])), text)


def _body(text: str) -> str:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return "\n".join(line for line in lines if line.strip()) + "\n"


def _pretty(text: str) -> str:
    return json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
