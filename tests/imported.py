"""What a command of run.py imports in seconds, imported once: for processes that fork to run commands."""

from __future__ import annotations

import gc
import os


def import_all() -> None:
    """Import what any command may need, and compile the pages' templates; children share all of it."""
    os.environ.pop("MILVUS_URI", None)  # pymilvus reads it when it is imported, and takes no "local"
    import checkpoints.gates  # noqa: PLC0415
    import checkpoints.site.pages  # noqa: PLC0415
    import checkpoints.site.site  # noqa: PLC0415
    import pipeline.alerts.channels.pagerduty  # noqa: PLC0415
    import pipeline.alerts.channels.slack  # noqa: PLC0415
    import pipeline.commands.run  # noqa: PLC0415
    import pipeline.embedding  # noqa: PLC0415
    import pipeline.observe  # noqa: PLC0415
    import pipeline.stages  # noqa: PLC0415
    import pipeline.stores.bigquery  # noqa: PLC0415
    import pipeline.stores.milvus  # noqa: PLC0415
    import pipeline.stores.mongodb  # noqa: PLC0415
    import pipeline.stores.neo4j  # noqa: F401, PLC0415
    import run  # noqa: F401, PLC0415

    templates = checkpoints.site.pages.environment()
    for name in templates.list_templates(extensions=["html"]):
        templates.get_template(name)
    gc.freeze()  # what is imported stays shared with the children
