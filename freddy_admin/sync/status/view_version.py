"""Whether anything that a page shows has changed since it was made, in one small statement.

Asked before rows, sums and digests are made. A page changes by what somebody wrote
(`core.view_changes`), by the state of the workers, and by the clock alone: a state becomes
unknown, a sync is due, a key comes closer to its last day, a mute ends.

What a browser shows is its `ShownVersion`, which only the panel can write or read: the text is
encrypted and bound to the name of the view, which holds the person, the filters, the language and
the rest of what the page was made for. Of another view, or tampered with, it is no version at all.
"""

import hashlib
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import connection
from django.utils.dateparse import parse_datetime

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.core.view_changes import WHOLE_PANEL
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.policy import unsent_operations_cutoff
from freddy_admin.sync.health import CLOCK_TOLERANCE
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.rows import KeyRow

# So long after a page was told of all checks, it is told again; and everything is compared.
CHECKS_SHOWN_SECONDS: Final = 60.0  # real seconds
_TEXT_LIMIT: Final = 1_024
_MAX_NUMBERS: Final = 64
_NONCE_BYTES: Final = 12
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class SeenChanges:
    """Which `ViewChange` rows a reader could see: all with numbers below `first_unseen` …

    … but those of `in_progress`, transactions that had begun and were not committed yet.
    """

    first_unseen: int
    in_progress: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """What a browser shows: the panel as it was at `as_of`, with all checks until `checks_at`.

    From `valid_until` on the clock may have changed something that it shows. `panel` is the digest
    of the `PanelState`.
    """

    checks_at: datetime
    as_of: datetime
    valid_until: datetime
    panel: int
    seen: SeenChanges

    def serialize(self, view_name: str) -> str:
        """The text for the browser that shows this view; "" where it would be too long."""
        if len(self.seen.in_progress) >= _MAX_NUMBERS:
            return ""
        moments = (self.checks_at, self.as_of, self.valid_until)
        numbers = [(moment - _EPOCH) // _MILLISECOND for moment in moments]
        numbers += [self.panel, self.seen.first_unseen, *self.seen.in_progress]
        nonce, content = os.urandom(_NONCE_BYTES), struct.pack(f">{len(numbers)}q", *numbers)
        sealed = _cipher(settings.SECRET_KEY).encrypt(nonce, content, view_name.encode())
        return urlsafe_b64encode(nonce + sealed).decode()

    @classmethod
    def parse(cls, text: str, view_name: str) -> "ShownVersion | None":
        """What a browser sent; None for what the panel did not write for this view."""
        if not text or len(text) > _TEXT_LIMIT:
            return None
        try:
            data = urlsafe_b64decode(text.encode("ascii"))
            content = _cipher(settings.SECRET_KEY).decrypt(
                data[:_NONCE_BYTES], data[_NONCE_BYTES:], view_name.encode()
            )
        except (ValueError, InvalidTag):  # no base64, no ASCII, too short; not ours
            return None
        numbers = struct.unpack(f">{len(content) // 8}q", content)
        checks_at, as_of, valid_until = (_EPOCH + n * _MILLISECOND for n in numbers[:3])
        seen = SeenChanges(numbers[4], numbers[5:])
        return cls(checks_at, as_of, valid_until, numbers[3], seen)

    def is_due(self, now: datetime) -> bool:
        """Whether the clock says that the page has to be compared, whatever was written."""
        return not self.as_of <= now < self.valid_until or self.are_checks_due(now)

    def are_checks_due(self, now: datetime) -> bool:
        """Whether the page is to be told of the checks since `checks_at`."""
        return now >= self.checks_at + clock.real_seconds_to_panel_duration(CHECKS_SHOWN_SECONDS)


@dataclass(frozen=True, slots=True)
class PanelState:
    """What the latest heartbeat of any worker says of the panel."""

    heartbeat_at: datetime | None = None
    master_key_state: str = ""
    copied_from: str = ""
    message_fault: str = ""

    def digest(self, now: datetime) -> int:
        """Of what pages say of it: a heartbeat more changes nothing."""
        said = (
            is_worker_silent(self.heartbeat_at, now),
            self.master_key_state,
            self.copied_from,
            self.message_fault,
        )
        return int.from_bytes(hashlib.blake2b(repr(said).encode(), digest_size=7).digest())


@dataclass(frozen=True, slots=True)
class ViewState:
    """What one statement says of a view: what can be seen `now`, and whether it has changed.

    Without something to compare with, it has.
    """

    now: datetime
    seen: SeenChanges
    panel: PanelState
    has_changed: bool

    def shown_version(self, *, checks_at: datetime, valid_until: datetime) -> ShownVersion:
        """What a browser shows that is sent this state, and has all checks until `checks_at`."""
        panel = self.panel.digest(self.now)
        return ShownVersion(checks_at, self.now, valid_until, panel, self.seen)


def is_worker_silent(heartbeat_at: datetime | None, now: datetime) -> bool:
    """Whether there was no sign of life of any worker for more than two check periods."""
    limit = max(
        clock.real_seconds_to_panel_duration(60),
        timedelta(seconds=2 * settings.STATUS_CHECK_SECONDS),
    )
    return heartbeat_at is None or now - heartbeat_at > limit


def view_name(user: User, *parts: object) -> str:
    """The name of a view for a person; `parts` are all else that its content depends on."""
    person = (user.pk, user.is_platform_admin, user.is_active, user.time_zone)
    content = repr((settings.VERSION, person, *parts))
    return hashlib.blake2b(content.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


def view_state(
    *,
    user: User,
    now: datetime,
    organisation: Organisation | None = None,
    shown: ShownVersion | None = None,
) -> ViewState:
    """The state of a view of all that the person sees, or of one organisation; one statement.

    Read before the page: what is written meanwhile is a change for the next poll. Without `shown`
    nothing is compared.
    """
    changed, params = "1", list[Any]()
    if shown is not None:
        changed, params = _changed_sql(user, organisation, shown, now)
    sql = _STATE_SQL[connection.vendor == "postgresql"].format(changed=changed)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        seen, has_changed, heartbeat_at, *texts = cursor.fetchone()
    panel = PanelState(_parse_moment(heartbeat_at), *(text or "" for text in texts))
    if shown is not None:
        has_changed |= shown.is_due(now) or shown.panel != panel.digest(now)
    return ViewState(now, _parse_seen(seen), panel, bool(has_changed))


def next_change_by_clock(
    rows: Iterable[KeyRow], now: datetime, *, others: Iterable[datetime | None] = ()
) -> datetime:
    """When the clock alone changes something of these rows, or of the sums beside them.

    `others` are moments at which something else changes. Not that a state becomes unknown:
    `view_state` sees that of all keys, shown or not.
    """
    # Days until a key expires are those of UTC, for lists, sums and filters.
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = [midnight + timedelta(days=1), *others]
    for row in rows:
        if row.is_check_pending:  # no change is written when it ends as the one before
            return now
        moments += _row_moments(row)
    return min(moment for moment in moments if moment is not None and moment > now)


def _row_moments(row: KeyRow) -> Iterable[datetime | None]:
    yield row.due_at
    if row.state is HealthState.NOT_CHECKED:
        yield row.next_check_at
    if row.figures and row.figures.last_sync_at:
        yield row.figures.last_sync_at - CLOCK_TOLERANCE
    if row.operation_requested_at:
        # Late is what comes after this moment, not at it.
        yield row.operation_requested_at + row.grace + _MILLISECOND
        yield row.operation_requested_at + (row.now - unsent_operations_cutoff(row.now))
    if row.incident and row.incident["muted_until"]:
        yield _parse_moment(row.incident["muted_until"])


# The number that the next change will have at least, and on PostgreSQL those in progress; whether
# something changed; of the worker that was alive last.
_STATE_SQL: Final = {
    is_postgresql: f"""
        SELECT {seen}, {{changed}},
            heartbeat_at, master_key_state, copied_from, message_fault
        FROM (SELECT 1 AS one) base LEFT JOIN (
            SELECT heartbeat_at, master_key_state, copied_from, message_fault
            FROM sync_workerheartbeat ORDER BY heartbeat_at DESC LIMIT 1
        ) latest ON 1 = 1
    """  # noqa: S608  # nosec B608  names of our own
    for is_postgresql, seen in (
        (True, "pg_current_snapshot()::text"),
        (False, "(SELECT COALESCE(MAX(number), 0) + 1 FROM core_viewchange)"),
    )
}
# Numbers of a database that was restored on another server may lie ahead: nobody wrote them here.
_UNSEEN_SQL: Final = "number >= %s AND (number >= %s{in_progress}){in_this_server}"
_IN_THIS_SERVER_SQL: Final = " AND number < pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
_PRUNED_SQL: Final = """
    (EXISTS (SELECT 1 FROM core_viewchange)
    AND NOT EXISTS (SELECT 1 FROM core_viewchange WHERE number <= %s))
"""
_CHANGE_OF_SQL: Final = """
    OR EXISTS (SELECT 1 FROM core_viewchange WHERE organisation_id = %s AND {unseen})
"""
_CHANGE_OF_ANY_SQL: Final = "OR EXISTS (SELECT 1 FROM core_viewchange WHERE {unseen})"
_CHANGE_OF_MEMBER_SQL: Final = """
    OR EXISTS (
        SELECT 1 FROM organisations_membership membership
        JOIN core_viewchange change ON change.organisation_id = membership.organisation_id
        WHERE membership.user_id = %s AND {unseen}
    )
"""
# The states first, for the index begins with them.
_UNKNOWN_SQL: Final = """
    OR EXISTS (
        SELECT 1 FROM sync_syncstatus
        WHERE state IN ({states}) AND unknown_at >= %s AND unknown_at < %s
    )
"""
_UNKNOWN_OF_SQL: Final = """
    OR EXISTS (
        SELECT 1 FROM sync_syncstatus
        WHERE organisation_id = %s AND unknown_at >= %s AND unknown_at < %s
    )
"""
_UNKNOWN_OF_MEMBER_SQL: Final = """
    OR EXISTS (
        SELECT 1 FROM organisations_membership membership
        JOIN sync_syncstatus status ON status.organisation_id = membership.organisation_id
        WHERE membership.user_id = %s AND unknown_at >= %s AND unknown_at < %s
    )
"""
_STATES_SQL: Final = ", ".join(f"'{state.value}'" for state in HealthState)


def _changed_sql(
    user: User, organisation: Organisation | None, shown: ShownVersion, now: datetime
) -> tuple[str, list[Any]]:
    """The condition that something of the view changed, with its parameters."""
    in_progress = shown.seen.in_progress
    oldest = min((shown.seen.first_unseen, *in_progress))
    unseen = _UNSEEN_SQL.format(
        in_progress=f" OR number IN ({', '.join(['%s'] * len(in_progress))})" * bool(in_progress),
        in_this_server=_IN_THIS_SERVER_SQL * (connection.vendor == "postgresql"),
    )
    numbers = [oldest, shown.seen.first_unseen, *in_progress]
    moments = [connection.ops.adapt_datetimefield_value(at) for at in (shown.as_of, now)]
    parts, params = [_PRUNED_SQL], list[Any]([oldest])
    if organisation is None and user.is_platform_admin:
        parts += [_CHANGE_OF_ANY_SQL, _UNKNOWN_SQL]
        params += [*numbers, *moments]
    else:
        parts.append(_CHANGE_OF_SQL)
        params += [WHOLE_PANEL, *numbers]
        if organisation is None:
            parts += [_CHANGE_OF_MEMBER_SQL, _UNKNOWN_OF_MEMBER_SQL]
            params += [user.pk, *numbers, user.pk, *moments]
        else:
            parts += [_CHANGE_OF_SQL, _UNKNOWN_OF_SQL]
            params += [organisation.pk, *numbers, organisation.pk, *moments]
    condition = "".join(parts).format(unseen=unseen, states=_STATES_SQL)
    return f"CASE WHEN {condition} THEN 1 ELSE 0 END", params


def _parse_seen(value: Any) -> SeenChanges:
    """From what each database says: a snapshot of PostgreSQL is `xmin:xmax:xip,xip`."""
    if isinstance(value, int):
        return SeenChanges(value)
    _oldest, first_unseen, in_progress = str(value).split(":")
    return SeenChanges(int(first_unseen), tuple(map(int, filter(None, in_progress.split(",")))))


def _parse_moment(value: Any) -> datetime | None:
    moment = parse_datetime(value) if isinstance(value, str) else value
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


@lru_cache(maxsize=2)
def _cipher(secret_key: str) -> AESGCM:
    return AESGCM(hashlib.sha256(b"freddy_admin.view_version:" + secret_key.encode()).digest())
