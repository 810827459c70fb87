"""Takes what the demo's alerts send, and prints what would have gone out; on loopback alone.

One receiver stands for all kinds of channels, told apart by the address: `/slack/…`, `/teams/…`,
`/pagerduty/…`, and any other for a webhook. An address with `/refuses/` in it refuses everything
for good, as a revoked one does.
"""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from freddy_admin.sandbox.sandbox_server import require_loopback

_MAX_BODY_BYTES = 1_000_000
_IDLE_SECONDS = 60.0
_WIDTH = 100


class MessageReceiver:
    """Serves from `run` until `request_stop`; `write` gets each line that is printed."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        write: Callable[[str], object] = sys.stdout.write,
    ) -> None:
        """Raises ValueError for an address that is not loopback, OSError for a port in use."""
        handler = type("Handler", (_Handler,), {"receiver": self})
        self._server = ThreadingHTTPServer((require_loopback(host), port), handler)
        self._server.daemon_threads = True
        self._write, self._lock = write, threading.Lock()

    @property
    def url(self) -> str:
        """`http://host:port`."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def run(self) -> None:
        """Serve in this thread."""
        try:
            self._server.serve_forever(poll_interval=0.2)
        finally:
            self._server.server_close()

    def request_stop(self) -> None:
        """Ask the running receiver to end, from any thread but its own or a signal handler."""
        threading.Thread(target=self._server.shutdown, daemon=True).start()

    def take(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Print what came; what is answered."""
        if "/refuses/" in path:
            return 410, b"gone"
        try:
            lines = list(message_lines(path, json.loads(body)))
        except (ValueError, LookupError, TypeError, AttributeError):
            return 400, b"not understood"
        with self._lock:
            for line in lines:
                self._write(f"{line}\n")
        return (202, b"") if path.startswith(("/teams/", "/pagerduty/")) else (200, b"ok")


def message_lines(path: str, body: dict[str, Any]) -> Iterator[str]:
    """A message as lines to read, whatever kind of channel it is for."""
    kinds = {"slack": _slack_texts, "teams": _teams_texts, "pagerduty": _pagerduty_texts}
    kind = path.strip("/").partition("/")[0]
    if kind not in kinds:
        kind = "webhook"
    texts = [text for text in kinds.get(kind, _webhook_texts)(body) if text]
    yield ""
    yield f"── message to {kind} {'─' * (_WIDTH - len(kind))}"[:_WIDTH]
    for text in texts:
        for line in text.splitlines():
            # Control characters would move the cursor of whoever watches.
            yield "   " + "".join(sign if sign.isprintable() else " " for sign in line)
    yield "─" * _WIDTH


def _slack_texts(body: dict[str, Any]) -> Iterator[str]:
    for block in body["blocks"]:
        for text in block["elements"] if block["type"] == "context" else [block["text"]]:
            shown = text["text"].replace("&lt;", "<").replace("&gt;", ">")
            yield shown.replace("&amp;", "&")


def _teams_texts(body: dict[str, Any]) -> Iterator[str]:
    for attachment in body["attachments"]:
        yield from _card_texts(attachment["content"]["body"])


def _card_texts(elements: list[dict[str, Any]]) -> Iterator[str]:
    for element in elements:
        if "items" in element:
            yield from _card_texts(element["items"])
        elif "inlines" in element:
            yield "".join(run["text"] for run in element["inlines"])
        else:
            yield element["text"]


def _pagerduty_texts(body: dict[str, Any]) -> Iterator[str]:
    yield f"{body['event_action']}: {body['payload']['summary']}"
    yield f"severity {body['payload']['severity']}, key {body['dedup_key']}"
    yield body.get("client_url", "")


def _webhook_texts(body: dict[str, Any]) -> Iterator[str]:
    yield f"{body['type']}: {body['data']['title']}"
    yield body["data"]["text"]
    for incident in body["data"]["incidents"]:
        yield f"{incident['organisation']} ({', '.join(incident['keys'])}): {incident['state']}"
        yield incident["url"]


class _Handler(BaseHTTPRequestHandler):
    receiver: MessageReceiver
    timeout = _IDLE_SECONDS

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MAX_BODY_BYTES:
            self.send_error(413)
            return
        status, answer = self.receiver.take(self.path, self.rfile.read(int(length)))
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        """Print nothing but the messages."""
