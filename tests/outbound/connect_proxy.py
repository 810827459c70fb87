"""A proxy on loopback that knows CONNECT alone, and writes down all that it gets to see."""

import base64
import socket
import threading
from typing import Any

from tests.aitronos.scripted_server import Script, ScriptedConnection, ScriptedServer

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\nProxy-Agent: test\r\n\r\n"


class ConnectProxy(ScriptedServer):
    """Connects with whom it is asked for, or always with `leads_to`; or does what a script says.

    `credentials` are "user:password", without which it answers 407. `seen` is every byte that came
    from our side, the request to connect included.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        credentials: str = "",
        leads_to: int | None = None,
    ) -> None:
        self._expected = base64.b64encode(credentials.encode()) if credentials else b""
        self._leads_to, self.seen = leads_to, b""
        super().__init__(script or self._connect)

    @property
    def targets(self) -> list[str]:
        """Whom it was asked to connect us with, in turn."""
        return [request.split(b" ")[1].decode() for request in self.requests]

    def _connect(self, connection: ScriptedConnection) -> None:
        request = connection.read_request()
        self.seen += request
        if not request.startswith(b"CONNECT "):
            connection.send(b"HTTP/1.1 405 CONNECT alone\r\n\r\n")
            return
        if self._expected and b"Basic " + self._expected not in request:
            connection.send(
                b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\n"
                b"Content-Length: 4\r\n\r\nno\r\n"
            )
            return
        host, _, port = request.split(b" ")[1].decode().rpartition(":")
        address = ("127.0.0.1", self._leads_to) if self._leads_to else (host.strip("[]"), int(port))
        try:
            far_end = socket.create_connection(address, timeout=20)
        except OSError:
            connection.send(b"HTTP/1.1 502 Nobody there\r\n\r\n")
            return
        with far_end:
            connection.send(ESTABLISHED)
            back = threading.Thread(target=_copy, args=(far_end, connection.sock), daemon=True)
            back.start()
            while chunk := connection.sock.recv(65_536):
                self.seen += chunk
                far_end.sendall(chunk)
            far_end.shutdown(socket.SHUT_WR)
            back.join(20)


def _copy(source: Any, target: Any) -> None:
    try:
        while chunk := source.recv(65_536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one side went away
