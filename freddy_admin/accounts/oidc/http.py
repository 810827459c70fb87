"""HTTP client for the provider: bounded in time and size, no redirects, proxies or cookies."""

import http.client
import json
import socket
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from django.conf import settings

from freddy_admin.accounts.oidc.errors import OidcError, provider_unavailable_error
from freddy_admin.aitronos.deadline import Deadline
from freddy_admin.conf.oidc_settings import is_valid_provider_url
from freddy_admin.core.ssrf import create_ssl_context

CONNECT_SECONDS: Final = 4.0
READ_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 10.0
BODY_BYTES_LIMIT: Final = 262_144
_MIN_TIMEOUT_SECONDS = 0.001
_CONFIGURATION_PATH = "/.well-known/openid-configuration"

Headers = dict[str, str]


class ProviderClient:
    """The calls of one sign-in, which may take `seconds` together, by default `TOTAL_SECONDS`.

    Each method raises OidcError, whatever goes wrong.
    """

    def __init__(self, *, seconds: float | None = None) -> None:
        self._deadline = Deadline(TOTAL_SECONDS if seconds is None else seconds)

    def get_json(self, url: str, *, headers: Headers | None = None) -> dict[str, Any]:
        """The JSON object at this address."""
        return self._request_json("GET", url, None, headers or {})

    def post_form(
        self, url: str, form: Headers, *, headers: Headers | None = None
    ) -> dict[str, Any]:
        """The JSON object that the server returns for this form."""
        content_type = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(form).encode()
        return self._request_json("POST", url, body, content_type | (headers or {}))

    def _request_json(
        self, method: str, url: str, body: bytes | None, headers: Headers
    ) -> dict[str, Any]:
        endpoint = urlsplit(url).path.rpartition("/")[2][:40] or "/"
        try:
            return _parse_json_object(self._request_body(method, url, body, headers))
        except OidcError:
            raise
        # The error's text may hold what was sent, so its type alone is logged.
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            reason = "too slow" if self._deadline.expired else type(error).__name__
        finally:
            self._deadline.unwatch_connection()
        raise provider_unavailable_error(f"{endpoint}: {reason}")

    def _request_body(self, method: str, url: str, body: bytes | None, headers: Headers) -> bytes:
        if not is_valid_provider_url(
            url, allow_loopback_http=settings.OIDC_ISSUER.startswith("http://")
        ):
            raise ValueError
        parts = urlsplit(url)
        connection = self._open_connection(parts.scheme, parts.hostname or "", parts.port)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            base_headers = {
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Connection": "close",
                "User-Agent": f"freddy-admin/{settings.VERSION}",
            }
            connection.request(method, path, body=body, headers=base_headers | headers)
            response = connection.getresponse()
            if response.status != 200:
                raise provider_unavailable_error(
                    f"{path.rpartition('/')[2][:40]}: status {response.status}"
                )
            return self._read_body(response)
        finally:
            connection.close()

    def _open_connection(
        self, scheme: str, host: str, port: int | None
    ) -> http.client.HTTPConnection:
        is_https = scheme == "https"
        ssl_context = create_ssl_context() if is_https else None
        connection: http.client.HTTPConnection = (
            http.client.HTTPSConnection(host, port, context=ssl_context)
            if is_https
            else http.client.HTTPConnection(host, port)
        )
        connection.set_debuglevel(0)
        timeout = max(_MIN_TIMEOUT_SECONDS, min(CONNECT_SECONDS, self._deadline.remaining))
        sock = socket.create_connection((connection.host, connection.port), timeout=timeout)
        try:
            self._deadline.watch_connection(sock)
            sock.settimeout(max(_MIN_TIMEOUT_SECONDS, min(READ_SECONDS, self._deadline.remaining)))
            connection.sock = (
                ssl_context.wrap_socket(sock, server_hostname=host) if ssl_context else sock
            )
        except BaseException:
            sock.close()
            raise
        return connection

    def _read_body(self, response: http.client.HTTPResponse) -> bytes:
        body = bytearray()
        while chunk := response.read1(65_536):
            body += chunk
            if len(body) > BODY_BYTES_LIMIT:
                raise ValueError
        # A connection that was cut looks like the end of a body without a length.
        if self._deadline.expired or response.length:
            raise TimeoutError
        return bytes(body)


def provider_configuration_fetch(client: ProviderClient) -> dict[str, Any]:
    """The provider's discovery document; raises OidcError for one that cannot be used."""
    configuration = client.get_json(settings.OIDC_ISSUER.rstrip("/") + _CONFIGURATION_PATH)
    if configuration.get("issuer") != settings.OIDC_ISSUER:
        raise provider_unavailable_error("another issuer in its own configuration")
    plain = settings.OIDC_ISSUER.startswith("http://")
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    if not all(
        is_valid_provider_url(configuration.get(name), allow_loopback_http=plain) for name in names
    ):
        raise provider_unavailable_error("no good addresses in its configuration")
    return configuration


def _parse_json_object(body: bytes) -> dict[str, Any]:
    value = json.loads(body)
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004  the caller treats it as any other malformed body
    return value
