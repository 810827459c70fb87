"""The limits of `ACCOUNT_RATE_LIMITS` that guesses meet, each counted by one statement.

allauth's own counter takes a lock, a read, a write and a release for each limit. Here a limit's
latest attempts stand in one row, newest first and each equally long, so that a single upsert
decides and counts: the row's lock makes it exact however many processes count at once. As with
allauth an attempt that is refused does not count, and a window slides with each attempt.

They are counted in the database and never in Redis: whoever empties Redis, fills it or takes it
away would get all guesses back.
"""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from allauth.core.internal import ratelimit
from django.db import connection
from django.db.models import Q, Value
from django.db.models.functions import Replace
from django.http import HttpRequest

from freddy_admin.accounts.models import AttemptHistory
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import trusted_now

_APP: Final = "allauth.account"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# An attempt is its moment, in microseconds, and random digits that tell it from all others. Digits
# alone: they compare alike in every collation.
_MOMENT_LENGTH: Final = 16
_ATTEMPT_LENGTH: Final = _MOMENT_LENGTH + 8
_MAX_WINDOW: Final = timedelta(days=2)  # no window is longer


@dataclass(frozen=True, slots=True)
class CountedAttempt:
    """An attempt that was counted, under the keys of one or more limits."""

    attempt: str
    keys: list[str] = field(default_factory=list)

    def rollback(self) -> None:
        """Count it no more: it was right."""
        # One row at a time: two that hold several each could wait for one another.
        for key in self.keys:
            AttemptHistory.objects.filter(pk=key).update(
                attempts=Replace("attempts", Value(self.attempt), Value(""))
            )


def attempt_count(
    request: HttpRequest, *actions: tuple[str, str], limit_get: bool = False
) -> CountedAttempt | None:
    """Count one attempt under the limits of each `(action, key)`; None at the first one reached.

    A GET is counted with `limit_get` alone, as by allauth.
    """
    now = clock.now()
    counted = CountedAttempt(f"{_moment(now)}{secrets.randbelow(10**8):08d}")
    if request.method == "GET" and not limit_get:
        return counted
    for action, key in actions:
        for rate in ratelimit.get_rates(app=_APP, action=action):
            row_key = ratelimit.get_cache_key(request, app=_APP, action=action, rate=rate, key=key)
            if not _upsert(row_key, counted.attempt, rate, now):
                return None
            counted.keys.append(row_key)
    return counted


def attempts_clear(request: HttpRequest, *actions: tuple[str, str]) -> None:
    """Forget all attempts that count under each `(action, key)`."""
    for action, key in actions:
        for rate in ratelimit.get_rates(app=_APP, action=action):
            row_key = ratelimit.get_cache_key(request, app=_APP, action=action, rate=rate, key=key)
            AttemptHistory.objects.filter(pk=row_key).update(attempts="")


def attempt_histories_prune() -> None:
    """Delete the rows whose attempts count no more; none while the clocks disagree."""
    now = trusted_now()
    if now is not None:
        # Those that a clock wrote while it was ahead, too.
        is_over = Q(ends_at__lte=now) | Q(ends_at__gt=now + _MAX_WINDOW)
        AttemptHistory.objects.filter(is_over).delete()


def _upsert(row_key: str, attempt: str, rate: ratelimit.Rate, now: datetime) -> bool:
    if rate.amount < 1:
        return False
    window = clock.real_seconds_to_panel_duration(rate.duration)
    values = {
        "key": row_key,
        "attempt": attempt,
        "ends_at": connection.ops.adapt_datetimefield_value(now + window),
        "full_length": rate.amount * _ATTEMPT_LENGTH,
        "oldest_at": (rate.amount - 1) * _ATTEMPT_LENGTH + 1,
        "moment_length": _MOMENT_LENGTH,
        "earliest": _moment(now - window + timedelta(microseconds=1)),
        # A later one was counted while the clock was ahead.
        "latest": _moment(now + clock.FUTURE_TOLERANCE),
    }
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT_SQL, values)
        return cursor.fetchone() is not None


def _moment(at: datetime) -> str:
    return f"{(at - _EPOCH) // timedelta(microseconds=1):0{_MOMENT_LENGTH}d}"


# The oldest attempt that matters is the one that makes the limit full: nothing is returned, and
# nothing written, while it lies in the window.
_UPSERT_SQL: Final = """
    INSERT INTO accounts_attempthistory (key, attempts, ends_at)
    VALUES (%(key)s, %(attempt)s, %(ends_at)s)
    ON CONFLICT (key) DO UPDATE SET
        attempts = substr(
            excluded.attempts || accounts_attempthistory.attempts, 1, %(full_length)s
        ),
        ends_at = excluded.ends_at
    WHERE length(accounts_attempthistory.attempts) < %(full_length)s
        OR substr(accounts_attempthistory.attempts, %(oldest_at)s, %(moment_length)s)
            NOT BETWEEN %(earliest)s AND %(latest)s
    RETURNING key
"""
