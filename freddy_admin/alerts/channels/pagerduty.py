"""PagerDuty, by its Events API v2: an alert is opened by `trigger` and closed by `resolve`.

The key that joins both, `dedup_key`, is the incident's id; see `messages.pagerduty_alerts` for
several incidents of one cause. The routing key is put in when it is sent, and stored sealed alone.
"""

import time
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.alerts.channels.answers import (
    ChannelAnswer,
    ChannelFailure,
    ChannelNotSent,
    answer_failure,
)
from freddy_admin.alerts.channels.posting import channel_address_open, pagerduty_post
from freddy_admin.alerts.channels.reading import channel_reading
from freddy_admin.alerts.channels.text_limits import text_cut
from freddy_admin.alerts.messages.content import MessageContent, MessageItem
from freddy_admin.alerts.messages.pagerduty_alerts import PagerDutyAlert
from freddy_admin.alerts.models import Channel, DeliveryKind, Message, Severity
from freddy_admin.core.network import HttpAnswer, TransportFailure
from freddy_admin.wording.alerts import keys_phrase
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.times import UserTime

SUMMARY_LIMIT: Final = 1_024
_TEXT_LIMIT: Final = 2_000
# Of all events of a message together: less than a lease of the outbox lasts.
_SENDING_SECONDS: Final = 90.0
_SOURCE_LIMIT: Final = 255
_SEVERITIES: Final = {Severity.ACTION_NEEDED: "critical", Severity.WARNING: "warning"}


def render(content: MessageContent, *, channel: Channel) -> dict[str, Any]:
    """The events of a message, one for each of PagerDuty's alerts that it concerns."""
    del channel
    with channel_reading(content) as user_time:
        alerts = content.pagerduty_alerts or [
            PagerDutyAlert(item.uid, frozenset({item.uid})) for item in content.items
        ]
        return {"events": [_event(content, alert, user_time) for alert in alerts]}


@sensitive_variables()
def send(body: dict[str, Any], *, channel: Channel, message: Message) -> ChannelAnswer:
    """Send its events, one after the other; an event sent twice changes nothing there.

    Raises ChannelNotSent.
    """
    del message
    routing_key = channel_address_open(channel)
    answer, begun_at = ChannelAnswer(), time.monotonic()
    for event in body["events"]:
        if time.monotonic() - begun_at > _SENDING_SECONDS:
            raise ChannelNotSent(TransportFailure.TOTAL_TIMEOUT, may_have_arrived=True)
        answer = pagerduty_post(
            {**event, "routing_key": routing_key}, judge=_answer_failure, secrets=(routing_key,)
        )
    return answer


def _event(content: MessageContent, alert: PagerDutyAlert, user_time: UserTime) -> dict[str, Any]:
    items = [item for item in content.items if item.uid in alert.incident_uids]
    is_over = content.kind is DeliveryKind.RESOLVED and not alert.open_count
    # Of one of several incidents the alert tells which, of all of them what the message does.
    is_alone = len(items) == 1 and not alert.is_of_cause
    item = items[0] if items else content.items[0]
    title = render_text(content.title, user_time)
    summary = _item_summary(item, user_time) if is_alone and content.count > 1 else title
    url = item.url if is_alone else content.url
    event: dict[str, Any] = {
        "event_action": "resolve" if is_over else "trigger",
        "dedup_key": str(alert.key),
        "client": "Freddy Admin",
        "client_url": url,
        "links": [{"href": url, "text": _("Open in Freddy Admin")}],
        "payload": {
            "summary": text_cut(summary, limit=SUMMARY_LIMIT),
            "source": text_cut(
                item.organisation_name if is_alone else settings.PANEL_URL, limit=_SOURCE_LIMIT
            ),
            "severity": _SEVERITIES[item.severity],
            "timestamp": f"{item.opened_at:%Y-%m-%dT%H:%M:%SZ}",
            "class": item.state.value,
            "custom_details": {
                "text": _cut(render_text(content.sentences, user_time)),
                "incidents": [_details(item, user_time) for item in items],
                "more": content.more if alert.is_of_cause else 0,
                "test": content.is_test,
            },
        },
    }
    return event


def _item_summary(item: MessageItem, user_time: UserTime) -> str:
    return f"{item.organisation_name}: {render_text(item.sentence, user_time)}"


def _details(item: MessageItem, user_time: UserTime) -> dict[str, str]:
    return {
        "organisation": item.organisation_name,
        "keys": render_text(keys_phrase(item.key_labels, more=item.more_keys), user_time),
        "text": _cut(render_text(item.sentences, user_time)),
        "url": item.url,
    }


def _cut(text: str) -> str:
    return text_cut(text, limit=_TEXT_LIMIT)


def _answer_failure(answer: HttpAnswer) -> ChannelFailure | None:
    """PagerDuty says in its own words that it knows no service by the routing key."""
    is_about_key = b"routing_key" in answer.body or b"routing key" in answer.body.lower()
    if answer.status == 400 and is_about_key:
        return ChannelFailure.REVOKED
    return answer_failure(answer)
