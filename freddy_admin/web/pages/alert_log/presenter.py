"""The log's lines in words."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from freddy_admin.alerts.deliveries.ledger import LedgerEntry, LogPage
from freddy_admin.alerts.models import Channel, ChannelKind, DeliveryState
from freddy_admin.organisations.roles import Permission
from freddy_admin.web.pages.alert_log.filters import LOG_PARAMS, LogQuery
from freddy_admin.web.pages.incident.presenter import channel_name
from freddy_admin.wording.alert_deliveries import DELIVERY_TONES, message_outcome
from freddy_admin.wording.channels import KIND_ICONS
from freddy_admin.wording.incidents import delivery_notes, delivery_sentence
from freddy_admin.wording.sentences import render_html
from freddy_admin.wording.times import UserTime

# Only managers see the log, who see people's addresses.
_MANAGER_PERMISSIONS = frozenset(Permission)


def alert_log_context(
    page: LogPage, query: LogQuery, channels: Sequence[Channel], user_time: UserTime
) -> dict[str, Any]:
    """The page for one moment."""
    path = reverse("alert_log")
    older = page.older_before
    return {
        "query": query,
        "rows": [_row(entry, user_time) for entry in page.entries],
        "channels": [
            *((kind.value, str(kind.label)) for kind in ChannelKind),
            *((str(channel.pk), _option(channel)) for channel in channels),
        ],
        "states": [(state.value, str(state.label)) for state in DeliveryState],
        "newest_url": LOG_PARAMS.build_url(query, path, before=None) if query.before else "",
        "older_url": LOG_PARAMS.build_url(query, path, before=older) if older else "",
    }


def _option(channel: Channel) -> str:
    owner = channel.organisation
    return f"{channel.name} · {owner.name}" if owner else channel.name


def _row(entry: LedgerEntry, user_time: UserTime) -> dict[str, Any]:
    delivery, channel = entry.delivery, entry.channel
    incident, state = delivery.incident, entry.state
    tone, icon = DELIVERY_TONES[state]
    outcome = message_outcome(state, reason=entry.reason, held_reason=delivery.held_reason)
    status = f"{entry.answer_status} " if entry.answer_status is not None else ""
    notes = delivery_notes(
        held_reason="",
        send_at=delivery.send_at,
        attempts=entry.attempts,
        answer=f"{status}{entry.answer}".strip(),
    )
    words = delivery_sentence(
        delivery.kind, state=state, channel=channel_name(channel, _MANAGER_PERMISSIONS)
    )
    return {
        "tone": tone,
        "icon": icon,
        "channel_icon": KIND_ICONS[channel.kind],
        "words": render_html(words, user_time),
        "outcome": render_html(outcome, user_time),
        "notes": render_html(notes, user_time),
        "organisation": incident.organisation.name,
        "incident": incident.pk,
        "url": reverse("incident", args=[incident.organisation.slug, incident.pk]),
        "time": user_time.render_relative_cell(entry.at),
        "exact": user_time.format_exact(entry.at),
    }
