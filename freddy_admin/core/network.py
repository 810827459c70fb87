"""The panel's way out over HTTP: `outbound` with the settings, its refusals said in sentences."""

from functools import lru_cache

from django.conf import settings
from django.utils.translation import gettext as _

from freddy_admin.core.errors import InvalidInput
from freddy_admin.outbound.errors import TransportError, TransportFailure
from freddy_admin.outbound.exchange import HttpTransport, RawResponse
from freddy_admin.outbound.guard import (
    ALLOWED_PORTS,
    OutboundUrl,
    UrlRefusal,
    UrlRefused,
    parse_outbound_url,
)
from freddy_admin.outbound.proxy import Proxy
from freddy_admin.outbound.tls import count_certificates


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


class SilentTransport(HttpTransport):
    """Sends nothing, whoever asks: for AITRONOS_CALLS=off."""

    def exchange(self, *args: object, **kwargs: object) -> RawResponse:
        """Raises TransportError."""
        raise TransportError(TransportFailure.WITHHELD, request_sent=False)
