"""How the Neo4j driver signs on and encrypts, and the options of it that a data source may be given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import neo4j

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.core.options import check_options

Scheme = Literal["basic", "bearer", "kerberos", "none"]

OPTIONS = frozenset(
    [
        "connection_acquisition_timeout",
        "connection_timeout",
        "connection_write_timeout",
        "disable_auto_commit_retries",
        "fetch_size",
        "impersonated_user",
        "initial_retry_delay",
        "keep_alive",
        "liveness_check_timeout",
        "max_connection_lifetime",
        "max_connection_pool_size",
        "max_transaction_retry_time",
        "notifications_disabled_classifications",
        "notifications_min_severity",
        "retry_delay_jitter_factor",
        "retry_delay_multiplier",
        "telemetry_disabled",
        "user_agent",
        "warn_notification_severity",
    ]
)
"""What a project file can hold; objects of Python, e.g. a resolver, cannot be written there."""

OURS = frozenset({"auth", "bookmark_manager", "database", "encrypted", "trusted_certificates", "ssl_context"})
"""What has a setting of its own, or what the data source relies on."""


def authentication(scheme: Scheme | None, user: str, password: str, token: str) -> Any:
    """What the driver signs on with.

    Args:
        scheme: How; None takes a token for a bearer token, and the user and the password otherwise.
        user: The user.
        password: Its password.
        token: A bearer token, or a Kerberos ticket in base64.

    Raises:
        ConfigurationError: A token is missing, or there is one that the scheme does not use.
    """
    scheme = scheme or ("bearer" if token else "basic")
    if bool(token) != (scheme in {"bearer", "kerberos"}):
        raise ConfigurationError(
            f"Neo4j: auth={scheme!r} {'takes no token' if token else 'needs a token'}.",
            next_step='A token goes with auth="bearer" or "kerberos"; user and password with auth="basic".',
        )
    if scheme == "none":
        return None
    if scheme == "basic":
        return neo4j.basic_auth(user, password)
    return neo4j.bearer_auth(token) if scheme == "bearer" else neo4j.kerberos_auth(token)


def driver_options(
    *,
    encrypted: bool | None = None,
    trusted_certificates: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What the driver is given beside the address.

    Args:
        encrypted: Whether to speak TLS, where the address's scheme does not say.
        trusted_certificates: The file of the authorities that are trusted, for an address without +s.
        options: Other options of the driver.

    Raises:
        ConfigurationError: The driver has no such option.
    """
    check_options("Neo4j", options or {}, OPTIONS, elsewhere=OURS)
    found = dict(options or {})
    if encrypted is not None:
        found["encrypted"] = encrypted
    if trusted_certificates is not None:
        found["trusted_certificates"] = neo4j.TrustCustomCAs(trusted_certificates)
    return found
