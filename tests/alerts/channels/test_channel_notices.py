"""A channel that was refused for good is told of by mail, to those who can mend it."""

import pytest
from django.core import mail

from freddy_admin.accounts.models import User
from freddy_admin.alerts.channels.notices import CHANNEL_NOTICE
from freddy_admin.alerts.channels.person_channels import person_channel_get
from freddy_admin.alerts.channels.services import channel_delete, channel_disable, channel_enable
from freddy_admin.alerts.models import AlertPreferences, Channel, ChannelNotice
from freddy_admin.core.mail import MAIL_LANE
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.outbox import outbox_drain
from freddy_admin.organisations.models import Organisation
from tests.alerts.channels.conftest import MANAGER, MakeChannel
from tests.hand_clock import HandClock
from tests.people import People

HOOK = "https://hooks.example.org/plantedpath0123456789"


@pytest.fixture
def channel(make_channel: MakeChannel, hand_clock: HandClock) -> Channel:
    """Of the organisation that most of `people` belong to."""
    return make_channel("webhook", HOOK, name="On call").channel


def _mails() -> dict[str, str]:
    """Send what waits; the texts by their receivers."""
    mail.outbox.clear()
    outbox_drain(lane=MAIL_LANE)
    return {message.to[0]: f"{message.subject}\n{message.body}" for message in mail.outbox}


def test_managers_are_told_what_happened_and_where_to_mend_it(
    channel: Channel, people: People
) -> None:
    channel_disable(channel=channel, reason="gone")
    mails = _mails()
    assert set(mails) == {people.manager.email}
    text = mails[people.manager.email]
    assert text.startswith("Alerts no longer reach On call\n")
    assert "The alert channel “On call” (webhook) of Alder was switched off" in text
    assert "Nobody is there any more" in text
    assert f"/organisations/alder/alerts/channels/{channel.pk}/" in text
    assert "planted" not in text
    assert not ChannelNotice.objects.exists()
    assert not OutboxMessage.objects.filter(kind=CHANNEL_NOTICE).exists()


def test_platform_admins_are_told_of_what_nobody_else_can_mend(
    channel: Channel, people: People, make_channel: MakeChannel
) -> None:
    fleet = make_channel("webhook", HOOK, organisation=None).channel
    channel_disable(channel=fleet, reason="revoked")
    mails = _mails()
    assert set(mails) == {people.admin.email}
    assert f"/alerts/fleet/channels/{fleet.pk}/" in mails[people.admin.email]
    User.objects.filter(pk=people.manager.pk).update(is_active=False)
    channel_disable(channel=channel, reason="gone")
    assert set(_mails()) == {people.admin.email}


def test_managers_are_told_of_a_members_mail(
    people: People, organisation: Organisation, hand_clock: HandClock
) -> None:
    channel = person_channel_get(people.viewer)
    channel_disable(channel=channel, reason="address_refused")
    mails = _mails()
    assert set(mails) == {people.manager.email}
    assert "The mail server refuses the person's address." in mails[people.manager.email]


def test_whoever_gets_no_mail_of_alerts_gets_none_of_these(
    channel: Channel, people: People
) -> None:
    AlertPreferences.objects.create(user=people.manager, gets_mail=False)
    channel_disable(channel=channel, reason="gone")
    assert set(_mails()) == {people.admin.email}


def test_channel_that_was_mended_meanwhile_is_told_of_no_more(
    channel: Channel, people: People, organisation: Organisation
) -> None:
    channel_disable(channel=channel, reason="gone")
    channel_enable(organisation=organisation, actor=MANAGER, channel=channel)
    assert _mails() == {}


def test_channel_that_was_deleted_meanwhile_is_told_of_no_more(
    channel: Channel, people: People, organisation: Organisation
) -> None:
    channel_disable(channel=channel, reason="gone")
    channel_delete(organisation=organisation, actor=MANAGER, channel=channel)
    assert _mails() == {}


def test_person_who_left_meanwhile_is_told_nothing(channel: Channel, people: People) -> None:
    channel_disable(channel=channel, reason="gone")
    User.objects.filter(pk=people.manager.pk).update(is_active=False)
    assert _mails() == {}
