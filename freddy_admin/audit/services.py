"""Writes events to the audit log: who acts, what they did, and from which IP address.

Repeats of an event are counted and written as one. The first event is written at once. Its repeats
within the same ten minutes of the clock are counted in a row beside the log, by one statement that
is exact however many processes count. When the ten minutes are over, the row becomes one event and
is deleted in the same transaction: by the worker, or with the next event of the same person. Beyond
a number of different events in a minute, all further ones are one count.
"""

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from freddy_admin.audit.chain import (
    chain_append_on_commit,
    event_seal,
    storable_details,
    storable_text,
)
from freddy_admin.audit.models import AuditEvent, RepeatCount, RepeatKind
from freddy_admin.audit.tags import RECORDING_MODES, AuditTag, RecordingMode
from freddy_admin.core import clock
from freddy_admin.core.request_ids import current_request_id

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person (with the address they come from) or a command of the operator."""

    name: str
    id: int | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class OrganisationRef:
    """The organisation an event belongs to."""

    id: int
    name: str


OPERATOR = Actor(name="operator (command line)")
WORKER = Actor(name="worker")
VISITOR = "somebody not signed in"
INSERT_BATCH_SIZE: Final = 500
# Long enough that a script writes twelve events an hour instead of thousands; short enough that
# whoever investigates finds the count within the same quarter of an hour.
WINDOW_SECONDS: Final = 600
# A person at work does not do ten different things of one kind in a minute; a script does.
MAX_DISTINCT_PER_MINUTE: Final = 10
# Of all visitors together, who have as many addresses as they like.
MAX_VISITOR_EVENTS_PER_MINUTE: Final = 60
FLUSH_BATCH_SIZE: Final = 500
_WINDOW_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
DETAIL_MORE_TIMES: Final = "more_times"
DETAIL_UNTIL: Final = "until"
DETAIL_DIFFERING: Final = "differing"


def actor_from_request(request: HttpRequest) -> Actor:
    """The person who sends this request, with the address it comes from."""
    return actor_from_user(getattr(request, "user", None), request)


def actor_from_user(user: Any, request: HttpRequest | None) -> Actor:
    """The actor for a `User` at `request`; a visitor where nobody is signed in."""
    address = client_ip(request) if request else None
    if not getattr(user, "is_authenticated", False):
        return Actor(name=VISITOR, address=address)
    name = f"{user.name} ({user.email})" if user.name else user.email
    return Actor(name=name, id=user.pk, address=address)


def client_ip(request: HttpRequest) -> str | None:
    """The sender's IP address; None where there is none, as on a Unix socket.

    `X-Forwarded-For` is written by anyone: it counts only as far as `TRUSTED_PROXIES` of our own
    proxies have added to its end.
    """
    proxies: int = settings.TRUSTED_PROXIES
    hops = request.headers.get("x-forwarded-for", "").split(",") if proxies else []
    text = hops[-proxies] if proxies and len(hops) >= proxies else ""
    return _parse_ip(text) or _parse_ip(request.META.get("REMOTE_ADDR", ""))


def client_network_for_address(address: str | None) -> str:
    """What a rate limit counts together: one IPv4 address, or a client's IPv6 network (/64)."""
    if not address or ":" not in address:
        return address or ""
    return str(ip_network(f"{address}/64", strict=False))


def audit_event_record(
    *,
    tag: AuditTag,
    actor: Actor,
    organisation: OrganisationRef | None = None,
    subject: str = "",
    same_as: Any = "",
    **details: Any,
) -> AuditEvent:
    """Record one event; `details` are short JSON values and never hold a secret.

    It takes no lock of the hash chain: the event is appended after the commit. Where the tag's
    repeats are counted, a repeat within ten minutes only adds to the count, and the event that is
    returned has no id; `same_as` distinguishes two that look alike in the log, and is stored as a
    keyed hash alone. The count's row is locked until the commit, so call this at the end of a
    transaction.
    """
    event = _build_event(tag, actor, organisation, subject, details)
    if RECORDING_MODES[tag] is RecordingMode.ALWAYS or actor in (OPERATOR, WORKER):
        _save_event_and_chain_on_commit(event)
        return event
    with transaction.atomic(savepoint=False):
        if repeat_count_increment(event, same_as=same_as):
            _save_event_and_chain_on_commit(event)
    return event


def audit_event_record_if_possible(
    *,
    tag: AuditTag,
    actor: Actor,
    organisation: OrganisationRef | None = None,
    subject: str = "",
    **details: Any,
) -> None:
    """Record an event, or log a warning where the database takes no writes."""
    try:
        with transaction.atomic(savepoint=connection.in_atomic_block):
            audit_event_record(
                tag=tag, actor=actor, organisation=organisation, subject=subject, **details
            )
    except DatabaseError as error:
        log.warning("An event (%s) could not be written down: %s", tag.value, type(error).__name__)


def audit_event_record_for_organisations(
    *, tag: AuditTag, actor: Actor, organisations: list[OrganisationRef]
) -> None:
    """Record one event for each of many organisations, each named as its subject."""
    events = [
        _build_event(tag, actor, organisation, organisation.name, {})
        for organisation in organisations
    ]
    added = AuditEvent.objects.bulk_create(events, batch_size=INSERT_BATCH_SIZE)
    chain_append_on_commit([event.pk for event in added])


def _parse_ip(text: str) -> str | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(address).partition("%")[0]
    return str(address)


def _build_event(
    tag: AuditTag,
    actor: Actor,
    organisation: OrganisationRef | None,
    subject: str,
    details: dict[str, Any],
) -> AuditEvent:
    event = AuditEvent(
        at=clock.now(),
        tag=tag,
        actor_id=actor.id,
        actor_name=storable_text(actor.name, 254),
        address=actor.address,
        organisation_id=organisation.id if organisation else None,
        organisation_name=storable_text(organisation.name, 120) if organisation else "",
        subject=storable_text(subject, 200),
        details=storable_details(details),
        request_id=current_request_id.get(),
    )
    event.seal = event_seal(event)
    return event


def _save_event_and_chain_on_commit(event: AuditEvent) -> None:
    event.save(force_insert=True)
    chain_append_on_commit([event.pk])


def repeat_count_increment(event: AuditEvent, *, same_as: str = "") -> bool:
    """Whether this event is to be written, as the first of its kind; else it is counted now.

    To be called inside a transaction, so that event and count are committed together.
    """
    now = clock.now()
    values = _repeat_count_upsert_params(event, same_as, now)
    with connection.cursor() as cursor:
        cursor.execute(_INCREMENT_SQL, values)
        kind, times, has_expired = cursor.fetchone()
    if has_expired:
        _flush_counts(Q(actor_key=values["actor_key"]), now=now)
    return bool(kind == RepeatKind.SAME and times == 0)


def repeat_counts_flush(*, now: datetime) -> bool:
    """Write one batch of the counts whose window is over into the log; whether more may be left."""
    expired = RepeatCount.objects.filter(_expired_window_filter(now)).order_by("ends_at")
    keys = list(expired.values_list("key", flat=True)[:FLUSH_BATCH_SIZE])
    if keys:
        _flush_counts(Q(key__in=keys), now=now)
    return len(keys) == FLUSH_BATCH_SIZE


def _expired_window_filter(now: datetime) -> Q:
    # A count that ends so late was started while the clock was far ahead.
    return Q(ends_at__lte=now) | Q(ends_at__gt=now + 2 * _window_length())


def _window_length() -> timedelta:
    return clock.real_seconds_to_panel_duration(WINDOW_SECONDS)


@transaction.atomic
def _flush_counts(condition: Q, *, now: datetime) -> None:
    # Rows that another process flushes are skipped: nobody waits here, so there is no deadlock.
    unlocked = RepeatCount.objects.select_for_update(skip_locked=True)
    expired = unlocked.filter(condition, _expired_window_filter(now))
    rows = list(expired.order_by("key")[:FLUSH_BATCH_SIZE])
    RepeatCount.objects.filter(pk__in=[row.pk for row in rows]).delete()
    events = [_build_summary_event(row, now) for row in rows if _unreported_repeats(row)]
    added = AuditEvent.objects.bulk_create(events, batch_size=FLUSH_BATCH_SIZE)
    chain_append_on_commit([event.pk for event in added])


def _unreported_repeats(row: RepeatCount) -> int:
    # The first of equal events was written itself; the first one beyond a limit was not.
    return int(row.times + (row.kind != RepeatKind.SAME))


def _build_summary_event(row: RepeatCount, now: datetime) -> AuditEvent:
    is_same = row.kind == RepeatKind.SAME
    details: dict[str, Any] = dict(row.details) if is_same else {DETAIL_DIFFERING: True}
    details |= {
        DETAIL_MORE_TIMES: _unreported_repeats(row),
        DETAIL_UNTIL: f"{row.last_at:%Y-%m-%dT%H:%M:%SZ}",
    }
    event = AuditEvent(
        at=now,
        tag=row.tag,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        address=None if row.kind == RepeatKind.VISITORS else row.address,
        organisation_id=row.organisation_id,
        organisation_name=row.organisation_name,
        subject=row.subject if is_same else "",
        details=details,
        # It sums up many requests, and is written in one that may be none of them.
        request_id="",
    )
    event.seal = event_seal(event)
    return event


def _repeat_count_upsert_params(event: AuditEvent, same_as: str, now: datetime) -> dict[str, Any]:
    actor_key, organisation_id = _actor_key(event), event.organisation_id
    network = client_network_for_address(event.address)
    adapt = connection.ops.adapt_datetimefield_value
    number, elapsed = divmod(now - _WINDOW_EPOCH, _window_length())
    same_parts = (actor_key, network, event.subject, event.details, same_as)
    return {
        "same": _count_key(number, event.tag, organisation_id, *same_parts),
        "others": _count_key(number, event.tag, organisation_id, actor_key),
        "visitors": _count_key(number, event.tag),
        "actor_key": actor_key,
        "tag": str(event.tag),
        "actor_id": event.actor_id,
        "actor_name": event.actor_name,
        "organisation_id": organisation_id,
        "organisation_name": event.organisation_name,
        "subject": event.subject,
        "details": connection.ops.adapt_json_value(event.details, None),
        "address": connection.ops.adapt_ipaddressfield_value(event.address),
        "now": adapt(now),
        "ends_at": adapt(now - elapsed + _window_length()),
        "minute_ago": adapt(now - clock.real_seconds_to_panel_duration(60)),
        "max_distinct": MAX_DISTINCT_PER_MINUTE,
        "max_visitors": MAX_VISITOR_EVENTS_PER_MINUTE,
    }


def _actor_key(event: AuditEvent) -> str:
    if event.actor_id is not None:
        return f"person:{event.actor_id}"
    return (
        f"network:{client_network_for_address(event.address)}"
        if event.address
        else f"name:{event.actor_name}"
    )


def _count_key(*parts: Any) -> str:
    # Keyed, for a subject may be what somebody typed into a wrong field.
    text = json.dumps(parts, sort_keys=True, default=str)
    return salted_hmac("freddy_admin.audit.repeats", text, algorithm="sha256").hexdigest()


# One statement chooses the row, counts and returns the count: exact without a lock before it.
_INCREMENT_SQL = """
    INSERT INTO audit_repeatcount (
        key, kind, actor_key, tag, actor_id, actor_name, organisation_id, organisation_name,
        subject, details, address, times, started_at, last_at, ends_at
    )
    SELECT
        CASE chosen.kind WHEN 'same' THEN %(same)s WHEN 'others' THEN %(others)s
            ELSE %(visitors)s END,
        chosen.kind, %(actor_key)s, %(tag)s, %(actor_id)s, %(actor_name)s, %(organisation_id)s,
        %(organisation_name)s, %(subject)s, %(details)s, %(address)s, 0, %(now)s, %(now)s,
        %(ends_at)s
    FROM (
        SELECT CASE
            WHEN EXISTS (SELECT 1 FROM audit_repeatcount WHERE key = %(same)s) THEN 'same'
            WHEN (
                SELECT COUNT(*) FROM audit_repeatcount
                WHERE actor_key = %(actor_key)s AND tag = %(tag)s AND started_at > %(minute_ago)s
                    AND kind = 'same'
            ) >= %(max_distinct)s THEN 'others'
            WHEN %(actor_id)s IS NULL AND (
                SELECT COUNT(*) FROM audit_repeatcount
                WHERE tag = %(tag)s AND started_at > %(minute_ago)s
                    AND kind = 'same' AND actor_id IS NULL
            ) >= %(max_visitors)s THEN 'visitors'
            ELSE 'same'
        END AS kind
    ) AS chosen
    WHERE true
    ON CONFLICT (key) DO UPDATE SET
        times = audit_repeatcount.times + 1, last_at = excluded.last_at
    RETURNING kind, times, EXISTS (
        SELECT 1 FROM audit_repeatcount AS old
        WHERE old.actor_key = %(actor_key)s AND old.ends_at <= %(now)s
    )
"""
