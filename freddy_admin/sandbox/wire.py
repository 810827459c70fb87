"""The imitation's sockets: connections, threads, and answers that go out whole, cut or never."""

import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer, ThreadingTCPServer
from typing import Any
from urllib.parse import urlsplit

from freddy_admin.sandbox.answers import Answer, Delivery
from freddy_admin.sandbox.api import Request, SandboxApi, SandboxOptions
from freddy_admin.sandbox.memory import RequestsSeen

_MOST_BODY = 65_536
_IDLE_SECONDS = 60.0
_END_SECONDS = 5.0


class Transport(ThreadingTCPServer):
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
        seen: RequestsSeen,
    ) -> None:
        self.api = api
        self.options = options
        self.seen = seen
        self.ending = threading.Event()
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, Handler)

    def url(self, host: str) -> str:
        """The address to call, under this name for this machine."""
        name = f"[{host}]" if ":" in host else host
        return f"http://{name}:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are the usual end here; anything else is a fault of ours."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def end(self) -> None:
        """Close the port, cut every connection, wait until its thread has let go of it."""
        self.server_close()
        self.ending.set()
        with self._changed:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # the client was quicker
                    pass
            self._changed.wait_for(lambda: not self._open, timeout=_END_SECONDS)


class Handler(BaseHTTPRequestHandler):
    """Reads one request after the other from a connection and puts the answers on the wire."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS
    server: BaseServer

    @property
    def _transport(self) -> Transport:
        if not isinstance(self.server, Transport):
            raise TypeError("the sandbox handler works on its own transport only")
        return self.server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Silent: what comes in may hold a real key pasted by mistake."""

    def _exchange(self) -> None:
        started = time.monotonic()
        body = self._read_body()
        transport = self._transport
        key = self.headers.get(transport.options.key_header)
        request = Request(
            method=self.command,
            target=self.path,
            key=key.strip() if key else None,
            body=body,
            elsewhere=transport.url("localhost"),
        )
        with transport.seen.counted(request.key or "", urlsplit(self.path).path):
            answer = transport.api.answer(request)
            if answer.delay_seconds and transport.ending.wait(answer.delay_seconds):
                self.close_connection = True
                return
            if "x-request-id" in answer.headers:
                spent = round((time.monotonic() - started) * 1000)
                answer = answer.with_headers({"freddy-processing-ms": str(spent)})
            if answer.delivery is not Delivery.WHOLE:
                self._deliver(answer)
        # Whoever has a whole answer may ask again at once: then this request no longer runs.
        if answer.delivery is Delivery.WHOLE:
            self._deliver(answer)

    # The names BaseHTTPRequestHandler looks for.
    do_GET = do_HEAD = do_POST = _exchange  # noqa: N815
    do_PATCH = do_PUT = do_DELETE = do_OPTIONS = _exchange  # noqa: N815

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if (
            not length.isdecimal()
            or int(length) > _MOST_BODY
            or "Transfer-Encoding" in self.headers
        ):
            # No route takes such a body; unread, it would be taken for the next request.
            self.close_connection = True
            return b""
        return self.rfile.read(int(length))

    def _deliver(self, answer: Answer) -> None:
        if answer.delivery is not Delivery.WHOLE:
            self.close_connection = True
        head = answer.head(close=self.close_connection)
        body = b"" if self.command == "HEAD" else answer.body
        match answer.delivery:
            case Delivery.WHOLE:
                self.wfile.write(head + body)
            case Delivery.TRUNCATED:
                self.wfile.write(head + body[: len(body) // 2])
            case Delivery.DRIP:
                self._drip(head, body)
            case Delivery.NEVER:
                self._wait_for_the_end()
            case Delivery.CUT:
                pass  # not a byte: the connection just ends

    def _drip(self, head: bytes, body: bytes) -> None:
        self.wfile.write(head)
        for byte in body:
            if self._transport.ending.wait(self._transport.options.drip_seconds):
                return
            self.wfile.write(bytes((byte,)))

    def _wait_for_the_end(self) -> None:
        """Until the client gives up or the server ends: both end the reading, without polling."""
        self.connection.settimeout(None)
        while self.connection.recv(4096):
            pass
