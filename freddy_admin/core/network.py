"""The panel's way out over HTTP: `outbound` with the settings, its refusals said in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from freddy_admin.core import clock
from freddy_admin.core.errors import InvalidInput
from freddy_admin.outbound.deadline import Deadline
from freddy_admin.outbound.errors import TransportError as TransportError
from freddy_admin.outbound.errors import TransportFailure as TransportFailure
from freddy_admin.outbound.exchange import (
    ExchangeLimits,
    HttpTransport,
    RawResponse,
    prepare_request,
)
from freddy_admin.outbound.guard import (
    ALLOWED_PORTS,
    OutboundUrl,
    UrlRefusal,
    UrlRefused,
    parse_outbound_url,
)
from freddy_admin.outbound.proxy import Proxy
from freddy_admin.outbound.tls import count_certificates

_OPERATOR_BODY_LIMIT: Final = 65_536


# Of one message to an address that a person typed, and of one that the operator named.
POST_SECONDS: Final = 15.0
_POST_LIMITS: Final = ExchangeLimits(connect_timeout=5.0, read_timeout=10.0, max_body_bytes=65_536)
_SHORTEST_WAIT, _LONGEST_WAIT = timedelta(seconds=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What an address answered to a POST; redirects are answers and never followed."""

    status: int
    body: bytes = field(default=b"", repr=False)
    retry_after: timedelta | None = None  # how long it asks to be left alone

    @property
    def is_success(self) -> bool:
        """Whether the other side took what was sent."""
        return 200 <= self.status < 300


def typed_url_post(url: str, *, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
    """POST to a URL that a person typed, within `POST_SECONDS` in all.

    Raises InvalidInput where it may not be called (any more), and TransportError: also where the
    name leads inside at this moment.
    """
    parsed_url = typed_url_parse(url)
    return _post(url, body, headers, public_addresses_only=not parsed_url.is_allowed)


def operator_url_post(url: str, *, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
    """POST to a URL of the settings, within `POST_SECONDS` in all. Raises TransportError."""
    return _post(url, body, headers, public_addresses_only=False)


def _post(
    url: str, body: bytes, headers: Mapping[str, str], *, public_addresses_only: bool
) -> HttpAnswer:
    user_agent = {"User-Agent": f"freddy-admin/{settings.VERSION}"}
    request = prepare_request("POST", url, headers=user_agent | dict(headers), body=body)
    try:
        response = http_transport().exchange(
            request,
            deadline=Deadline(POST_SECONDS),
            limits=_POST_LIMITS,
            public_addresses_only=public_addresses_only,
        )
    except TransportError as error:
        # The head said what became of it, whatever is wrong with the body.
        if error.kind is TransportFailure.UNREADABLE_ANSWER and error.http_status is not None:
            return HttpAnswer(error.http_status)
        raise
    return HttpAnswer(response.status, response.body, _wait_hint(response.headers))


def _wait_hint(headers: Mapping[str, str]) -> timedelta | None:
    """`Retry-After` in seconds or as a date, between a second and a day; None for anything else."""
    text = headers.get("Retry-After", "").strip()
    try:
        if text.isascii() and text.isdigit() and len(text) < 10:
            wait = timedelta(seconds=int(text))
        else:
            at = parsedate_to_datetime(text)
            wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - clock.now()
    except (ValueError, OverflowError):
        return None
    return max(_SHORTEST_WAIT, min(wait, _LONGEST_WAIT))


def http_transport() -> HttpTransport:
    """What every call to anywhere goes through; made anew when settings change."""
    return _cached_transport(settings.OUTBOUND_CA_FILE, settings.OUTBOUND_PROXY)


@lru_cache(maxsize=1)
def _cached_transport(ca_file: str, proxy: Proxy | None) -> HttpTransport:
    return HttpTransport(ca_file=ca_file, proxy=proxy)


def typed_url_parse(url: str) -> OutboundUrl:
    """The parts of a URL that a person typed; raises InvalidInput for the field `url`."""
    try:
        return parse_outbound_url(url, allowed_hosts=settings.OUTBOUND_ALLOWED_HOSTS)
    except UrlRefused as error:
        reason = error.reason
    raise InvalidInput(_refusal_sentence(reason), field="url")


def _refusal_sentence(reason: UrlRefusal) -> str:
    sentences = {
        UrlRefusal.CHARACTERS: _(
            "Copy the address again: it is too long or has a character that none has."
        ),
        UrlRefusal.UNREADABLE: _("This is no address. It begins with https:// and a name."),
        UrlRefusal.SCHEME: _("The address must begin with https://."),
        UrlRefusal.CREDENTIALS: _(
            "Leave out user name and password: they would be readable by everybody."
        ),
        UrlRefusal.PORT: _("Only these ports are used: %(ports)s.")
        % {"ports": ", ".join(map(str, sorted(ALLOWED_PORTS)))},
        UrlRefusal.HOST: _(
            "This is no public address. A name such as hooks.example.org is needed, in full."
        ),
    }
    return sentences[reason]


def trusted_certificates_count() -> int:
    """How many certificates of `OUTBOUND_CA_FILE` are trusted; raises OSError where none can be."""
    return count_certificates(settings.OUTBOUND_CA_FILE)


def proxy_probe(host: str, port: int) -> TransportError | None:
    """Why the proxy does not connect us with `host`; None where it does, or there is none."""
    return http_transport().probe_proxy(host, port, seconds=settings.AITRONOS_CONNECT_TIMEOUT)


def operator_url_get(url: str, *, seconds: float) -> str:
    """Ask for an address of the settings; "" where it answers with success, else what went wrong.

    That is a `TransportFailure`, or `http_` and the status; a redirect is not followed. `seconds`
    is for all of it. The URL, which may hold a secret, stands in no error and no log.
    """
    headers = {"User-Agent": f"freddy-admin/{settings.VERSION}", "Accept": "*/*"}
    limits = ExchangeLimits(seconds, seconds, _OPERATOR_BODY_LIMIT)
    try:
        request = prepare_request("GET", url, headers=headers)
        response = http_transport().exchange(request, deadline=Deadline(seconds), limits=limits)
    except TransportError as error:
        return error.kind.value
    return "" if 200 <= response.status < 300 else f"http_{response.status}"


class SilentTransport(HttpTransport):
    """Sends nothing, whoever asks: for AITRONOS_CALLS=off."""

    def exchange(self, *args: object, **kwargs: object) -> RawResponse:
        """Raises TransportError."""
        raise TransportError(TransportFailure.WITHHELD, request_sent=False)
