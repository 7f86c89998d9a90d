"""The data sources and expectations, registered before any module of the folder is imported."""

from __future__ import annotations

import expectations_plugins

expectations_plugins.register()
