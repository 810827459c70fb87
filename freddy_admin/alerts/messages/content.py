"""What a message says, before a channel's kind gives it a form; texts are not yet translated.

A message tells of its own deliveries alone, so its receiver never learns of another organisation.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Min, Prefetch, prefetch_related_objects

from freddy_admin.accounts.models import User
from freddy_admin.alerts.channels.pretend_incident import (
    PRETEND_KEY_LABEL,
    pretend_incident_build,
)
from freddy_admin.alerts.messages.pagerduty_alerts import PagerDutyAlert, pagerduty_alerts
from freddy_admin.alerts.models import (
    Delivery,
    DeliveryKind,
    Incident,
    IncidentKey,
    Message,
    Severity,
)
from freddy_admin.alerts.preferences import preferences_get
from freddy_admin.core import clock
from freddy_admin.core.outbox import NothingToSend
from freddy_admin.core.panel_urls import panel_url
from freddy_admin.organisations.access import organisations_visible
from freddy_admin.sync.health_states import STATE_RANK, HealthState
from freddy_admin.sync.status.rows import CheckError
from freddy_admin.wording.alerts import (
    TEST_SENTENCE,
    cause_next_move,
    cause_sentence,
    cause_title,
    incident_former_state,
    incident_lasted,
    incident_next_move,
    incident_sentence,
    incident_since,
    incident_title,
    incidents_title,
    test_title,
)
from freddy_admin.wording.sentences import EMPTY, Sentence

ITEM_LIMIT: Final = 50  # no channel has room for more; the page behind the link has all
KEY_LIMIT: Final = 5
_KEYS: Final = Prefetch(
    "keys", IncidentKey.objects.select_related("key").order_by("began_at", "pk")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageItem:
    """One incident; names of organisations and keys are plain text that others wrote."""

    number: int  # the incident's id, as people quote it
    uid: UUID
    organisation_name: str
    key_labels: tuple[str, ...]
    more_keys: int  # beside those named
    state: HealthState  # of a resolved one the last that it had
    severity: Severity
    opened_at: datetime
    resolved_at: datetime | None
    sentence: Sentence  # what happened
    since: Sentence  # since when; of a resolved one when it ended, and how long it lasted
    next_move: Sentence  # whose move it is; empty for nobody's, of a cause's, and of a resolved one
    url: str

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """All that is said of it beside its title."""
        return tuple(
            sentence for sentence in (self.sentence, self.since, self.next_move) if sentence
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContent:
    """A message in sentences; render them inside `translation.override` of the receiver's."""

    uid: UUID  # of the message: the same over all attempts
    kind: DeliveryKind
    severity: Severity  # the worst of its incidents
    is_test: bool
    created_at: datetime  # of the message
    now: datetime
    title: Sentence
    sentences: tuple[Sentence, ...]  # what concerns all of its incidents: the cause
    items: tuple[MessageItem, ...]  # at least one, the worst first
    more: int  # incidents beside the items
    cause_uid: UUID | None
    url: str  # of its one incident, or of the list
    thread_uid: UUID  # of the first message that told this channel of the same; its own if none did
    pagerduty_alerts: tuple[PagerDutyAlert, ...] = ()  # of a channel of that kind alone

    @property
    def count(self) -> int:
        """How many incidents it tells of."""
        return len(self.items) + self.more


def message_content(message: Message) -> MessageContent:
    """What this message says at this moment; some queries, however many incidents there are.

    Raises NothingToSend where its receiver may see none of its organisations any more, or has left.
    """
    if message.is_test:
        return _pretend_content(message)
    deliveries = _deliveries_visible(message)
    if not deliveries:
        raise NothingToSend
    incidents = [delivery.incident for delivery in deliveries]
    prefetch_related_objects(incidents[:ITEM_LIMIT], _KEYS)
    items = [_item(incident, message) for incident in incidents[:ITEM_LIMIT]]
    is_over = message.kind == DeliveryKind.RESOLVED
    sentences = []
    if message.cause is not None:
        sentences.append(cause_sentence(message.cause.kind, is_over=is_over))
        if not is_over:
            sentences.append(cause_next_move(message.cause.kind))
    return MessageContent(
        uid=message.uid,
        kind=DeliveryKind(message.kind),
        severity=min((item.severity for item in items), key=list(Severity).index),
        is_test=False,
        created_at=message.created_at,
        now=clock.now(),
        title=_title(message, items, len(incidents)),
        sentences=tuple(sentences),
        items=tuple(items),
        more=len(incidents) - len(items),
        cause_uid=message.cause.uid if message.cause else None,
        url=items[0].url if len(incidents) == 1 else panel_url("incident_list"),
        thread_uid=_thread_uid(message, incidents),
        pagerduty_alerts=pagerduty_alerts(message, deliveries),
    )


def _deliveries_visible(message: Message) -> list[Delivery]:
    """Its deliveries, the worst incident first, but of organisations its receiver may not see."""
    rows = message.deliveries.select_related("incident__organisation")
    user = message.channel.user
    if user is not None:
        _require_mail_wanted(user)
        rows = rows.filter(incident__organisation__in=organisations_visible(user=user))
    return sorted(rows, key=lambda row: (_rank(row.incident), row.incident_id))


def reader_may_see_all(message: Message) -> bool:
    """Whether its receiver may see every organisation that it tells of; a channel always."""
    user = message.channel.user
    if user is None:
        return True
    hidden = message.deliveries.exclude(incident__organisation__in=organisations_visible(user=user))
    return not hidden.exists()


def _require_mail_wanted(user: User) -> None:
    if not user.is_active or not preferences_get(user=user).gets_mail:
        raise NothingToSend


def _rank(row: Incident | IncidentKey) -> int:
    return STATE_RANK[HealthState(row.health_state)]


def _item(incident: Incident, message: Message) -> MessageItem:
    keys = _incident_keys(incident, message)
    worst = min(keys, key=_rank, default=None)
    state = HealthState(incident.health_state)
    error = _check_error(worst) if worst else None
    is_over = message.kind == DeliveryKind.RESOLVED and incident.resolved_at is not None
    is_nobodys_move = is_over or message.cause is not None  # that of a cause is said once
    next_move = EMPTY if is_nobodys_move else incident_next_move(state, error=error)
    return MessageItem(
        number=incident.pk,
        uid=incident.uid,
        organisation_name=incident.organisation.name,
        key_labels=tuple(key.key.label for key in keys[:KEY_LIMIT]),
        more_keys=max(0, len(keys) - KEY_LIMIT),
        state=state,
        severity=Severity(incident.severity),
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
        sentence=incident_former_state(state)
        if is_over
        else incident_sentence(state, rule=worst.state_rule if worst else 0, error=error),
        since=incident_lasted(incident.opened_at, incident.resolved_at)
        if incident.resolved_at
        else incident_since(incident.opened_at),
        next_move=next_move,
        url=panel_url("incident", incident.organisation.slug, incident.pk),
    )


def _incident_keys(incident: Incident, message: Message) -> list[IncidentKey]:
    """Its keys, the worst first; those that are well again only where all are."""
    keys = list(incident.keys.all())
    open_keys = [key for key in keys if key.ended_at is None]
    if message.kind != DeliveryKind.RESOLVED and open_keys:
        keys = open_keys
    return sorted(keys, key=_rank)


def _check_error(key: IncidentKey) -> CheckError | None:
    if not key.error_kind:
        return None
    return CheckError(key.error_kind, key.error_code, key.error_http_status)


def _title(message: Message, items: Sequence[MessageItem], count: int) -> Sentence:
    first = items[0]
    if message.cause is not None:
        title = cause_title(
            message.kind,
            cause_kind=message.cause.kind,
            number=message.cause.pk,
            count=count,
        )
    elif count == 1:
        title = incident_title(
            message.kind,
            organisation=first.organisation_name,
            state=first.state,
            number=first.number,
        )
    else:
        title = incidents_title(
            message.kind,
            organisation=first.organisation_name,
            number=first.number,
            more=count - 1,
        )
    return title


def _pretend_content(message: Message) -> MessageContent:
    """What a test tells of its pretend incident: all that a message of a real one has."""
    if message.channel.user is not None and not message.channel.user.is_active:
        raise NothingToSend
    tests = Message.objects.filter(
        channel=message.channel_id, test_incident_uid=message.test_incident_uid
    )
    opening = tests.order_by("pk").first() or message
    incident = pretend_incident_build(message)
    state, url = HealthState(incident.health_state), panel_url("alert_channels")
    item = MessageItem(
        number=opening.pk,
        uid=incident.uid,
        organisation_name=incident.organisation.name,
        key_labels=(PRETEND_KEY_LABEL,),
        more_keys=0,
        state=state,
        severity=Severity(incident.severity),
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
        sentence=incident_sentence(state, error=None),
        since=incident_lasted(incident.opened_at, incident.resolved_at)
        if incident.resolved_at
        else incident_since(incident.opened_at),
        next_move=Sentence(""),
        url=url,
    )
    return MessageContent(
        uid=message.uid,
        kind=DeliveryKind(message.kind),
        severity=item.severity,
        is_test=True,
        created_at=message.created_at,
        now=clock.now(),
        title=test_title(_title(message, [item], 1)),
        sentences=(TEST_SENTENCE,),
        items=(item,),
        more=0,
        cause_uid=None,
        url=url,
        thread_uid=opening.uid,
    )


def _thread_uid(message: Message, incidents: Collection[Incident]) -> UUID:
    """The first message of the cause, or of all of its incidents where that is one and the same.

    Incidents that were told of apart stay apart: a message about both begins a thread of its own.
    """
    earlier = Message.objects.filter(channel=message.channel_id, pk__lt=message.pk)
    if message.cause_id is not None:
        first = earlier.filter(cause=message.cause_id).order_by("pk").first()
        if first is not None:
            return first.uid
    pairs = Delivery.objects.filter(message__in=earlier, incident__in=incidents)
    first_ids = dict(
        pairs.values_list("incident")
        .annotate(first=Min("message"))
        .values_list("incident", "first")
    )
    if len(first_ids) < len(incidents) or len({*first_ids.values()}) != 1:
        return message.uid
    return earlier.get(pk=next(iter(first_ids.values()))).uid
