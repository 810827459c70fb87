"""What is kept about one person, as plain values; no password, digest or second factor's secret."""

from typing import Any

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import second_factors_of
from freddy_admin.accounts.saved_views import saved_views_of
from freddy_admin.accounts.single_sign_on.links import links_since
from freddy_admin.accounts.tokens.panel_tokens import api_tokens_of
from freddy_admin.audit.counting import audit_by
from freddy_admin.core import clock
from freddy_admin.organisations.invitations import invitations_to
from freddy_admin.organisations.names import actor_shown, addresses_hidden
from freddy_admin.organisations.removing import memberships_of
from freddy_admin.organisations.roles import Permission
from freddy_admin.organisations.selectors import organisations_visible, organisations_where
from freddy_admin.vault.services.leavers import keys_owned

EVENT_FIELDS = ("at", "tag", "organisation_name", "subject", "details", "address")


def person_takeout(person: User, *, reader: User) -> dict[str, Any]:
    """All of it, for one reader: of organisations that the reader may not see, nothing."""
    seen = set(organisations_visible(user=reader).values_list("pk", flat=True))
    return {
        "exported_at": clock.now(),
        "account": _account(person),
        "organisations": [
            {"name": row.organisation.name, "role": row.role, "since": row.created_at}
            for row in memberships_of(user=person)
        ],
        "invitations": [
            {
                "organisation": one.organisation.name,
                "role": one.role,
                "by": actor_shown(one.invited_by),
            }
            for one in invitations_to(email=person.email)
        ],
        "second_factors": second_factors_of(user=person),
        "single_sign_on": [
            {"provider": provider, "linked_at": on} for provider, on in links_since(user=person)
        ],
        "panel_tokens": [_token(one, seen) for one in api_tokens_of(user=person)],
        "saved_views": [
            {"name": view.name, "query": view.query, "created_at": view.created_at}
            for view in saved_views_of(user=person)
        ],
        "owner_of_keys": [
            {"organisation": key.organisation.name, "key": key.label}
            for key in keys_owned(user_id=person.pk)
            if key.organisation_id in seen
        ],
        "audit": _audit(person, reader, None if reader.is_platform_admin else seen),
    }


def _account(person: User) -> dict[str, Any]:
    return {
        "email": person.email,
        "name": person.name,
        "is_active": person.is_active,
        "is_platform_admin": person.is_platform_admin,
        "time_zone": person.time_zone,
        "look": person.theme,
        "created_at": person.created_at,
        "last_sign_in": person.last_login,
    }


def _token(one: Any, seen: set[int]) -> dict[str, Any]:
    places = [place.name for place in one.organisations.all() if place.pk in seen]
    return {
        "name": one.name,
        "scope": one.scope,
        "organisations": None if one.every_organisation else places,
        "created_at": one.created_at,
        "expires_at": one.expires_at,
        "last_used_at": one.last_used_at,
    }


def _audit(person: User, reader: User, seen: set[int] | None) -> list[dict[str, Any]]:
    events = audit_by(actor_id=person.pk, subject=person.email, organisation_ids=seen)
    managed = organisations_where(user=reader, permission=Permission.MANAGE_MEMBERS)
    managed_ids = set(managed.values_list("pk", flat=True))
    told = []
    for event in events.values("actor_id", "organisation_id", *EVENT_FIELDS):
        own = event.pop("actor_id") == person.pk
        if not own:
            event["address"] = None  # where a colleague was
        if event.pop("organisation_id") not in managed_ids and not reader.is_platform_admin:
            event = addresses_hidden(event, but=person.email)
        told.append(event)
    return told
