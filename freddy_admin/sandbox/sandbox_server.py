"""The sandbox on a loopback socket, in a thread (tests) or in the foreground (the demo)."""

import ipaddress
import os
import selectors
import socket
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any, Self
from urllib.parse import urlsplit

from freddy_admin.sandbox.responses import SandboxResponse, Transmission
from freddy_admin.sandbox.sandbox_api import SandboxApi, SandboxOptions, SandboxRequest
from freddy_admin.sandbox.sandbox_clock import SandboxClock
from freddy_admin.sandbox.sandbox_state import RequestCounts, SandboxState

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
                with suppress(OSError):  # the client was quicker
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._open_connections, timeout=_CLOSE_SECONDS)


class SandboxRequestHandler(BaseHTTPRequestHandler):
    """Reads one request after the other from a connection and writes the responses to it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS
    server: SandboxTcpServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Silent: what comes in may hold a real key pasted by mistake."""

    def _handle_request(self) -> None:
        started_at = time.monotonic()
        body = self._read_body()
        server = self.server
        values = map(self.headers.get, server.options.key_headers)
        key = next(filter(None, values), None)
        request = SandboxRequest(
            method=self.command,
            target=self.path,
            key=key.strip() if key else None,
            body=body,
            redirect_origin=server.base_url("localhost"),
        )
        with server.request_counts.count_request(request.key or "", urlsplit(self.path).path):
            response = server.api.respond(request)
            if response.delay_seconds and server.stopping.wait(response.delay_seconds):
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
            if self.server.stopping.wait(self.server.options.drip_seconds):
                return
            self.wfile.write(bytes((byte,)))

    def _wait_until_closed(self) -> None:
        """Read until the client gives up or the server ends: both end the reading at once."""
        self.connection.settimeout(None)
        while self.connection.recv(4096):
            pass


class SandboxServer:
    """The sandbox API. As a context manager it serves from a daemon thread until the block ends.

    ``host`` must be a loopback address (else ValueError), ``port`` 0 takes a free one.
    ``base_url`` and ``request_counts`` are there once it is started.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: SandboxClock | None = None,
        options: SandboxOptions | None = None,
    ) -> None:
        self._address = (require_loopback(host), port)
        self.clock = clock or SandboxClock()
        self.options = options or SandboxOptions()
        self.request_counts = RequestCounts()
        self._tcp_server: SandboxTcpServer | None = None
        self._thread: threading.Thread | None = None
        self._wake_pipe: tuple[int, int] | None = None

    @property
    def base_url(self) -> str:
        """``http://host:port``. Raises RuntimeError before the start."""
        if self._tcp_server is None:
            raise RuntimeError("the sandbox server is not running")
        return self._tcp_server.base_url(self._address[0])

    @property
    def state(self) -> SandboxState:
        """What the running API remembers, and whom it refuses."""
        if self._tcp_server is None:
            raise RuntimeError("the sandbox server is not running")
        return self._tcp_server.api.state

    def bind(self) -> None:
        """Take the port; connections wait until ``start`` or ``run``. Raises OSError if taken."""
        api = SandboxApi(self.clock, self.options)
        self._tcp_server = SandboxTcpServer(self._address, api, self.options, self.request_counts)
        self._wake_pipe = os.pipe()

    def start(self) -> None:
        """Serve from a daemon thread until ``stop``."""
        self.bind()
        self._thread = threading.Thread(target=self.run, name="sandbox-api", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Serve in this thread, after ``bind``, until ``request_stop``; then close everything."""
        if self._tcp_server is None or self._wake_pipe is None:
            raise RuntimeError("bind the sandbox server before running it")
        tcp_server, (wake_descriptor, _) = self._tcp_server, self._wake_pipe
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(tcp_server, selectors.EVENT_READ)
                selector.register(wake_descriptor, selectors.EVENT_READ)
                while not any(event.fd == wake_descriptor for event, _ in selector.select()):
                    tcp_server.handle_request()
        finally:
            tcp_server.close_connections()

    def request_stop(self) -> None:
        """Ask the running server to end. May be called from a signal handler or any thread."""
        if self._wake_pipe is not None:
            os.write(self._wake_pipe[1], b"x")

    def stop(self) -> None:
        """Stop, freeing every client that still waits; a second call does nothing."""
        if self._thread is not None:
            self.request_stop()
            self._thread.join()
            self._thread = None
        if self._tcp_server is not None:
            self._tcp_server.close_connections()
            self._tcp_server = None
        if self._wake_pipe is not None:
            for descriptor in self._wake_pipe:
                os.close(descriptor)
            self._wake_pipe = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def require_loopback(host: str) -> str:
    """The host, if it is this machine's own loopback; raises ValueError for any other."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ValueError("the sandbox serves loopback addresses only")
    return host
