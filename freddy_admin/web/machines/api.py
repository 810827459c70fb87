"""The JSON API put together: its sign-in, its errors, its addresses."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, NoReturn

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.security import HttpBearer

from freddy_admin.accounts.tokens.bearer import bearer_grant
from freddy_admin.accounts.tokens.grants import Grant
from freddy_admin.core.errors import PublicError
from freddy_admin.core.machines import json_answer, refusal
from freddy_admin.web.machines.operations import router

# Whatever an address here takes as JSON fits in a small part of it.
BODY_AT_MOST: Final = 16_384
# The document that describes the API is for people: it stays behind the pages' own sign-in.
_FOR_PEOPLE = {"openapi-json", "api-root"}


class PanelToken(HttpBearer):
    """`Authorization: Bearer …` with a token that a person made on their profile."""

    def __call__(self, request: HttpRequest) -> Grant:
        """What the token grants; raises TokenRefused, TooManyRequests."""
        return bearer_grant(request)

    def authenticate(self, request: HttpRequest, token: str) -> NoReturn:
        """Never asked: the header is read by `bearer_grant`, which counts."""
        raise NotImplementedError


api = NinjaAPI(
    title="Freddy Admin",
    version="1",
    urls_namespace="api",
    docs_url=None,
    openapi_url="openapi.json",
    auth=PanelToken(),
)
api.add_router("", router)


@api.exception_handler(PublicError)
def refuse(request: HttpRequest, error: PublicError) -> HttpResponse:
    """What a service refused."""
    del request
    return refusal(error)


@api.exception_handler(ValidationError)
def unprocessable(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """422: which values cannot be taken; never the values themselves."""
    del request
    fields = [
        {"field": ".".join(str(part) for part in one["loc"]), "message": one["msg"]}
        for one in error.errors[:20]
    ]
    detail = _("Some values cannot be taken: see “fields”.")
    return json_answer({"detail": detail, "fields": fields}, status=422)


@api.exception_handler(HttpError)
def unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    """400: the body is no JSON."""
    del request
    detail = _("The body cannot be read: send JSON in UTF-8.")
    return json_answer({"detail": detail}, status=error.status_code)


@api.exception_handler(Exception)
def crashed(request: HttpRequest, error: Exception) -> NoReturn:
    """Django's own way with it, also while DEBUG is on."""
    del request
    raise error


@csrf_exempt
@login_not_required
def nowhere(request: HttpRequest, rest: str = "") -> HttpResponse:
    """404 for what is no address of the API."""
    del request, rest
    return json_answer({"detail": _("There is no such address in this API.")}, status=404)


def in_json(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Says in JSON, too, what the library says in plain text, and what is too big to be read."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if _too_big(request):
            return json_answer({"detail": _("The body is too big.")}, status=413)
        answer = view(request, *args, **kwargs)
        if answer.status_code != 405:
            return answer
        told = json_answer({"detail": _("Use one of the methods named in Allow.")}, status=405)
        told["Allow"] = answer["Allow"]
        return told

    return answered


def _too_big(request: HttpRequest) -> bool:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0) > BODY_AT_MOST
    except ValueError:
        return False


urls = api.urls
for _pattern in urls[0]:
    if isinstance(_pattern, URLPattern) and _pattern.name not in _FOR_PEOPLE:
        _pattern.callback = login_not_required(in_json(_pattern.callback))
