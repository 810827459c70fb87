"""The process of a kill drill that answers: receivers of every kind, and Aitronos.

Each message that arrives is reported, as a line of JSON, before it is answered: [kind, name, body,
whether it says that it is repeated]. The answer follows once a byte comes on `permissions`. A name
is what tells the messages of one kind apart: their id, or where there is none their title.
"""

import json
import os
import signal
import threading
from collections.abc import Callable
from email import message_from_string
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.receivers.http_receiver import HttpReceiver, ReceivedRequest, Reply
from tests.receivers.pagerduty_receiver import PagerDutyReceiver
from tests.receivers.slack_receiver import SlackReceiver
from tests.receivers.teams_receiver import TeamsReceiver
from tests.smtp_server import SmtpScript, serve_smtp

Tell = Callable[..., None]
EXPIRED = {
    "success": False,
    "error": {
        "code": "API_KEY_EXPIRED",
        "message": "This API key has expired.",
        "system_message": "API key is past its expiry date",
        "type": "authentication_error",
        "status": 401,
        "details": {},
        "trace_id": "t-1",
        "timestamp": "2026-01-01T00:00:00Z",
    },
}


def serve(report: int, permissions: int, refused_file: Path) -> None:
    """Report the ports, then serve until killed; keys in the file are refused as expired."""
    lock, script = threading.Lock(), SmtpScript()

    def tell(kind: str, name: str, body: str = "", *, is_repeated: bool = False) -> None:
        with lock:
            os.write(report, f"{json.dumps([kind, name, body, is_repeated])}\n".encode())
        os.read(permissions, 1)

    def tell_mails(_address: str) -> None:
        with lock:
            texts = [text for _to, text in script.received]
            script.received.clear()
        for text in texts:
            tell("mail", str(message_from_string(text)["Message-ID"]))

    def webhook_judge(request: ReceivedRequest) -> Reply:
        tell("webhook", request.headers["webhook-id"], request.body.decode())
        return Reply(204)

    script.on_received = tell_mails
    receivers: dict[str, HttpReceiver] = {
        "webhook": HttpReceiver(webhook_judge),
        "pagerduty": _telling(PagerDutyReceiver(), tell, _pagerduty_name),
        "slack": _telling(SlackReceiver(), tell, _slack_name),
        "teams": _telling(TeamsReceiver(), tell, _teams_name),
    }
    with serve_smtp(script) as mail_port, _api_server(refused_file) as api:
        threading.Thread(target=api.serve_forever, daemon=True).start()
        ports = {"mail": mail_port, "api": api.server_address[1]}
        for kind, receiver in receivers.items():
            receiver.__enter__()
            ports[kind] = int(receiver.host.rpartition(":")[2])
        os.write(report, f"{json.dumps(ports)}\n".encode())
        signal.pause()


def _telling(
    receiver: HttpReceiver, tell: Tell, name_of: Callable[[Any], tuple[str, str, bool]]
) -> HttpReceiver:
    judge = receiver.judge

    def judge_and_tell(request: ReceivedRequest) -> Reply:
        kind, name, is_repeated = name_of(request.json)
        tell(kind, name, is_repeated=is_repeated)
        return judge(request)

    receiver.judge = judge_and_tell
    return receiver


def _pagerduty_name(body: Any) -> tuple[str, str, bool]:
    return "pagerduty", f"{body['dedup_key']} {body['event_action']}", False


def _slack_name(body: Any) -> tuple[str, str, bool]:
    (title,) = [block["text"]["text"] for block in body["blocks"] if block["type"] == "header"]
    return "slack", title, body["blocks"][0]["type"] != "header"


def _teams_name(body: Any) -> tuple[str, str, bool]:
    elements = body["attachments"][0]["content"]["body"]
    is_repeated = elements[0]["inlines"][0]["text"].startswith("Repeated")
    return "teams", elements[1 if is_repeated else 0]["inlines"][0]["text"], is_repeated


def _api_server(refused_file: Path) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args: object) -> None:
            """Print nothing."""

        def do_GET(self) -> None:
            secret = self.headers.get("X-API-Key") or ""
            is_refused = secret and secret in refused_file.read_text().split()
            body = EXPIRED if is_refused else _figures(secret)
            text = json.dumps(body).encode()
            self.send_response(401 if is_refused else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


def _figures(secret: str) -> dict[str, Any]:
    # No schedule and no sync: only a refusal makes such a key ill. Figures differ by key, so that
    # no two of them report one sync.
    number = int(secret.rpartition("_")[2] or 0) if secret else 0
    return {
        "total_tools": 42 + number,
        "enabled_tools": 7,
        "last_sync_at": None,
        "next_sync_at": None,
        "sync_interval_hours": 0,
        "incremental_sync_enabled": False,
    }
