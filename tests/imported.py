"""Importing this imports what any command of run.py may need, for processes that are forked to run commands."""

from __future__ import annotations

import gc
import importlib
import os

MODULES = (
    "checkpoints.gx_gate",
    "checkpoints.data_docs.site",
    "pipeline.alerts.channels.pagerduty",
    "pipeline.alerts.channels.slack",
    "pipeline.cli.run",
    "pipeline.embedding",
    "pipeline.cli.logs",
    "pipeline.stages",
    "pipeline.stores.bigquery.metrics_store",
    "pipeline.stores.milvus.vector_store",
    "pipeline.stores.mongodb.ledger",
    "pipeline.stores.neo4j.graph_store",
    "sluicegate.app",
)

os.environ.pop("MILVUS_URI", None)  # pymilvus reads it when it is imported, and takes no "local"
for name in MODULES:
    importlib.import_module(name)

templates = importlib.import_module("checkpoints.data_docs.pages").environment()
for name in templates.list_templates(extensions=["html"]):
    templates.get_template(name)
gc.freeze()  # what is imported stays shared with the children
