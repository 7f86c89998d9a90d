"""What the four stores hold, as JSON that people can read, and the way back into servers.

Vectors are not kept: `vector_of` makes them again, the same for the same record and source.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import random
import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from bson import ObjectId
from google.cloud import bigquery
from pymilvus import DataType

from tests.faults.readback import Stores

Row = dict[str, Any]
DIMENSION = 768
PAGE = 1_000
OLD_TABLES = ("interaction_metrics", "batches", "fences")
TABLES = (*OLD_TABLES, "metric_revisions", "publications")
VIEW = "published_metrics"
VECTOR = "vector"


def vector_of(interaction_id: str, source: str) -> list[float]:
    """A vector of length 1, in the precision Milvus keeps: the rule by which this data's vectors are made again."""
    seed = hashlib.sha256(f"{interaction_id}|{source}".encode()).digest()
    chance = random.Random(seed)
    found = [chance.gauss(0, 1) for _ in range(DIMENSION)]
    length = math.hypot(*found)
    return list(struct.unpack(f"<{DIMENSION}f", struct.pack(f"<{DIMENSION}f", *(one / length for one in found))))


def exported(stores: Stores, statements: Sequence[str]) -> dict[str, Row]:
    """Everything the stores hold, by store.

    Args:
        stores: Where it is; the graph is all of it.
        statements: The constraints and indexes of the graph, which not every server can list.
    """
    return {
        "mongodb": {
            name: [_plain(row) for row in stores.mongodb[name].find({"_id": {"$ne": "indexes"}}).sort("_id")]
            for name in sorted(stores.mongodb.list_collection_names())
        },
        "bigquery": _tables(stores),
        "neo4j": {"statements": list(statements), **_graph(stores)},
        "milvus": _collection(stores),
    }


def write(folder: Path, data: Mapping[str, Row], hide: Mapping[str, str]) -> None:
    """Write one file a store; what is of the machine is replaced.

    Args:
        folder: Where to.
        data: As `exported` gives it.
        hide: What to write in place of what.
    """
    folder.mkdir(exist_ok=True)
    for store, held in data.items():
        text = json.dumps(held, indent=1, sort_keys=True, ensure_ascii=False)
        for word, other in hide.items():
            text = text.replace(word, other)
        (folder / f"{store}.json").write_text(f"{text}\n", "utf-8")


def read(folder: Path) -> dict[str, Row]:
    """What `write` wrote."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}


def load(stores: Stores, data: Mapping[str, Row]) -> None:
    """Put the data into the servers: the database, dataset and collection of `stores`, and its graph."""
    for name, rows in data["mongodb"].items():
        stores.mongodb.create_collection(name)
        if rows:
            stores.mongodb[name].insert_many([_restored(row) for row in rows])
    _load_tables(stores, data["bigquery"])
    _load_graph(stores, data["neo4j"])
    _load_vectors(stores, data["milvus"])


def _plain(value: Any) -> Any:
    """A document as JSON: times, bytes and vectors under a name that says what they are."""
    if isinstance(value, Mapping):
        # a before-image's vector follows the rule
        return {name: None if name == VECTOR else _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return {"$time": value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC).isoformat()}
    if isinstance(value, ObjectId):
        return {"$id": str(value)}
    if isinstance(value, Decimal):
        return str(value)
    return {"$bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _restored(value: Any) -> Any:
    if isinstance(value, Mapping):
        if "$time" in value:
            return datetime.fromisoformat(value["$time"])
        if "$id" in value:
            return ObjectId(value["$id"])
        if "$bytes" in value:
            return base64.b64decode(value["$bytes"])
        found = {name: _restored(item) for name, item in value.items()}
        if isinstance(before := found.get("before"), dict) and VECTOR in before:
            made = vector_of(found["interaction_id"], before["embedding_source"])
            before[VECTOR] = struct.pack(f"<{DIMENSION}f", *made)
        return found
    return [_restored(item) for item in value] if isinstance(value, list) else value


def _tables(stores: Stores) -> Row:
    there = {table.table_id for table in stores.bigquery.list_tables(stores.name)}
    found = {name: _table(stores, name) for name in TABLES if name in there}
    return found | ({VIEW: _view(stores)} if VIEW in there else {})


def _table(stores: Stores, name: str) -> Row:
    table = stores.bigquery.get_table(f"{stores.name}.{name}")
    rows = stores.bigquery.query(f"SELECT * FROM `{stores.name}.{name}`").result()
    plain = [{name: _plain(value) for name, value in row.items() if name != "loaded_at"} for row in rows]
    found = sorted(plain, key=lambda row: json.dumps(row, sort_keys=True))
    return {"schema": [field.to_api_repr() for field in table.schema], "rows": found}


def _view(stores: Stores) -> Row:
    table = stores.bigquery.get_table(f"{stores.name}.{VIEW}")
    return {"query": str(table.view_query).replace(f"{stores.bigquery.project}.{stores.name}.", "DATASET.")}


def _load_tables(stores: Stores, data: Row) -> None:
    client, dataset = stores.bigquery, f"{stores.bigquery.project}.{stores.name}"
    client.create_dataset(dataset, exists_ok=True)
    for name in OLD_TABLES:
        schema = [bigquery.SchemaField.from_api_repr(field) for field in data[name]["schema"]]
        client.create_table(bigquery.Table(f"{dataset}.{name}", schema=schema))
        if rows := [_flat(row) for row in data[name]["rows"]]:
            settings = bigquery.LoadJobConfig(schema=schema, write_disposition="WRITE_APPEND")
            settings.source_format = bigquery.SourceFormat.NEWLINE_DELIMITED_JSON
            lines = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
            client.load_table_from_file(io.BytesIO(lines), f"{dataset}.{name}", job_config=settings).result()
    view = bigquery.Table(f"{dataset}.{VIEW}")
    view.view_query = f"""SELECT m.*, b.published_at
FROM `{dataset}.interaction_metrics` AS m JOIN `{dataset}.batches` AS b ON b.batch_id = m.batch_id"""
    client.create_table(view)


def _flat(row: Row) -> Row:
    return {name: value["$time"] if isinstance(value, dict) else value for name, value in row.items()}


def asked(stores: Stores, query: str, **parameters: Any) -> list[Row]:
    """The rows of a question to the graph."""
    rows, _, _ = stores.neo4j.execute_query(query, parameters)
    return [row.data() for row in rows]


def _graph(stores: Stores) -> Row:
    nodes = asked(stores, "MATCH (n) RETURN labels(n) AS labels, properties(n) AS properties")
    ties = asked(
        stores,
        "MATCH (a)-[r]->(b) RETURN type(r) AS type, labels(a) AS from_labels, properties(a) AS from_node,"
        " labels(b) AS to_labels, properties(b) AS to_node",
    )
    made = [
        {
            "type": tie["type"],
            "from": _named(tie["from_labels"], tie["from_node"]),
            "to": _named(tie["to_labels"], tie["to_node"]),
        }
        for tie in ties
    ]
    plain = [{"labels": sorted(node["labels"]), "properties": _graph_values(node["properties"])} for node in nodes]
    return {"nodes": _sorted(plain), "relationships": _sorted(made)}


KEYS = {"Interaction": "interaction_id", "User": "user_id", "Campaign": "campaign_id", "SluicegateBatch": "batch_id"}


def _named(labels: Sequence[str], properties: Row) -> list[str]:
    label = next(label for label in labels if label in KEYS)
    return [label, str(properties[KEYS[label]])]


def _graph_values(properties: Row) -> Row:
    return {
        name: {"$time": value.to_native().isoformat()} if hasattr(value, "to_native") else _plain(value)
        for name, value in properties.items()
    }


def _load_graph(stores: Stores, data: Row) -> None:
    for statement in data["statements"]:
        stores.neo4j.execute_query(statement)
    for node in data["nodes"]:
        label = ":".join(node["labels"])
        asked(stores, f"CREATE (n:{label}) SET n = $properties", properties=_restored(node["properties"]))
    for tie in data["relationships"]:
        (one, key), (other, to) = tie["from"], tie["to"]
        ends = f"MATCH (a:{one} {{{KEYS[one]}: $key}}) MATCH (b:{other} {{{KEYS[other]}: $to}})"
        asked(stores, f"{ends} CREATE (a)-[:{tie['type']}]->(b)", key=key, to=to)


def _collection(stores: Stores) -> Row:
    described = stores.milvus.describe_collection(stores.name)
    fields = [
        {
            "name": field["name"],
            "type": DataType(int(field["type"])).name,
            "params": dict(field["params"]),
            "is_primary": bool(field.get("is_primary")),
        }
        for field in described["fields"]
    ]
    names = [field["name"] for field in fields if field["name"] != VECTOR]
    rows = stores.milvus.query(
        stores.name, filter='interaction_id != ""', output_fields=names, limit=PAGE, consistency_level="Strong"
    )
    return {"fields": fields, "rows": _sorted([{name: row[name] for name in names} for row in rows])}


def _load_vectors(stores: Stores, data: Row) -> None:
    schema = stores.milvus.create_schema(auto_id=False, enable_dynamic_field=False)
    for field in data["fields"]:
        schema.add_field(
            field["name"], DataType[field["type"]], is_primary=field["is_primary"], **_parameters(field["params"])
        )
    stores.milvus.create_collection(stores.name, schema=schema)
    parameters = stores.milvus.prepare_index_params()
    parameters.add_index(field_name=VECTOR, index_type="AUTOINDEX", metric_type="COSINE")
    stores.milvus.create_index(stores.name, parameters)
    rows = [{**row, VECTOR: vector_of(row["interaction_id"], row["embedding_source"])} for row in data["rows"]]
    stores.milvus.upsert(stores.name, rows)
    stores.milvus.load_collection(stores.name)


def _parameters(params: Row) -> Row:
    return {name: int(value) for name, value in params.items()}


def _sorted(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True, default=str))


def values(value: Any, name: str) -> Iterator[Any]:
    """All values under this name, wherever they are."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == name:
                yield item
            yield from values(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from values(item, name)
