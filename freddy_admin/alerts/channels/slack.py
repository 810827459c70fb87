"""Slack's incoming webhooks: blocks of plain text, so that nothing in a name is ever obeyed.

Slack converts `&`, `<` and `>` alone; in objects of plain text without emoji it reads no markup,
no mention, no link and no emoji code. The limits are Slack's, counted in characters once escaped.
"""

import re
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
from freddy_admin.alerts.channels.text_limits import body_fit, text_cut
from freddy_admin.alerts.messages.content import MessageContent, MessageItem
from freddy_admin.alerts.models import Channel, Message
from freddy_admin.core.network import HttpAnswer
from freddy_admin.wording.alerts import keys_phrase, more_incidents
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.times import UserTime

BLOCKS_LIMIT: Final = 50
HEADER_LIMIT: Final = 150
SECTION_LIMIT: Final = 3_000
# Of all blocks together; above it Slack refuses the message as too long.
TOTAL_LIMIT: Final = 12_000
_FALLBACK_LIMIT: Final = 3_000
_ITEM_LIMIT: Final = 700
_WORD_JOINER: Final = "\u2060"
# What Slack's own markup would take for more than text in the fallback, which knows no plain text.
_MARKUP: Final = re.compile(r"(?<=\S)(?=[:@#*_~`])|(?<=[:@#*_~`])(?=\S)")
_GONE: Final = frozenset({"channel_not_found", "channel_is_archived", "user_not_found", "no_team"})
_REVOKED: Final = frozenset({"invalid_token", "no_service", "no_service_id", "no_active_hooks"})
_SWITCHED_OFF: Final = frozenset(
    {"action_prohibited", "team_disabled", "posting_to_general_channel_denied"}
)


def render(content: MessageContent, *, channel: Channel) -> dict[str, Any]:
    """The blocks of a message, and the text that a notification shows of it."""
    del channel
    with channel_reading(content) as user_time:
        return body_fit(
            len(content.items),
            lambda count: _body(content, count, user_time),
            lambda body: len(body["blocks"]) < BLOCKS_LIMIT and _size(body) <= TOTAL_LIMIT,
        )


@sensitive_variables()
def send(body: dict[str, Any], *, channel: Channel, message: Message) -> ChannelAnswer:
    """Send it; one that may have arrived already says so first. Raises ChannelNotSent."""
    address = channel_address_open(channel)
    if message.repeats:
        repeated = _plain(_("Repeated: this may have arrived before."), SECTION_LIMIT)
        body = {**body, "blocks": [{"type": "section", "text": repeated}, *body["blocks"]]}
    return address_post(address, body, judge=_answer_failure)


def slack_escape(text: str) -> str:
    """The text as Slack writes these three characters; it knows no other entity."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _body(content: MessageContent, count: int, user_time: UserTime) -> dict[str, Any]:
    title = render_text(content.title, user_time)
    more = content.more + len(content.items) - count
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(title, HEADER_LIMIT)}]
    if content.sentences:
        blocks.append(_section(render_text(content.sentences, user_time)))
    for item in content.items[:count]:
        blocks.append(_section(_item_text(item, user_time), limit=_ITEM_LIMIT))
        blocks.append(_link(item.url, _("Open incident %(number)d") % {"number": item.number}))
    if more:
        blocks.append(_section(render_text(more_incidents(more), user_time)))
        blocks.append(_link(content.url, _("Open all incidents")))
    return {
        "text": text_cut(title, limit=_FALLBACK_LIMIT, escape=_fallback_escape),
        "mrkdwn": False,
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": blocks,
    }


def _item_text(item: MessageItem, user_time: UserTime) -> str:
    keys = render_text(keys_phrase(item.key_labels, more=item.more_keys), user_time)
    head = f"{item.organisation_name} · {keys}" if keys else item.organisation_name
    return f"{head}\n{render_text(item.sentences, user_time)}"


def _section(text: str, *, limit: int = SECTION_LIMIT) -> dict[str, Any]:
    return {"type": "section", "text": _plain(text, limit)}


def _plain(text: str, limit: int) -> dict[str, Any]:
    cut = text_cut(text, limit=limit, escape=slack_escape)
    return {"type": "plain_text", "text": cut, "emoji": False}


def _link(url: str, text: str) -> dict[str, Any]:
    """A link of ours, the one part that is markup."""
    element = {"type": "mrkdwn", "text": f"<{slack_escape(url)}|{slack_escape(text)}>"}
    return {"type": "context", "elements": [element]}


def _fallback_escape(text: str) -> str:
    return slack_escape(_MARKUP.sub(_WORD_JOINER, text))


def _size(body: dict[str, Any]) -> int:
    texts = [block.get("text") or block["elements"][0] for block in body["blocks"]]
    return sum(len(text["text"]) for text in texts)


def _answer_failure(answer: HttpAnswer) -> ChannelFailure | None:
    """By Slack's own word, which says more than its status."""
    code = answer_code(answer.body)
    if code in _REVOKED:
        return ChannelFailure.REVOKED
    if code in _GONE:
        return ChannelFailure.GONE
    if code in _SWITCHED_OFF:
        return ChannelFailure.SWITCHED_OFF
    return answer_failure(answer)
