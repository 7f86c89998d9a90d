"""Permissions of files that hold for root too, for tests in containers."""

from __future__ import annotations

import ctypes
import os
import struct

CAPABILITIES_VERSION_3 = 0x20080522


def heed_permissions() -> None:
    """Be root no more, as far as the permissions of files go; who is not root changes nothing by it."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, nothing = struct.pack("=Ii", CAPABILITIES_VERSION_3, 0), bytes(24)
    assert libc.capset(header, nothing) == 0, os.strerror(ctypes.get_errno())
