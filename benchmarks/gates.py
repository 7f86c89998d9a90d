"""Validation inside the store beside the same check by hand and beside pandas: time, CPU, bytes and memory.

Usage: python benchmarks/gates.py [--store mongodb|neo4j|milvus] [--sizes 1000,10000,200000] [--json FILE]
See docs/benchmarks.md.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from benchmarks.measuring import Measurement, measure
from benchmarks.report import goals, ratios, text
from benchmarks.workload import FLOOR, Address, Filler
from expectations_plugins.core.errors import SluicegateError
from pipeline.config import LOCAL, Settings, load_settings
from pipeline.local import LocalStack

STORES = ("mongodb", "neo4j", "milvus")
SIZES = (1_000, 10_000, 200_000)
MILVUS_SIZES = (1_000, 5_000, 20_000)
MOST = {"milvus": 20_000}
"""More records than this are not measured."""

WARM_UP = 10


class Sizes(click.ParamType[tuple[int, ...]]):
    """Comma-separated record counts."""

    name = "N,N,..."

    def convert(
        self, value: str | tuple[int, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Counts in ascending order."""
        if isinstance(value, tuple):
            return value
        counts = sorted({int(part) for part in value.split(",") if part.strip().isdigit()})
        if not counts or counts[0] < 1 or WARM_UP in counts:
            self.fail(
                f"{value!r} is no list of record counts, e.g. 1000,10000 ({WARM_UP} is the warm-up's)", param, ctx
            )
        return tuple(counts)


@click.command()
@click.option("--store", "stores", type=click.Choice(STORES), multiple=True, help="May be repeated. Default: all.")
@click.option("--sizes", type=Sizes(), help=f"Records a batch. Default: {SIZES}, Milvus: {MILVUS_SIZES}.")
@click.option("--repeat", type=click.IntRange(1), default=3, show_default=True, help="Repetitions at least.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here too."
)
@click.option("--check", is_flag=True, help="Exit with 1 when a goal does not hold.")
def main(
    stores: Sequence[str], sizes: tuple[int, ...] | None, repeat: int, json_file: Path | None, check: bool
) -> None:
    """Measure the gates of the stores, print tables, and judge the goals.

    Servers are those of the environment (MONGODB_URI, NEO4J_URI, MILVUS_URI), or started on loopback.
    """
    try:
        settings = load_settings()
        _shield_drivers()
        found = [one for store in stores or STORES for one in _measure(store, settings, _sizes(store, sizes), repeat)]
    except SluicegateError as error:
        raise click.ClickException(str(error)) from error
    click.echo(text(found))
    if json_file:
        json_file.write_text(json.dumps(_as_data(found), indent=2) + "\n", encoding="utf-8")
    if check and not all(goal.holds for goal in goals(found)):
        sys.exit(1)


def _shield_drivers() -> None:
    """pymilvus reads MILVUS_URI itself; and every connection measured is to a relay on loopback, never to a proxy."""
    os.environ.pop("MILVUS_URI", None)
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


def _sizes(store: str, sizes: tuple[int, ...] | None) -> tuple[int, ...]:
    if sizes is None:
        return MILVUS_SIZES if store == "milvus" else SIZES
    return tuple(sorted({min(size, MOST.get(store, size)) for size in sizes}))


def _measure(store: str, settings: Settings, sizes: Sequence[int], repeat: int) -> Iterator[Measurement]:
    with _address(store, settings) as (address, shared), _filler(store, address, drop=shared) as filler:
        warm_up = filler.fill(WARM_UP)
        for size in sizes:
            click.echo(f"{store}: filling {size:,} records", err=True)
            batch = filler.fill(size)
            measure(store, [FLOOR], address, warm_up=warm_up, batch=batch, repeat=1)  # warms the server up for all
            ways = list(importlib.import_module(f"benchmarks.{store}_gate").WAYS)
            for one in measure(store, ways, address, warm_up=warm_up, batch=batch, repeat=repeat):
                took = f"{one.wall_seconds:.3f} s, {one.cpu_seconds:.3f} s of client CPU"
                click.echo(f"{store}: {size:,} records, {one.way}: {took}", err=True)
                yield one


@contextmanager
def _filler(store: str, address: Address, *, drop: bool) -> Iterator[Filler]:
    filler: Filler = importlib.import_module(f"benchmarks.{store}_gate").Filler(address)
    try:
        yield filler
    finally:
        if drop:
            filler.drop()
        filler.close()


@contextmanager
def _address(store: str, settings: Settings) -> Iterator[tuple[Address, bool]]:
    """The environment's server, or a local one whose folder is removed afterwards; and whether others use it too."""
    space = f"sluicegate_benchmark_{uuid.uuid4().hex[:8]}"
    named = _named(store, settings, space)
    if named is not None:
        yield named, True
        return
    with tempfile.TemporaryDirectory(prefix="sluicegate-benchmark-") as home, LocalStack(Path(home)).use([store]) as at:
        local = {
            "mongodb": Address(str(at.mongodb_uri), space),
            "neo4j": Address(
                str(at.neo4j_uri), space, str(at.neo4j_user), str(at.neo4j_password), str(at.neo4j_database)
            ),
            "milvus": Address(str(at.milvus_uri), space),
        }
        yield local[store], False


def _named(store: str, settings: Settings, space: str) -> Address | None:
    def plain(secret: object) -> str:
        return secret.get_secret_value() if hasattr(secret, "get_secret_value") else str(secret or "")

    addresses = {
        "mongodb": Address(plain(settings.mongodb_uri), space),
        "neo4j": Address(
            plain(settings.neo4j_uri),
            space,
            settings.neo4j_user,
            plain(settings.neo4j_password),
            settings.neo4j_database,
        ),
        "milvus": Address(plain(settings.milvus_uri), space, password=plain(settings.milvus_token)),
    }
    return addresses[store] if addresses[store].uri not in ("", LOCAL) else None


def _as_data(found: Sequence[Measurement]) -> dict[str, object]:
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "measurements": [asdict(one) for one in found],
        "ratios": [asdict(one) for one in ratios(found)],
        "goals": [asdict(one) for one in goals(found)],
    }


if __name__ == "__main__":
    main()
