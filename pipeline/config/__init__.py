"""Settings: the one package that reads the environment and `.env`.

Secrets are `SecretStr`: their repr, str and JSON show asterisks. Endpoints are what the composition root resolves from
the settings and, where a store is local, from the local stack.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.core.redaction import remember
from pipeline.config.alerts import AlertSettings
from pipeline.config.docs import DocsSettings
from pipeline.config.environment import ENV_FILE, exposed_env_file, shield_drivers
from pipeline.config.gates import GateSettings
from pipeline.config.locations import LocationSettings, secrets_of_locations
from pipeline.config.running import RunSettings
from pipeline.config.stores import LOCAL, VARIABLES, Environment, StoreSettings
from pipeline.config.telemetry import TelemetrySettings
from pipeline.storage.cache import keep_below

__all__ = [
    "LOCAL",
    "VARIABLES",
    "Environment",
    "Settings",
    "exposed_env_file",
    "load_settings",
    "shield_drivers",
]


class Settings(
    TelemetrySettings, DocsSettings, GateSettings, RunSettings, LocationSettings, AlertSettings, StoreSettings
):
    """Everything that can be configured; every field is an environment variable of the name given as alias."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    def secrets(self) -> Iterator[str]:
        """The values of all secrets that are set."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                yield value.get_secret_value()


def load_settings(**overrides: object) -> Settings:
    """Read the environment and `.env`; from now on logs and errors hide the secrets among them.

    Args:
        overrides: Values by alias that win over the environment, e.g. from command-line options.

    Raises:
        ConfigurationError: A variable has a value that cannot be used; its value is not repeated.
    """
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks the values
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise ConfigurationError(
            f"The configuration cannot be used: {problems}.", next_step="See docs/configuration.md."
        ) from None
    remember((*settings.secrets(), *secrets_of_locations()))
    keep_below(settings.home)
    return settings
