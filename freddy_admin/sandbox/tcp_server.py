"""The sandbox's sockets: connections, threads, and responses sent whole, cut or never."""

import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer, ThreadingTCPServer
from typing import Any
from urllib.parse import urlsplit

from freddy_admin.sandbox.responses import SandboxResponse, Transmission
from freddy_admin.sandbox.sandbox_api import SandboxApi, SandboxOptions, SandboxRequest
from freddy_admin.sandbox.sandbox_state import RequestCounts

_MAX_BODY_BYTES = 65_536
_IDLE_SECONDS = 60.0
_CLOSE_SECONDS = 5.0


class SandboxTcpServer(ThreadingTCPServer):
    """Sockets and threads: knows which connections are open, so that it can end them all."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256
    timeout = 1.0

    def __init__(
        self,
        address: tuple[str, int],
        api: SandboxApi,
        options: SandboxOptions,
        request_counts: RequestCounts,
    ) -> None:
        self.api = api
        self.options = options
        self.request_counts = request_counts
        self.stopping = threading.Event()
        self._changed = threading.Condition()
        self._open_connections: set[socket.socket] = set()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, SandboxRequestHandler)

    def base_url(self, host: str) -> str:
        """The address to call, under this name for this machine."""
        name = f"[{host}]" if ":" in host else host
        return f"http://{name}:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open_connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open_connections.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are the usual end here; anything else is a fault of ours."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        """Close the port, cut every connection, wait until its thread has let go of it."""
        self.server_close()
        self.stopping.set()
        with self._changed:
            for connection in self._open_connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # the client was quicker
                    pass
            self._changed.wait_for(lambda: not self._open_connections, timeout=_CLOSE_SECONDS)


class SandboxRequestHandler(BaseHTTPRequestHandler):
    """Reads one request after the other from a connection and writes the responses to it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS
    server: BaseServer

    @property
    def _tcp_server(self) -> SandboxTcpServer:
        if not isinstance(self.server, SandboxTcpServer):
            raise TypeError("the sandbox handler works on its own transport only")
        return self.server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Silent: what comes in may hold a real key pasted by mistake."""

    def _handle_request(self) -> None:
        started_at = time.monotonic()
        body = self._read_body()
        tcp_server = self._tcp_server
        key = self.headers.get(tcp_server.options.key_header)
        request = SandboxRequest(
            method=self.command,
            target=self.path,
            key=key.strip() if key else None,
            body=body,
            redirect_origin=tcp_server.base_url("localhost"),
        )
        with tcp_server.request_counts.count_request(request.key or "", urlsplit(self.path).path):
            response = tcp_server.api.respond(request)
            if response.delay_seconds and tcp_server.stopping.wait(response.delay_seconds):
                self.close_connection = True
                return
            if "x-request-id" in response.headers:
                elapsed_ms = round((time.monotonic() - started_at) * 1000)
                response = response.with_headers({"freddy-processing-ms": str(elapsed_ms)})
            if response.transmission is not Transmission.WHOLE:
                self._send_response(response)
        # A client that has a whole response may send the next request at once: this one is over.
        if response.transmission is Transmission.WHOLE:
            self._send_response(response)

    # The names BaseHTTPRequestHandler looks for.
    do_GET = do_HEAD = do_POST = _handle_request  # noqa: N815
    do_PATCH = do_PUT = do_DELETE = do_OPTIONS = _handle_request  # noqa: N815

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if (
            not length.isdecimal()
            or int(length) > _MAX_BODY_BYTES
            or "Transfer-Encoding" in self.headers
        ):
            # No route takes such a body; unread, it would be taken for the next request.
            self.close_connection = True
            return b""
        return self.rfile.read(int(length))

    def _send_response(self, response: SandboxResponse) -> None:
        if response.transmission is not Transmission.WHOLE:
            self.close_connection = True
        head = response.encode_head(close=self.close_connection)
        body = b"" if self.command == "HEAD" else response.body
        match response.transmission:
            case Transmission.WHOLE:
                self.wfile.write(head + body)
            case Transmission.TRUNCATED:
                self.wfile.write(head + body[: len(body) // 2])
            case Transmission.DRIP:
                self._send_byte_by_byte(head, body)
            case Transmission.NEVER:
                self._wait_until_closed()
            case Transmission.CUT:
                pass  # not a byte: the connection just ends

    def _send_byte_by_byte(self, head: bytes, body: bytes) -> None:
        self.wfile.write(head)
        for byte in body:
            if self._tcp_server.stopping.wait(self._tcp_server.options.drip_seconds):
                return
            self.wfile.write(bytes((byte,)))

    def _wait_until_closed(self) -> None:
        """Read until the client gives up or the server ends: both end the reading at once."""
        self.connection.settimeout(None)
        while self.connection.recv(4096):
            pass
