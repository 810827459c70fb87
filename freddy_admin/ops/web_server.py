"""gunicorn's worker, whose own answers to malformed requests carry the panel's headers, too."""

import socket
from typing import Any, Final

from django.conf import settings

from freddy_admin.ops.patience import PatientWorker

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
    """Threads, as `gthread`, for requests that have arrived; its own answers are dressed."""

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
