"""Invitations on their way through a real mail server that hangs, refuses, or sees workers die."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import LazySettings
from django.db import connection, connections

from freddy_admin.accounts.auth.password_reset import password_reset_request_create
from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.models import OutboxMessage
from freddy_admin.organisations.invitations import invitation_create
from freddy_admin.organisations.models import Invitation, Organisation
from tests.concurrency import IS_SQLITE, run_concurrently, run_in_thread, shared_database
from tests.drill_scale import drill_count
from tests.mails import due_mails_send
from tests.organisations.conftest import ACTOR
from tests.organisations.test_organisation_races import organisation_alder_create
from tests.smtp_server import SmtpScript, mailing_by_smtp

__all__ = ["shared_database"]
ROOT = Path(__file__).resolve().parents[2]
ANN, BEN, EVE = "ann@example.org", "ben@example.org", "eve@example.org"


@pytest.fixture
def smtp(settings: LazySettings) -> Iterator[SmtpScript]:
    with mailing_by_smtp(settings, SmtpScript()) as script:
        yield script


def invite(organisation: Organisation, *emails: str) -> None:
    for email in emails:
        invitation_create(organisation=organisation, actor=ACTOR, email=email, role="viewer")


def due_mails_send_later(**span: float) -> int:
    moment: datetime = clock.now() + timedelta(**span)
    with clock.override_clock(lambda: moment):
        return due_mails_send()


def message_of(email: str) -> OutboxMessage:
    return OutboxMessage.objects.get(object_id=Invitation.objects.get(email=email).pk)


@pytest.mark.django_db
def test_mail_arrives_with_its_link_at_the_server(
    organisation: Organisation, smtp: SmtpScript
) -> None:
    invite(organisation, ANN)
    assert due_mails_send() == 1
    ((address, text),) = smtp.received
    assert address == ANN
    assert "/invitations/" in text


@pytest.mark.django_db
def test_server_that_hangs_is_left_after_the_time_limit_and_tried_again(
    organisation: Organisation, smtp: SmtpScript, settings: LazySettings
) -> None:
    smtp.is_hanging, settings.EMAIL_TIMEOUT = True, 0.3
    invite(organisation, ANN)
    assert due_mails_send() == 0
    assert smtp.hung.is_set()
    message = message_of(ANN)
    assert (message.reason, message.attempts, message.lease_token) == ("no_answer", 1, "")
    smtp.is_hanging, settings.EMAIL_TIMEOUT = False, 20
    assert due_mails_send_later(seconds=30) == 1
    assert smtp.counts() == {ANN: 1}


@pytest.mark.django_db
def test_server_that_is_away_is_no_answer(
    organisation: Organisation, smtp: SmtpScript, settings: LazySettings
) -> None:
    settings.EMAIL_PORT = 9
    invite(organisation, ANN)
    assert due_mails_send() == 0
    assert message_of(ANN).reason == "no_answer"


@pytest.mark.django_db
def test_refused_address_is_given_up_at_once_and_delays_nobody(
    organisation: Organisation, smtp: SmtpScript
) -> None:
    smtp.replies[BEN] = ["550 5.1.1 no such user"]
    invite(organisation, ANN, BEN, EVE)
    assert due_mails_send() == 2
    assert smtp.counts() == {ANN: 1, EVE: 1}
    message = message_of(BEN)
    assert message.reason == "address_refused"
    assert message.given_up_at is not None
    assert due_mails_send_later(hours=5) == 0
    assert smtp.connections == 3


@pytest.mark.django_db
def test_mail_that_is_refused_after_its_text_is_given_up_at_once(
    organisation: Organisation, smtp: SmtpScript
) -> None:
    smtp.data_reply = "554 5.7.1 looks like spam"
    invite(organisation, ANN)
    assert due_mails_send() == 0
    assert message_of(ANN).reason == "mail_refused"
    assert message_of(ANN).given_up_at is not None


@pytest.mark.django_db
@pytest.mark.parametrize("reply", ["450 4.2.1 greylisted", "421 4.7.0 too many at once"])
def test_address_that_is_put_off_is_tried_again(
    reply: str, organisation: Organisation, smtp: SmtpScript
) -> None:
    smtp.replies[ANN] = [reply, reply]
    invite(organisation, ANN)
    assert due_mails_send() == 0
    assert (message_of(ANN).reason, message_of(ANN).given_up_at) == ("deferred", None)
    assert due_mails_send_later(seconds=30) == 0
    assert due_mails_send_later(seconds=90) == 1
    assert smtp.counts() == {ANN: 1}


@pytest.mark.django_db
def test_server_that_refuses_the_panel_itself_is_tried_again(
    organisation: Organisation, smtp: SmtpScript
) -> None:
    smtp.greeting = "554 not from there"
    invite(organisation, ANN)
    assert due_mails_send() == 0
    assert (message_of(ANN).reason, message_of(ANN).given_up_at) == ("panel_refused", None)
    smtp.greeting = "220 welcome"
    assert due_mails_send_later(seconds=30) == 1


@pytest.mark.django_db
def test_refused_reset_is_given_up_and_a_new_request_is_sent(smtp: SmtpScript) -> None:
    User.objects.create(email=ANN)
    smtp.replies[ANN] = ["550 5.1.1 no such user"]
    password_reset_request_create(email=ANN)
    assert (due_mails_send(), OutboxMessage.objects.get().reason) == (0, "address_refused")
    password_reset_request_create(email=ANN)
    assert (due_mails_send(), OutboxMessage.objects.count()) == (1, 0)


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=not IS_SQLITE)
def test_two_workers_at_once_send_each_mail_once(smtp: SmtpScript) -> None:
    emails = [f"new-{number}@example.org" for number in range(12)]
    organisation = organisation_alder_create()
    run_in_thread(lambda: invite(organisation, *emails))
    assert sum(run_concurrently([due_mails_send] * 2)) == len(emails)
    assert smtp.counts() == dict.fromkeys(emails, 1)


@pytest.mark.drill
@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=not IS_SQLITE)
def test_mails_of_killed_workers_arrive_and_repeat_at_most_once_per_kill() -> None:
    kills = drill_count(200)
    emails = [f"new-{number}@example.org" for number in range(2 * kills)]
    organisation = organisation_alder_create()
    run_in_thread(lambda: invite(organisation, *emails))
    command = [sys.executable, "-m", "tests.organisations.mail_kill_drill", str(kills)]
    env = os.environ | {"TEST_DATABASE_URL": database_url(), "PYTHONPATH": str(ROOT)}
    env.pop("TEST_REDIS_URL", None)
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["kills"] == kills
    assert set(report["arrived"]) == set(emails)
    repeats = sum(report["arrived"].values()) - len(emails)
    assert 0 < repeats <= 2 * kills  # two workers die with each kill
    assert run_in_thread(OutboxMessage.objects.count) == 0
    assert run_in_thread(Invitation.objects.filter(sent_at=None).count) == 0
    events = AuditEvent.objects.filter(tag=AuditTag.INVITATION_SENT)
    assert run_in_thread(lambda: sorted(events.values_list("subject", flat=True))) == sorted(emails)


def database_url() -> str:
    config = connection.settings_dict
    if IS_SQLITE:
        # As the fixture `shared_database` names it for connections that are made from now on.
        return f"sqlite:///{connections.settings['default']['NAME']}"
    credentials = f"{quote(config['USER'])}:{quote(config['PASSWORD'])}"
    return f"postgres://{credentials}@{config['HOST']}:{config['PORT']}/{config['NAME']}"
