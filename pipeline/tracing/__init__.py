"""Lineage: one interaction_id, followed through every store. Values, read ports, and what is made of their answers.

Nothing here writes, and no driver is known: each store's reader is `lineage.py` in its folder of `pipeline/stores/`.
"""

from __future__ import annotations
