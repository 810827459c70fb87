"""Is Aitronos as a whole out of reach? Said once for all keys, from their latest checks."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from django.db.models import DateTimeField, Q

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.core.prepared import Slot, derived
from freddy_admin.sync.policy import policy

AT_LEAST = 3


class Outage(StrEnum):
    """The kinds of failure that many keys share when it is not the keys' fault."""

    NO_CONNECTION = "no_connection"
    TIMED_OUT = "timed_out"
    SERVER_ERROR = "server_error"
    FIREWALL = "firewall"


KINDS: Mapping[Outage, tuple[FailureKind, ...]] = {
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


def lately_failed(outage: Outage, now: datetime | Slot) -> Q:
    """Rows whose latest check, in the last check period, failed like this."""
    # In the order of what rules out most, for it is worked out for every row.
    since = derived(now, _period_before, DateTimeField())
    return Q(error_kind__gt="") & Q(error_kind__in=KINDS[outage]) & Q(checked_at__gte=since)


def _period_before(now: datetime) -> datetime:
    return now - policy().period


def outage_of(*, unpaused: int, failing: Mapping[Outage, int]) -> Outage | None:
    """The failure that at least half of the unpaused keys share, and at least three of them.

    `failing` counts keys by the kind of their latest check, where that is a check period old at
    most. Each key still follows the health rule; only what is said is said once.
    """
    for outage, keys in sorted(failing.items(), key=lambda one: -one[1]):
        if keys >= AT_LEAST and 2 * keys >= unpaused:
            return outage
    return None
