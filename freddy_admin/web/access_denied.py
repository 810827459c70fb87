"""Records every 403 in the audit log, which counts those that come again and again."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from freddy_admin.accounts.api_tokens.grants import ApiTokenGrant
from freddy_admin.accounts.models import User
from freddy_admin.accounts.request_actor import actor_from_user
from freddy_admin.audit.services import OrganisationRef, audit_event_record_if_possible
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import PublicError
from freddy_admin.core.url_secret_redaction import redact_secret_paths
from freddy_admin.organisations.selectors import organisation_access_get


class AccessDeniedMiddleware:
    """Records each 403; stands below authentication, so that it knows the user."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response unchanged; a 403 is recorded."""
        response = self.get_response(request)
        # HEAD writes nothing: a GET of the page itself is recorded.
        if response.status_code == 403 and request.method != "HEAD":
            _access_denied_record(request, _get_request_user(request))
        return response


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


_RECORDED_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def _get_request_organisation(request: HttpRequest, user: User) -> OrganisationRef | None:
    slug = request.resolver_match.kwargs.get("slug", "") if request.resolver_match else ""
    try:
        return organisation_access_get(user=user, slug=slug).audit_ref if slug else None
    except PublicError:
        return None
