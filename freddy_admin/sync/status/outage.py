"""Whether Aitronos as a whole is out of reach, concluded from the latest checks of all keys."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from django.db.models import DateTimeField, Q

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.core.compiled_queries import Param, transform_value_or_param
from freddy_admin.sync.checks.policy import check_policy

MIN_FAILING_KEYS = 3


class Outage(StrEnum):
    """The kinds of failure that many keys share when it is not the keys' fault."""

    NO_CONNECTION = "no_connection"
    TIMED_OUT = "timed_out"
    SERVER_ERROR = "server_error"
    FIREWALL = "firewall"


OUTAGE_FAILURE_KINDS: Mapping[Outage, tuple[FailureKind, ...]] = {
    Outage.NO_CONNECTION: (
        FailureKind.NAME_NOT_FOUND,
        FailureKind.CONNECTION_REFUSED,
        FailureKind.UNREACHABLE,
        FailureKind.CONNECTION_LOST,
        FailureKind.CONNECT_TIMEOUT,
        FailureKind.TLS,
    ),
    Outage.TIMED_OUT: (FailureKind.READ_TIMEOUT, FailureKind.TOTAL_TIMEOUT),
    Outage.SERVER_ERROR: (FailureKind.SERVER_ERROR,),
    Outage.FIREWALL: (FailureKind.FIREWALL,),
}


def recent_failure_q(outage: Outage, now: datetime | Param) -> Q:
    """Rows whose latest check, in the last check period, failed like this."""
    # In the order of what rules out most, for it is worked out for every row.
    since = transform_value_or_param(now, _one_period_before, DateTimeField())
    return (
        Q(error_kind__gt="")
        & Q(error_kind__in=OUTAGE_FAILURE_KINDS[outage])
        & Q(checked_at__gte=since)
    )


def _one_period_before(now: datetime) -> datetime:
    return now - check_policy().period


def shared_outage(*, unpaused: int, failing: Mapping[Outage, int]) -> Outage | None:
    """The failure that at least half of the unpaused keys share, and at least three of them.

    `failing` counts keys by the kind of their latest check, where that is a check period old at
    most. Each key still follows the health rule; only the notice is shared.
    """
    for outage, keys in sorted(failing.items(), key=lambda item: -item[1]):
        if keys >= MIN_FAILING_KEYS and 2 * keys >= unpaused:
            return outage
    return None
