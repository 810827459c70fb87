"""The JSON API as a whole: its authentication, error handlers and URLs."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, NoReturn

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja.errors import HttpError, ValidationError
from ninja.security import HttpBearer

from freddy_admin.accounts.api_tokens import ApiTokenGrant, api_token_authenticate
from freddy_admin.api.alert_routes import router as alert_router
from freddy_admin.api.openapi import PublishedNamesAPI
from freddy_admin.api.routes import router
from freddy_admin.core.errors import PublicError
from freddy_admin.core.json_responses import error_response, json_response

# The largest JSON that an address of the API takes is a small part of it.
MAX_BODY_BYTES: Final = 16_384
# The document that describes the API is for people: it stays behind the pages' own sign-in.
_DOCUMENTATION_URL_NAMES = {"openapi-json", "api-root"}


class ApiTokenAuth(HttpBearer):
    """`Authorization: Bearer …` with a token that a person made on their profile."""

    def __call__(self, request: HttpRequest) -> ApiTokenGrant:
        """What the token grants; raises what `api_token_authenticate` raises."""
        return api_token_authenticate(request)

    def authenticate(self, request: HttpRequest, token: str) -> NoReturn:
        """Never called: `api_token_authenticate` reads the header and counts the attempts."""
        raise NotImplementedError


api = PublishedNamesAPI(
    title="Freddy Admin",
    version="1",
    urls_namespace="api",
    docs_url=None,
    openapi_url="openapi.json",
    auth=ApiTokenAuth(),
)

api.add_router("", router)
api.add_router("", alert_router)


@api.exception_handler(PublicError)
def handle_public_error(_request: HttpRequest, error: PublicError) -> HttpResponse:
    """The error of a service, with its own HTTP status."""
    return error_response(error)


@api.exception_handler(ValidationError)
def handle_validation_error(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    """422: which values cannot be taken; never the values themselves."""
    fields = [
        {"field": ".".join(str(part) for part in item["loc"]), "message": item["msg"]}
        for item in error.errors[:20]
    ]
    detail = _("Some values cannot be taken: see “fields”.")
    return json_response({"detail": detail, "fields": fields}, status=422)


@api.exception_handler(HttpError)
def handle_http_error(_request: HttpRequest, error: HttpError) -> HttpResponse:
    """400: the body is not JSON."""
    detail = _("The body cannot be read: send JSON in UTF-8.")
    return json_response({"detail": detail}, status=error.status_code)


@api.exception_handler(Exception)
def handle_unexpected_error(_request: HttpRequest, error: Exception) -> NoReturn:
    """Leaves an unforeseen error to Django, also while DEBUG is on."""
    raise error


@csrf_exempt
@login_not_required
def not_found(request: HttpRequest, rest: str = "") -> HttpResponse:
    """404 for an address that the API does not have."""
    del request, rest
    return json_response({"detail": _("There is no such address in this API.")}, status=404)


def with_json_405_and_413(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view with its 405 in JSON, which ninja answers in plain text, and 413 for a big body."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if _is_body_too_big(request):
            return json_response({"detail": _("The body is too big.")}, status=413)
        response = view(request, *args, **kwargs)
        if response.status_code != 405:
            return response
        detail = _("Use one of the methods named in Allow.")
        json_405 = json_response({"detail": detail}, status=405)
        json_405["Allow"] = response["Allow"]
        return json_405

    return wrapper


def _is_body_too_big(request: HttpRequest) -> bool:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES
    except ValueError:
        return False


urls = api.urls
for _pattern in urls[0]:
    if isinstance(_pattern, URLPattern) and _pattern.name not in _DOCUMENTATION_URL_NAMES:
        _pattern.callback = login_not_required(with_json_405_and_413(_pattern.callback))
