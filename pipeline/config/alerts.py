"""Who is notified when something goes wrong."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from pipeline.config.alert_routes import parse_routes


class AlertSettings(BaseSettings):
    """Slack, PagerDuty, and what goes where."""

    slack_webhook_url: SecretStr | None = Field(
        None, alias="SLACK_WEBHOOK_URL", description="Incoming webhook of the Slack channel that is alerted"
    )
    pagerduty_routing_key: SecretStr | None = Field(
        None, alias="PAGERDUTY_ROUTING_KEY", description="Integration key (Events API v2) of the PagerDuty service"
    )
    pagerduty_events_url: str = Field(
        "https://events.pagerduty.com",
        alias="PAGERDUTY_EVENTS_URL",
        description="Events API of the account's region; EU: `https://events.eu.pagerduty.com`",
    )
    alert_routes: str = Field(
        "",
        alias="SLUICEGATE_ALERT_ROUTES",
        description="Who is alerted of what, the first that fits, e.g. `raw:critical=slack+pagerduty, *:warning=slack`;"
        " without one, critical and error go to every channel, warnings to Slack",
    )
    alert_interval: float = Field(
        3600.0,
        ge=0,
        alias="SLUICEGATE_ALERT_INTERVAL",
        description="Seconds between two messages about new batches of one incident; they are named together",
    )
    alert_reminder: float = Field(
        14400.0,
        gt=0,
        alias="SLUICEGATE_ALERT_REMINDER",
        description="Seconds after which people are reminded of an incident whose batches wait",
    )
    alert_ca_bundle: Path | None = Field(
        None,
        alias="SLUICEGATE_ALERT_CA_BUNDLE",
        description="PEM file of certificate authorities the alert channels trust besides the system's",
    )

    @field_validator("slack_webhook_url")
    @classmethod
    def _an_https_webhook(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or value.get_secret_value().startswith("https://"):
            return value
        raise ValueError("it ought to start with https://")

    @field_validator("pagerduty_events_url")
    @classmethod
    def _an_https_address(cls, value: str) -> str:
        if value.startswith("https://"):
            return value
        raise ValueError("it ought to start with https://")

    @field_validator("alert_routes")
    @classmethod
    def _readable_routes(cls, value: str) -> str:
        parse_routes(value)
        return value
