"""The panel's own middleware, in the order of `MIDDLEWARE` in the settings."""

import re
import secrets
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.core.signals import request_finished
from django.db import Error as DatabaseError
from django.db import connection
from django.dispatch import receiver
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    QueryDict,
    StreamingHttpResponse,
    UnreadablePostError,
)
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.text import compress_string
from whitenoise.middleware import WhiteNoiseFileResponse

from freddy_admin.accounts.api_tokens import ApiTokenGrant
from freddy_admin.accounts.mfa.forms import CREDENTIAL_LIMIT
from freddy_admin.accounts.models import User
from freddy_admin.audit.services import (
    OrganisationRef,
    actor_from_user,
    audit_event_record_if_possible,
)
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import PublicError
from freddy_admin.core.forms import DEFAULT_TEXT_MAX_LENGTH
from freddy_admin.core.json_responses import API_PATH_PREFIXES
from freddy_admin.core.log_formatting import redact_secret_paths
from freddy_admin.core.rate_limits import RateLimit, TooManyRequests, rate_limit_consume
from freddy_admin.core.request_ids import current_request_id
from freddy_admin.core.write_failures import (
    WriteFailure,
    write_failure_from_database_error,
    write_failure_probe,
)
from freddy_admin.organisations.access import organisation_access_get
from freddy_admin.web.htmx import current_time_ms
from freddy_admin.web.pages.error.views import (
    add_method_not_allowed_page,
    body_too_large_response,
    database_unavailable_response,
    public_error_response,
)
from freddy_admin.web.private_headers import PRIVATE_HEADERS, STATIC_FILE_HEADERS

View = Callable[..., HttpResponse]

REQUEST_ID_HEADER = "X-Request-Id"
_VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
KNOWN_METHODS = ("GET", "HEAD", "POST", "OPTIONS")
# The API refuses these by itself, in JSON.
API_ONLY_METHODS = ("PUT", "PATCH", "DELETE")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_DATABASE_FREE_PATH = "/healthz"
# What a form may hold is less (DATA_UPLOAD_MAX_MEMORY_SIZE); this also counts a file beside it.
# Without it, a file in a form that takes none would be written to the disk in full.
MAX_BODY_BYTES: Final = 2_097_152
# Fields that hold more than a text: a browser's answer for a passkey, and pasted rows, whose
# cells have limits of their own.
LONG_FIELD_LIMITS: Final = {"credential": CREDENTIAL_LIMIT, "rows": MAX_BODY_BYTES}
# Somebody who gives fifty members another role, a form each, stays below it; a script does not.
USER_WRITE_LIMIT: Final = RateLimit("writes", amount=60, seconds=60)
# An attacker with a session who floods must not keep its user from ending it. Each of these
# writes an event only where there was a session to end.
EXEMPT_URL_NAMES: Final = frozenset({"account_logout", "session_end", "sessions_end"})
_ACCEPTS_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))", re.IGNORECASE)
_MIN_COMPRESSED_BYTES = 1_000  # less is not worth it
_RANDOM_BYTES = 100  # at most, in the header, which browsers skip
_RECORDED_METHODS = frozenset({*KNOWN_METHODS, *API_ONLY_METHODS})


class Middleware:
    """The base of those below, which only passes the request on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response of whatever stands below."""
        return self.get_response(request)


class RequestIdMiddleware(Middleware):
    """Gives each request its id. One from outside counts only where a trusted proxy set it."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, with the id in its header."""
        current_id = _request_id_from_proxy(request) or secrets.token_hex(6)
        current_request_id.set(current_id)
        streaming = False
        try:
            response = self.get_response(request)
            streaming = response.streaming
            response[REQUEST_ID_HEADER] = current_id
            return response
        finally:
            # A streamed body is still to be made: its id is cleared when all of it is sent.
            if not streaming:
                current_request_id.set("")


class PrivateHeadersMiddleware(Middleware):
    """Keeps responses out of every cache, search engine and foreign page; dates live updates.

    Static files are the same for everybody: they are kept out of foreign pages alone.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response with its headers."""
        response: HttpResponse = self.get_response(request)
        is_static_file = isinstance(response, WhiteNoiseFileResponse)
        headers = STATIC_FILE_HEADERS if is_static_file else PRIVATE_HEADERS
        for name, value in headers.items():
            response[name] = value
        if is_static_file:
            return response
        if response.status_code == 405:
            response = add_method_not_allowed_page(request, response)
        if request.headers.get("X-Live") == "1":
            # The browser counts on from here; the Date header knows nothing of a fast clock.
            response["X-Now"] = str(current_time_ms())
        any_response: HttpResponseBase = response
        if request.method == "HEAD" and isinstance(any_response, StreamingHttpResponse):
            # The server would read all of it, line by line, to throw it away.
            any_response.streaming_content = ()
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A page with the message of a PublicError; None for any other error."""
        return public_error_response(request, error) if isinstance(error, PublicError) else None


class CompressionMiddleware(Middleware):
    """Compresses a page where nobody can learn from its length what stands in it (BREACH).

    Who makes somebody's browser ask for pages, puts guesses into them and watches how long the
    answers are, reads what stands beside the guess. So three things come as they are: what a page
    of another site asked for, as the browser itself says; what may have been asked for by one, for
    this browser does not say, and carries a query; and pages that hold a lasting secret. The CSRF
    token is none: Django masks it anew in each answer. See docs/security.md.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, compressed where that is safe and the browser takes it."""
        response: HttpResponse = self.get_response(request)
        if not _is_compressible(response):
            return response
        patch_vary_headers(response, ["Accept-Encoding"])
        accepts_gzip = _ACCEPTS_GZIP.search(request.headers.get("Accept-Encoding", ""))
        if not accepts_gzip or not is_length_harmless(request):
            return response
        response.content = compress_string(response.content, max_random_bytes=_RANDOM_BYTES)
        response["Content-Encoding"] = "gzip"
        response["Content-Length"] = str(len(response.content))
        return response


class KnownMethodsMiddleware(Middleware):
    """405 for methods that no view handles; TRACE would echo cookies."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, or 405 for an unknown method."""
        is_api_method = request.method in API_ONLY_METHODS and request.path_info.startswith("/api/")
        if request.method in KNOWN_METHODS or is_api_method:
            return self.get_response(request)
        return HttpResponseNotAllowed(KNOWN_METHODS)


class BodyLimitMiddleware(Middleware):
    """Limits the size of a body, and of each text in it, before any of it is used.

    Stands before the first middleware that reads a form, which is the CSRF check.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, or 413 for a body whose Content-Length is too large or not a number."""
        text = request.META.get("CONTENT_LENGTH") or "0"
        if text.isascii() and text.isdigit() and len(text) <= 18 and int(text) <= MAX_BODY_BYTES:
            return self.get_response(request)
        return body_too_large_response(request)

    def process_view(self, request: HttpRequest, view: View, *__: object) -> None:
        """Truncate each text of a form to one character too many, also where no form validates it.

        The form that it belongs to still finds it too long, and says so beside the field;
        nothing else of the panel can be given a long text to work on.
        """
        if getattr(view, "csrf_exempt", False):
            return  # the JSON API, which takes no forms
        try:
            fields = request.POST
        except UnreadablePostError:  # the client is gone: the CSRF check answers
            return
        if any(_is_field_too_long(name, text) for name, texts in fields.lists() for text in texts):
            request.POST = _truncate_fields(fields)  # type: ignore[assignment]


class DatabaseFaultMiddleware(Middleware):
    """503 for requests that write, and for a page that failed on a write; pages stay readable.

    A write that was refused may come out as anything: a limit that could not be counted as "too
    many attempts", a session that could not be saved as one that is gone. So the statements
    themselves are watched, and sign-in and forms end before they begin.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, or 503 where the database refused a write."""
        is_safe = request.method in SAFE_METHODS or request.path_info == _DATABASE_FREE_PATH
        if not is_safe and (fault := write_failure_probe()):
            return _close_connection_and_render_unavailable(request, fault)
        failures: list[WriteFailure] = []

        def execute_and_record(execute: Any, *arguments: Any) -> Any:
            try:
                return execute(*arguments)
            except DatabaseError as error:
                if failure := write_failure_from_database_error(error):
                    failures.append(failure)
                raise

        with connection.execute_wrapper(execute_and_record):
            response = self.get_response(request)
        is_shown_as_fault = response.status_code == 429 or response.status_code >= 500
        if not failures or (is_safe and not is_shown_as_fault):
            return response
        return _close_connection_and_render_unavailable(request, failures[-1])


class AccessDeniedMiddleware(Middleware):
    """Records each 403 in the audit log, which counts those that come again and again.

    Stands below authentication, so that it knows the user.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response unchanged; a 403 is recorded."""
        response = self.get_response(request)
        # HEAD writes nothing: a GET of the page itself is recorded.
        if response.status_code == 403 and request.method != "HEAD":
            _access_denied_record(request, _get_request_user(request))
        return response


class WriteLimitMiddleware(Middleware):
    """Counts every form that a signed-in user sends; beyond the limit it is not read."""

    def process_view(self, request: HttpRequest, view: View, *__: Any) -> HttpResponse | None:
        """429 beyond the limit; None where the view may run."""
        match = request.resolver_match
        if (
            request.method != "POST"
            or request.path_info.startswith(API_PATH_PREFIXES)
            or not isinstance(request.user, User)
        ):
            return None
        if match is not None and match.view_name in EXEMPT_URL_NAMES:
            return None
        try:
            rate_limit_consume(USER_WRITE_LIMIT, key=str(request.user.pk))
        except TooManyRequests as error:
            return public_error_response(request, error)
        return None


def _is_compressible(response: HttpResponse) -> bool:
    return (
        response.status_code == 200
        and not response.streaming
        and response.get("Content-Type", "").startswith("text/html")
        and not response.has_header("Content-Encoding")
        and len(response.content) >= _MIN_COMPRESSED_BYTES
    )


def is_length_harmless(request: HttpRequest) -> bool:
    """Whether nobody else can have a say in this answer, and it holds no lasting secret."""
    if request.method != "GET":
        return False  # a secret that is shown once answers a form
    asking_site = request.headers.get("Sec-Fetch-Site", "")
    if asking_site not in {"same-origin", "none"} and (asking_site or request.GET):
        return False
    path, match = request.path_info, request.resolver_match
    if path.startswith("/accounts/"):
        return match is not None and match.view_name == "account_login"
    return redact_secret_paths(path) == path


def _request_id_from_proxy(request: HttpRequest) -> str:
    header = request.headers.get(REQUEST_ID_HEADER, "") if settings.TRUSTED_PROXIES else ""
    return header if _VALID_REQUEST_ID.fullmatch(header) else ""


@receiver(request_finished, dispatch_uid="request_id")
def _clear_request_id(**_: object) -> None:
    current_request_id.set("")


def _is_field_too_long(name: str, text: str) -> bool:
    return len(text) > LONG_FIELD_LIMITS.get(name, DEFAULT_TEXT_MAX_LENGTH)


def _truncate_fields(fields: QueryDict) -> QueryDict:
    truncated = QueryDict(mutable=True, encoding=fields.encoding)
    for name, texts in fields.lists():
        max_length = LONG_FIELD_LIMITS.get(name, DEFAULT_TEXT_MAX_LENGTH) + 1
        truncated.setlist(name, [text[:max_length] for text in texts])
    truncated._mutable = False  # noqa: SLF001  as Django leaves it
    return truncated


def _close_connection_and_render_unavailable(
    request: HttpRequest, fault: WriteFailure
) -> HttpResponse:
    if not connection.in_atomic_block:
        # A server that became a follower keeps its connections: the next one may find the leader.
        connection.close()
    return database_unavailable_response(request, fault)


def _get_request_user(request: HttpRequest) -> User | None:
    grant = getattr(request, "auth", None)
    user = grant.user if isinstance(grant, ApiTokenGrant) else getattr(request, "user", None)
    return user if isinstance(user, User) else None


def _access_denied_record(request: HttpRequest, user: User | None) -> None:
    audit_event_record_if_possible(
        tag=AuditTag.ACCESS_DENIED,
        actor=actor_from_user(user, request),
        organisation=_get_request_organisation(request, user) if user else None,
        subject=redact_secret_paths(request.path),
        method=request.method if request.method in _RECORDED_METHODS else "",
    )


def _get_request_organisation(request: HttpRequest, user: User) -> OrganisationRef | None:
    slug = request.resolver_match.kwargs.get("slug", "") if request.resolver_match else ""
    try:
        return organisation_access_get(user=user, slug=slug).audit_ref if slug else None
    except PublicError:
        return None
