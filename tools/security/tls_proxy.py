"""A reverse proxy on loopback as production has one: TLS outside, plain HTTP to gunicorn inside.

It serves both on one port and tells them apart by the first byte, so that a redirect from http to
https, which names no other port, leads back to it.
"""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.aitronos.certificates import CertificateAuthority
from tests.free_ports import find_free_port

_TLS_HELLO = b"\x16"


@contextmanager
def tls_proxy(folder: Path, port: int) -> Iterator[tuple[int, str]]:
    """The proxy's port, and the file of the certificate authority that signed its certificate."""
    authority = CertificateAuthority(folder)
    context, proxy_port = authority.server_context("localhost"), find_free_port()
    with socket.create_server(("127.0.0.1", proxy_port)) as server:
        threading.Thread(
            target=_accept_connections, args=(server, context, port), daemon=True
        ).start()
        yield proxy_port, authority.ca_file


def _accept_connections(server: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with suppress(OSError):
        while True:
            client, _ = server.accept()
            threading.Thread(
                target=_proxy_connection, args=(client, context, port), daemon=True
            ).start()


def _proxy_connection(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with suppress(OSError), client:
        client.settimeout(20)
        is_tls = client.recv(1, socket.MSG_PEEK) == _TLS_HELLO
        outer_socket = context.wrap_socket(client, server_side=True) if is_tls else client
        with (
            outer_socket,
            socket.create_connection(("127.0.0.1", port), timeout=120) as inner_socket,
        ):
            inner_socket.sendall(_read_request(outer_socket, "https" if is_tls else "http"))
            while chunk := inner_socket.recv(65_536):
                outer_socket.sendall(chunk)


def _read_request(connection: socket.socket, scheme: str) -> bytes:
    """One request, whole, with the two headers that a proxy sets; the connection ends with it."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65_536)
        if not chunk:
            raise OSError("nothing came")
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(_REPLACED_HEADERS)]
    length = next(
        (int(line[15:]) for line in lines if line.lower().startswith(_CONTENT_LENGTH_HEADER)), 0
    )
    while len(body) < length:
        body += connection.recv(65_536)
    lines += [b"X-Forwarded-Proto: " + scheme.encode(), b"X-Forwarded-For: 127.0.0.1"]
    return b"\r\n".join([*lines, b"Connection: close", b"", body])


_CONTENT_LENGTH_HEADER = b"content-length:"
_REPLACED_HEADERS = (b"x-forwarded-proto:", b"x-forwarded-for:", b"connection:")
