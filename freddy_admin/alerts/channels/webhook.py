"""Signed webhooks, by Standard Webhooks 1.0: JSON for a program, signed with every valid secret."""

import secrets
from base64 import b64encode
from typing import Any, Final

from django.views.decorators.debug import sensitive_variables
from standardwebhooks import Webhook

from freddy_admin.alerts.channels.answers import ChannelAnswer
from freddy_admin.alerts.channels.posting import (
    address_post,
    channel_address_open,
    channel_signing_secrets_open,
)
from freddy_admin.alerts.channels.reading import channel_reading
from freddy_admin.alerts.channels.text_limits import body_bytes, body_fit, text_cut
from freddy_admin.alerts.messages.content import MessageContent, MessageItem
from freddy_admin.alerts.models import Channel, Message
from freddy_admin.core import clock
from freddy_admin.wording.alerts import more_incidents
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.times import UserTime

# What the standard recommends; receivers may refuse more.
BODY_BYTES_LIMIT: Final = 20_000
_TEXT_BYTES_LIMIT: Final = 2_000
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105  how the standard marks one
_SECRET_BYTES: Final = 32


def signing_secret_generate() -> str:
    """A new signing secret, as the standard writes it."""
    return _SECRET_PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def render(content: MessageContent, *, channel: Channel) -> dict[str, Any]:
    """The JSON of a message: codes and times for a program, sentences for people who read it."""
    del channel
    with channel_reading(content) as user_time:
        return body_fit(
            len(content.items),
            lambda count: _body(content, count, user_time),
            lambda body: len(body_bytes(body)) <= BODY_BYTES_LIMIT,
        )


@sensitive_variables()
def send(body: dict[str, Any], *, channel: Channel, message: Message) -> ChannelAnswer:
    """Send it, signed anew with the secrets that are valid now. Raises ChannelNotSent."""
    address = channel_address_open(channel)
    signing_secrets = channel_signing_secrets_open(channel, clock.now())
    # The receiver compares the time with its own clock, so it is the real one.
    at, text, message_id = clock.system_now(), body_bytes(body).decode(), str(message.uid)
    signatures = [
        Webhook(secret).sign(msg_id=message_id, timestamp=at, data=text)
        for secret in signing_secrets
    ]
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return address_post(address, body, headers=headers, secrets=tuple(signing_secrets))


def _body(content: MessageContent, count: int, user_time: UserTime) -> dict[str, Any]:
    more = content.more + len(content.items) - count
    sentences = [*content.sentences, more_incidents(more)]
    data = {
        "title": _cut(render_text(content.title, user_time)),
        "text": _cut(render_text(sentences, user_time)),
        "test": content.is_test,
        "cause_id": str(content.cause_uid) if content.cause_uid else None,
        "incidents": [_incident(item, user_time) for item in content.items[:count]],
        "more": more,
        "url": content.url,
    }
    return {
        "type": f"incident.{content.kind.value}",
        "timestamp": f"{content.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "data": data,
    }


def _incident(item: MessageItem, user_time: UserTime) -> dict[str, Any]:
    return {
        "id": str(item.uid),
        "number": item.number,
        "organisation": item.organisation_name,
        "keys": list(item.key_labels),
        "more_keys": item.more_keys,
        "state": item.state.value,
        "severity": item.severity.value,
        "opened_at": f"{item.opened_at:%Y-%m-%dT%H:%M:%SZ}",
        "resolved_at": f"{item.resolved_at:%Y-%m-%dT%H:%M:%SZ}" if item.resolved_at else None,
        "text": _cut(render_text(item.sentences, user_time)),
        "url": item.url,
    }


def _cut(text: str) -> str:
    return text_cut(text, limit=_TEXT_BYTES_LIMIT, size=lambda part: len(part.encode()))
