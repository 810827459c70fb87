"""A mail server, a reader and an incident for the tests of mails."""

from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from django.conf import LazySettings

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import (
    DeliveryKind,
    Incident,
)
from freddy_admin.core.models import OutboxMessage
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Role
from tests.alerts.conftest import HandClock, MakeKey
from tests.alerts.message_factories import (
    alert_mails_send,
    incident_create,
)
from tests.alerts.received_mails import mails_received
from tests.people import member_create
from tests.smtp_server import SmtpScript, mailing_by_smtp

OPENED, REMINDER, RESOLVED = DeliveryKind.OPENED, DeliveryKind.REMINDER, DeliveryKind.RESOLVED


@pytest.fixture
def smtp(settings: LazySettings) -> Iterator[SmtpScript]:
    with mailing_by_smtp(settings, SmtpScript()) as script:
        yield script


@pytest.fixture
def manager(organisation: Organisation) -> User:
    """Who is told; in a zone half an hour beside the others."""
    user = member_create(organisation, "mona", Role.MANAGER)
    user.time_zone = "Asia/Kolkata"
    user.save()
    return user


@pytest.fixture
def incident(organisation: Organisation, make_key: MakeKey) -> Incident:
    return incident_create(organisation, make_key("Nightly"))


def all_mails_send(hand_clock: HandClock) -> None:
    """Send what is in the outbox, a later message about an incident after an earlier one."""
    while OutboxMessage.objects.exists():
        alert_mails_send()
        hand_clock.advance(minutes=1)


def send_and_read(smtp: SmtpScript) -> EmailMessage:
    assert alert_mails_send() == 1
    return mails_received(smtp)[-1]


# --- What a mail says ---------------------------------------------------------
