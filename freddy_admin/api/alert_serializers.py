"""Incidents and deliveries as values of the JSON API."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import Channel, Delivery, Incident, IncidentEvent, IncidentKey
from freddy_admin.api.serializers import format_utc
from freddy_admin.organisations.access import (
    NO_PERMISSIONS,
    actor_display_name,
    addresses_mask,
    organisations_with_permission,
    person_display_name,
)
from freddy_admin.organisations.roles import Permission

Permissions = Collection[Permission]


class NamesVisible:
    """Where this person sees other people's addresses; one query, when it is first asked."""

    def __init__(self, user: User) -> None:
        self.user = user
        self._organisation_ids: frozenset[int] | None = None

    def permissions_in(self, organisation_id: int) -> Permissions:
        """Of the person's permissions there, the one that names depend on."""
        if self._organisation_ids is None:
            organisations = organisations_with_permission(
                user=self.user, permission=Permission.MANAGE_MEMBERS
            )
            self._organisation_ids = frozenset(organisations.values_list("pk", flat=True))
        is_visible = organisation_id in self._organisation_ids
        return {Permission.MANAGE_MEMBERS} if is_visible else NO_PERMISSIONS


def serialize_incident(
    incident: Incident, *, muted_until: datetime | None, names: NamesVisible
) -> dict[str, Any]:
    """An incident, with names of people as far as this person sees them."""
    permissions = names.permissions_in(incident.organisation_id)
    cause, assignee = incident.cause, incident.assignee
    return {
        "uid": str(incident.uid),
        "number": incident.pk,
        "organisation": incident.organisation.name,
        "organisation_slug": incident.organisation.slug,
        "state": incident.state,
        "severity": incident.severity,
        "health_state": incident.health_state,
        "opened_at": format_utc(incident.opened_at),
        "noticed_at": format_utc(incident.noticed_at),
        "resolved_at": format_utc(incident.resolved_at),
        "resolution_noticed_at": format_utc(incident.resolution_noticed_at),
        "acknowledged_at": format_utc(incident.acknowledged_at),
        "acknowledged_by": actor_display_name(incident.acknowledged_by, permissions) or None,
        "assignee": person_display_name(assignee.name, assignee.email, permissions)
        if assignee
        else None,
        "muted_until": format_utc(muted_until),
        "cause": {
            "kind": cause.kind,
            "opened_at": format_utc(cause.opened_at),
            "resolved_at": format_utc(cause.resolved_at),
        }
        if cause
        else None,
        "keys": [_serialize_incident_key(key) for key in incident.keys.all()],
    }


def serialize_incident_event(event: IncidentEvent, *, permissions: Permissions) -> dict[str, Any]:
    """One line of the timeline; addresses are masked for who may not see them."""
    sees_addresses = Permission.MANAGE_MEMBERS in permissions
    details = event.details if isinstance(event.details, dict) else {}
    return {
        "id": event.pk,
        "kind": event.kind,
        "at": format_utc(event.at),
        "actor": actor_display_name(event.actor_name, permissions),
        "note": event.note,
        "details": details if sees_addresses else addresses_mask(details),
    }


def serialize_delivery(delivery: Delivery, *, names: NamesVisible) -> dict[str, Any]:
    """A delivery, with what became of the message that carries it."""
    incident, channel, message = delivery.incident, delivery.channel, delivery.message
    organisation = incident.organisation
    permissions = names.permissions_in(organisation.pk)
    is_visible = (
        channel.organisation_id == organisation.pk
        or getattr(delivery, "is_member_channel", False)
        or names.user.is_platform_admin  # who alone learns who else is told of the whole panel
    )
    return {
        "id": delivery.pk,
        "incident_uid": str(incident.uid),
        "organisation": organisation.name,
        "organisation_slug": organisation.slug,
        "channel_id": channel.pk if is_visible else None,
        "channel_kind": channel.kind,
        "channel": _channel_name(channel, permissions) if is_visible else None,
        "kind": delivery.kind,
        "number": delivery.number,
        "state": delivery.state,
        "held_reason": delivery.held_reason or None,
        "planned_at": format_utc(delivery.created_at),
        "due_at": format_utc(delivery.send_at),
        "finished_at": format_utc(delivery.finished_at),
        "message_uid": str(message.uid) if message else None,
        "attempts": message.attempts if message else 0,
        "failure": (message.reason or None) if message else None,
        "answer": (message.answer or None) if message and is_visible else None,
        "answer_status": message.answer_status if message else None,
    }


def _channel_name(channel: Channel, permissions: Permissions) -> str:
    if channel.user is not None:
        return person_display_name(channel.user.name, channel.user.email, permissions)
    return channel.name or str(channel.get_kind_display())


def _serialize_incident_key(key: IncidentKey) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "key_label": key.key.label,
        "state": key.health_state,
        "began_at": format_utc(key.began_at),
        "ended_at": format_utc(key.ended_at),
        "error_kind": key.error_kind or None,
        "error_code": key.error_code or None,
        "error_http_status": key.error_http_status,
    }
