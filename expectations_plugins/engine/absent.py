"""Data sources of stores whose driver is not installed: a project that has one opens; using it says what to install.

Nothing else of the project is the worse for it, and saving the project keeps what it says of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NoReturn

from great_expectations.core.partitioners import ColumnPartitioner

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.engine.gx_internals import DataAsset, Datasource, TestConnectionError


@dataclass(frozen=True, slots=True)
class AbsentStore:
    """A store, named without its driver.

    Args:
        name: For people, and the beginning of its data source's name.
        type: What GX calls its data source.
        package: What installs its driver.
        assets: What GX calls its assets.
    """

    name: str
    type: str
    package: str
    assets: tuple[str, ...]

    @property
    def data_source(self) -> str:
        """The name of its data source's class."""
        return f"{self.name}Datasource"

    def missing(self, why: str) -> ConfigurationError:
        """What to install, as an error.

        Args:
            why: Why its driver cannot be imported.
        """
        return ConfigurationError(
            f"The {self.name} data source cannot be used, because its driver cannot be imported: {why}.",
            next_step=f"Install it: pip install {self.package}",
        )


class _AbsentAsset(DataAsset[Any, ColumnPartitioner]):
    """An asset whose settings are kept as they are."""

    class Config:
        """What the project says is kept."""

        extra = "allow"

    def test_connection(self) -> None:
        """Say what to install.

        Raises:
            TestConnectionError: Always.
        """
        raise TestConnectionError(str(self.datasource.missing))

    def get_batch_parameters_keys(self, partitioner: Any = None) -> NoReturn:
        """Say what to install."""
        del partitioner
        raise self.datasource.missing

    def build_batch_request(self, options: Any = None, batch_slice: Any = None, partitioner: Any = None) -> NoReturn:
        """Say what to install."""
        del options, batch_slice, partitioner
        raise self.datasource.missing

    def get_batch_identifiers_list(self, batch_request: Any) -> NoReturn:
        """Say what to install."""
        del batch_request
        raise self.datasource.missing

    def get_batch(self, batch_request: Any) -> NoReturn:
        """Say what to install."""
        del batch_request
        raise self.datasource.missing


class _AbsentDatasource(Datasource[Any, Any]):
    """A data source whose settings are kept as they are."""

    missing: ClassVar[ConfigurationError]

    class Config:
        """What the project says is kept."""

        extra = "allow"

    @property
    def execution_engine_type(self) -> NoReturn:
        """There is none.

        Raises:
            ConfigurationError: Always; it says what to install.
        """
        raise self.missing

    def get_execution_engine(self) -> NoReturn:
        """There is none.

        Raises:
            ConfigurationError: Always; it says what to install.
        """
        raise self.missing

    def test_connection(self, test_assets: bool = True) -> NoReturn:
        """Say what to install.

        Raises:
            TestConnectionError: Always.
        """
        del test_assets
        raise TestConnectionError(str(self.missing))


_stand_ins: dict[str, type[Datasource[Any, Any]]] = {}


def stand_in(store: AbsentStore, missing: ConfigurationError) -> type[Datasource[Any, Any]]:
    """Have GX know the store's data source and assets by name; again, it changes nothing.

    Args:
        store: The store.
        missing: What using it raises.
    """
    if store.type not in _stand_ins:
        _stand_ins[store.type] = _made(store, missing)
    return _stand_ins[store.type]


def _made(store: AbsentStore, error: ConfigurationError) -> type[Datasource[Any, Any]]:
    assets = [_typed(_AbsentAsset, f"Absent{name}Asset", name) for name in store.assets]
    more = {"asset_types": assets, "missing": error, "assets": []}
    made: type[Datasource[Any, Any]] = _typed(
        _AbsentDatasource, store.data_source, store.type, assets=list[_AbsentAsset], more=more
    )
    return made


def _typed(base: Any, name: str, type_: str, *, more: dict[str, Any] | None = None, **annotations: Any) -> Any:
    """A class as the `class` statement makes it, which cannot take a type's name from a variable."""
    fields = {"type": Literal[type_], **annotations}
    return type(base)(name, (base,), {"type": type_, "__annotations__": fields, "__module__": __name__, **(more or {})})
