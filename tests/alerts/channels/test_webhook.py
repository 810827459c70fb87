"""Signed webhooks: Standard Webhooks 1.0 over HTTP, with every secret that is valid."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from freddy_admin.alerts.channels import webhook
from freddy_admin.alerts.channels.answers import ChannelAnswer, ChannelNotSent
from freddy_admin.alerts.channels.services import (
    FORMER_SECRET_LIFETIME,
    channel_former_secrets_end,
    channel_signing_secret_rotate,
)
from freddy_admin.alerts.channels.text_limits import body_bytes
from freddy_admin.alerts.models import DeliveryKind, Message
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ChannelSecret
from freddy_admin.wording.alerts import more_incidents
from freddy_admin.wording.sentences import render_text
from tests.alerts.channels.conftest import (
    MANAGER,
    MakeChannel,
    message_content_of,
    message_item,
    message_to,
)
from tests.hand_clock import HandClock
from tests.receivers.http_receiver import HttpReceiver, Reply
from tests.receivers.webhook_receiver import WebhookReceiver

BODY = {"type": "incident.opened", "data": {"title": "Ä “quoted” title"}}


@pytest.fixture
def message(make_channel: MakeChannel, webhook_receiver: WebhookReceiver) -> Message:
    """A message to a webhook whose receiver knows its secret."""
    new = make_channel("webhook", webhook_receiver)
    webhook_receiver.secret = new.signing_secret
    return message_to(new.channel)


def _send(message: Message) -> ChannelAnswer:
    return webhook.send(BODY, channel=message.channel, message=message)


def test_webhook_is_signed_and_taken_by_the_standards_own_library(
    message: Message, webhook_receiver: WebhookReceiver
) -> None:
    assert _send(message) == ChannelAnswer(204)
    (request,) = webhook_receiver.taken
    assert request.json == BODY
    assert request.headers["webhook-id"] == str(message.uid)
    assert request.headers["content-type"] == "application/json"
    sent_at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
    assert abs(datetime.now(UTC) - sent_at) < timedelta(minutes=1)


def test_a_retry_repeats_id_and_body_and_signs_anew(
    message: Message, webhook_receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook_receiver.replies = [Reply(500), Reply(500)]
    for _attempt in range(2):
        with pytest.raises(ChannelNotSent):
            _send(message)
    later = datetime.now(UTC) + timedelta(seconds=90)
    monkeypatch.setattr("freddy_admin.core.clock.system_now", lambda: later)
    _send(Message.objects.get(pk=message.pk))
    first, _second, third = webhook_receiver.requests
    assert first.headers["webhook-id"] == third.headers["webhook-id"]
    assert first.body == third.body
    assert first.headers["webhook-timestamp"] != third.headers["webhook-timestamp"]
    assert first.headers["webhook-signature"] != third.headers["webhook-signature"]
    assert len(webhook_receiver.taken) == 1


def test_timestamp_is_real_however_fast_the_panels_clock_runs(
    message: Message, webhook_receiver: WebhookReceiver, hand_clock: HandClock
) -> None:
    hand_clock.advance(days=40)
    assert _send(message).status == 204


def test_former_and_new_secret_sign_side_by_side_until_the_former_ends(
    message: Message,
    webhook_receiver: WebhookReceiver,
    organisation: Organisation,
    hand_clock: HandClock,
) -> None:
    former = webhook_receiver.secret
    new = channel_signing_secret_rotate(
        organisation=organisation, actor=MANAGER, channel=message.channel
    )
    newest = channel_signing_secret_rotate(
        organisation=organisation, actor=MANAGER, channel=message.channel
    )
    assert len({former, new, newest}) == 3
    for secret in (former, new, newest):
        webhook_receiver.secret = secret
        assert _send(message).status == 204
    hand_clock.advance(hours=FORMER_SECRET_LIFETIME.total_seconds() / 3600 + 1)
    webhook_receiver.secret = former
    with pytest.raises(ChannelNotSent):
        _send(message)
    webhook_receiver.secret = newest
    assert _send(message).status == 204
    signatures = webhook_receiver.requests[-1].headers["webhook-signature"].split(" ")
    assert len(signatures) == 1


def test_former_secrets_can_be_ended_at_once(
    message: Message, webhook_receiver: WebhookReceiver, organisation: Organisation
) -> None:
    arguments = {"organisation": organisation, "actor": MANAGER, "channel": message.channel}
    channel_signing_secret_rotate(**arguments)
    assert channel_former_secrets_end(**arguments) == 1
    assert channel_former_secrets_end(**arguments) == 0
    with pytest.raises(ChannelNotSent) as raised:  # the receiver knows the former one alone
        _send(message)
    assert raised.value.answer == ChannelAnswer(401, "No matching signature found")
    assert not raised.value.is_permanent


def test_body_is_the_same_bytes_whatever_the_database_does_with_its_names(
    message: Message, webhook_receiver: WebhookReceiver
) -> None:
    message.body = {"z": 1, "a": {"y": "ü", "b": [1, None]}}
    message.save()
    stored = Message.objects.get(pk=message.pk)
    assert body_bytes(stored.body) == body_bytes(message.body)
    webhook.send(stored.body, channel=stored.channel, message=stored)
    assert webhook_receiver.taken[0].json == message.body


def test_rendered_message_has_codes_and_times_for_programs_and_sentences_for_people(
    make_channel: MakeChannel, receiver: HttpReceiver, hand_clock: HandClock
) -> None:
    channel = make_channel("webhook", receiver).channel
    content = message_content_of(message_item(7, "Alder", "Main key"))
    body = webhook.render(content, channel=channel)
    assert body["type"] == "incident.opened"
    assert body["data"]["title"] == "Alder: Overdue (incident 7)"
    (incident,) = body["data"]["incidents"]
    assert incident["organisation"] == "Alder"
    assert incident["keys"] == ["Main key"]
    assert (incident["state"], incident["severity"]) == ("overdue", "action_needed")
    assert datetime.fromisoformat(incident["opened_at"]) == hand_clock.at - timedelta(hours=1)
    assert incident["resolved_at"] is None
    assert "A planned sync is missing." in incident["text"]
    assert incident["url"].endswith("/incidents/7/")


@pytest.mark.parametrize("kind", list(DeliveryKind))
def test_type_of_the_event_is_that_of_the_message(
    make_channel: MakeChannel, receiver: HttpReceiver, kind: DeliveryKind
) -> None:
    channel = make_channel("webhook", receiver).channel
    content = message_content_of(message_item(7, "Alder"), kind=kind)
    assert webhook.render(content, channel=channel)["type"] == f"incident.{kind.value}"


def test_many_incidents_are_cut_to_what_receivers_take_and_counted(
    make_channel: MakeChannel, receiver: HttpReceiver
) -> None:
    channel = make_channel("webhook", receiver).channel
    items = [message_item(n, "Ä" * 119 + str(n % 10), "ß" * 80) for n in range(1, 51)]
    body = webhook.render(message_content_of(*items, more=13), channel=channel)
    shown = len(body["data"]["incidents"])
    assert 5 < shown < 50
    assert body["data"]["more"] == 63 - shown
    assert render_text(more_incidents(63 - shown)) in body["data"]["text"]
    assert len(body_bytes(body)) <= webhook.BODY_BYTES_LIMIT


def test_a_webhook_without_a_signing_secret_sends_nothing(
    message: Message, webhook_receiver: WebhookReceiver
) -> None:
    ChannelSecret.objects.filter(purpose="signing").delete()
    with pytest.raises(ChannelNotSent, match="no_address"):
        _send(message)
    assert webhook_receiver.requests == []


def test_signing_secret_is_as_the_standard_writes_it() -> None:
    secret = webhook.signing_secret_generate()
    assert secret.startswith("whsec_")
    at = datetime(2026, 11, 30, tzinfo=UTC)
    signature = Webhook(secret).sign("msg", at, json.dumps(BODY))
    assert signature.startswith("v1,")
