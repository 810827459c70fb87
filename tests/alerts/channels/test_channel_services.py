"""What people do with channels: each change is of one owner, audited, and shows no secret."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.alerts.channels.answers import ChannelAnswer, ChannelFailure, ChannelNotSent
from freddy_admin.alerts.channels.selectors import (
    ChannelHealth,
    channel_get,
    channel_health,
    channel_signing_secrets_list,
    channels_list,
)
from freddy_admin.alerts.channels.services import (
    CHANNELS_LIMIT,
    channel_address_replace,
    channel_answer_record,
    channel_create,
    channel_delete,
    channel_disable,
    channel_enable,
    channel_failure_record,
    channel_former_secrets_end,
    channel_former_secrets_expire,
    channel_rename,
    channel_signing_secret_rotate,
    channel_switch_off,
)
from freddy_admin.alerts.models import Channel, ChannelNotice
from freddy_admin.audit.models import AuditEvent
from freddy_admin.conf.setting_parsers import parse_api_base_url
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.core.outbox import NotSent
from freddy_admin.organisations.models import Organisation
from freddy_admin.outbound.guard import parse_allowed_hosts
from freddy_admin.vault.models import ChannelSecret
from tests.alerts.channels.conftest import MANAGER, MakeChannel
from tests.hand_clock import HandClock

HOOK = "https://hooks.example.org/plantedpath0123456789"
SLACK = "https://hooks.slack.com/services/T0/B0/planted0123456789"
TEAMS = (
    "https://default0123.4.environment.api.powerplatform.com:443/powerautomate/automations/direct/"
    "workflows/abc/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers&sv=1.0&sig=planted01"
)
ROUTING_KEY = "R0plantedroutingkeyplanted012345"


@pytest.mark.parametrize(
    ("kind", "address", "host"),
    [
        ("webhook", HOOK, "hooks.example.org"),
        ("slack", f" {SLACK} ", "hooks.slack.com"),
        ("slack", SLACK.replace("slack.com", "slack-gov.com"), "hooks.slack-gov.com"),
        ("teams", TEAMS, "default0123.4.environment.api.powerplatform.com"),
        ("pagerduty", ROUTING_KEY, "PagerDuty"),
    ],
)
def test_address_is_sealed_and_its_host_alone_is_kept_in_clear(
    make_channel: MakeChannel, kind: str, address: str, host: str
) -> None:
    channel = make_channel(kind, address).channel
    assert channel.host == host
    assert channel.created_by == MANAGER.name
    stored = str(list(Channel.objects.values())) + str(list(AuditEvent.objects.values()))
    sealed = bytes(ChannelSecret.objects.get(purpose="address").ciphertext or b"")
    assert "planted" not in stored
    assert b"planted" not in sealed


@pytest.mark.parametrize(
    ("kind", "address", "words"),
    [
        ("webhook", "", "Fill this in"),
        ("webhook", "http://hooks.example.org/x", "must begin with https://"),
        ("webhook", "https://127.0.0.1/x", "no public address"),
        ("webhook", "https://10.0.0.7:8443/x", "no public address"),
        ("webhook", "https://intranet/x", "no public address"),
        ("webhook", "https://ana:pw@hooks.example.org/x", "Leave out user name"),
        ("webhook", "https://hooks.example.org:25/x", "Only these ports"),
        ("webhook", "nonsense", "must begin with https://"),
        ("webhook", "https://hooks.example.org/a b", "Copy the address again"),
        ("webhook", "https://hooks.example.org/" + "a" * 2_000, "Copy the address again"),
        ("slack", HOOK, "begins with https://hooks.slack.com/services/"),
        ("slack", "https://hooks.slack.com/other", "begins with https://hooks.slack.com/services/"),
        ("slack", "https://hooks.slack.com/workflows/T0/A0", "Make an incoming webhook instead"),
        ("slack", "https://hooks.slack.com/triggers/T0/A0", "Make an incoming webhook instead"),
        ("teams", "https://acme.webhook.office.com/webhookb2/x", "which Microsoft has retired"),
        ("teams", "https://outlook.office.com/webhook/x", "which Microsoft has retired"),
        ("pagerduty", "https://events.pagerduty.com", "32 letters and digits"),
        ("pagerduty", "short", "32 letters and digits"),
        ("mail", "ana@example.org", "Choose one of the kinds"),
        ("carrier pigeon", HOOK, "Choose one of the kinds"),
    ],
)
def test_address_that_cannot_be_used_is_refused_with_what_to_do(
    make_channel: MakeChannel, kind: str, address: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as raised:
        make_channel(kind, address or " ")
    assert raised.value.field == ("kind" if "kinds" in words else "channel_address")
    assert raised.value.__context__ is None
    assert not Channel.objects.exists()


def test_hosts_of_the_operator_may_be_private_and_slack_compatible(
    make_channel: MakeChannel, settings: Any
) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = parse_allowed_hosts("chat.intranet.corp")
    assert make_channel("slack", "https://chat.intranet.corp/hooks/abc").channel.host == (
        "chat.intranet.corp"
    )


@pytest.mark.parametrize(
    "name",
    [HOOK, "plantedpath0123456789", "Our plantedpath0123456789"],
)
def test_name_that_holds_the_address_is_refused(make_channel: MakeChannel, name: str) -> None:
    with pytest.raises(InvalidInput, match="stands in the name, too") as raised:
        make_channel("webhook", HOOK, name=name)
    assert raised.value.field == "name"


def test_replacing_the_address_looks_for_it_in_the_name(
    make_channel: MakeChannel, organisation: Organisation
) -> None:
    channel = make_channel("webhook", "https://hooks.example.org/x", name="planted0123456789")
    with pytest.raises(InvalidInput, match="stands in the name, too"):
        channel_address_replace(
            organisation=organisation,
            actor=MANAGER,
            channel=channel.channel,
            address="https://hooks.example.org/planted0123456789",
        )


def test_names_and_addresses_are_used_once_by_each_owner(
    make_channel: MakeChannel, other_organisation: Organisation
) -> None:
    make_channel("webhook", HOOK, name="On call")
    with pytest.raises(InvalidInput, match="has this name already"):
        make_channel("webhook", f"{HOOK}0", name="ON  CALL")
    with pytest.raises(InvalidInput, match="has this address already"):
        make_channel("webhook", HOOK, name="Another")
    make_channel("webhook", HOOK, name="On call", organisation=other_organisation)
    make_channel("webhook", HOOK, name="On call", organisation=None)
    assert Channel.objects.count() == 3


def test_an_owner_has_so_many_channels_and_no_more(make_channel: MakeChannel) -> None:
    for number in range(CHANNELS_LIMIT):
        make_channel("webhook", f"{HOOK}{number}", name=f"Number {number}")
    with pytest.raises(Conflict, match="20 channels already"):
        make_channel("webhook", f"{HOOK}x", name="One more")


def test_webhook_alone_gets_a_signing_secret(make_channel: MakeChannel) -> None:
    assert make_channel("webhook", HOOK).signing_secret.startswith("whsec_")
    assert make_channel("slack", SLACK).signing_secret == ""
    assert "whsec_" not in repr(make_channel("webhook", f"{HOOK}2", name="Second"))


Change = Callable[..., Any]
CHANGES: tuple[tuple[Change, dict[str, Any]], ...] = (
    (channel_rename, {"name": "Other"}),
    (channel_address_replace, {"address": f"{HOOK}9"}),
    (channel_signing_secret_rotate, {}),
    (channel_former_secrets_end, {}),
    (channel_enable, {}),
    (channel_switch_off, {}),
    (channel_delete, {}),
)


@pytest.mark.parametrize(("change", "values"), CHANGES)
def test_another_owners_channel_cannot_be_changed(
    make_channel: MakeChannel,
    other_organisation: Organisation,
    change: Change,
    values: dict[str, Any],
) -> None:
    channel = make_channel("webhook", HOOK).channel
    before = list(Channel.objects.values()), list(ChannelSecret.objects.values())
    for owner in (other_organisation, None):
        with pytest.raises(NotFound):
            change(organisation=owner, actor=MANAGER, channel=channel, **values)
        with pytest.raises(NotFound):
            channel_get(organisation=owner, channel_id=channel.pk)
    assert (list(Channel.objects.values()), list(ChannelSecret.objects.values())) == before


def test_every_change_is_audited_once(
    make_channel: MakeChannel, organisation: Organisation
) -> None:
    channel = make_channel("webhook", HOOK).channel
    owner = {"organisation": organisation, "actor": MANAGER, "channel": channel}
    for change, values in (*CHANGES[:3], (channel_former_secrets_end, {})):
        change(**owner, **values)
    for change in (channel_switch_off, channel_switch_off, channel_enable, channel_enable):
        change(**owner)
    channel_rename(**owner, name="Other")  # it has this name already
    channel_delete(**owner)
    tags = list(AuditEvent.objects.order_by("pk").values_list("tag", flat=True))
    assert tags == [
        *("channel_created", "channel_changed", "channel_address_replaced"),
        *("channel_secret_rotated", "channel_former_secrets_ended"),
        *("channel_disabled", "channel_enabled", "channel_deleted"),
    ]
    events = AuditEvent.objects.all()
    assert {event.organisation_id for event in events} == {organisation.pk}
    assert not any("planted" in str(event.details) for event in events)


def test_deleting_wipes_every_secret_and_keeps_the_row(
    make_channel: MakeChannel, organisation: Organisation
) -> None:
    channel = make_channel("webhook", HOOK).channel
    channel_delete(organisation=organisation, actor=MANAGER, channel=channel)
    assert not ChannelSecret.objects.exists()
    assert channels_list(organisation=organisation) == []
    assert Channel.objects.get().deleted_at is not None
    with pytest.raises(NotFound):
        channel_delete(organisation=organisation, actor=MANAGER, channel=channel)


def test_only_webhooks_have_signing_secrets_to_rotate(
    make_channel: MakeChannel, organisation: Organisation
) -> None:
    channel = make_channel("slack", SLACK).channel
    with pytest.raises(Conflict, match="Only webhooks are signed"):
        channel_signing_secret_rotate(organisation=organisation, actor=MANAGER, channel=channel)
    assert channel_signing_secrets_list(channel=channel, now=clock.now()) == []


def _health(channel: Channel) -> ChannelHealth:
    channel.refresh_from_db()
    return channel_health(channel)


def test_health_follows_what_the_other_side_answers(
    make_channel: MakeChannel, organisation: Organisation
) -> None:
    channel, now = make_channel("webhook", HOOK).channel, clock.now()
    assert _health(channel) is ChannelHealth.UNTRIED
    error = ChannelNotSent(ChannelFailure.BROKEN, answer=ChannelAnswer(503, "later"))
    channel_failure_record(channel=channel, error=error, now=now)
    assert _health(channel) is ChannelHealth.FAILING
    assert (channel.answer, channel.answer_status, channel.failure) == ("later", 503, "broken")
    channel_failure_record(channel=channel, error=NotSent("total_timeout"), now=clock.now())
    channel.refresh_from_db()
    assert (channel.failing_since, channel.failure) == (now, "total_timeout")
    assert channel.answer == "later"  # what was last said
    channel_answer_record(channel=channel, answer=ChannelAnswer(204), now=now)
    assert _health(channel) is ChannelHealth.WORKS
    channel_disable(channel=channel, reason="gone", now=now)
    assert _health(channel) is ChannelHealth.REFUSED
    channel_address_replace(
        organisation=organisation, actor=MANAGER, channel=channel, address=f"{HOOK}2"
    )
    assert _health(channel) is ChannelHealth.UNTRIED
    channel_switch_off(organisation=organisation, actor=MANAGER, channel=channel)
    assert _health(channel) is ChannelHealth.OFF
    channel_address_replace(
        organisation=organisation, actor=MANAGER, channel=channel, address=f"{HOOK}3"
    )
    assert _health(channel) is ChannelHealth.OFF  # a person's word stays


@pytest.mark.usefixtures("trusted_clock")
def test_ended_secrets_are_wiped_by_the_worker(
    make_channel: MakeChannel, organisation: Organisation, hand_clock: HandClock
) -> None:
    channel = make_channel("webhook", HOOK).channel
    channel_signing_secret_rotate(organisation=organisation, actor=MANAGER, channel=channel)
    assert channel_former_secrets_expire() == 0
    hand_clock.advance(days=2)
    assert channel_former_secrets_expire() == 1
    assert ChannelSecret.objects.filter(purpose="signing").count() == 1


def test_failure_of_a_deleted_channel_is_nobodys(make_channel: MakeChannel) -> None:
    channel = make_channel("webhook", HOOK).channel
    Channel.objects.all().delete()
    channel_failure_record(channel=channel, error=NotSent("gone"), now=clock.now())
    channel_disable(channel=channel, reason="gone")
    assert not ChannelNotice.objects.exists()


def test_refusal_switches_a_channel_off_once_and_not_one_that_a_person_switched_off(
    make_channel: MakeChannel, organisation: Organisation, manager: object
) -> None:
    channel = make_channel("webhook", HOOK).channel
    channel_disable(channel=channel, reason="gone")
    channel_disable(channel=channel, reason="revoked")
    channel.refresh_from_db()
    assert (channel.disabled_reason, channel.disabled_by) == ("gone", "")
    assert ChannelNotice.objects.count() == 1
    assert AuditEvent.objects.filter(tag="channel_disabled").count() == 1


@pytest.mark.parametrize(
    "value", ["", "events.pagerduty.com", "http://events.pagerduty.com/v2/enqueue", "https://a b"]
)
def test_pagerduty_setting_that_cannot_be_used_is_refused_by_its_name(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PAGERDUTY_EVENTS_URL"):
        parse_api_base_url(value, name="PAGERDUTY_EVENTS_URL", example="https://e.example/x")


def test_creation_by_service_needs_a_name(organisation: Organisation) -> None:
    with pytest.raises(InvalidInput) as raised:
        channel_create(
            organisation=organisation, actor=MANAGER, kind="webhook", name=" ", address=HOOK
        )
    assert raised.value.field == "name"
