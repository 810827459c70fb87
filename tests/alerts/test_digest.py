"""The digest: one mail for each person and day or week, over clock changes too (case 35)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import LazySettings
from django.db import transaction

from freddy_admin.accounts.models import User
from freddy_admin.alerts.digest.mail import digest_email
from freddy_admin.alerts.digest.periods import DigestSchedule
from freddy_admin.alerts.digest.services import digests_plan, digests_take_as_sent
from freddy_admin.alerts.models import AlertPreferences, DigestRun, Incident
from freddy_admin.core import clock
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.outbox import outbox_enqueue
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from tests.alerts.conftest import HandClock, MakeKey
from tests.alerts.message_factories import alert_mails_send, incident_create, incident_end
from tests.alerts.received_mails import mail_part, mails_received
from tests.drill_scale import RUN_FULL_DRILLS
from tests.people import member_create
from tests.smtp_server import SmtpScript, mailing_by_smtp

ZONES = ("UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")


@pytest.fixture
def smtp(settings: LazySettings) -> Iterator[SmtpScript]:
    with mailing_by_smtp(settings, SmtpScript()) as script:
        yield script


@pytest.fixture
def reader(organisation: Organisation) -> User:
    user = member_create(organisation, "mona", Role.VIEWER)
    choose(user)
    return user


def choose(user: User, **values: Any) -> None:
    chosen = {"digest": "daily", "digest_hour": 8, "digest_skips_quiet": False} | values
    AlertPreferences.objects.update_or_create(user=user, defaults=chosen)


def move_to(hand_clock: HandClock, at: datetime) -> None:
    hand_clock.at = at


# --- When -----------------------------------------------------------------------
# Each half hour of the year; else every eleventh, which comes through all hours of a day as well.
STEP = timedelta(minutes=30 if RUN_FULL_DRILLS else 330)


@pytest.mark.drill
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("hour", [0, 1, 2, 3, 8, 23])
@pytest.mark.parametrize("frequency", ["daily", "weekly"])
def test_a_year_has_each_day_or_week_once(zone: str, hour: int, frequency: str) -> None:
    schedule = DigestSchedule(frequency, hour, weekday=6, zone=ZoneInfo(zone))
    start, end = datetime(2026, 1, 5, tzinfo=UTC), datetime(2027, 1, 11, tzinfo=UTC)
    moments: dict[date, datetime] = {}
    now = start
    while now < end:
        day, moment = schedule.latest(now)
        assert moment <= now
        assert moments.setdefault(day, moment) == moment
        now += STEP
    days = sorted(moments)
    gap = timedelta(days=7 if frequency == "weekly" else 1)
    assert {after - before for before, after in pairwise(days)} == {gap}
    assert sorted(moments.values()) == [moments[day] for day in days]
    if frequency == "weekly":
        assert {day.weekday() for day in days} == {6}


@pytest.mark.parametrize(
    ("day", "moment"),
    [
        (date(2026, 3, 29), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),  # 02:00 is skipped: 03:00
        (date(2026, 10, 25), datetime(2026, 10, 25, 0, 0, tzinfo=UTC)),  # 02:00 comes twice
    ],
)
def test_skipped_hour_is_the_next_and_doubled_hour_the_first(day: date, moment: datetime) -> None:
    schedule = DigestSchedule("daily", 2, weekday=0, zone=ZoneInfo("Europe/Zurich"))
    assert schedule.moment(day) == moment


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_reader_gets_one_digest_on_the_day_of_a_clock_change(
    day: date, reader: User, smtp: SmtpScript, hand_clock: HandClock
) -> None:
    reader.time_zone = "Europe/Zurich"
    reader.save()
    choose(reader, digest_hour=2)
    move_to(hand_clock, datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=2))
    for _ in range(24 * 4):
        digests_plan(now=clock.now())
        alert_mails_send()
        hand_clock.advance(minutes=15)
    assert smtp.counts() == {"mona@example.org": 1}
    assert DigestRun.objects.get().period == day


def test_digest_comes_at_the_readers_hour_and_once_however_often_it_is_planned(
    reader: User, smtp: SmtpScript, hand_clock: HandClock
) -> None:
    reader.time_zone = "Asia/Tokyo"  # 8 in the morning is 23 UTC of the day before
    reader.save()
    move_to(hand_clock, datetime(2026, 3, 3, 22, 59, tzinfo=UTC))
    DigestRun.objects.create(
        user=reader, period=date(2026, 3, 3), created_at=clock.now(), since=clock.now()
    )
    assert digests_plan(now=clock.now()) == 0
    hand_clock.advance(minutes=1)
    assert [digests_plan(now=clock.now()) for _ in range(3)] == [1, 0, 0]
    alert_mails_send()
    alert_mails_send()
    assert smtp.counts() == {"mona@example.org": 1}
    assert DigestRun.objects.latest("period").sent_at == clock.now()


def test_digest_chosen_after_its_hour_begins_with_the_next_one(
    reader: User, hand_clock: HandClock
) -> None:
    choose(reader, digest_chosen_at=clock.now())
    hand_clock.advance(hours=1)  # 13:00, and the hour is 8
    assert digests_plan(now=clock.now()) == 0
    hand_clock.advance(hours=19)
    assert digests_plan(now=clock.now()) == 1


def test_move_to_another_zone_brings_no_second_digest_of_a_day(
    reader: User, hand_clock: HandClock
) -> None:
    move_to(hand_clock, datetime(2026, 3, 3, 8, 0, tzinfo=UTC))
    assert digests_plan(now=clock.now()) == 1
    for zone, later in (("Pacific/Auckland", 0), ("America/Los_Angeles", 8)):
        User.objects.filter(pk=reader.pk).update(time_zone=zone)
        hand_clock.advance(hours=later)
        assert digests_plan(now=clock.now()) == 0


def test_digest_of_an_hour_long_past_is_left_out_and_the_next_tells_of_its_time(
    reader: User, hand_clock: HandClock
) -> None:
    move_to(hand_clock, datetime(2026, 3, 3, 8, 0, tzinfo=UTC))
    assert digests_plan(now=clock.now()) == 1
    hand_clock.advance(days=1, hours=7)  # the worker was away
    assert digests_plan(now=clock.now()) == 0
    hand_clock.advance(hours=17)
    assert digests_plan(now=clock.now()) == 1
    run = DigestRun.objects.latest("period")
    assert run.since == datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


def test_digest_after_months_without_one_tells_of_a_day(
    reader: User, hand_clock: HandClock
) -> None:
    move_to(hand_clock, datetime(2026, 3, 3, 8, 0, tzinfo=UTC))
    digests_plan(now=clock.now())
    hand_clock.advance(days=90)
    digests_plan(now=clock.now())
    run = DigestRun.objects.latest("period")
    assert run.since == clock.now() - timedelta(days=1)


def test_backup_that_was_put_back_sends_no_digest_twice(
    reader: User, smtp: SmtpScript, hand_clock: HandClock
) -> None:
    second = member_create(Organisation.objects.get(), "otto", Role.VIEWER)
    choose(second, digest_hour=9)
    move_to(hand_clock, datetime(2026, 3, 3, 9, 0, tzinfo=UTC))
    DigestRun.objects.create(  # in the backup the digest of nine was about to be sent
        user=second, period=date(2026, 3, 3), created_at=clock.now(), since=clock.now()
    )
    with transaction.atomic():
        outbox_enqueue(kind="alert_digest", object_id=DigestRun.objects.get().pk)
    digests_take_as_sent(now=clock.now())
    assert digests_plan(now=clock.now()) == 0
    assert alert_mails_send() == 0
    hand_clock.advance(days=1)
    assert digests_plan(now=clock.now()) == 2
    run = DigestRun.objects.filter(user=reader).latest("period")
    assert run.since == datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


# --- What -------------------------------------------------------------------------
def digest_text(reader: User, smtp: SmtpScript) -> str:
    assert digests_plan(now=clock.now()) == 1
    assert alert_mails_send() == 1
    return mail_part(mails_received(smtp)[-1], "plain")


def test_digest_counts_what_is_new_and_what_recovered_a_line_for_each_organisation(
    reader: User,
    organisation: Organisation,
    other_organisation: Organisation,
    make_key: MakeKey,
    smtp: SmtpScript,
    hand_clock: HandClock,
) -> None:
    Membership.objects.create(
        user=reader, organisation=other_organisation, role="viewer", created_at=clock.now()
    )
    old = [incident_create(organisation, make_key(f"K{n}")) for n in range(2)]
    move_to(hand_clock, datetime(2026, 3, 3, 8, 0, tzinfo=UTC))
    digests_plan(now=clock.now())
    alert_mails_send()
    hand_clock.advance(hours=20)
    for incident in old:
        incident_end(incident)
    incident_create(other_organisation)
    hand_clock.advance(hours=4)
    text = digest_text(reader, smtp)
    assert text.startswith("Since yesterday: 2 recovered, 1 new, 1 open.")
    assert "Alder: 2 recovered\n" in text.replace("\r", "")
    assert f"{other_organisation.name}: 1 new, 1 open" in text
    mail = mails_received(smtp)[-1]
    assert mail["subject"] == "Freddy Admin, 4 Mar 2026: 2 recovered, 1 new, 1 open"
    assert "/unsubscribe/" in mail["list-unsubscribe"]
    assert mail["auto-submitted"] == "auto-generated"
    assert mail["message-id"] != mails_received(smtp)[0]["message-id"]
    html = mail_part(mail, "html")
    assert "prefers-color-scheme: dark" in html
    assert "2 recovered" in html


def test_weekly_digest_names_the_week_and_a_longer_time_by_its_begin(
    reader: User,
    make_key: MakeKey,
    organisation: Organisation,
    smtp: SmtpScript,
    hand_clock: HandClock,
) -> None:
    choose(reader, digest="weekly", digest_weekday=0)
    move_to(hand_clock, datetime(2026, 3, 9, 8, 0, tzinfo=UTC))
    assert digest_text(reader, smtp).startswith("Since last week: all is well, nothing changed.")
    hand_clock.advance(days=14)
    assert digest_text(reader, smtp).startswith("Since 9 Mar 2026, 08:00:00 UTC: all is well")


def test_reader_learns_of_their_own_organisations_alone(
    reader: User,
    other_organisation: Organisation,
    platform_admin: User,
    smtp: SmtpScript,
    hand_clock: HandClock,
) -> None:
    choose(platform_admin)
    incident_create(other_organisation)
    move_to(hand_clock, datetime(2026, 3, 3, 8, 0, tzinfo=UTC))
    assert digests_plan(now=clock.now()) == 2
    alert_mails_send()
    texts = {str(mail["to"]): mail.as_string() for mail in mails_received(smtp)}
    assert other_organisation.name not in texts.pop("mona@example.org")
    assert all(other_organisation.name in text for text in texts.values())


def test_quiet_digest_is_left_out_if_so_chosen_and_not_while_something_is_open(
    reader: User, organisation: Organisation, smtp: SmtpScript, hand_clock: HandClock
) -> None:
    choose(reader, digest_skips_quiet=True)
    move_to(hand_clock, datetime(2026, 3, 3, 8, 0, tzinfo=UTC))
    assert digests_plan(now=clock.now()) == 1
    assert alert_mails_send() == 0
    assert not OutboxMessage.objects.exists()
    hand_clock.advance(minutes=1)
    incident_create(organisation)
    for day in (1, 2):  # on the second day nothing changed, and it is still open
        hand_clock.advance(days=1)
        text = digest_text(reader, smtp)
        assert ("1 new, 1 open" in text) == (day == 1)
        assert "1 open" in text


def test_incidents_from_history_are_in_no_digest(
    reader: User, organisation: Organisation, smtp: SmtpScript, hand_clock: HandClock
) -> None:
    incident_create(organisation)
    Incident.objects.update(is_from_history=True)
    move_to(hand_clock, datetime(2026, 3, 3, 8, 0, tzinfo=UTC))
    assert "all is well" in digest_text(reader, smtp)


def test_digest_of_many_organisations_names_fifty_and_counts_the_rest(
    platform_admin: User, smtp: SmtpScript, hand_clock: HandClock
) -> None:
    choose(platform_admin)
    now = clock.now()
    for number in range(53):
        other = Organisation.objects.create(
            name=f"O{number:02d} evil.example", slug=f"o{number}", created_at=now
        )
        incident_create(other)
    move_to(hand_clock, datetime(2026, 3, 3, 8, 0, tzinfo=UTC))
    text = digest_text(platform_admin, smtp)
    assert "53 new, 53 open" in text
    assert "And 3 more organisations." in text
    assert text.count("1 new, 1 open") == 50
    assert "evil.example" not in text


@pytest.mark.parametrize("how", ["left", "deactivated", "no organisation", "sent"])
def test_digest_of_a_reader_who_is_gone_is_not_sent(
    how: str, reader: User, smtp: SmtpScript, hand_clock: HandClock
) -> None:
    move_to(hand_clock, datetime(2026, 3, 3, 8, 0, tzinfo=UTC))
    assert digests_plan(now=clock.now()) == 1
    if how == "left":
        choose(reader, digest="none")
    elif how == "deactivated":
        User.objects.filter(pk=reader.pk).update(is_active=False)
    elif how == "sent":
        DigestRun.objects.update(sent_at=clock.now())
    else:
        Membership.objects.all().delete()
    assert alert_mails_send() == 0
    assert smtp.received == []
    assert not OutboxMessage.objects.exists()


def test_retried_digest_has_the_same_id(
    reader: User, smtp: SmtpScript, hand_clock: HandClock
) -> None:
    smtp.data_replies = ["451 later"]
    move_to(hand_clock, datetime(2026, 3, 3, 8, 0, tzinfo=UTC))
    digests_plan(now=clock.now())
    assert alert_mails_send() == 0
    run = DigestRun.objects.get()
    expected = digest_email(run, now=clock.now()).extra_headers["Message-ID"]
    hand_clock.advance(minutes=5)
    assert alert_mails_send() == 1
    assert mails_received(smtp)[0]["message-id"] == expected
