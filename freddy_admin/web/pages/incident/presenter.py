"""Incidents for their pages: a line of the list, and one incident with all that is known of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.alerts.deliveries.ledger import LedgerEntry
from freddy_admin.alerts.incidents.selectors import CauseReach, IncidentPage
from freddy_admin.alerts.models import (
    Channel,
    Incident,
    IncidentEvent,
    IncidentKey,
    IncidentState,
    Mute,
    Severity,
)
from freddy_admin.alerts.silences.selectors import SilenceReason
from freddy_admin.organisations.access import (
    Access,
    actor_display_name,
    effective_permissions,
    person_display_name,
)
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.rows import CheckError
from freddy_admin.web.components import SelectOption, state_pill
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.incident.filters import ALL_STATES, INCIDENT_PARAMS, UNRESOLVED
from freddy_admin.wording.alerts import (
    cause_name,
    cause_sentence,
    incident_next_move,
    incident_sentence,
    incident_title,
    keys_phrase,
)
from freddy_admin.wording.incidents import (
    STATE_TONES,
    cause_reach_sentence,
    delivery_notes,
    delivery_sentence,
    delivery_tone,
    incident_affected,
    incident_count,
    incident_event_wording,
    incident_noticed,
    incident_span,
    incident_standing,
    mute_sentence,
    silenced_sentence,
)
from freddy_admin.wording.sentences import render_html, render_text
from freddy_admin.wording.states import BAD, STATE_WORDINGS, WARN
from freddy_admin.wording.times import UserTime

_LABELS_SHOWN = 3


def incident_list_context(
    page: IncidentPage, page_count: int, user: User, user_time: UserTime
) -> dict[str, Any]:
    """One page of the list, for one person and one moment."""
    filters, path = page.filters, reverse("incident_list")
    return {
        "filters": filters,
        "rows": [_incident_row(incident, user, user_time) for incident in page.incidents],
        "count": render_text(incident_count(page.total)),
        "is_narrowed": INCIDENT_PARAMS.is_narrowed(filters),
        "states": _state_options(filters.state),
        "severities": [
            SelectOption(severity.value, str(severity.label), severity == filters.severity)
            for severity in Severity
        ],
        "query": INCIDENT_PARAMS.build_url(filters, page=1),
        "live_href": INCIDENT_PARAMS.build_url(filters, path),
        "all_href": INCIDENT_PARAMS.build_url(type(filters)(state=""), path),
        "pager": INCIDENT_PARAMS.pager(filters, path, page=filters.page, page_count=page_count),
    }


def incident_list_digest(page: IncidentPage, organisations: Sequence[tuple[str, str]]) -> str:
    """Changes when anything shown does."""
    return values_digest(
        page.total, organisations, [_incident_values(incident) for incident in page.incidents]
    )


def _state_options(chosen: str) -> list[SelectOption]:
    options = [(UNRESOLVED, _("Not over")), *((s.value, str(s.label)) for s in IncidentState)]
    return [
        SelectOption(value, label, value == (chosen or ALL_STATES))
        for value, label in [*options, (ALL_STATES, _("All"))]
    ]


def _incident_values(incident: Incident) -> tuple[object, ...]:
    return (
        *(incident.pk, incident.state, incident.health_state, incident.severity),
        *(incident.opened_at, incident.resolved_at, incident.acknowledged_by),
        *(incident.assignee_id, incident.organisation.name, incident.cause_id),
        [(key.pk, key.health_state, key.ended_at, key.key.label) for key in incident.keys.all()],
    )


def _incident_row(incident: Incident, user: User, user_time: UserTime) -> dict[str, Any]:
    permissions = effective_permissions(user, None)
    keys = list(incident.keys.all())
    labels = tuple(dict.fromkeys(key.key.label for key in keys))
    return {
        **incident_head(incident, permissions, user_time),
        "href": incident_url(incident),
        "organisation": incident.organisation.name,
        "keys": render_text(
            keys_phrase(labels[:_LABELS_SHOWN], more=max(0, len(labels) - _LABELS_SHOWN))
        ),
        "sentence": render_html(_what_happened(incident, keys), user_time),
    }


def incident_url(incident: Incident) -> str:
    """The address of its page."""
    return reverse("incident", args=[incident.organisation.slug, incident.pk])


def incident_head(
    incident: Incident, permissions: frozenset[Permission], user_time: UserTime
) -> dict[str, Any]:
    """What list and page say of an incident: its states, since when, who looks after it."""
    tone, icon = STATE_TONES[incident.state]
    if tone == BAD and incident.severity == Severity.WARNING:
        tone = WARN
    span = incident_span(incident.opened_at, incident.resolved_at, user_time.now)
    return {
        "incident": incident,
        "pill": state_pill(HealthState(incident.health_state)),
        "state": {"tone": tone, "icon": icon, "word": str(IncidentState(incident.state).label)},
        "severity": str(Severity(incident.severity).label),
        "standing": render_text(incident_standing(**_standing(incident, permissions))),
        "since": user_time.render_clock_cell(incident.opened_at),
        "span": render_text(span),
    }


def _standing(incident: Incident, permissions: frozenset[Permission]) -> dict[str, str]:
    return {
        "state": incident.state,
        "acknowledged_by": actor_display_name(incident.acknowledged_by, permissions),
        "assignee": _assignee_name(incident.assignee, permissions),
    }


def _assignee_name(assignee: User | None, permissions: frozenset[Permission]) -> str:
    return person_display_name(assignee.name, assignee.email, permissions) if assignee else ""


def _worst_key(incident: Incident, keys: Sequence[IncidentKey]) -> IncidentKey | None:
    return next(
        (key for key in keys if key.health_state == incident.health_state), next(iter(keys), None)
    )


def _key_error(key: IncidentKey | None) -> CheckError | None:
    if key is None or not key.error_kind:
        return None
    return CheckError(key.error_kind, key.error_code, key.error_http_status)


def _what_happened(incident: Incident, keys: Sequence[IncidentKey]) -> Any:
    key = _worst_key(incident, keys)
    return incident_sentence(
        HealthState(incident.health_state),
        rule=key.state_rule if key else 0,
        error=_key_error(key),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentDetails:
    """One incident with what its page shows, as read at one moment."""

    access: Access
    incident: Incident
    keys: Sequence[IncidentKey]
    events: Sequence[IncidentEvent]
    ledger: Sequence[LedgerEntry]
    mute: Mute | None  # the one that lasts longest, of those in force
    window: SilenceReason | None  # a maintenance window that is in force
    reach: CauseReach | None

    def digest(self) -> str:
        """Changes when anything shown does."""
        return values_digest(
            _incident_values(self.incident),
            self.access.permissions,
            [(key.pk, key.health_state, key.ended_at) for key in self.keys],
            [event.pk for event in self.events],
            [
                (entry.delivery.pk, entry.state, entry.attempts, entry.answer, entry.at)
                for entry in self.ledger
            ],
            self.mute and (self.mute.pk, self.mute.until),
            self.window and self.window.until,
            self.reach and (self.reach.organisations, self.reach.keys),
        )

    def context(self, user: User, user_time: UserTime) -> dict[str, Any]:
        """The page for `user`, but for its forms."""
        incident, permissions = self.incident, self.access.permissions
        affected = sum(key.ended_at is None for key in self.keys)
        may_handle = self.access.allows(Permission.HANDLE_INCIDENTS)
        return {
            **incident_head(incident, permissions, user_time),
            "organisation": self.access.organisation,
            "base": incident_url(incident),
            "digest": self.digest(),
            "title": render_text(_title(incident)),
            "advice": str(STATE_WORDINGS[HealthState(incident.health_state)].advice or ""),
            "what_happened": render_html(_what_happened(incident, self.keys), user_time),
            "noticed": render_html(
                incident_noticed(incident.opened_at, incident.noticed_at), user_time
            ),
            "opened": user_time.render_relative_and_clock(incident.opened_at),
            "resolved": incident.resolved_at
            and user_time.render_relative_and_clock(incident.resolved_at),
            "affected": render_text(incident_affected(affected)),
            "next_move": render_text(self._next_move()),
            "cause": self._cause(user_time),
            "is_open": incident.state != IncidentState.RESOLVED,
            "may_handle": may_handle,
            "is_readers": incident.assignee_id == user.pk,
            "reader_id": user.pk,
            "keys": [self._key_line(key, user_time) for key in self.keys],
            "events": [self._event_line(event, user_time) for event in self.events],
            "deliveries": [self._delivery_line(entry, user_time) for entry in self.ledger],
            "silences": self._silences(user_time),
            "is_muted": self.mute is not None,
        }

    def _next_move(self) -> Any:
        cause = self.incident.cause
        return incident_next_move(
            HealthState(self.incident.health_state),
            error=_key_error(_worst_key(self.incident, self.keys)),
            cause_kind=cause.kind if cause else "",
        )

    def _cause(self, user_time: UserTime) -> dict[str, Any] | None:
        cause = self.incident.cause
        if cause is None:
            return None
        reach = self.reach and cause_reach_sentence(
            organisations=self.reach.organisations, keys=self.reach.keys
        )
        sentence = cause_sentence(cause.kind, is_over=cause.resolved_at is not None)
        return {
            "title": render_text(cause_name(cause.kind)),
            "words": render_html(sentence, user_time),
            "reach": render_text(reach) if reach else "",
        }

    def _key_line(self, key: IncidentKey, user_time: UserTime) -> dict[str, Any]:
        return {
            "label": key.key.label,
            "href": reverse("key", args=[self.access.organisation.slug, key.key_id]),
            "pill": state_pill(HealthState(key.health_state)),
            "span": user_time.format_time_range(key.began_at, key.ended_at),
            "is_over": key.ended_at is not None,
        }

    def _event_line(self, event: IncidentEvent, user_time: UserTime) -> dict[str, Any]:
        wording = incident_event_wording(
            event.kind,
            actor=actor_display_name(event.actor_name, self.access.permissions),
            note=event.note,
            details=self._readable_details(event.details),
        )
        return {
            "tone": wording.tone,
            "icon": wording.icon,
            "words": render_html(wording.words, user_time),
            "note": event.note,
            "time": user_time.render_clock_cell(event.at),
        }

    def _readable_details(self, details: dict[str, Any]) -> Mapping[str, Any]:
        """The details of an event with the key's label, and addresses masked for this reader."""
        labels = {key.key_id: key.key.label for key in self.keys}
        named = details | {"key": labels.get(details.get("key_id", 0), "")}
        assignee = details.get("assignee")
        if isinstance(assignee, str):
            named["assignee"] = actor_display_name(assignee, self.access.permissions)
        return named

    def _delivery_line(self, entry: LedgerEntry, user_time: UserTime) -> dict[str, Any]:
        tone, icon = delivery_tone(entry.state)
        notes = delivery_notes(
            held_reason=entry.delivery.held_reason if entry.state == "held" else "",
            send_at=entry.delivery.send_at,
            attempts=entry.attempts,
            answer=entry.answer,
        )
        channel = channel_name(entry.channel, self.access.permissions)
        return {
            "tone": tone,
            "icon": icon,
            "words": render_html(
                delivery_sentence(entry.delivery.kind, state=entry.state, channel=channel),
                user_time,
            ),
            "state": str(entry.state.label),
            "note": render_html(notes, user_time),
            "time": user_time.render_clock_cell(entry.at),
        }

    def _silences(self, user_time: UserTime) -> list[Any]:
        lines = []
        if self.mute is not None:
            by = actor_display_name(self.mute.created_by, self.access.permissions)
            lines.append(mute_sentence(self.mute.until, reason=self.mute.reason, by=by))
        if self.window is not None:
            lines.append(silenced_sentence(self.window.until, reason=self.window.reason))
        return [render_html(line, user_time) for line in lines]


def _title(incident: Incident) -> Any:
    return incident_title(
        "opened",
        organisation=incident.organisation.name,
        state=HealthState(incident.health_state),
        number=incident.pk,
    )


def channel_name(channel: Channel, permissions: frozenset[Permission]) -> str:
    """What a channel is called; that of a person by the person's name, or address for managers."""
    if channel.user is not None:
        return person_display_name(channel.user.name, channel.user.email, permissions)
    return channel.name or str(channel.get_kind_display())


def latest_mute(mutes: Sequence[Mute], now: datetime) -> Mute | None:
    """The mute in force that lasts longest."""
    in_force = [mute for mute in mutes if mute.ended_at is None and mute.until > now]
    return max(in_force, key=lambda mute: mute.until, default=None)
