"""gunicorn's worker: who signs in waits without a thread; its own answers carry our headers."""

import json
import socket
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Final

from django.conf import settings

from freddy_admin.core.sqlite_wal import wal_keep_open
from freddy_admin.ops.patience import Lane, PatientWorker
from freddy_admin.ops.sign_in_lane import KNOWN, STRANGERS, lane_of

_BEGINS: Final = b"\r\nContent-Type: text/html\r\n"
_HEADERS: Final = {
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


class PanelWorker(PatientWorker):
    """Threads, as `gthread`, for requests that have arrived; its own answers are dressed.

    Of those who sign in a few have a thread at once, and wait in it for a slot to hash in. Who is
    known has a lane of their own, long enough that no flood of strangers gets them refused.
    """

    lanes: ClassVar[Mapping[str, Lane]] = {
        STRANGERS: Lane(at_once=2, places=300, seconds=2.0),
        KNOWN: Lane(at_once=3, places=200, seconds=30.0),
    }

    def run(self) -> None:
        """Serve until told to stop; the fork is over and the settings are read."""
        self.kept_open = wal_keep_open()
        super().run()

    def lane(self, data: bytes) -> str:
        """Of strangers or of known browsers, for a request to sign in."""
        return lane_of(data)

    def short_refusal(self, data: bytes) -> bytes:
        """429, to a program in JSON."""
        return _too_many(as_json=b"application/json" in data.partition(b"\r\n\r\n")[0].lower())

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that cannot be read, with headers."""
        super().handle_error(req, _Dressed(client), addr, exc)


class _Dressed:
    """A socket that adds headers to the one small answer that is written to it."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def sendall(self, data: bytes) -> None:
        """The answer, dressed; a text that is not as expected goes out as it is."""
        self._client.sendall(data.replace(_BEGINS, _BEGINS + _lines(), 1))


def _lines() -> bytes:
    headers = dict(_HEADERS)
    if settings.SECURE_HSTS_SECONDS:
        headers["Strict-Transport-Security"] = (
            f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
        )
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("ascii")


@cache
def _too_many(*, as_json: bool) -> bytes:
    from django.template import loader

    from freddy_admin.accounts.signing_in.hashing import TooManySignIns

    refused = TooManySignIns()
    kind = "application/json" if as_json else "text/html; charset=utf-8"
    body = json.dumps({"detail": refused.message}).encode()
    if not as_json:
        page = {"sentence": refused.message}
        body = loader.render_to_string("errors/too_many_sign_ins.html", page).encode()
    head = "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\n"
    head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in refused.headers.items())
    return head.encode("ascii") + _lines() + b"\r\n" + body
