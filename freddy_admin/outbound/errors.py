"""Why an exchange brought no response: one typed error, which never holds what was sent."""

from enum import StrEnum


class TransportFailure(StrEnum):
    """What went wrong on the way. Callers keep these values in databases: they never change."""

    NAME_NOT_FOUND = "name_not_found"
    CONNECTION_REFUSED = "connection_refused"
    UNREACHABLE = "unreachable"
    CONNECTION_LOST = "connection_lost"
    TLS = "tls"
    CONNECT_TIMEOUT = "connect_timeout"
    READ_TIMEOUT = "read_timeout"
    TOTAL_TIMEOUT = "total_timeout"
    UNREADABLE_ANSWER = "unreadable_answer"
    WITHHELD = "withheld"
    # The proxy answered and would not connect us; what it said is no answer of the other side.
    PROXY_REFUSED = "proxy_refused"
    # No connection to the proxy, or none through it, or no answer that makes sense.
    PROXY_FAILED = "proxy_failed"
    # An address that a person typed leads to where nobody may send us.
    ADDRESS_BLOCKED = "address_blocked"


class TransportError(Exception):
    """An exchange without a response. Derives from nothing that urllib3 would wrap.

    `part` names what of an unreadable response is bad, `http_status` is given where its head could
    be read. `request_sent` is False only where it is certain that no byte of the request left us.
    """

    def __init__(
        self,
        kind: TransportFailure,
        *,
        part: str = "",
        detail: str = "",
        http_status: int | None = None,
        request_sent: bool = True,
    ) -> None:
        super().__init__(f"{kind}: {detail}" if detail else str(kind))
        self.kind, self.part, self.detail = kind, part, detail
        self.http_status, self.request_sent = http_status, request_sent
