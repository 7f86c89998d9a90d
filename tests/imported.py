"""Importing this imports what any command of run.py may need, for processes that are forked to run commands."""

from __future__ import annotations

import gc
import importlib
import os

MODULES = (
    "checkpoints.gates",
    "checkpoints.site.site",
    "pipeline.alerts.channels.pagerduty",
    "pipeline.alerts.channels.slack",
    "pipeline.commands.run",
    "pipeline.embedding",
    "pipeline.observe",
    "pipeline.stages",
    "pipeline.stores.bigquery",
    "pipeline.stores.milvus",
    "pipeline.stores.mongodb",
    "pipeline.stores.neo4j",
    "run",
)

os.environ.pop("MILVUS_URI", None)  # pymilvus reads it when it is imported, and takes no "local"
for name in MODULES:
    importlib.import_module(name)

templates = importlib.import_module("checkpoints.site.pages").environment()
for name in templates.list_templates(extensions=["html"]):
    templates.get_template(name)
gc.freeze()  # what is imported stays shared with the children
