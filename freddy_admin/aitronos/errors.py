"""Everything that can go wrong with a call: one tree of typed errors that never hold a secret."""

from enum import StrEnum


class FailureKind(StrEnum):
    """Why a call brought no value. The values are kept in databases and never change."""

    KEY_REFUSED = "key_refused"
    KEY_NOT_PERMITTED = "key_not_permitted"
    RATE_LIMITED = "rate_limited"
    SPENDING_LIMIT = "spending_limit"
    SERVER_ERROR = "server_error"
    FIREWALL = "firewall"
    UNEXPECTED_STATUS = "unexpected_status"
    UNREADABLE_ANSWER = "unreadable_answer"
    NAME_NOT_FOUND = "name_not_found"
    CONNECTION_REFUSED = "connection_refused"
    UNREACHABLE = "unreachable"
    CONNECTION_LOST = "connection_lost"
    TLS = "tls"
    CONNECT_TIMEOUT = "connect_timeout"
    READ_TIMEOUT = "read_timeout"
    TOTAL_TIMEOUT = "total_timeout"
    INVALID_SECRET = "invalid_secret"  # noqa: S105  # nosec B105
    WITHHELD = "withheld"
    PROXY_REFUSED = "proxy_refused"
    PROXY_FAILED = "proxy_failed"
    ENVIRONMENT_MISSING = "environment_missing"


class AitronosError(Exception):
    """A call that brought no value.

    `code`, `message`, `system_message`, `error_type`, `timestamp`, `trace_id` and `request_id` are
    the API's own words, cleaned and cut; "" where it said nothing. Nothing hangs on `error_type`,
    which varies for the same code, nor on `timestamp`, which is not parsed: both are for support.
    `retry_after` is the API's wait hint in seconds, held between 1 and 3,600; None without a
    readable one. `organization_id` is the organisation of the response's header, for which the
    request was counted; "" where none was named.

    `request_sent` is False only where it is certain that no byte of a request left us, in any
    attempt of the call. Where it is True, what was asked for may have been done, whatever the
    error. `requests_sent` is how many attempts may have reached the API.
    """

    def __init__(  # noqa: PLR0913  everything support may ask for, all by name
        self,
        kind: FailureKind,
        *,
        code: str = "",
        http_status: int | None = None,
        message: str = "",
        system_message: str = "",
        error_type: str = "",
        timestamp: str = "",
        trace_id: str = "",
        request_id: str = "",
        organization_id: str = "",
        retry_after: float | None = None,
        field: str = "",
        detail: str = "",
        request_sent: bool = True,
    ) -> None:
        super().__init__(str(kind) if http_status is None else f"{kind} ({http_status})")
        self.kind = kind
        self.code, self.http_status, self.message = code, http_status, message
        self.system_message, self.error_type = system_message, error_type
        self.timestamp = timestamp
        self.trace_id, self.request_id = trace_id, request_id
        self.retry_after, self.field, self.detail = retry_after, field, detail
        self.organization_id = organization_id
        self.request_sent, self.requests_sent = request_sent, int(request_sent)
        self.elapsed_ms, self.attempts = 0.0, 1


class KeyRefused(AitronosError):
    """401: the key is not (or no longer) accepted; `code` may say why."""


class KeyNotPermitted(AitronosError):
    """403 with the API's own error body: the key lacks the right."""


class FirewallBlocked(AitronosError):
    """403 without the API's error body: something between us and the API said no."""


class RateLimited(AitronosError):
    """429; `spending_limit` where waiting for seconds does not cure it."""

    @property
    def spending_limit(self) -> bool:
        """Whether a spending limit was reached."""
        return self.kind is FailureKind.SPENDING_LIMIT


class ServerError(AitronosError):
    """5xx: the API itself failed."""


class UnexpectedStatus(AitronosError):
    """A status that this route has no meaning for; a redirect is never followed."""


class UnreadableResponse(AitronosError):
    """A 200 that is not what the route promises; `field` names the part where one can be named."""


class ConnectionFailed(AitronosError):
    """No connection, or it broke; a failure of the secure connection or of the proxy too."""


class RequestTimedOut(AitronosError):
    """Nothing came within the read limit, or not all within the total limit."""


class InvalidSecret(AitronosError):
    """The key cannot be sent in a header; nothing was sent."""


class RequestWithheld(AitronosError):
    """The caller's `may_send` said no when the connection stood; nothing was sent."""


class EnvironmentMissing(AitronosError):
    """The key's environment, `detail`, is not set up: nothing was sent, for no other will do."""
