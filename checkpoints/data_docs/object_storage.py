"""GX's store of results and pages over whatever fsspec reaches, and the settings that put them there.

gx/ says where they are in the project's own folder; another place is this installation's business, so it comes from
the environment when the project is opened, and nothing of it is written to gx/.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from great_expectations.data_context.store import ValidationResultsStore
from great_expectations.data_context.store.tuple_store_backend import TupleStoreBackend
from great_expectations.exceptions import InvalidKeyError

from checkpoints.data_docs.storage import SITE
from expectations_plugins.core.errors import ConfigurationError, TransientError
from expectations_plugins.files import AtomicFilesystemStoreBackend
from pipeline.config import Settings
from pipeline.storage import objects
from pipeline.storage.location import Place, Remote


def keep_elsewhere(context: Any, settings: Settings) -> None:
    """Have results and pages kept where the settings say, as long as this context lives.

    Args:
        context: The GX project.
        settings: SLUICEGATE_RESULTS_URL, SLUICEGATE_DOCS_URL and SLUICEGATE_DOCS_PUBLIC_URL.
    """
    sites = context.variables.data_docs_sites or {}
    site = sites.get(SITE)
    if site and settings.docs_url is not None:
        site["store_backend"] = backend_of(settings.docs_url)
    if site and settings.docs_public_url is not None:
        site["store_backend"]["base_public_path"] = settings.docs_public_url
    context.variables.data_docs_sites = sites  # what it gave was a copy; nothing is saved
    if settings.results_url is not None:
        name = context.validation_results_store_name
        make: Any = ValidationResultsStore
        context.stores[name] = make(store_backend=backend_of(settings.results_url), store_name=name)


def backend_of(place: Place) -> dict[str, Any]:
    """GX's configuration of a store at a place."""
    kind = ObjectStoreBackend if isinstance(place, Remote) else AtomicFilesystemStoreBackend
    where = {"url": place.url} if isinstance(place, Remote) else {"base_directory": str(place.absolute())}
    return {
        "module_name": kind.__module__,
        "class_name": kind.__name__,
        "suppress_store_backend_id": True,  # it would be an object nobody reads
        **where,
    }


class ObjectStoreBackend(TupleStoreBackend):
    """GX's store in a folder of objects; an object is replaced at once.

    Args:
        url: The folder's address.
        options: As of GX's other stores of files.
    """

    def __init__(self, url: str, **options: Any) -> None:
        options.pop("root_directory", None)
        super().__init__(**options | {"platform_specific_separator": False})
        self._folder = Remote(url)
        self._config = {"url": url, **options, "module_name": __name__, "class_name": type(self).__name__}

    @property
    def config(self) -> dict[str, Any]:
        """What it was made of."""
        return self._config

    def list_keys(self, prefix: Any = ()) -> list[Any]:
        """The keys below a prefix."""
        folder = Remote("/".join((self._folder.url, *prefix)))
        start = len(self._folder.url) + 1
        with _kept_at(self._folder):
            paths = [one.place.url[start:] for one in objects.below(folder)]
        to_key: Any = self._convert_filepath_to_key
        missing, ignored = self._is_missing_prefix_or_suffix, self.is_ignored_key  # type: Any, Any
        wanted = [path for path in paths if not missing(self.filepath_prefix, self.filepath_suffix, path)]
        return [key for key in map(to_key, sorted(wanted)) if key and not ignored(key)]

    def remove_key(self, key: Any) -> Any:
        """Remove what is there of a key; whether anything was."""
        if not self._has_key(key):
            return False
        with _kept_at(self._folder):
            objects.remove(self._object(key))
        return True

    def get_url_for_key(self, key: Any, protocol: Any = None) -> str:
        """The object's address."""
        del protocol
        return self._object(key).url

    def get_public_url_for_key(self, key: Any, protocol: Any = None) -> str:
        """Where a browser finds it."""
        del protocol
        return f"{self.base_public_path}{self._path(key)}"

    def _get(self, key: Any) -> Any:
        try:
            with _kept_at(self._folder):
                return objects.read(self._object(key)).decode("utf-8").rstrip("\n")
        except FileNotFoundError as error:
            raise InvalidKeyError(f"There is nothing at {self._object(key)}.") from error

    def _get_all(self) -> list[Any]:
        return [self._get(key) for key in self.list_keys()]

    def _set(self, key: Any, value: Any, **kwargs: Any) -> Any:
        place = self._object(key)
        with _kept_at(self._folder):
            data = value.encode("utf-8") if isinstance(value, str) else value
            objects.write(place, data, str(kwargs.get("content_type") or "application/json"))
        return place.url

    def _move(self, source_key: Any, dest_key: Any, **kwargs: Any) -> Any:
        if not self._has_key(source_key):
            return False
        self._set(dest_key, self._get(source_key), **kwargs)
        self.remove_key(source_key)
        return dest_key

    def _has_key(self, key: Any) -> bool:
        try:
            with _kept_at(self._folder):
                return objects.look(self._object(key)).is_file
        except FileNotFoundError:
            return False

    def _object(self, key: Any) -> Remote:
        return Remote(f"{self._folder.url}/{self._path(key)}")

    def _path(self, key: Any) -> str:
        to_path: Any = self._convert_key_to_filepath
        return str(to_path(key if isinstance(key, tuple) else key.to_tuple()))


@contextmanager
def _kept_at(folder: Remote) -> Iterator[None]:
    """Errors of the place as ours: that a store of results is away is an outage, and says nothing of the data."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        message = f"Results and pages cannot be kept at {folder}: {error.strerror or error}."
        if error.errno == errno.EIO:
            raise TransientError(message, next_step="Check the location, then run again.") from error
        raise ConfigurationError(message, next_step="Check the address and its permissions.") from error
