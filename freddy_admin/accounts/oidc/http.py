"""HTTP client for the provider: bounded in time and size, no redirects or cookies."""

import json
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings

from freddy_admin.accounts.oidc.errors import provider_unavailable_error
from freddy_admin.conf.oidc_settings import is_valid_provider_url
from freddy_admin.core.network import http_transport
from freddy_admin.outbound.deadline import Deadline
from freddy_admin.outbound.errors import TransportError, TransportFailure
from freddy_admin.outbound.exchange import ExchangeLimits, RawResponse, prepare_request

CONNECT_SECONDS: Final = 4.0
READ_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 10.0
BODY_BYTES_LIMIT: Final = 262_144
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
        return self._request_json("GET", url, b"", headers or {})

    def post_form(
        self, url: str, form: Headers, *, headers: Headers | None = None
    ) -> dict[str, Any]:
        """The JSON object that the server returns for this form."""
        content_type = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(form).encode()
        return self._request_json("POST", url, body, content_type | (headers or {}))

    def _request_json(self, method: str, url: str, body: bytes, headers: Headers) -> dict[str, Any]:
        endpoint = url.partition("?")[0].rpartition("/")[2][:40] or "/"
        # An error's text may hold what was sent, so its kind or type alone is logged.
        try:
            response = self._send(method, url, body, headers)
            if response.status == 200:
                return _parse_json_object(response.body)
            reason = f"status {response.status}"
        except TransportError as error:
            too_slow = error.kind is TransportFailure.TOTAL_TIMEOUT
            reason = "too slow" if too_slow else error.kind.value
        except (ValueError, RecursionError) as error:
            reason = type(error).__name__
        raise provider_unavailable_error(f"{endpoint}: {reason}")

    def _send(self, method: str, url: str, body: bytes, headers: Headers) -> RawResponse:
        if not is_valid_provider_url(
            url, allow_loopback_http=settings.OIDC_ISSUER.startswith("http://")
        ):
            raise ValueError
        user_agent = {"User-Agent": f"freddy-admin/{settings.VERSION}"}
        request = prepare_request(method, url, headers=user_agent | headers, body=body)
        limits = ExchangeLimits(CONNECT_SECONDS, READ_SECONDS, BODY_BYTES_LIMIT)
        return http_transport().exchange(request, deadline=self._deadline, limits=limits)


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
