"""Writes down who was refused what: a 403 to somebody we know."""

import hashlib
import logging
from collections.abc import Callable

from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse

from freddy_admin.accounts.actors import actor_for
from freddy_admin.accounts.models import User
from freddy_admin.accounts.tokens.grants import Grant
from freddy_admin.audit.services import Place, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import PublicError
from freddy_admin.core.limits import Limit, TooManyRequests, limit_hold
from freddy_admin.core.secret_paths import path_without_secret
from freddy_admin.organisations.selectors import organisation_get

log = logging.getLogger(__name__)

# Once per person, path and minute, and no more than these of one person: the log is no place that
# somebody could fill up.
SAME = Limit("denied", most=1, seconds=60)
ALL = Limit("denied-all", most=30, seconds=60)


class DeniedAccessMiddleware:
    """Goes below the sign-in, so that it sees every refusal and who met it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; what is refused is written down, and refused all the same."""
        answer = self.get_response(request)
        if answer.status_code == 403:
            person = _person(request)
            if person is not None:
                _write_down(request, person)
        return answer


def _person(request: HttpRequest) -> User | None:
    grant = getattr(request, "auth", None)
    user = grant.user if isinstance(grant, Grant) else getattr(request, "user", None)
    return user if isinstance(user, User) else None


def _write_down(request: HttpRequest, person: User) -> None:
    try:
        # What only reads must go on in a database that is full.
        with transaction.atomic(savepoint=connection.in_atomic_block):
            _hold(request, person)
            audit_record(
                tag=Tag.ACCESS_DENIED,
                actor=actor_for(person, request),
                place=_place(request, person),
                subject=path_without_secret(request.path),
                method=request.method if request.method in _METHODS else "",
            )
    except TooManyRequests:
        return
    except DatabaseError as error:
        log.warning("A refusal could not be written down: %s", type(error).__name__)


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def _hold(request: HttpRequest, person: User) -> None:
    path = hashlib.sha256(request.path.encode("utf-8", "replace")).hexdigest()[:32]
    limit_hold(ALL, of=str(person.pk))
    limit_hold(SAME, of=f"{person.pk}:{path}")


def _place(request: HttpRequest, person: User) -> Place | None:
    slug = request.resolver_match.kwargs.get("slug", "") if request.resolver_match else ""
    try:
        return organisation_get(user=person, slug=slug).place if slug else None
    except PublicError:
        return None
