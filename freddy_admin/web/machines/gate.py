"""The gate of the JSON API: what the token's person may do, less what the token leaves out."""

from dataclasses import replace
from typing import cast

from django.http import HttpRequest
from django.utils.translation import gettext as _

from freddy_admin.accounts.actors import actor_for
from freddy_admin.accounts.tokens.grants import Grant
from freddy_admin.audit.services import Actor
from freddy_admin.core.errors import NotAllowed
from freddy_admin.core.limits import limit_hold
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.organisations.selectors import organisation_get
from freddy_admin.vault.places import key_organisation
from freddy_admin.web.access import refuse_unless
from freddy_admin.web.write_limits import BY_PROGRAMS


def grant_of(request: HttpRequest) -> Grant:
    """What the token of this request grants; the API's sign-in has let nobody else through."""
    return cast(Grant, request.auth)  # type: ignore[attr-defined]


def actor_of_program(request: HttpRequest) -> Actor:
    """The person, and the token through which they act."""
    grant = grant_of(request)
    actor = actor_for(grant.user, request)
    words = {"who": grant.user.name or grant.user.email, "token": grant.name}
    name = _("%(who)s, by the token “%(token)s”") % words
    return replace(actor, name=f"{name} ({grant.user.email})")


def to_act(request: HttpRequest) -> Grant:
    """The grant of a token that may act, counted.

    Raises NotAllowed and TooManyRequests, before anything is looked up.
    """
    grant = grant_of(request)
    if not grant.may_act:
        raise NotAllowed(_("This token may read only. Make one with the scope “act” for this."))
    limit_hold(BY_PROGRAMS, of=str(grant.user.pk))
    return grant


def within(grant: Grant, slug: str) -> Access:
    """The organisation with this slug; NotFound, in the same words, for one out of reach."""
    access = organisation_get(user=grant.user, slug=slug)
    if not grant.covers(access.organisation.pk):
        # The look-up that finds nothing says it: there is one sentence, in one place.
        return organisation_get(user=grant.user, slug="")
    return access


def within_key(grant: Grant, key_id: int, permission: Permission) -> Access:
    """The organisation of this key. NotFound for one out of reach, NotAllowed for small roles."""
    found = key_organisation(user=grant.user, key_id=key_id)
    if not grant.covers(found.pk):
        found = key_organisation(user=grant.user, key_id=0)
    access = organisation_get(user=grant.user, slug=found.slug)
    refuse_unless(access, permission)
    return access
