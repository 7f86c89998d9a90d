"""One file of certificates to trust: the public authorities, and those of the user's."""

from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path

from pipeline.errors import ConfigurationError

BUNDLE = "ca-bundle.pem"


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
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor, part = tempfile.mkstemp(dir=target.parent, prefix=f".{BUNDLE}.")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(part).replace(target)
    except OSError as error:
        raise ConfigurationError(
            f"{target} cannot be written: {error.strerror}.", next_step="Choose another folder with SLUICEGATE_HOME."
        ) from None
    return target


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
