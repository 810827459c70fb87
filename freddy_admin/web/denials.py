"""Writes down who was refused what: every 403; the log counts those that come again and again."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from freddy_admin.accounts.actors import actor_for
from freddy_admin.accounts.models import User
from freddy_admin.accounts.tokens.grants import Grant
from freddy_admin.audit.services import Place, audit_record_if_possible
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import PublicError
from freddy_admin.core.secret_paths import path_without_secret
from freddy_admin.organisations.selectors import organisation_get


class DeniedAccessMiddleware:
    """Goes below the sign-in, so that it sees every refusal and who met it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; what is refused is written down, and refused all the same."""
        answer = self.get_response(request)
        # HEAD writes nothing: whoever looks at the page itself is written down.
        if answer.status_code == 403 and request.method != "HEAD":
            _write_down(request, _person(request))
        return answer


def _person(request: HttpRequest) -> User | None:
    grant = getattr(request, "auth", None)
    user = grant.user if isinstance(grant, Grant) else getattr(request, "user", None)
    return user if isinstance(user, User) else None


def _write_down(request: HttpRequest, person: User | None) -> None:
    audit_record_if_possible(
        tag=Tag.ACCESS_DENIED,
        actor=actor_for(person, request),
        place=_place(request, person) if person else None,
        subject=path_without_secret(request.path),
        method=request.method if request.method in _METHODS else "",
    )


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def _place(request: HttpRequest, person: User) -> Place | None:
    slug = request.resolver_match.kwargs.get("slug", "") if request.resolver_match else ""
    try:
        return organisation_get(user=person, slug=slug).place if slug else None
    except PublicError:
        return None
