"""Microsoft Teams, by Workflows: an Adaptive Card, whose texts are runs that know no Markdown.

A workflow answers 202 before it has done anything, so its answer proves nothing. Teams counts what
is left once the card has been put into a message as text: see `transformed_size`.
"""

import json
from typing import Any, Final

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.alerts.channels.answers import (
    ChannelAnswer,
    ChannelFailure,
    answer_code,
    answer_failure,
)
from freddy_admin.alerts.channels.posting import address_post, channel_address_open
from freddy_admin.alerts.channels.reading import channel_reading
from freddy_admin.alerts.channels.text_limits import body_bytes, body_fit, text_cut
from freddy_admin.alerts.messages.content import MessageContent, MessageItem
from freddy_admin.alerts.models import Channel, Message
from freddy_admin.core.network import HttpAnswer
from freddy_admin.wording.alerts import keys_phrase, more_incidents
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.times import UserTime

SIZE_LIMIT: Final = 28_000
_TITLE_LIMIT: Final = 500
_TEXT_LIMIT: Final = 1_500
_ITEM_LIMIT: Final = 600
# Room for the line that a repeated message gets.
_REPEATED_SIZE: Final = 600
_REVOKED_STATUSES: Final = frozenset({401, 403})
_SWITCHED_OFF: Final = frozenset({"WorkflowTriggerIsNotEnabled", "WorkflowDisabled"})
_GONE: Final = frozenset({"WorkflowNotFound", "WorkflowTriggerNotFound"})


def render(content: MessageContent, *, channel: Channel) -> dict[str, Any]:
    """The card of a message, within a message as workflows take it."""
    del channel
    with channel_reading(content) as user_time:
        return body_fit(
            len(content.items),
            lambda count: _body(content, count, user_time),
            lambda body: transformed_size(body) + _REPEATED_SIZE < SIZE_LIMIT,
        )


@sensitive_variables()
def send(body: dict[str, Any], *, channel: Channel, message: Message) -> ChannelAnswer:
    """Send it; one that may have arrived already says so first. Raises ChannelNotSent."""
    address = channel_address_open(channel)
    if message.repeats:
        body = _with_first_line(body, _("Repeated: this may have arrived before."))
    return address_post(address, body, judge=_answer_failure)


def transformed_size(body: object) -> int:
    """Bytes once the card is text within JSON, or UTF-16, whichever is more."""
    as_text = json.dumps(json.dumps(body, separators=(",", ":")))
    return max(len(as_text), 2 * len(body_bytes(body).decode()))


def _body(content: MessageContent, count: int, user_time: UserTime) -> dict[str, Any]:
    more = content.more + len(content.items) - count
    title = render_text(content.title, user_time)
    elements = [_text(title, limit=_TITLE_LIMIT, weight="bolder", size="large")]
    if content.sentences:
        elements.append(_text(render_text(content.sentences, user_time)))
    elements += [_item(item, user_time) for item in content.items[:count]]
    if more:
        elements.append(_text(render_text(more_incidents(more), user_time)))
        elements.append(_link(content.url, _("Open all incidents")))
    card = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": text_cut(title, limit=_TITLE_LIMIT, escape=_escape),
        "body": elements,
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _item(item: MessageItem, user_time: UserTime) -> dict[str, Any]:
    keys = render_text(keys_phrase(item.key_labels, more=item.more_keys), user_time)
    head = f"{item.organisation_name} · {keys}" if keys else item.organisation_name
    return {
        "type": "Container",
        "separator": True,
        "items": [
            _text(head, limit=_ITEM_LIMIT, weight="bolder"),
            _text(render_text(item.sentences, user_time), limit=_ITEM_LIMIT),
            _link(item.url, _("Open incident %(number)d") % {"number": item.number}),
        ],
    }


def _text(text: str, *, limit: int = _TEXT_LIMIT, **style: str) -> dict[str, Any]:
    run = {"type": "TextRun", "text": text_cut(text, limit=limit, escape=_escape), **style}
    return {"type": "RichTextBlock", "inlines": [run]}


def _link(url: str, text: str) -> dict[str, Any]:
    """A link of ours, the one part that is Markdown."""
    return {"type": "TextBlock", "wrap": True, "text": f"[{text}]({url})"}


def _escape(text: str) -> str:
    """Keeps a text from being taken for a function of the card, or for a mention."""
    return text.replace("{{", "{\u2060{").replace("<at>", "<\u2060at>")


def _with_first_line(body: dict[str, Any], text: str) -> dict[str, Any]:
    (attachment,) = body["attachments"]
    card = attachment["content"]
    card = {**card, "body": [_text(text), *card["body"]]}
    return {**body, "attachments": [{**attachment, "content": card}]}


def _answer_failure(answer: HttpAnswer) -> ChannelFailure | None:
    code = answer_code(answer.body, ("error", "code"))
    if code in _SWITCHED_OFF:
        return ChannelFailure.SWITCHED_OFF
    if code in _GONE:
        return ChannelFailure.GONE
    if answer.status in _REVOKED_STATUSES:
        return ChannelFailure.REVOKED
    return answer_failure(answer)
