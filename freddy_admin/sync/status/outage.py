"""Whether Aitronos cannot be reached: the failure that many keys share, which is not theirs."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from django.db.models import Count, Q

from freddy_admin.accounts.models import User
from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.models import KeyLifecycle

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
        FailureKind.PROXY_REFUSED,
        FailureKind.PROXY_FAILED,
    ),
    Outage.TIMED_OUT: (FailureKind.READ_TIMEOUT, FailureKind.TOTAL_TIMEOUT),
    Outage.SERVER_ERROR: (FailureKind.SERVER_ERROR,),
    Outage.FIREWALL: (FailureKind.FIREWALL,),
}


def shared_outage_get(*, now: datetime, user: User | None = None) -> Outage | None:
    """The failure that at least half of the unpaused keys in view share, and at least three.

    By their latest check, if that is a check period old at most; of a key that is checked less
    often, for its budget or because it keeps failing, until its next check is due. Of all keys
    without a user. Each key still follows the health rule; notices alone are merged.
    """
    rows = SyncStatus.objects.filter(key__status=KeyLifecycle.ACTIVE, key__paused_at=None)
    if user is not None and not user.is_platform_admin:
        rows = rows.filter(organisation__memberships__user=user)
    period = check_policy().period
    is_checked_less_often = Q(failures__gte=2) | Q(check_period_seconds__gt=period.total_seconds())
    is_recent = Q(checked_at__gte=now - period) | (Q(next_check_at__gt=now) & is_checked_less_often)
    counts = rows.aggregate(
        unpaused=Count("pk"),
        **{
            outage.value: Count("pk", filter=failure_q(outage) & is_recent)
            for outage in OUTAGE_FAILURE_KINDS
        },
    )
    unpaused = counts.pop("unpaused")
    return most_shared_outage(unpaused, {Outage(name): keys for name, keys in counts.items()})


def failure_q(outage: Outage) -> Q:
    """Rows whose latest check failed like this, whenever that was."""
    # In the order of what rules out most, for it is worked out for every row.
    return Q(error_kind__gt="") & Q(error_kind__in=OUTAGE_FAILURE_KINDS[outage])


def most_shared_outage(unpaused: int, failing: Mapping[Outage, int]) -> Outage | None:
    """The failure that at least half of these keys share, and at least three of them."""
    for outage, keys in sorted(failing.items(), key=lambda item: -item[1]):
        if keys >= MIN_FAILING_KEYS and 2 * keys >= unpaused:
            return outage
    return None
