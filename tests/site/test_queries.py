"""The query on a result's page finds what the check found, as it stands there, pasted into the store."""

from __future__ import annotations

import contextlib
import html
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from expectations_plugins.milvus.connection import connect as connect_milvus
from expectations_plugins.neo4j.connection import connect
from pipeline.core.outcome import BatchOutcome
from tests.gates.conftest import Site
from tests.site.conftest import written

MakeSite = Callable[..., Site]


def queries(site: Site, outcome: BatchOutcome, gate: str) -> list[str]:
    """What a reader copies from the page."""
    return queries_on(site, site.report(outcome, gate).page)


def queries_on(site: Site, path: str) -> list[str]:
    """What a reader copies from a page, by its path."""
    page = site.app.docs_index.parent / path
    found = re.findall(r'<pre class="command"><code>(.*?)</code></pre>', page.read_text("utf-8"), re.DOTALL)
    return [html.unescape(one) for one in found]


def ids_in(site: Site, outcome: BatchOutcome, gate: str) -> set[str]:
    """The records the ledger remembers."""
    return {str(key) for finding in site.report(outcome, gate).findings for key, _ in finding.examples}


def test_mongodb_finds_the_bad_user_ids(make_site: MakeSite) -> None:
    site = make_site()
    outcome = site.process("bad_user_ids.jsonl")
    [query] = queries(site, outcome, "raw")
    [(collection, pipeline)] = re.findall(r'^db\.getCollection\("(\w+)"\)\.aggregate\((.*)\)$', query)
    rows = site.app.stores.database[collection].aggregate(json.loads(pipeline))
    assert {row["_id"] for row in rows} == ids_in(site, outcome, "raw")


def test_neo4j_finds_the_orphans(make_site: MakeSite) -> None:
    """The parameters are a map as Cypher writes one, which a shell reads as Cypher."""
    site = make_site()
    outcome = site.process("orphans.jsonl")
    [query] = queries(site, outcome, "graph")
    head, cypher = query.split("\n", 1)
    at = site.endpoints
    with contextlib.closing(
        connect(str(at.neo4j_uri), at.neo4j_user, at.neo4j_password, database=at.neo4j_database)
    ) as graph:
        [row] = graph.read(f"RETURN {head.removeprefix(':params ')} AS params", {}, doing="reading", timeout=30)
        rows = graph.read(cypher.removesuffix(";"), row["params"], doing="reading", timeout=30)
    assert {one["n"]["interaction_id"] for one in rows} == ids_in(site, outcome, "graph")


def test_milvus_and_mongodb_find_the_invalid_vectors(make_site: MakeSite, tmp_path: Path) -> None:
    """Some vectors are spoilt where they are, and one is gone; what was right is not named."""
    site = make_site()
    outcome = site.process(written(tmp_path, tmp_path.name))
    client = connect_milvus(str(site.endpoints.milvus_uri))
    collection = str(site.app.settings.milvus_collection)
    spoilt, gone = [f"{tmp_path.name}-{number:03d}" for number in (3, 4)], f"{tmp_path.name}-005"
    rows = client.get(collection, ids=spoilt, output_fields=["*"])
    client.upsert(collection, [row | {"vector": [0.0] * 768} for row in rows])
    client.delete(collection, ids=[gone])
    report = site.app.gate("vectors").check(outcome.batch_id, None)
    listing, wanted = (one for one in queries_on(site, report.page))
    told, names = io.StringIO(), {"client": client}
    with contextlib.redirect_stdout(told):
        exec(listing, names)
    there: Any = names["there"]
    [(asked, _)] = re.findall(r'^db\.getCollection\("interactions"\)\.find\((.*), (\{.*\})\)$', wanted)
    expected = {row["_id"] for row in site.app.stores.database["interactions"].find(json.loads(asked))}
    assert sorted(json.loads(told.getvalue().replace("'", '"'))) == spoilt
    assert expected - there == {gone}
