"""What can go wrong with the local stack, as errors a person can act on; imports no other module of this package."""

from __future__ import annotations

from expectations_plugins.core.errors import ConfigurationError, TransientError


class StackError(TransientError):
    """A local server or its supervisor did not come up, did not stop, or died."""


class MissingPackageError(ConfigurationError):
    """A local server was asked for whose package is not installed; nothing was started."""
