"""Where pages are kept: any store GX can write a site to (a folder, S3, GCS, Azure), a whole page at a time.

A reader never meets half a page: `expectations_plugins.files` moves whole files to their places; the object stores
replace an object at once by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from great_expectations.data_context.util import instantiate_class_from_config

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.files import AtomicFilesystemStoreBackend
from pipeline.core.program import program

SITE = "local_site"
"""The site's name in great_expectations.yml."""

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json; charset=utf-8",
}


class SiteFiles:
    """The pages of a site by their paths below its first page.

    Args:
        backend: A GX store backend without a template for paths.
    """

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    @classmethod
    def of(cls, context: Any) -> SiteFiles:
        """The site of a GX project.

        Raises:
            ConfigurationError: The project has none of ours.
        """
        site = (context.variables.data_docs_sites or {}).get(SITE)
        if not site:
            raise ConfigurationError(
                f"The Great Expectations project has no Data Docs site {SITE!r}.", next_step=f"Run: {program()} gx sync"
            )
        make: Any = instantiate_class_from_config
        backend = make(
            config=dict(site["store_backend"]),
            runtime_environment={"root_directory": context.root_directory},
            config_defaults={
                "module_name": "great_expectations.data_context.store",
                "filepath_template": None,
                "suppress_store_backend_id": True,
            },
        )
        return cls(backend)

    def write(self, path: str, text: str) -> None:
        """Put a page in its place, whole."""
        kind = CONTENT_TYPES[Path(path).suffix]
        self._backend.set(_key(path), text, content_type=kind, content_encoding="utf-8")

    def read(self, path: str) -> str | None:
        """A page; None when it is not there."""
        return str(self._backend.get(_key(path))) if self.has(path) else None

    def has(self, path: str) -> bool:
        """Whether a page is there."""
        return bool(self._backend.has_key(_key(path)))

    def delete(self, path: str) -> None:
        """Remove a page; nothing happens when it is not there."""
        if self.has(path):
            self._backend.remove_key(_key(path))

    def list(self, folder: str) -> Iterator[str]:
        """Paths of the pages of a folder and those below it."""
        for key in self._backend.list_keys(prefix=_key(folder)):
            if not key[-1].startswith("."):  # a killed process may have left a page that is not in its place
                yield "/".join(key)

    def sweep(self) -> None:
        """Remove what killed processes left behind, where that can be: object stores keep nothing half done."""
        if isinstance(self._backend, AtomicFilesystemStoreBackend):
            self._backend.sweep()

    def address(self, path: str) -> str:
        """Where a browser finds a page, whether it is there yet or not."""
        key = _key(path)
        public = self._backend.base_public_path
        return str(self._backend.get_public_url_for_key(key) if public else self._backend.get_url_for_key(key))


def _key(path: str) -> Sequence[str]:
    return tuple(path.split("/"))
