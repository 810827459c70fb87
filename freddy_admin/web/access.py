"""The one gate of the pages: who may open what, decided before a view runs."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import NotAllowed
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.organisations.selectors import (
    may_create_organisations,
    organisation_get,
    organisations_where,
)

P = ParamSpec("P")
Page = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
OrganisationPage = Callable[Concatenate[HttpRequest, Access, P], HttpResponseBase]

READ, WRITE, FORM = ("GET", "HEAD"), ("POST",), ("GET", "HEAD", "POST")


def person_of(request: HttpRequest) -> User:
    """The signed-in person; the login middleware has let nobody else through."""
    return cast(User, request.user)


def within_organisation(
    permission: Permission, methods: tuple[str, ...] = READ
) -> Callable[[OrganisationPage[P]], Callable[..., HttpResponseBase]]:
    """The view gets the organisation of the address; strangers get 404, small roles 403."""

    def decorate(view: OrganisationPage[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def gate(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            access = organisation_get(user=request.user, slug=slug)
            refuse_unless(access, permission)
            return view(request, access, *args, **kwargs)

        return _marked(gate, methods, permission.value)

    return decorate


def within_organisation_by_admin(
    methods: tuple[str, ...] = READ,
) -> Callable[[OrganisationPage[P]], Callable[..., HttpResponseBase]]:
    """As `within_organisation`, for what platform admins alone do to an organisation."""

    def decorate(view: OrganisationPage[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def gate(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            access = organisation_get(user=request.user, slug=slug)
            _refuse_all_but_admins(request)
            return view(request, access, *args, **kwargs)

        return _marked(gate, methods, "platform_admin")

    return decorate


def refuse_unless(access: Access, permission: Permission) -> None:
    """Raises NotAllowed, with the sentence for it, where the role does not allow this."""
    if not access.allows(permission):
        raise NotAllowed(_SENTENCES[permission]())


def by_platform_admin(
    methods: tuple[str, ...] = READ,
) -> Callable[[Page[P]], Callable[..., HttpResponseBase]]:
    """For pages of the panel as a whole; others get 403."""

    def decorate(view: Page[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def gate(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            _refuse_all_but_admins(request)
            return view(request, *args, **kwargs)

        return _marked(gate, methods, "platform_admin")

    return decorate


def by_key_manager(
    methods: tuple[str, ...] = READ,
) -> Callable[[Page[P]], Callable[..., HttpResponseBase]]:
    """For those who look after the keys of any organisation; others get 403."""

    def decorate(view: Page[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def gate(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            person, keys = person_of(request), Permission.MANAGE_KEYS
            managed = organisations_where(user=person, permission=keys)
            if not may_create_organisations(user=person) and not managed.exists():
                raise NotAllowed(_SENTENCES[keys]())
            return view(request, *args, **kwargs)

        return _marked(gate, methods, "key_manager")

    return decorate


def by_anyone_signed_in(
    methods: tuple[str, ...] = READ,
) -> Callable[[Page[P]], Callable[..., HttpResponseBase]]:
    """For pages that show each person what is theirs."""

    def decorate(view: Page[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def gate(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return view(request, *args, **kwargs)

        return _marked(gate, methods, "signed_in")

    return decorate


def by_anyone(
    methods: tuple[str, ...] = READ,
) -> Callable[[Page[P]], Callable[..., HttpResponseBase]]:
    """For the few pages whose address is the right to open them; the view looks at it."""

    def decorate(view: Page[P]) -> Callable[..., HttpResponseBase]:
        return _marked(view, methods, "anyone")

    return decorate


def _marked(
    gate: Callable[..., HttpResponseBase], methods: tuple[str, ...], rule: str
) -> Callable[..., HttpResponseBase]:
    checked = require_http_methods(list(methods))(cast(Callable[..., HttpResponse], gate))
    # Read by the test that walks every address.
    checked.access_rule = rule  # type: ignore[attr-defined]
    checked.access_methods = methods  # type: ignore[attr-defined]
    return checked


def _refuse_all_but_admins(request: HttpRequest) -> None:
    if not may_create_organisations(user=request.user):
        raise NotAllowed(_("This page is for platform admins."))


_SENTENCES: dict[Permission, Callable[[], str]] = {
    Permission.VIEW: lambda: _("You may not look at this organisation."),
    Permission.CHECK: lambda: _("As a viewer you may look, but not ask for checks."),
    Permission.START_SYNC: lambda: _("As a viewer you may look, but not start syncs."),
    Permission.SWITCH_CONNECTORS: lambda: _(
        "Connectors are switched on and off by the organisation's managers."
    ),
    Permission.MANAGE_KEYS: lambda: _("API keys are looked after by the organisation's managers."),
    Permission.RENAME_ORGANISATION: lambda: _("Only a manager may rename the organisation."),
    Permission.MANAGE_MEMBERS: lambda: _("Members are looked after by the managers."),
    Permission.VIEW_AUDIT: lambda: _("The audit log is for the organisation's managers."),
    Permission.EXPORT_ORGANISATION: lambda: _("Only a manager may export the organisation."),
}
