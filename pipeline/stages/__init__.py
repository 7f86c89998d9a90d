"""The stages that move data, one module a stage; stores are reached through ports only."""

from __future__ import annotations

from pipeline.stages.aggregate import AggregateStage
from pipeline.stages.embed import EmbedStage
from pipeline.stages.graph import GraphStage
from pipeline.stages.load import LoadStage
from pipeline.stages.plausible import Plausible
from pipeline.stages.publish import PublishStage
from pipeline.stages.reembed import Reembedder
from pipeline.stages.rollback import Rollback
from pipeline.stages.supersede import Supersede
from pipeline.stages.sweep import Sweep

__all__ = [
    "AggregateStage",
    "EmbedStage",
    "GraphStage",
    "LoadStage",
    "Plausible",
    "PublishStage",
    "Reembedder",
    "Rollback",
    "Supersede",
    "Sweep",
]
