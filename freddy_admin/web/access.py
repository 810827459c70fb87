"""Decorators that decide who may open a page, before its view runs."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_http_methods

from freddy_admin.accounts.models import User
from freddy_admin.organisations.access import (
    Access,
    organisation_access_get,
    require_key_manager,
    require_platform_admin,
)
from freddy_admin.organisations.roles import Permission

P = ParamSpec("P")
ViewFunction = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
OrganisationViewFunction = Callable[Concatenate[HttpRequest, Access, P], HttpResponseBase]
READ_METHODS, WRITE_METHODS, FORM_METHODS = ("GET", "HEAD"), ("POST",), ("GET", "HEAD", "POST")


def signed_in_user(request: HttpRequest) -> User:
    """The signed-in user; the login middleware has let nobody else through."""
    return cast(User, request.user)


def organisation_permission_required(
    permission: Permission, methods: tuple[str, ...] = READ_METHODS
) -> Callable[[OrganisationViewFunction[P]], Callable[..., HttpResponseBase]]:
    """The view gets the organisation of the address; strangers get 404, small roles 403."""
    return _organisation_view_decorator(
        permission.value, methods, lambda _request, access: access.require(permission)
    )


def organisation_platform_admin_required(
    methods: tuple[str, ...] = READ_METHODS,
) -> Callable[[OrganisationViewFunction[P]], Callable[..., HttpResponseBase]]:
    """The view gets the organisation of the address; 404 for strangers, 403 for all but admins."""
    return _organisation_view_decorator(
        "platform_admin",
        methods,
        lambda request, _access: require_platform_admin(user=request.user),
    )


def platform_admin_required(
    methods: tuple[str, ...] = READ_METHODS,
) -> Callable[[ViewFunction[P]], Callable[..., HttpResponseBase]]:
    """For pages of the panel as a whole: 403 for everybody but platform admins."""
    return _view_decorator(
        "platform_admin", methods, lambda request: require_platform_admin(user=request.user)
    )


def key_manager_required(
    methods: tuple[str, ...] = READ_METHODS,
) -> Callable[[ViewFunction[P]], Callable[..., HttpResponseBase]]:
    """For users who manage the keys of at least one organisation; others get 403."""
    return _view_decorator(
        "key_manager", methods, lambda request: require_key_manager(user=signed_in_user(request))
    )


def signed_in_user_required(
    methods: tuple[str, ...] = READ_METHODS,
) -> Callable[[ViewFunction[P]], Callable[..., HttpResponseBase]]:
    """For pages that show each user their own; no permission beyond being signed in."""
    return _view_decorator("signed_in", methods, None)


def public_view(
    methods: tuple[str, ...] = READ_METHODS,
) -> Callable[[ViewFunction[P]], Callable[..., HttpResponseBase]]:
    """For the few pages whose address is the right to open them; the view validates it."""
    return _view_decorator("anyone", methods, None)


def _organisation_view_decorator(
    rule: str, methods: tuple[str, ...], check: Callable[[HttpRequest, Access], object]
) -> Callable[[OrganisationViewFunction[P]], Callable[..., HttpResponseBase]]:
    def decorate(view: OrganisationViewFunction[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapper(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            access = organisation_access_get(user=request.user, slug=slug)
            check(request, access)
            return view(request, access, *args, **kwargs)

        return _restrict_methods_and_set_access_rule(wrapper, methods, rule)

    return decorate


def _view_decorator(
    rule: str, methods: tuple[str, ...], check: Callable[[HttpRequest], object] | None
) -> Callable[[ViewFunction[P]], Callable[..., HttpResponseBase]]:
    def decorate(view: ViewFunction[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if check is not None:
                check(request)
            return view(request, *args, **kwargs)

        return _restrict_methods_and_set_access_rule(wrapper, methods, rule)

    return decorate


def _restrict_methods_and_set_access_rule(
    view: Callable[..., HttpResponseBase], methods: tuple[str, ...], rule: str
) -> Callable[..., HttpResponseBase]:
    restricted_view = require_http_methods(list(methods))(cast(Callable[..., HttpResponse], view))
    # Read by the test that walks every URL.
    restricted_view.access_rule = rule  # type: ignore[attr-defined]
    restricted_view.access_methods = methods  # type: ignore[attr-defined]
    return restricted_view
