"""Writes which digests are due: one row for each person and period, whatever runs twice."""

from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Max, QuerySet

from freddy_admin.alerts.digest.periods import DigestSchedule
from freddy_admin.alerts.models import AlertPreferences, DigestFrequency, DigestRun
from freddy_admin.core.clock import time_zone_or_utc
from freddy_admin.core.clock_skew import has_clock_skew
from freddy_admin.core.outbox import outbox_cancel, outbox_enqueue

ALERT_DIGEST: Final = "alert_digest"  # the kind of a `DigestRun` in the outbox
# A digest that could not be sent for so long is left out; the next one tells of its time, too.
LATE_LIMIT: Final = timedelta(hours=6)


def digests_plan(*, now: datetime) -> int:
    """Write the digests that are due and have them sent; returns how many.

    None while the machine's clock is off: one of a day that is still to come would stand for all
    until then. A few queries, and a few statements for each that is due.
    """
    if has_clock_skew():
        return 0
    rows = _readers().annotate(last_period=Max("user__digest_runs__period"))
    return sum(_plan(row, row.last_period, now) for row in rows.iterator())


def digests_take_as_sent(*, now: datetime) -> None:
    """Send none that was due before: after a backup was put back they probably were sent.

    The next ones tell of the time since then.
    """
    for row in _readers().iterator():
        schedule = digest_schedule(row)
        day, moment = schedule.latest(now)
        values = {"created_at": moment, "since": moment - schedule.length}
        DigestRun.objects.get_or_create(user=row.user, period=day, defaults=values)
    waiting = DigestRun.objects.filter(sent_at=None, created_at__gte=now - timedelta(days=1))
    outbox_cancel(kind=ALERT_DIGEST, object_ids=list(waiting.values_list("pk", flat=True)))


def _readers() -> QuerySet[AlertPreferences]:
    rows = AlertPreferences.objects.exclude(digest=DigestFrequency.NONE)
    return rows.filter(user__is_active=True).select_related("user")


def digest_schedule(preferences: AlertPreferences) -> DigestSchedule:
    """When the person gets digests."""
    return DigestSchedule(
        frequency=preferences.digest,
        hour=preferences.digest_hour,
        weekday=preferences.digest_weekday,
        zone=time_zone_or_utc(preferences.user.time_zone),
    )


def _plan(preferences: AlertPreferences, last_period: date | None, now: datetime) -> bool:
    schedule = digest_schedule(preferences)
    day, moment = schedule.latest(now)
    chosen_at = preferences.digest_chosen_at
    is_before_choice = chosen_at is not None and moment < chosen_at
    # A person who moves to another zone gets no second one for a day they have had.
    is_had = last_period is not None and day <= last_period
    if is_had or is_before_choice or now - moment > LATE_LIMIT:
        return False
    with transaction.atomic():
        values = {"created_at": now, "since": _since(preferences, schedule, moment)}
        run, is_new = DigestRun.objects.get_or_create(
            user=preferences.user, period=day, defaults=values
        )
        if is_new:
            outbox_enqueue(kind=ALERT_DIGEST, object_id=run.pk)
    return is_new


def _since(preferences: AlertPreferences, schedule: DigestSchedule, moment: datetime) -> datetime:
    """The last one, unless it is more than a week longer ago than a period: then a period."""
    last = DigestRun.objects.filter(user=preferences.user).order_by("-period").first()
    if last is None or moment - last.created_at > schedule.length + timedelta(days=7):
        return moment - schedule.length
    return last.created_at
