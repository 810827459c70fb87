"""Slack: blocks of plain text within Slack's limits, and what its own words mean."""

import json
from typing import Any

import pytest
from django.utils import translation

from freddy_admin.alerts.channels import slack
from freddy_admin.alerts.channels.answers import ChannelAnswer, ChannelNotSent
from freddy_admin.alerts.models import Channel, DeliveryKind
from freddy_admin.wording.alerts import more_incidents
from freddy_admin.wording.sentences import render_text
from tests.alerts.channels.conftest import (
    MakeChannel,
    message_content_of,
    message_item,
    message_to,
)
from tests.receivers.http_receiver import Reply
from tests.receivers.slack_receiver import SlackReceiver, slack_obeyed, slack_problem

HOSTILE_NAMES = (
    "<!channel> Alder",
    "@everyone :wave: `rm -rf /` *bold* _it_ ~no~",
    "<https://evil.example|click here>",
    "<@U012345> & <#C012345>",
    "&lt;!here&gt; &amp; co",
    "a < b && c > d",
    "x" * 200,
    "&" * 200,
    "Zoë 👩‍👩‍👧 ﷽",
)


@pytest.fixture
def channel(make_channel: MakeChannel, slack_receiver: SlackReceiver) -> Channel:
    return make_channel("slack", slack_receiver).channel


def _send(channel: Channel, content: Any, **message: Any) -> ChannelAnswer:
    body = slack.render(content, channel=channel)
    return slack.send(body, channel=channel, message=message_to(channel, **message))


def test_slack_takes_a_message_and_shows_what_happened(
    channel: Channel, slack_receiver: SlackReceiver
) -> None:
    assert _send(channel, message_content_of(message_item(7, "Alder", "Main key"))) == (
        ChannelAnswer(200, "ok")
    )
    title, item, link = slack_receiver.texts
    assert title == "Alder: Overdue (incident 7)"
    assert item.startswith("Alder · Main key\nA planned sync is missing.")
    assert link.endswith("/incidents/7/|Open incident 7>")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_names_are_plain_text_whatever_stands_in_them(
    channel: Channel, slack_receiver: SlackReceiver, name: str
) -> None:
    _send(channel, message_content_of(message_item(7, name, name)))
    (request,) = slack_receiver.taken
    assert slack_obeyed(request.json) == []
    assert slack_receiver.texts[0].startswith(name[:25])
    assert slack_receiver.texts[1].startswith(f"{name} · "[:130])


def test_fallback_text_breaks_emoji_codes_and_markup(channel: Channel) -> None:
    name = "<!channel> :wave: `x` @everyone"
    body = slack.render(message_content_of(message_item(7, name)), channel=channel)
    for sign in ("<!channel>", ":wave:", "`x`", "@everyone"):
        assert sign not in body["text"]
    assert "wave" in body["text"]
    assert body["link_names"] is False
    assert body["unfurl_links"] is False


def test_35_incidents_arrive_in_one_message(
    channel: Channel, slack_receiver: SlackReceiver
) -> None:
    items = [message_item(n, f"Organisation {n}") for n in range(1, 36)]
    _send(channel, message_content_of(*items))
    (request,) = slack_receiver.taken
    shown = sum(text.startswith("Organisation ") for text in slack_receiver.texts[2:])
    assert 15 < shown < 35
    assert render_text(more_incidents(35 - shown)) in slack_receiver.texts
    assert len(request.json["blocks"]) <= slack.BLOCKS_LIMIT


@pytest.mark.parametrize("name", ["&" * 118 + "xy", "ü" * 120, "word " * 24])
def test_a_message_over_the_limits_is_cut_and_never_lost(
    channel: Channel, slack_receiver: SlackReceiver, name: str
) -> None:
    items = [message_item(n, name, *[name[:80]] * 5) for n in range(1, 51)]
    _send(channel, message_content_of(*items, more=2_750))
    (request,) = slack_receiver.taken
    assert slack_problem(request.json) == ""
    shown = sum(text.count("Open incident") for text in slack_receiver.texts)
    assert shown > 5
    assert render_text(more_incidents(2_800 - shown)) in slack_receiver.texts


def test_longest_body_with_the_repeated_line_is_still_taken(
    channel: Channel, slack_receiver: SlackReceiver
) -> None:
    items = [message_item(n, "Alder") for n in range(1, 51)]
    _send(channel, message_content_of(*items), repeats=1)
    assert slack_receiver.texts[0] == "Repeated: this may have arrived before."


def test_a_body_has_no_secret_in_it(channel: Channel) -> None:
    body = slack.render(message_content_of(message_item(7, "Alder")), channel=channel)
    assert "abcdefgh" not in json.dumps(body)


def test_language_is_the_panels_and_not_the_senders(channel: Channel) -> None:
    content = message_content_of(message_item(7, "Alder"))
    with translation.override("de"):
        german = slack.render(content, channel=channel)
        assert translation.get_language() == "de"
    assert german == slack.render(content, channel=channel)


@pytest.mark.parametrize("kind", list(DeliveryKind))
def test_title_differs_by_what_is_told(channel: Channel, kind: DeliveryKind) -> None:
    body = slack.render(message_content_of(message_item(7, "Alder"), kind=kind), channel=channel)
    title = body["blocks"][0]["text"]["text"]
    beginnings = {"opened": "Alder", "reminder": "Still open", "resolved": "Resolved"}
    assert title.startswith(beginnings[kind.value])


@pytest.mark.parametrize(
    ("status", "word", "reason", "is_permanent"),
    [
        (403, b"invalid_token", "revoked", True),
        (404, b"no_service", "revoked", True),
        (404, b"channel_not_found", "gone", True),
        (410, b"channel_is_archived", "gone", True),
        (403, b"action_prohibited", "switched_off", True),
        (404, b"<html>not found</html>", "gone", True),
        (400, b"invalid_payload", "refused", False),
        (429, b"rate_limited", "busy", False),
        (500, b"rollup_error", "broken", False),
        (302, b"", "redirected", False),
        (400, b"invalid_token", "revoked", True),
    ],
)
def test_slacks_own_word_decides_whether_the_channel_is_over(
    channel: Channel,
    slack_receiver: SlackReceiver,
    status: int,
    word: bytes,
    reason: str,
    is_permanent: bool,
) -> None:
    slack_receiver.replies = [Reply(status, word)]
    with pytest.raises(ChannelNotSent) as raised:
        _send(channel, message_content_of(message_item(7, "Alder")))
    assert (raised.value.reason, raised.value.is_permanent) == (reason, is_permanent)
    assert raised.value.answer is not None
    assert raised.value.answer.status == status


def test_wait_that_slack_asks_for_is_handed_on(
    channel: Channel, slack_receiver: SlackReceiver
) -> None:
    slack_receiver.replies = [Reply(429, b"", {"Retry-After": "37"})]
    with pytest.raises(ChannelNotSent) as raised:
        _send(channel, message_content_of(message_item(7, "Alder")))
    assert raised.value.retry_after is not None
    assert raised.value.retry_after.total_seconds() == 37
