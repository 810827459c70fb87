"""Channels of an organisation and their receivers on loopback."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from freddy_admin.alerts.channels.services import NewChannel, channel_create
from freddy_admin.alerts.messages.content import MessageContent, MessageItem
from freddy_admin.alerts.models import Channel, DeliveryKind, Message, Severity
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.outbound.guard import parse_allowed_hosts
from freddy_admin.sync.health_states import HealthState
from freddy_admin.wording.alerts import (
    cause_sentence,
    incident_sentence,
    incident_since,
    incident_title,
    incidents_title,
)
from freddy_admin.wording.sentences import EMPTY
from tests.receivers.http_receiver import HttpReceiver
from tests.receivers.pagerduty_receiver import ROUTING_KEY, PagerDutyReceiver
from tests.receivers.slack_receiver import PATH, SlackReceiver
from tests.receivers.teams_receiver import TeamsReceiver
from tests.receivers.webhook_receiver import WebhookReceiver

MANAGER = Actor("Mona (mona@example.org)", id=1)
MakeChannel = Callable[..., NewChannel]
MakeContent = Callable[..., MessageContent]


def _serve(settings: Any, receiver: Any) -> Iterator[Any]:
    with receiver:
        hosts = [str(settings.OUTBOUND_ALLOWED_HOSTS), receiver.host]
        settings.OUTBOUND_ALLOWED_HOSTS = parse_allowed_hosts(",".join(filter(None, hosts)))
        yield receiver


@pytest.fixture
def receiver(settings: Any) -> Iterator[HttpReceiver]:
    """One that takes everything, unless a test says otherwise."""
    yield from _serve(settings, HttpReceiver())


@pytest.fixture
def webhook_receiver(settings: Any) -> Iterator[WebhookReceiver]:
    yield from _serve(settings, WebhookReceiver())


@pytest.fixture
def slack_receiver(settings: Any) -> Iterator[SlackReceiver]:
    yield from _serve(settings, SlackReceiver())


@pytest.fixture
def teams_receiver(settings: Any) -> Iterator[TeamsReceiver]:
    yield from _serve(settings, TeamsReceiver())


@pytest.fixture
def pagerduty_receiver(settings: Any) -> Iterator[PagerDutyReceiver]:
    with PagerDutyReceiver() as receiver:
        settings.PAGERDUTY_EVENTS_URL = receiver.url("/v2/enqueue")
        yield receiver


@pytest.fixture
def make_channel(organisation: Organisation) -> MakeChannel:
    """Add a channel of the organisation; its address is that of a receiver, or a text."""

    def make(kind: str, at: HttpReceiver | str = "", **changes: Any) -> NewChannel:
        if isinstance(at, HttpReceiver):
            at = {"slack": at.url(PATH), "pagerduty": ROUTING_KEY}.get(kind) or at.url()
        options = {"organisation": organisation, "name": f"Our {kind}"} | changes
        return channel_create(actor=MANAGER, kind=kind, address=at or ROUTING_KEY, **options)

    return make


def message_to(channel: Channel, **changes: Any) -> Message:
    """A stored message to this channel, without deliveries."""
    values = {"kind": DeliveryKind.OPENED, "created_at": clock.now()} | changes
    return Message.objects.create(channel=channel, **values)


def message_item(number: int, organisation: str, *keys: str, **changes: Any) -> MessageItem:
    """An incident of this organisation, overdue for an hour."""
    opened_at = clock.now() - timedelta(hours=1)
    values: dict[str, Any] = {
        "number": number,
        "uid": UUID(int=number),
        "organisation_name": organisation,
        "key_labels": keys or ("Main key",),
        "more_keys": 0,
        "state": HealthState.OVERDUE,
        "severity": Severity.ACTION_NEEDED,
        "opened_at": opened_at,
        "resolved_at": None,
        "sentence": incident_sentence(HealthState.OVERDUE, error=None),
        "since": incident_since(opened_at),
        "next_move": EMPTY,
        "url": f"http://localhost:8000/organisations/x/incidents/{number}/",
    }
    return MessageItem(**values | changes)


def message_content_of(
    *items: MessageItem, kind: DeliveryKind = DeliveryKind.OPENED, more: int = 0, **changes: Any
) -> MessageContent:
    """What a message about these incidents says."""
    first, count = items[0], len(items) + more
    title = (
        incident_title(
            kind.value,
            organisation=first.organisation_name,
            state=first.state,
            number=first.number,
        )
        if count == 1
        else incidents_title(
            kind.value, organisation=first.organisation_name, number=first.number, more=count - 1
        )
    )
    values: dict[str, Any] = {
        "uid": UUID(int=99),
        "kind": kind,
        "severity": Severity.ACTION_NEEDED,
        "is_test": False,
        "created_at": clock.now(),
        "now": clock.now(),
        "title": title,
        "sentences": (cause_sentence("api_unreachable"),) if count > 1 else (),
        "items": items,
        "more": more,
        "cause_uid": None,
        "url": "http://localhost:8000/alerts/",
        "thread_uid": UUID(int=99),
    }
    return MessageContent(**values | changes)
