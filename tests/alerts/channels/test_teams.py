"""Microsoft Teams: an Adaptive Card below 28 kB once it is transformed, its texts plain."""

from typing import Any

import pytest

from freddy_admin.alerts.channels import teams
from freddy_admin.alerts.channels.answers import ChannelAnswer, ChannelNotSent
from freddy_admin.alerts.models import Channel
from freddy_admin.wording.alerts import more_incidents
from freddy_admin.wording.sentences import render_text
from tests.alerts.channels.conftest import (
    MakeChannel,
    message_content_of,
    message_item,
    message_to,
)
from tests.receivers.http_receiver import Reply
from tests.receivers.teams_receiver import TeamsReceiver, markdown_texts


@pytest.fixture
def channel(make_channel: MakeChannel, teams_receiver: TeamsReceiver) -> Channel:
    return make_channel("teams", teams_receiver).channel


def _send(channel: Channel, content: Any, **message: Any) -> ChannelAnswer:
    body = teams.render(content, channel=channel)
    return teams.send(body, channel=channel, message=message_to(channel, **message))


def test_workflow_is_started_and_the_card_shows_what_happened(
    channel: Channel, teams_receiver: TeamsReceiver
) -> None:
    answer = _send(channel, message_content_of(message_item(7, "Alder", "Main key")))
    assert answer == ChannelAnswer(202)
    assert teams_receiver.lost == []
    title, head, text, link = teams_receiver.texts
    assert title == "Alder: Overdue (incident 7)"
    assert head == "Alder · Main key"
    assert text.startswith("A planned sync is missing.")
    assert link.startswith("[Open incident 7](http://localhost:8000/")


@pytest.mark.parametrize(
    "name",
    [
        "**bold** _it_ [click](https://evil.example) # h",
        "`code` :wave: @everyone <!channel>",
        "- list\\n1. list",
        "x" * 120,
    ],
)
def test_no_markdown_of_a_name_is_read(
    channel: Channel, teams_receiver: TeamsReceiver, name: str
) -> None:
    _send(channel, message_content_of(message_item(7, name, name)))
    (card,) = teams_receiver.posted
    assert f"{name} · {name}" in teams_receiver.texts
    assert all(name not in text for text in markdown_texts(card["body"]))


def test_functions_and_mentions_of_a_card_are_broken(
    channel: Channel, teams_receiver: TeamsReceiver
) -> None:
    _send(channel, message_content_of(message_item(7, "{{DATE(2026-01-01)}} <at>Ana</at>")))
    for text in teams_receiver.texts:
        assert "{{" not in text
        assert "<at>" not in text


@pytest.mark.parametrize("name", ["ü" * 120, "👩‍👩‍👧" * 15, '"\\' * 60, "plain " * 20])
def test_card_is_counted_after_its_transformation_and_never_lost(
    channel: Channel, teams_receiver: TeamsReceiver, name: str
) -> None:
    items = [message_item(n, name, *[name[:80]] * 5) for n in range(1, 51)]
    _send(channel, message_content_of(*items, more=2_750), repeats=1)
    assert teams_receiver.lost == []
    shown = sum("Open incident" in text for text in teams_receiver.texts)
    assert shown >= 3
    assert render_text(more_incidents(2_800 - shown)) in teams_receiver.texts
    assert teams_receiver.texts[0] == "Repeated: this may have arrived before."


def test_transformed_size_counts_both_ways() -> None:
    assert teams.transformed_size({"a": "ü"}) > len('{"a":"ü"}'.encode())
    assert teams.transformed_size({"a": "x" * 1_000}) >= 2 * 1_000


@pytest.mark.parametrize(
    ("status", "code", "reason", "is_permanent"),
    [
        (401, "DirectApiAuthorizationRequired", "revoked", True),
        (403, "AuthorizationFailed", "revoked", True),
        (404, "WorkflowNotFound", "gone", True),
        (400, "WorkflowTriggerIsNotEnabled", "switched_off", True),
        (400, "InvalidRequestContent", "refused", False),
        (413, "RequestEntityTooLarge", "refused", False),
        (502, "NoResponse", "broken", False),
        (429, "WorkflowRunLimit", "busy", False),
    ],
)
def test_what_a_workflow_refuses_is_told_apart(
    channel: Channel,
    teams_receiver: TeamsReceiver,
    status: int,
    code: str,
    reason: str,
    is_permanent: bool,
) -> None:
    body = b'{"error":{"code":"%s","message":"No."}}' % code.encode()
    teams_receiver.replies = [Reply(status, body)]
    with pytest.raises(ChannelNotSent) as raised:
        _send(channel, message_content_of(message_item(7, "Alder")))
    assert (raised.value.reason, raised.value.is_permanent) == (reason, is_permanent)
