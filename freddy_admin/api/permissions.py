"""What a request of the JSON API may do: what its user may, less what its token leaves out."""

from dataclasses import replace
from typing import Final, cast

from django.http import HttpRequest
from django.utils.translation import gettext as _

from freddy_admin.accounts.api_tokens import ApiTokenGrant
from freddy_admin.audit.services import Actor, actor_from_user
from freddy_admin.core.errors import NotAllowed
from freddy_admin.core.rate_limits import RateLimit, rate_limit_consume
from freddy_admin.organisations.access import Access, organisation_access_get
from freddy_admin.organisations.roles import Permission
from freddy_admin.vault.selectors import key_organisation

# With all tokens of one user together; apart from the pages, which programs must not block.
API_WRITE_LIMIT: Final = RateLimit("program-writes", amount=60, seconds=60)


def get_request_token_grant(request: HttpRequest) -> ApiTokenGrant:
    """What the token of this request grants; authentication has let nobody else through."""
    return cast(ApiTokenGrant, request.auth)  # type: ignore[attr-defined]


def api_token_actor(request: HttpRequest) -> Actor:
    """The actor of the audit log: the user, and the token through which they act."""
    grant = get_request_token_grant(request)
    actor = actor_from_user(grant.user, request)
    name = _("%(who)s, by the token “%(token)s”") % {
        "who": grant.user.name or grant.user.email,
        "token": grant.name,
    }
    return replace(actor, name=f"{name} ({grant.user.email})")


def require_act_scope_within_rate_limit(request: HttpRequest) -> ApiTokenGrant:
    """The grant of a token that may act; counts the request.

    Raises NotAllowed and TooManyRequests, before any row is read.
    """
    grant = get_request_token_grant(request)
    if not grant.can_act:
        raise NotAllowed(_("This token may read only. Make one with the scope “act” for this."))
    rate_limit_consume(API_WRITE_LIMIT, key=str(grant.user.pk))
    return grant


def granted_organisation_access_get(grant: ApiTokenGrant, slug: str) -> Access:
    """The organisation with this slug; NotFound, in the same words, for one out of reach."""
    access = organisation_access_get(user=grant.user, slug=slug)
    if not grant.covers_organisation(access.organisation.pk):
        # A look-up that finds nothing raises: the sentence stands in one place.
        return organisation_access_get(user=grant.user, slug="")
    return access


def key_organisation_access_get(
    grant: ApiTokenGrant, key_id: int, permission: Permission
) -> Access:
    """The organisation of this key. NotFound for one out of reach, NotAllowed for small roles."""
    organisation = key_organisation(user=grant.user, key_id=key_id)
    if not grant.covers_organisation(organisation.pk):
        organisation = key_organisation(user=grant.user, key_id=0)
    access = organisation_access_get(user=grant.user, slug=organisation.slug)
    access.require(permission)
    return access
