"""Counts what one person does again and again, and says it once.

The first event is written at once. What follows within the same ten minutes of the clock is
counted in a row beside the log, by one statement that is exact however many processes count. When
the ten minutes are over, the row becomes one event and is deleted in the same transaction: by the
worker, or with whatever its person does next. Beyond so many different ones in a minute, all the
rest is one count.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Q
from django.utils.crypto import salted_hmac

from freddy_admin.audit.chain import chain_soon, event_seal
from freddy_admin.audit.models import AuditEvent, RepeatCount, RepeatKind
from freddy_admin.core import clock
from freddy_admin.core.networks import network_of

# Long enough that a script writes twelve events an hour instead of thousands; short enough that
# whoever looks after something that happened finds its count the same quarter of an hour.
SPAN_SECONDS: Final = 600
# A person at work does not do ten different things of one kind in a minute; a script does.
DIFFERENT_A_MINUTE: Final = 10
# Of visitors, who have as many addresses as they like, all together.
VISITORS_A_MINUTE: Final = 60
BATCH: Final = 500
_START: Final = datetime(2000, 1, 1, tzinfo=UTC)

MORE_TIMES: Final = "more_times"
UNTIL: Final = "until"
DIFFERING: Final = "differing"


def repeat_count(event: AuditEvent, *, same_as: str = "") -> bool:
    """Whether this event is to be written: it is the first of its kind. Else it is counted now.

    Inside a transaction, whose end settles both.
    """
    now = clock.now()
    values = _values(event, same_as, now)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, values)
        kind, times, left_over = cursor.fetchone()
    if left_over:
        _close(Q(who=values["who"]), now=now)
    return bool(kind == RepeatKind.SAME and times == 0)


def repeats_close(*, now: datetime) -> bool:
    """Write the counts whose time is over into the log, some hundred at most; whether more are."""
    over = RepeatCount.objects.filter(_over(now)).order_by("ends_at")
    keys = list(over.values_list("key", flat=True)[:BATCH])
    if keys:
        _close(Q(key__in=keys), now=now)
    return len(keys) == BATCH


def _over(now: datetime) -> Q:
    # One that ends so late was begun while the clock was far ahead.
    return Q(ends_at__lte=now) | Q(ends_at__gt=now + 2 * _span())


def _span() -> timedelta:
    return clock.passing(SPAN_SECONDS)


@transaction.atomic
def _close(which: Q, *, now: datetime) -> None:
    # What somebody else is closing is skipped: nobody waits here, so nobody waits in a circle.
    rows = RepeatCount.objects.select_for_update(skip_locked=True)
    found = list(rows.filter(which, _over(now)).order_by("key")[:BATCH])
    RepeatCount.objects.filter(pk__in=[row.pk for row in found]).delete()
    events = [_told(row, now) for row in found if _untold(row)]
    added = AuditEvent.objects.bulk_create(events, batch_size=BATCH)
    chain_soon([event.pk for event in added])


def _untold(row: RepeatCount) -> int:
    # The first one of the same has its event; the first one of a rest has none.
    return int(row.times + (row.kind != RepeatKind.SAME))


def _told(row: RepeatCount, now: datetime) -> AuditEvent:
    same = row.kind == RepeatKind.SAME
    details: dict[str, Any] = dict(row.details) if same else {DIFFERING: True}
    details |= {MORE_TIMES: _untold(row), UNTIL: f"{row.last_at:%Y-%m-%dT%H:%M:%SZ}"}
    event = AuditEvent(
        at=now,
        tag=row.tag,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        address=None if row.kind == RepeatKind.VISITORS else row.address,
        organisation_id=row.organisation_id,
        organisation_name=row.organisation_name,
        subject=row.subject if same else "",
        details=details,
        # It tells of many requests, and is written in one that may be none of them.
        request_id="",
    )
    event.seal = event_seal(event)
    return event


def _values(event: AuditEvent, same_as: str, now: datetime) -> dict[str, Any]:
    who, place = _who(event), event.organisation_id
    network = network_of(event.address)
    moment = connection.ops.adapt_datetimefield_value
    number, passed = divmod(now - _START, _span())
    same = (who, network, event.subject, event.details, same_as)
    return {
        "same": _key(number, event.tag, place, *same),
        "others": _key(number, event.tag, place, who),
        "visitors": _key(number, event.tag),
        "who": who,
        "tag": str(event.tag),
        "actor_id": event.actor_id,
        "actor_name": event.actor_name,
        "organisation_id": place,
        "organisation_name": event.organisation_name,
        "subject": event.subject,
        "details": connection.ops.adapt_json_value(event.details, None),
        "address": connection.ops.adapt_ipaddressfield_value(event.address),
        "now": moment(now),
        "ends_at": moment(now - passed + _span()),
        "minute_ago": moment(now - clock.passing(60)),
        "most": DIFFERENT_A_MINUTE,
        "most_visitors": VISITORS_A_MINUTE,
    }


def _who(event: AuditEvent) -> str:
    if event.actor_id is not None:
        return f"person:{event.actor_id}"
    return f"network:{network_of(event.address)}" if event.address else f"name:{event.actor_name}"


def _key(*parts: Any) -> str:
    # Keyed, for a subject may be what somebody typed into a wrong field.
    text = json.dumps(parts, sort_keys=True, default=str)
    return salted_hmac("freddy_admin.audit.repeats", text, algorithm="sha256").hexdigest()


# One statement chooses the row, counts and tells: no lock before it, nothing lost between two.
_COUNT = """
    INSERT INTO audit_repeatcount (
        key, kind, who, tag, actor_id, actor_name, organisation_id, organisation_name,
        subject, details, address, times, begun_at, last_at, ends_at
    )
    SELECT
        CASE chosen.kind WHEN 'same' THEN %(same)s WHEN 'others' THEN %(others)s
            ELSE %(visitors)s END,
        chosen.kind, %(who)s, %(tag)s, %(actor_id)s, %(actor_name)s, %(organisation_id)s,
        %(organisation_name)s, %(subject)s, %(details)s, %(address)s, 0, %(now)s, %(now)s,
        %(ends_at)s
    FROM (
        SELECT CASE
            WHEN EXISTS (SELECT 1 FROM audit_repeatcount WHERE key = %(same)s) THEN 'same'
            WHEN (
                SELECT COUNT(*) FROM audit_repeatcount
                WHERE who = %(who)s AND tag = %(tag)s AND begun_at > %(minute_ago)s
                    AND kind = 'same'
            ) >= %(most)s THEN 'others'
            WHEN %(actor_id)s IS NULL AND (
                SELECT COUNT(*) FROM audit_repeatcount
                WHERE tag = %(tag)s AND begun_at > %(minute_ago)s
                    AND kind = 'same' AND actor_id IS NULL
            ) >= %(most_visitors)s THEN 'visitors'
            ELSE 'same'
        END AS kind
    ) AS chosen
    WHERE true
    ON CONFLICT (key) DO UPDATE SET
        times = audit_repeatcount.times + 1, last_at = excluded.last_at
    RETURNING kind, times, EXISTS (
        SELECT 1 FROM audit_repeatcount AS old WHERE old.who = %(who)s AND old.ends_at <= %(now)s
    )
"""
