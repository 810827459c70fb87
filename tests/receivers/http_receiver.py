"""A receiver on loopback that answers as its script says, and keeps what came."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One POST, as it came."""

    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        """What its body says."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the receiver answers, and how."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_hanging: bool = False  # never answers
    is_cut: bool = False  # takes the request and ends the connection
    drip_seconds: float = 0.0  # between the bytes of its body, which never ends


Judge = Callable[[ReceivedRequest], Reply]


class HttpReceiver:
    """Answers with the next of `replies`, then with what `judge` says of the request.

    As a context manager it serves until the block ends.
    """

    def __init__(self, judge: Judge = lambda _request: Reply()) -> None:
        self.judge = judge
        self.replies: list[Reply] = []
        self.requests: list[ReceivedRequest] = []
        self.taken: list[ReceivedRequest] = []  # those that were answered with a 2xx
        self.hung = threading.Event()
        self.stopped = threading.Event()
        handler = type("Handler", (_Handler,), {"receiver": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def host(self) -> str:
        """`host:port`, for OUTBOUND_ALLOWED_HOSTS."""
        return f"127.0.0.1:{self._server.server_port}"

    def url(self, path: str = "/hook") -> str:
        """An address of it."""
        return f"http://{self.host}{path}"

    def reply_to(self, request: ReceivedRequest) -> Reply:
        """What is answered to this request, which is kept."""
        self.requests.append(request)
        reply = self.replies.pop(0) if self.replies else self.judge(request)
        if 200 <= reply.status < 300 and not (reply.is_hanging or reply.is_cut):
            self.taken.append(request)
        return reply

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    receiver: HttpReceiver
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.receiver.reply_to(ReceivedRequest(self.path, headers, body))
        self.close_connection = True
        with suppress(OSError):
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        if reply.is_hanging:
            self.receiver.hung.set()
            self.receiver.stopped.wait(60)
            return
        if reply.is_cut:
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if not reply.drip_seconds:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)
        while reply.drip_seconds and not self.receiver.stopped.wait(reply.drip_seconds):
            self.wfile.write(b".")

    def log_message(self, *_args: object) -> None:
        """Print nothing."""
