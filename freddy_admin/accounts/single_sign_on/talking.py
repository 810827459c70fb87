"""Talks to the provider: bounded in time and size, without redirects, proxies or cookies."""

import http.client
import json
import socket
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from django.conf import settings

from freddy_admin.accounts.single_sign_on.faults import SignOnRefused, provider_fault
from freddy_admin.aitronos.deadline import Deadline
from freddy_admin.core.outgoing import secure_context
from freddy_admin.core.single_sign_on import address_is_good

CONNECT_SECONDS: Final = 4.0
READ_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 10.0
MOST_BYTES: Final = 262_144
_SHORTEST = 0.001
_WELL_KNOWN = "/.well-known/openid-configuration"

Headers = dict[str, str]


class Conversation:
    """All questions of one sign-in; together they may take ten seconds.

    Each raises SignOnRefused, whatever comes back.
    """

    def __init__(self, *, seconds: float | None = None) -> None:
        self._deadline = Deadline(TOTAL_SECONDS if seconds is None else seconds)

    def read(self, url: str, *, headers: Headers | None = None) -> dict[str, Any]:
        """The JSON object at this address."""
        return self._asked("GET", url, None, headers or {})

    def post(self, url: str, form: Headers, *, headers: Headers | None = None) -> dict[str, Any]:
        """The JSON object that answers this form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._asked("POST", url, urlencode(form).encode(), kind | (headers or {}))

    def _asked(self, method: str, url: str, body: bytes | None, headers: Headers) -> dict[str, Any]:
        where = urlsplit(url).path.rpartition("/")[2][:40] or "/"
        try:
            return _object(self._exchange(method, url, body, headers))
        except SignOnRefused:
            raise
        # Whatever bytes came: its text may hold what was sent, so the type alone is told.
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            reason = "too slow" if self._deadline.passed else type(error).__name__
        finally:
            self._deadline.release()
        raise provider_fault(f"{where}: {reason}")

    def _exchange(self, method: str, url: str, body: bytes | None, headers: Headers) -> bytes:
        if not address_is_good(url, plain=settings.OIDC_ISSUER.startswith("http://")):
            raise ValueError
        parts = urlsplit(url)
        connection = self._connected(parts.scheme, parts.hostname or "", parts.port)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            fixed = {
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Connection": "close",
                "User-Agent": f"freddy-admin/{settings.VERSION}",
            }
            connection.request(method, path, body=body, headers=fixed | headers)
            answer = connection.getresponse()
            if answer.status != 200:
                raise provider_fault(f"{path.rpartition('/')[2][:40]}: status {answer.status}")
            return self._body(answer)
        finally:
            connection.close()

    def _connected(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        secure = scheme == "https"
        tls = secure_context() if secure else None
        connection: http.client.HTTPConnection = (
            http.client.HTTPSConnection(host, port, context=tls)
            if secure
            else http.client.HTTPConnection(host, port)
        )
        connection.set_debuglevel(0)
        left = max(_SHORTEST, min(CONNECT_SECONDS, self._deadline.remaining))
        plain = socket.create_connection((connection.host, connection.port), timeout=left)
        try:
            self._deadline.guard(plain)
            plain.settimeout(max(_SHORTEST, min(READ_SECONDS, self._deadline.remaining)))
            connection.sock = tls.wrap_socket(plain, server_hostname=host) if tls else plain
        except BaseException:
            plain.close()
            raise
        return connection

    def _body(self, answer: http.client.HTTPResponse) -> bytes:
        whole = bytearray()
        while piece := answer.read1(65_536):
            whole += piece
            if len(whole) > MOST_BYTES:
                raise ValueError
        # A connection that was cut looks like the end of a body without a length.
        if self._deadline.passed or answer.length:
            raise TimeoutError
        return bytes(whole)


def configuration(talk: Conversation) -> dict[str, Any]:
    """What the provider says of itself, which must be the one that the settings name."""
    found = talk.read(settings.OIDC_ISSUER.rstrip("/") + _WELL_KNOWN)
    if found.get("issuer") != settings.OIDC_ISSUER:
        raise provider_fault("another issuer in its own configuration")
    plain = settings.OIDC_ISSUER.startswith("http://")
    needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    if not all(address_is_good(found.get(name), plain=plain) for name in needed):
        raise provider_fault("no good addresses in its configuration")
    return found


def _object(body: bytes) -> dict[str, Any]:
    value = json.loads(body)
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004  an answer like any other that is none
    return value
