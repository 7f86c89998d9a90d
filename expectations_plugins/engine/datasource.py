"""What the three GX data sources share: assets that name a slice, and batches that hold no records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, TypeAlias

from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.core.partitioners import (
    ColumnPartitioner,
    ColumnPartitionerDaily,
    PartitionerConvertedDatetime,
    PartitionerDatetimePart,
    PartitionerMultiColumnValue,
)

from expectations_plugins.core.errors import ConfigurationError, SluicegateError, TerminalError
from expectations_plugins.engine import existence, slicing
from expectations_plugins.engine.backend import Slice
from expectations_plugins.engine.credentials import advise_variables, shown
from expectations_plugins.engine.execution import StoreExecutionEngine
from expectations_plugins.engine.gx_internals import (
    Batch,
    BatchRequest,
    BatchSpec,
    ConfigStr,
    DataAsset,
    Datasource,
    IDDict,
    LegacyBatchDefinition,
    TestConnectionError,
    pydantic,
)

DAY_PARAMETERS = set(slicing.PARTS[:3])
"""The batch parameters of a day."""

SAVED_AS_VALUE = (
    "Earlier versions saved a daily batch definition so that it is read back as one of values: delete it "
    "(asset.delete_batch_definition) and add it again with asset.add_batch_definition_daily."
)
"""What to do with a batch definition that was saved without saying how it selects."""

_connecting: ContextVar[bool] = ContextVar("connecting", default=True)


@contextmanager
def without_connecting() -> Iterator[None]:
    """Define data sources and assets where their stores cannot be reached: GX would test every connection."""
    token = _connecting.set(False)
    try:
        yield
    finally:
        _connecting.reset(token)


class StoreBatch(Batch):
    """A batch of a store's records; holds none of them."""

    def head(self, n_rows: int = 5, fetch_all: bool = False) -> Any:
        """The first records, 1,000 at most.

        Raises:
            SluicegateError: The store could not be asked; GX would say KeyError.
        """
        with self._saying_why("first records"):
            return super().head(n_rows, fetch_all)

    def columns(self) -> list[str]:
        """Names of the records' fields.

        Raises:
            SluicegateError: The store could not be asked; GX would say KeyError.
        """
        with self._saying_why("fields"):
            return list(super().columns())

    @contextmanager
    def _saying_why(self, what: str) -> Iterator[None]:
        try:
            yield
        except KeyError:
            failures = list(self.data.execution_engine.failures.values())
            raise (failures or [TerminalError(f"The {what} of {self.id} cannot be shown.")])[-1] from None

    def _create_id(self) -> str:
        """GX names a batch by its parameters: two ways to slice an asset would be one batch, with one result."""
        request = self.batch_request
        return "-".join([super()._create_id(), *slicing.distinguished_by(request.partitioner, request.options)])


StoreBatches: TypeAlias = BatchDefinition[ColumnPartitioner]
"""Batch definitions of our assets."""


class StoreAsset(DataAsset[Any, ColumnPartitioner]):
    """A part of a store that GX can validate. Subclasses name their `type` and their `target`."""

    sort_by: str = ""
    where: dict[str, Any] | None = None
    allow_missing: bool = False

    def target(self) -> str | dict[str, str]:
        """What the asset is, in the store's terms."""
        raise NotImplementedError

    def record_key(self) -> str:
        """The field that names a record; "" is the store's own key."""
        return ""

    def test_connection(self) -> None:
        """Check that the store answers, and has what the asset names.

        Raises:
            TestConnectionError: It does not.
        """
        self.datasource.test_connection(test_assets=False)
        if not _connecting.get() or self.allow_missing:
            return
        try:
            existence.backend_for(self.datasource.get_execution_engine().backend, Slice(self.target()))
        except SluicegateError as error:
            raise TestConnectionError(str(error)) from error

    def add_batch_definition(self, name: str, partitioner: ColumnPartitioner | None = None) -> StoreBatches:
        """Add a batch definition, which is saved with the project.

        Args:
            name: Its name.
            partitioner: How it selects records; None for all of the asset's. The other add_batch_definition_…
                methods make one.

        Raises:
            ConfigurationError: Store data sources cannot slice that way.
        """
        slicing.parameters(partitioner)
        return super().add_batch_definition(name, partitioner=slicing.written_out(partitioner))

    @pydantic.validator("batch_definitions", pre=True)
    def _read_back(cls, saved: Any) -> Any:  # noqa: N805 - pydantic's signature
        return [slicing.read_back(one) if isinstance(one, Mapping) else one for one in saved]

    def get_batch_parameters_keys(self, partitioner: Any = None) -> tuple[str, ...]:
        """The batch parameters a batch definition needs."""
        return slicing.parameters(partitioner)

    def add_batch_definition_by(self, name: str, *columns: str) -> StoreBatches:
        """Batches by the values of fields, each a batch parameter: `add_batch_definition_by("batch", "batch_id")`."""
        partitioner = PartitionerMultiColumnValue(column_names=list(columns))
        return self.add_batch_definition(name, partitioner=partitioner)

    def add_batch_definition_daily(self, name: str, column: str) -> StoreBatches:
        """Batches by the day (UTC) of a date field; batch parameters `year`, `month` and `day`."""
        return self.add_batch_definition(name, partitioner=ColumnPartitionerDaily(column_name=column))

    def add_batch_definition_hourly(self, name: str, column: str) -> StoreBatches:
        """Batches by the hour (UTC) of a date field; batch parameters `year`, `month`, `day` and `hour`."""
        parts = ["year", "month", "day", "hour"]
        return self.add_batch_definition(
            name, partitioner=PartitionerDatetimePart(datetime_parts=parts, column_name=column)
        )

    def add_batch_definition_window(self, name: str, column: str, minutes: int = 10) -> StoreBatches:
        """Batches by windows of some minutes of a date field.

        Args:
            name: The batch definition's name.
            column: The field.
            minutes: How long a window is.

        The one batch parameter, `window`, is the moment a window begins: a datetime, or ISO 8601 text.
        """
        rule = slicing.window_rule(minutes)
        partitioner = PartitionerConvertedDatetime(column_name=column, date_format_string=rule)
        return self.add_batch_definition(name, partitioner=partitioner)

    def build_batch_request(
        self, options: Any = None, batch_slice: Any = None, partitioner: Any = None
    ) -> BatchRequest[ColumnPartitioner]:
        """A request for one batch.

        Raises:
            ConfigurationError: A batch parameter is missing or unknown.
        """
        needed, given = set(slicing.parameters(partitioner)), set(options or {})
        if needed != given:
            raise ConfigurationError(
                f"Asset {self.name!r} needs the batch parameters {sorted(needed)}, but was given {sorted(given)}.",
                next_step=SAVED_AS_VALUE if given == DAY_PARAMETERS else "Pass batch_parameters={...} to run().",
            )
        return BatchRequest(
            datasource_name=self.datasource.name,
            data_asset_name=self.name,
            options=options or {},
            batch_slice=batch_slice,
            partitioner=partitioner,
        )

    def get_batch_identifiers_list(self, batch_request: Any) -> list[dict[str, Any]]:
        """The one batch the request names."""
        return [dict(batch_request.options)]

    def get_batch(self, batch_request: Any) -> StoreBatch:
        """The batch, without asking the store anything."""
        options = dict(batch_request.options)
        spec = BatchSpec(
            {
                "target": self.target(),
                "key": self.record_key(),
                "sort_by": self.sort_by,
                "where": self.where,
                "allow_missing": self.allow_missing,
                **slicing.selection(batch_request.partitioner, options),
            }
        )
        engine = self.datasource.get_execution_engine()
        data, markers = engine.get_batch_data_and_markers(spec)
        return StoreBatch(
            datasource=self.datasource,
            data_asset=self,
            batch_request=batch_request,
            data=data,
            metadata=self._get_batch_metadata_from_batch_request(batch_request),
            batch_markers=markers,
            batch_spec=spec,
            batch_definition=LegacyBatchDefinition(
                datasource_name=self.datasource.name,
                data_connector_name="fluent",
                data_asset_name=self.name,
                batch_identifiers=IDDict({name: slicing.shown(value) for name, value in options.items()}),
                batch_spec_passthrough=None,
            ),
        )

    def _validate_batch_request(self, batch_request: Any) -> None:
        if batch_request.data_asset_name != self.name:
            raise ConfigurationError(f"The batch request is for another asset than {self.name!r}.")


def filled_in(asset: StoreAsset, value: ConfigStr | str) -> str:
    """A setting of an asset, with variables of the GX project filled in."""
    if isinstance(value, ConfigStr):
        provider = asset.datasource._config_provider  # noqa: SLF001 - GX offers no public way
        return str(value.get_config_value(provider))
    return value


def written(where: Any) -> dict[str, Any] | None:
    """A filter of the user's, `Column("type") == "click"`, as it is saved."""
    if where is None or isinstance(where, Mapping):
        return where if where is None else dict(where)
    if not hasattr(where, "dict"):
        raise ConfigurationError(
            f"where={where!r} is no condition of GX.", next_step='Write it as Column("name") == value.'
        )
    return dict(where.dict())


class _StoreDatasource(Datasource[Any, Any]):
    """A GX data source whose expectations run inside the store; the underscore tells GX that this is a base class."""

    engine_type: ClassVar[type[StoreExecutionEngine]]

    @property
    def execution_engine_type(self) -> type[StoreExecutionEngine]:
        """The engine's class."""
        return self.engine_type

    def test_connection(self, test_assets: bool = True) -> None:
        """Check that the store answers.

        Raises:
            TestConnectionError: It does not; the message has no secret.
        """
        del test_assets
        if not _connecting.get():
            return
        try:
            self.get_execution_engine().test_connection()
        except SluicegateError as error:
            raise TestConnectionError(str(error)) from error

    @pydantic.root_validator(pre=True)
    def _take_secrets(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N805 - pydantic's signature
        advise_variables(cls.__fields__["type"].default, values)
        return values

    def __repr_args__(self) -> Any:
        return [(name, shown(str(name), _text(value))) for name, value in super().__repr_args__()]

    def __str__(self) -> str:
        return repr(self)


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, ConfigStr) else value
