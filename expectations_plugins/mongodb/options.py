"""The options of MongoClient that a data source may be given, by pymongo's documentation of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from expectations_plugins.core.options import check_options

OPTIONS = frozenset(
    [
        "appname",
        "authMechanism",
        "authMechanismProperties",
        "authSource",
        "compressors",
        "connect",
        "connectTimeoutMS",
        "directConnection",
        "heartbeatFrequencyMS",
        "journal",
        "loadBalanced",
        "localThresholdMS",
        "maxConnecting",
        "maxIdleTimeMS",
        "maxPoolSize",
        "maxStalenessSeconds",
        "minPoolSize",
        "password",
        "readConcernLevel",
        "readPreference",
        "readPreferenceTags",
        "replicaSet",
        "retryReads",
        "retryWrites",
        "serverMonitoringMode",
        "serverSelectionTimeoutMS",
        "socketTimeoutMS",
        "srvMaxHosts",
        "srvServiceName",
        "timeoutMS",
        "tls",
        "tlsAllowInvalidCertificates",
        "tlsAllowInvalidHostnames",
        "tlsCAFile",
        "tlsCRLFile",
        "tlsCertificateKeyFile",
        "tlsCertificateKeyFilePassword",
        "tlsDisableOCSPEndpointCheck",
        "tlsInsecure",
        "username",
        "uuidRepresentation",
        "w",
        "wTimeoutMS",
        "waitQueueTimeoutMS",
        "zlibCompressionLevel",
    ]
)
"""What a project file can hold; objects of Python, e.g. listeners, cannot be written there."""

OURS = frozenset({"document_class", "tz_aware", "tzinfo", "type_registry"})
"""What the data source relies on."""


def driver_options(
    *,
    tls: bool | None = None,
    tls_ca_file: str | None = None,
    auth_source: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What MongoClient is given; the settings with a name of their own win.

    Args:
        tls: Whether to speak TLS.
        tls_ca_file: The file of the authorities that are trusted.
        auth_source: The database that knows the user.
        options: Other options of MongoClient.

    Raises:
        ConfigurationError: MongoClient has no such option.
    """
    check_options("MongoDB", options or {}, OPTIONS, elsewhere=OURS)
    named = {"tls": tls, "tlsCAFile": tls_ca_file, "authSource": auth_source}
    return {**(options or {}), **{name: value for name, value in named.items() if value is not None}}
