"""The export of what is stored about one person; no password, digest or factor's secret."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from freddy_admin.accounts.api_tokens import api_tokens_list
from freddy_admin.accounts.models import User
from freddy_admin.accounts.oidc.account_links import account_links_list
from freddy_admin.accounts.people import second_factors_list
from freddy_admin.alerts.channels.person_mail import person_channel_find, person_messages_latest
from freddy_admin.alerts.export import person_assignments_export, person_incidents_export
from freddy_admin.alerts.preferences import preferences_get
from freddy_admin.audit.selectors import audit_events_of_person
from freddy_admin.audit.services import actor_from_request, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.organisations.access import (
    actor_display_name,
    addresses_mask,
    organisations_visible,
    organisations_with_permission,
)
from freddy_admin.organisations.invitations import valid_invitations_list
from freddy_admin.organisations.person_deletion import memberships_list
from freddy_admin.organisations.roles import Permission
from freddy_admin.vault.services.offboarding import owned_api_keys_list
from freddy_admin.web.access import signed_in_user

AUDIT_EVENT_FIELDS = ("at", "tag", "organisation_name", "subject", "details", "address")


def person_export_response(request: HttpRequest, person: User) -> HttpResponse:
    """A JSON file of what is stored about the person; the export is recorded, HEAD is not."""
    if request.method == "HEAD":
        return HttpResponse(content_type="application/json")
    audit_event_record(
        tag=AuditTag.PERSON_EXPORTED, actor=actor_from_request(request), subject=person.email
    )
    export = person_export(person, user=signed_in_user(request))
    response = JsonResponse(export, json_dumps_params={"ensure_ascii": False, "indent": 1})
    filename = f"person-{person.pk}-{clock.now():%Y-%m-%d-%H%M}.json"
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def person_export(person: User, *, user: User) -> dict[str, Any]:
    """The export for `user` to read: nothing of organisations that `user` may not see."""
    visible_ids = set(organisations_visible(user=user).values_list("pk", flat=True))
    told_ids = None if user.is_platform_admin else visible_ids
    return {
        "exported_at": clock.now(),
        "account": _export_account(person),
        "organisations": [
            {"name": row.organisation.name, "role": row.role, "since": row.created_at}
            for row in memberships_list(user=person)
        ],
        "invitations": [
            {
                "organisation": invitation.organisation.name,
                "role": invitation.role,
                "by": actor_display_name(invitation.invited_by),
            }
            for invitation in valid_invitations_list(email=person.email)
        ],
        "second_factors": second_factors_list(user=person),
        "single_sign_on": [
            {"provider": provider, "linked_at": linked_at}
            for provider, linked_at in account_links_list(user=person)
        ],
        "panel_tokens": [
            _export_api_token(token, visible_ids) for token in api_tokens_list(user=person)
        ],
        "saved_views": [
            {"name": view.name, "query": view.query, "created_at": view.created_at}
            for view in person.saved_views_by_name()
        ],
        "alerts": _export_alert_preferences(person),
        "owner_of_keys": [
            {"organisation": key.organisation.name, "key": key.label}
            for key in owned_api_keys_list(user_id=person.pk)
            if key.organisation_id in visible_ids
        ],
        "assigned_incidents": person_assignments_export(person=person, organisation_ids=told_ids),
        "incidents": person_incidents_export(person=person, organisation_ids=told_ids),
        "audit": _export_audit_events(person, user, told_ids),
    }


def _export_account(person: User) -> dict[str, Any]:
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


def _export_alert_preferences(person: User) -> dict[str, Any]:
    preferences = preferences_get(user=person)
    return {
        "incidents_by_mail": preferences.gets_mail,
        "quiet_from": preferences.quiet_from,
        "quiet_until": preferences.quiet_until,
        "digest": preferences.digest,
        "digest_hour": preferences.digest_hour,
        "digest_weekday": preferences.digest_weekday,
        "digest_skips_quiet": preferences.digest_skips_quiet,
        "latest_mails": [
            {"kind": message.kind, "state": message.state, "at": message.created_at}
            for message in person_messages_latest(channel=person_channel_find(user=person))
        ],
    }


def _export_api_token(token: Any, visible_ids: set[int]) -> dict[str, Any]:
    organisation_names = [
        organisation.name
        for organisation in token.organisations.all()
        if organisation.pk in visible_ids
    ]
    return {
        "name": token.name,
        "scope": token.scope,
        "organisations": None if token.every_organisation else organisation_names,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }


def _export_audit_events(
    person: User, user: User, organisation_ids: set[int] | None
) -> list[dict[str, Any]]:
    events = audit_events_of_person(
        actor_id=person.pk, subject=person.email, organisation_ids=organisation_ids
    )
    managed = organisations_with_permission(user=user, permission=Permission.MANAGE_MEMBERS)
    managed_ids = set(managed.values_list("pk", flat=True))
    exported_events = []
    for event in events.values("actor_id", "organisation_id", *AUDIT_EVENT_FIELDS):
        is_own = event.pop("actor_id") == person.pk
        if not is_own:
            event["address"] = None  # where a colleague was
        if event.pop("organisation_id") not in managed_ids and not user.is_platform_admin:
            event = addresses_mask(event, except_address=person.email)
        exported_events.append(event)
    return exported_events
