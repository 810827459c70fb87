"""A reverse proxy on loopback as production has one: TLS outside, plain HTTP to gunicorn inside.

It listens on one port and tells the two apart by the first byte, so that a redirect from http to
https, which names no other port, leads back to it.
"""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.aitronos.certificates import Authority
from tests.ports import port_free

_TLS_HELLO = b"\x16"


@contextmanager
def tls_proxy(room: Path, port: int) -> Iterator[tuple[int, str]]:
    """The proxy's port, and the file of the authority that signed its certificate."""
    authority = Authority(room)
    context, outside = authority.context("localhost"), port_free()
    with socket.create_server(("127.0.0.1", outside)) as server:
        threading.Thread(target=_listen, args=(server, context, port), daemon=True).start()
        yield outside, authority.ca_file


def _listen(server: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with suppress(OSError):
        while True:
            client, _ = server.accept()
            threading.Thread(target=_serve, args=(client, context, port), daemon=True).start()


def _serve(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with suppress(OSError), client:
        client.settimeout(20)
        secure = client.recv(1, socket.MSG_PEEK) == _TLS_HELLO
        wire = context.wrap_socket(client, server_side=True) if secure else client
        with wire, socket.create_connection(("127.0.0.1", port), timeout=120) as inside:
            inside.sendall(_request(wire, "https" if secure else "http"))
            while chunk := inside.recv(65_536):
                wire.sendall(chunk)


def _request(wire: socket.socket, scheme: str) -> bytes:
    """One request, whole, with the two headers that a proxy sets; the connection ends with it."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = wire.recv(65_536)
        if not chunk:
            raise OSError("nothing came")
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(_REPLACED)]
    length = next((int(line[15:]) for line in lines if line.lower().startswith(_LENGTH)), 0)
    while len(body) < length:
        body += wire.recv(65_536)
    lines += [b"X-Forwarded-Proto: " + scheme.encode(), b"X-Forwarded-For: 127.0.0.1"]
    return b"\r\n".join([*lines, b"Connection: close", b"", body])


_LENGTH = b"content-length:"
_REPLACED = (b"x-forwarded-proto:", b"x-forwarded-for:", b"connection:")
