"""gunicorn's worker: sign-ins wait without a thread; its own responses carry our headers."""

import json
import socket
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.http import parse_cookie
from django.urls import reverse

from freddy_admin.core.panel_urls import panel_url, path_in_panel
from freddy_admin.core.sqlite_wal import wal_keep_open
from freddy_admin.ops.slow_clients import RequestLane, SlowClientWorker

MAX_FORM_FIELDS: Final = 20
KNOWN_DEVICE_LANE: Final = "known"
STRANGER_LANE: Final = "strangers"
_RESPONSE_START: Final = b"\r\nContent-Type: text/html\r\n"
_SECURITY_HEADERS: Final = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class PanelWorker(SlowClientWorker):
    """gunicorn's `gthread` for requests that have arrived, with headers on its own responses.

    A few sign-ins have a thread at once, and wait in it for a slot to hash in. Known devices have
    a lane of their own, long enough that no flood of strangers gets them refused.
    """

    lanes: ClassVar[Mapping[str, RequestLane]] = {
        STRANGER_LANE: RequestLane(max_running=2, max_queued=300, max_wait_seconds=2.0),
        KNOWN_DEVICE_LANE: RequestLane(max_running=3, max_queued=200, max_wait_seconds=30.0),
    }

    def run(self) -> None:
        """Serve until told to stop; the fork is over and the settings are read."""
        self.wal_connection = wal_keep_open()
        super().run()

    def request_lane(self, data: bytes) -> str:
        """The lane of strangers or of known devices for a sign-in, empty for other requests."""
        return sign_in_request_lane(data)

    def refusal_response(self, data: bytes) -> bytes:
        """The 429 for too many sign-ins: JSON where `data` asks for it, else a page."""
        return _too_many_sign_ins_response(
            as_json=b"application/json" in data.partition(b"\r\n\r\n")[0].lower()
        )

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Respond to a request that cannot be read, with security headers."""
        super().handle_error(req, _HeaderAddingSocket(client), addr, exc)


def sign_in_request_lane(data: bytes) -> str:
    """STRANGER_LANE or KNOWN_DEVICE_LANE for a request to sign in, else empty; never raises.

    A known device is a browser that was used before by the person who signs in. A request that
    is written in another way than browsers do has no lane, and waits where passwords are hashed.
    """
    if not data.startswith(b"POST "):
        return ""
    head, _, body = data.partition(b"\r\n\r\n")
    request_line, *fields = head.decode("latin-1").split("\r\n")
    try:
        path = unquote(urlsplit(request_line.split(" ")[1]).path)
        if path_in_panel(path) != path_in_panel(reverse("account_login")):
            return ""
    except (ValueError, IndexError):
        return ""
    return KNOWN_DEVICE_LANE if _is_known_device(fields, _login_email(body)) else STRANGER_LANE


def _login_email(body: bytes) -> str:
    try:
        form_fields = parse_qs(body.decode("latin-1"), max_num_fields=MAX_FORM_FIELDS)
    except ValueError:  # more fields than the form has
        return ""
    return form_fields.get("login", [""])[-1]


def _is_known_device(fields: list[str], email: str) -> bool:
    # Only once the panel runs: gunicorn reads this module before it has begun.
    from freddy_admin.accounts.auth.known_devices import (
        known_device_cookie_name,
        known_device_id_from_cookie,
    )

    pairs = (field.partition(":") for field in fields)
    cookies = [value for name, _, value in pairs if name.lower() == "cookie"]
    cookie = parse_cookie("; ".join(cookies)).get(known_device_cookie_name(), "")
    return known_device_id_from_cookie(cookie, email) is not None


class _HeaderAddingSocket:
    """A socket that adds headers to the one small response that is written to it."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def sendall(self, data: bytes) -> None:
        """Send the response with headers; one that does not begin as expected, unchanged."""
        self._client.sendall(
            data.replace(_RESPONSE_START, _RESPONSE_START + _security_header_lines(), 1)
        )


def _security_header_lines() -> bytes:
    headers = dict(_SECURITY_HEADERS)
    if settings.SECURE_HSTS_SECONDS:
        headers["Strict-Transport-Security"] = (
            f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
        )
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("ascii")


@cache
def _too_many_sign_ins_response(*, as_json: bool) -> bytes:
    from django.template import loader

    from freddy_admin.accounts.auth.backends import TooManySignIns

    error = TooManySignIns()
    kind = "application/json" if as_json else "text/html; charset=utf-8"
    body = json.dumps({"detail": error.message}).encode()
    if not as_json:
        # No request's thread: the address has to be whole.
        context = {"sentence": error.message, "login_url": panel_url("account_login")}
        body = loader.render_to_string("errors/sign_in_rate_limited.html", context).encode()
    head = "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\n"
    head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in error.headers.items())
    return head.encode("ascii") + _security_header_lines() + b"\r\n" + body
