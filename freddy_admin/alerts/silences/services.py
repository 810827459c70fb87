"""Mutes and maintenance windows: made and ended by people, kept with who and when."""

from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from freddy_admin.accounts.people import time_zones
from freddy_admin.alerts.incidents.locks import incident_lock, unresolved_incident_lock
from freddy_admin.alerts.incidents.services import incident_event_record
from freddy_admin.alerts.models import (
    Delivery,
    DeliveryState,
    Incident,
    IncidentEventKind,
    MaintenanceWindow,
    Mute,
    WindowRecurrence,
)
from freddy_admin.alerts.silences.recurrence import window_next_span
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import InvalidInput, NotFound
from freddy_admin.core.tasks import QueueName, wake
from freddy_admin.core.text_validation import line_clean
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.organisations.locks import organisation_lock
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import KeyTag

REASON_MAX_LENGTH = 200
TAG_MAX_LENGTH = 40
LONGEST_MUTE = timedelta(days=90)
LONGEST_WINDOW = timedelta(days=31)
LONGEST_WEEKLY_WINDOW = timedelta(days=6)
_LATEST_DAY = date(2999, 12, 31)


@dataclass(frozen=True, slots=True)
class WindowDetails:
    """What a person enters of a window; times are those on the wall in `zone`."""

    reason: str
    zone: str
    starts_on: date
    starts_at: time
    minutes: int
    recurrence: WindowRecurrence = WindowRecurrence.ONCE
    ends_on: date | None = None
    tag: str = ""


@transaction.atomic
def incident_mute(
    *, organisation: Organisation, actor: Actor, incident: Incident, until: datetime, reason: str
) -> Mute:
    """Hold back its messages until then. Of several mutes the one that lasts longest counts.

    The end of what somebody was told of is told all the same. Raises InvalidInput, and Conflict
    where the incident is over.
    """
    now, text = clock.now(), line_clean(reason, field="reason", limit=REASON_MAX_LENGTH)
    if until <= now:
        raise InvalidInput(_("Choose a moment that is still to come."), field="until")
    if until > now + LONGEST_MUTE:
        raise InvalidInput(
            _("Mute for at most %(days)d days.") % {"days": LONGEST_MUTE.days}, field="until"
        )
    row = unresolved_incident_lock(organisation=organisation, incident=incident)
    mute = Mute.objects.create(
        incident=row, until=until, reason=text, created_at=now, created_by=actor.name[:254]
    )
    incident_event_record(
        row, IncidentEventKind.MUTED, actor, until=f"{until:%Y-%m-%dT%H:%M:%SZ}", reason=text
    )
    return mute


@transaction.atomic
def incident_unmute(*, organisation: Organisation, actor: Actor, incident: Incident) -> int:
    """End all its mutes now; returns how many were in force. What they held back goes out."""
    row, now = incident_lock(organisation=organisation, incident=incident), clock.now()
    in_force = Mute.objects.filter(incident=row, ended_at=None, until__gt=now)
    ended = in_force.update(ended_at=now, ended_by=actor.name[:254])
    if ended:
        incident_event_record(row, IncidentEventKind.UNMUTED, actor)
        _held_deliveries_release(Q(incident=row, held_reason="mute"), now)
    return ended


@transaction.atomic
def window_create(
    *, organisation: Organisation | None, actor: Actor, details: WindowDetails
) -> MaintenanceWindow:
    """Plan a window, of the whole panel without an organisation. Raises InvalidInput."""
    now, organisation = clock.now(), _organisation_locked(organisation)
    cleaned = window_details_clean(details, organisation=organisation)
    window = MaintenanceWindow(
        organisation=organisation, created_at=now, created_by=actor.name[:254]
    )
    _details_set(window, cleaned)
    _validate_not_over(window, now)
    window.save()
    _window_audit(window, AuditTag.WINDOW_CREATED, actor, **_details_told(window))
    return window


@transaction.atomic
def window_update(
    *,
    organisation: Organisation | None,
    actor: Actor,
    window: MaintenanceWindow,
    details: WindowDetails,
) -> MaintenanceWindow:
    """Change a window. Raises InvalidInput, and NotFound for a foreign or a deleted one."""
    now, organisation = clock.now(), _organisation_locked(organisation)
    cleaned = window_details_clean(details, organisation=organisation)
    row = _window_locked(organisation, window)
    former = _details_told(row)
    _details_set(row, cleaned)
    _validate_not_over(row, now)
    changes = {
        name: [former[name], value]
        for name, value in _details_told(row).items()
        if value != former[name]
    }
    if changes:
        row.save()
        _window_audit(row, AuditTag.WINDOW_CHANGED, actor, changes=changes)
        _windows_held_deliveries_release(row, now)
    return row


@transaction.atomic
def window_delete(
    *, organisation: Organisation | None, actor: Actor, window: MaintenanceWindow
) -> None:
    """End or call off a window; it stays readable. Raises NotFound for a foreign one."""
    now, organisation = clock.now(), _organisation_locked(organisation)
    row = _window_locked(organisation, window)
    row.deleted_at, row.deleted_by = now, actor.name[:254]
    row.save(update_fields=["deleted_at", "deleted_by"])
    _window_audit(row, AuditTag.WINDOW_DELETED, actor)
    _windows_held_deliveries_release(row, now)


def window_details_clean(
    details: WindowDetails, *, organisation: Organisation | None
) -> WindowDetails:
    """The details as they are stored. Raises InvalidInput for the first field that is unusable."""
    reason = line_clean(details.reason, field="reason", limit=REASON_MAX_LENGTH)
    if details.zone not in time_zones():
        raise InvalidInput(_("Choose a time zone from the list."), field="zone")
    is_weekly = details.recurrence == WindowRecurrence.WEEKLY
    longest = LONGEST_WEEKLY_WINDOW if is_weekly else LONGEST_WINDOW
    if not 0 < details.minutes <= longest.total_seconds() / 60:
        raise InvalidInput(
            _("A window lasts from a minute to %(days)d days.") % {"days": longest.days},
            field="minutes",
        )
    if not date(2000, 1, 1) <= details.starts_on <= _LATEST_DAY:
        raise InvalidInput(_("Choose a day of this century."), field="starts_on")
    ends_on = details.ends_on if is_weekly else None
    if ends_on is not None and not details.starts_on <= ends_on <= _LATEST_DAY:
        raise InvalidInput(_("The last day lies before the first one."), field="ends_on")
    return replace(details, reason=reason, ends_on=ends_on, tag=_tag_clean(details, organisation))


def _tag_clean(details: WindowDetails, organisation: Organisation | None) -> str:
    tag = line_clean(details.tag, field="tag", limit=TAG_MAX_LENGTH, required=False)
    tags = KeyTag.objects.filter(name=tag)
    if organisation is not None:
        tags = tags.filter(organisation=organisation)
    if not tag or tags.exists():
        return tag
    message = (
        _("No key here has this tag. Choose another one, or all keys.")
        if organisation is not None
        else _(
            "No key has this tag. Enter one exactly as the keys carry it, or leave this empty for "
            "all keys."
        )
    )
    raise InvalidInput(message, field="tag")


def _validate_not_over(window: MaintenanceWindow, now: datetime) -> None:
    if window_next_span(window, now) is None:
        raise InvalidInput(_("This window is over already: choose a later day."), field="starts_on")


def _details_set(window: MaintenanceWindow, details: WindowDetails) -> None:
    for field in fields(details):
        setattr(window, field.name, getattr(details, field.name))


def _details_told(window: MaintenanceWindow) -> dict[str, Any]:
    """The details as the audit log holds them."""
    return {
        "reason": window.reason,
        "recurrence": str(window.recurrence),
        "starts": f"{window.starts_on} {window.starts_at:%H:%M}",
        "zone": window.zone,
        "minutes": window.minutes,
        "last_day": str(window.ends_on or ""),
        "with_tag": window.tag,
    }


def _window_audit(window: MaintenanceWindow, tag: AuditTag, actor: Actor, **details: Any) -> None:
    organisation = window.organisation
    audit_event_record(
        tag=tag,
        actor=actor,
        organisation=organisation_audit_ref(organisation) if organisation else None,
        subject=window.reason,
        **details,
    )


def _organisation_locked(organisation: Organisation | None) -> Organisation | None:
    return None if organisation is None else organisation_lock(organisation=organisation)


def _window_locked(
    organisation: Organisation | None, window: MaintenanceWindow
) -> MaintenanceWindow:
    rows = MaintenanceWindow.objects.select_for_update(of=("self",), no_key=True)
    rows = rows.select_related("organisation").filter(organisation=organisation, deleted_at=None)
    row = rows.filter(pk=window.pk).first()
    if row is None:
        raise NotFound(_("There is no such maintenance window here."))
    return row


def _windows_held_deliveries_release(window: MaintenanceWindow, now: datetime) -> None:
    held = Q(held_reason="window")
    if window.organisation_id is not None:
        held &= Q(incident__organisation=window.organisation_id)
    _held_deliveries_release(held, now)


def _held_deliveries_release(held: Q, now: datetime) -> None:
    """Have deliveries looked at again that a silence held back; what else holds them still does."""
    Delivery.objects.filter(held, state=DeliveryState.HELD, send_at__gt=now).update(send_at=now)
    wake(QueueName.ALERT_DELIVERIES)
