"""Decorators that decide who may open a page, before its view runs."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import NotAllowed
from freddy_admin.organisations.access import Access, permission_denied, require_permission
from freddy_admin.organisations.roles import Permission
from freddy_admin.organisations.selectors import (
    can_create_organisations,
    organisation_access_get,
    organisations_with_permission,
)

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

    def decorate(view: OrganisationViewFunction[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapper(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            access = organisation_access_get(user=request.user, slug=slug)
            require_permission(access, permission)
            return view(request, access, *args, **kwargs)

        return _restrict_methods_and_set_access_rule(wrapper, methods, permission.value)

    return decorate


def organisation_platform_admin_required(
    methods: tuple[str, ...] = READ_METHODS,
) -> Callable[[OrganisationViewFunction[P]], Callable[..., HttpResponseBase]]:
    """The view gets the organisation of the address; 404 for strangers, 403 for all but admins."""

    def decorate(view: OrganisationViewFunction[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapper(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            access = organisation_access_get(user=request.user, slug=slug)
            _require_platform_admin(request)
            return view(request, access, *args, **kwargs)

        return _restrict_methods_and_set_access_rule(wrapper, methods, "platform_admin")

    return decorate


def platform_admin_required(
    methods: tuple[str, ...] = READ_METHODS,
) -> Callable[[ViewFunction[P]], Callable[..., HttpResponseBase]]:
    """For pages of the panel as a whole: 403 for everybody but platform admins."""

    def decorate(view: ViewFunction[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            _require_platform_admin(request)
            return view(request, *args, **kwargs)

        return _restrict_methods_and_set_access_rule(wrapper, methods, "platform_admin")

    return decorate


def key_manager_required(
    methods: tuple[str, ...] = READ_METHODS,
) -> Callable[[ViewFunction[P]], Callable[..., HttpResponseBase]]:
    """For users who manage the keys of at least one organisation; others get 403."""

    def decorate(view: ViewFunction[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user, permission = signed_in_user(request), Permission.MANAGE_KEYS
            organisations = organisations_with_permission(user=user, permission=permission)
            if not can_create_organisations(user=user) and not organisations.exists():
                raise permission_denied(permission)
            return view(request, *args, **kwargs)

        return _restrict_methods_and_set_access_rule(wrapper, methods, "key_manager")

    return decorate


def signed_in_user_required(
    methods: tuple[str, ...] = READ_METHODS,
) -> Callable[[ViewFunction[P]], Callable[..., HttpResponseBase]]:
    """For pages that show each user their own; no permission beyond being signed in."""

    def decorate(view: ViewFunction[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return view(request, *args, **kwargs)

        return _restrict_methods_and_set_access_rule(wrapper, methods, "signed_in")

    return decorate


def public_view(
    methods: tuple[str, ...] = READ_METHODS,
) -> Callable[[ViewFunction[P]], Callable[..., HttpResponseBase]]:
    """For the few pages whose address is the right to open them; the view validates it."""

    def decorate(view: ViewFunction[P]) -> Callable[..., HttpResponseBase]:
        return _restrict_methods_and_set_access_rule(view, methods, "anyone")

    return decorate


def _restrict_methods_and_set_access_rule(
    view: Callable[..., HttpResponseBase], methods: tuple[str, ...], rule: str
) -> Callable[..., HttpResponseBase]:
    restricted_view = require_http_methods(list(methods))(cast(Callable[..., HttpResponse], view))
    # Read by the test that walks every URL.
    restricted_view.access_rule = rule  # type: ignore[attr-defined]
    restricted_view.access_methods = methods  # type: ignore[attr-defined]
    return restricted_view


def _require_platform_admin(request: HttpRequest) -> None:
    if not can_create_organisations(user=request.user):
        raise NotAllowed(_("This page is for platform admins."))
