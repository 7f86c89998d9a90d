"""What certificates are trusted, the public authorities' and the user's own, and what errors say of one that is not."""

from __future__ import annotations

import os
import re
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

from expectations_plugins.core.errors import ConfigurationError

BUNDLE = "ca-bundle.pem"

_FAULT = re.compile(r"certificate verify failed: ([^(\]\"]{1,200}[^(\]\" ])", re.IGNORECASE)


def combined(ca_file: Path, home: Path) -> Path:
    """Write the public authorities and those of a file into one; drivers take one file, and it replaces their own.

    Args:
        ca_file: PEM file of certificates.
        home: Folder it is written to; made when it is missing.

    Raises:
        ConfigurationError: The file holds no certificates, or the folder cannot be written.
    """
    import certifi  # noqa: PLC0415 - a run without such a file does not need it

    ours = _certificates(ca_file)
    target = home.resolve() / BUNDLE
    text = f"{Path(certifi.where()).read_text('utf-8')}\n{ours}"
    try:
        if not target.is_file() or target.read_text("utf-8") != text:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, part = tempfile.mkstemp(dir=target.parent, prefix=f".{BUNDLE}.")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(part).replace(target)
    except OSError as error:
        raise ConfigurationError(
            f"{target} cannot be written: {error.strerror}.", next_step="Choose another folder with SLUICEGATE_HOME."
        ) from None
    return target


def certificate_fault(error: BaseException) -> str:
    """Why a server's certificate was not trusted, if that is what is behind an exception; else ""."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return str(cause.verify_message).rstrip(".")
        if found := _FAULT.search(str(cause)):
            return found[1].rstrip(".")
    return ""


def handshake_cut(error: BaseException) -> bool:
    """Whether the server hung up in the middle of TLS, which is an outage and no matter of trust."""
    return any(isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _certificates(ca_file: Path) -> str:
    try:
        text = ca_file.read_text("utf-8")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ConfigurationError(
            f"The certificates in {ca_file} cannot be used: {getattr(error, 'strerror', None) or error}.",
            next_step="SLUICEGATE_CA_FILE is a file of certificates in PEM form.",
        ) from None
    return text
