"""TLS in front of a local server: a real listener with a certificate, which passes on what it decrypts."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority nobody knows, and the file that vouches for it."""

    ca: trustme.CA
    file: Path


def authority(folder: Path) -> Authority:
    """A new one."""
    made = Authority(trustme.CA(), folder / "authority.pem")
    made.ca.cert_pem.write_to_path(made.file)
    return made


@contextmanager
def tls_front(
    port: int, by: Authority, *names: str, client: Authority | None = None, http2: bool = False
) -> Iterator[int]:
    """The port of a listener on loopback that decrypts and passes on.

    Args:
        port: Where the server listens, in the clear.
        by: Who signs the certificate.
        names: Whom it is for; 127.0.0.1 and localhost when none are given.
        client: Who must have signed the client's certificate; None asks for none.
        http2: Offer HTTP/2, as gRPC asks for.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    by.ca.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
    if http2:
        context.set_alpn_protocols(["h2"])
    if client is not None:
        client.ca.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, context, port), daemon=True).start()
        yield int(listener.getsockname()[1])


def _accept(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with contextlib.suppress(OSError):
        while True:
            found, _ = listener.accept()
            threading.Thread(target=_serve, args=(found, context, port), daemon=True).start()


def _serve(plain: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with (
        contextlib.suppress(OSError),
        plain,
        context.wrap_socket(plain, server_side=True) as near,
        socket.create_connection(("127.0.0.1", port)) as far,
    ):
        threading.Thread(target=_pass_on, args=(far, near), daemon=True).start()
        _pass_on(near, far)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError):
        while piece := source.recv(PIECE):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
