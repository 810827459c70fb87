"""What holds messages back now, and until when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db.models import Max, Q, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.alerts.models import Incident, IncidentKey, MaintenanceWindow, Mute
from freddy_admin.alerts.silences.recurrence import window_next_span, window_span_at
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey


@dataclass(frozen=True, slots=True)
class SilenceReason:
    """One thing that holds back the messages of an incident, and when it ends."""

    kind: Literal["mute", "window"]  # as `Delivery.held_reason` stores it
    until: datetime
    reason: str  # what the person wrote
    pk: int  # of the mute or the window


def silence_reasons(
    *, incidents: Sequence[Incident], now: datetime
) -> dict[int, list[SilenceReason]]:
    """What holds back each of these incidents, by its id, the last to end first.

    Incidents that nothing holds back are left out. A window of a tag holds an incident whose
    affected keys all have the tag. Two statements, and two more where a window of a tag is in
    force.
    """
    reasons = dict[int, list[SilenceReason]]()
    if not incidents:
        return reasons
    for mute in _mutes_in_force(incidents, now).order_by("pk"):
        reasons.setdefault(mute.incident_id, []).append(
            SilenceReason("mute", mute.until, mute.reason, mute.pk)
        )
    _add_windows(reasons, incidents, now)
    for held in reasons.values():
        held.sort(key=lambda reason: reason.until, reverse=True)
    return reasons


def muted_until(*, incidents: Sequence[Incident], now: datetime) -> dict[int, datetime]:
    """Until when each muted incident is muted, by its id. One statement."""
    mutes = _mutes_in_force(incidents, now).order_by().values("incident_id")
    latest = mutes.annotate(latest=Max("until")).values_list("incident_id", "latest")
    return dict(latest)


def mutes_list(*, organisation: Organisation, incident: Incident) -> list[Mute]:
    """The mutes of an incident, the latest first; `ended_at` is None where it ran its time."""
    mutes = Mute.objects.filter(incident=incident, incident__organisation=organisation)
    return list(mutes.order_by("-created_at", "-pk"))


def windows_list(*, organisation: Organisation | None, now: datetime) -> list[MaintenanceWindow]:
    """Its windows that are in force or to come, soonest first; of the whole panel without one."""
    windows = MaintenanceWindow.objects.filter(organisation=organisation, deleted_at=None)
    spans = [(window_next_span(window, now), window) for window in windows]
    coming = [(span.start, window.pk, window) for span, window in spans if span is not None]
    return [window for _start, _pk, window in sorted(coming)]


def window_get(*, organisation: Organisation | None, pk: int) -> MaintenanceWindow:
    """The window, deleted ones included. Raises NotFound for a foreign one."""
    window = MaintenanceWindow.objects.filter(organisation=organisation, pk=pk).first()
    if window is None:
        raise NotFound(_("There is no such maintenance window here."))
    return window


def _mutes_in_force(incidents: Sequence[Incident], now: datetime) -> QuerySet[Mute]:
    return Mute.objects.filter(
        incident__in=[incident.pk for incident in incidents], ended_at=None, until__gt=now
    )


def _add_windows(
    reasons: dict[int, list[SilenceReason]], incidents: Sequence[Incident], now: datetime
) -> None:
    windows = MaintenanceWindow.objects.filter(
        Q(organisation=None)
        | Q(organisation__in={incident.organisation_id for incident in incidents}),
        deleted_at=None,
    )
    in_force = [
        (window, span.end)
        for window in windows
        if (span := window_span_at(window, now)) is not None
    ]
    tags = _common_tags(incidents) if any(window.tag for window, _end in in_force) else {}
    for incident in incidents:
        for window, end in in_force:
            if _covers(window, incident, tags):
                reasons.setdefault(incident.pk, []).append(
                    SilenceReason("window", end, window.reason, window.pk)
                )


def _covers(
    window: MaintenanceWindow, incident: Incident, tags: Mapping[int, frozenset[str]]
) -> bool:
    if window.organisation_id not in {None, incident.organisation_id}:
        return False
    return not window.tag or window.tag in tags.get(incident.pk, frozenset())


def _common_tags(incidents: Sequence[Incident]) -> dict[int, frozenset[str]]:
    """The tags that all keys of each incident have which are affected still; of all once over."""
    parts = IncidentKey.objects.filter(incident__in=[incident.pk for incident in incidents])
    keys = list(parts.values_list("incident_id", "key_id", "ended_at"))
    pairs = ApiKey.tags.through.objects.filter(apikey__in={key_id for _pk, key_id, _end in keys})
    tags = dict[int, set[str]]()
    for key_id, name in pairs.values_list("apikey_id", "keytag__name"):
        tags.setdefault(key_id, set()).add(name)
    open_ids = {incident_id for incident_id, _key, ended_at in keys if ended_at is None}
    common = dict[int, frozenset[str]]()
    for incident_id, key_id, ended_at in keys:
        if ended_at is None or incident_id not in open_ids:
            of_key = frozenset(tags.get(key_id, ()))
            common[incident_id] = common.get(incident_id, of_key) & of_key
    return common
