"""What of the alerts is repaired once a clock is back that was ahead; see `sync.clock_repair`.

`SenderHeartbeat` is not among it: each look writes it anew, and a moment of it that went back by
itself would look like a database that was put back from a backup.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from freddy_admin.alerts.channels.services import FORMER_SECRET_LIFETIME
from freddy_admin.alerts.heartbeat import PING_SECONDS
from freddy_admin.alerts.models import (
    AlertPreferences,
    AlertRule,
    Cause,
    Channel,
    ChannelNotice,
    Delivery,
    DeliveryKind,
    DeliveryState,
    DigestRun,
    HistoryImport,
    Incident,
    IncidentEvent,
    IncidentKey,
    MaintenanceWindow,
    Message,
    Mute,
    OutsideHeartbeat,
)
from freddy_admin.alerts.rules.decisions import GROUPING_WAIT, reminder_gap
from freddy_admin.alerts.rules.services import DELAY_AT_MOST
from freddy_admin.alerts.silences.services import LONGEST_MUTE
from freddy_admin.sync.clock_repair import TimestampedTable, timestamped_tables_register
from freddy_admin.vault.models import ChannelSecret

# Longer than any delivery waits for its time: by a rule's delay, or a reminder.
_LONGEST_WAIT: Final = GROUPING_WAIT + timedelta(minutes=DELAY_AT_MOST)


def alert_tables_register() -> None:
    """Have the tables of the alerts repaired; once, when the app is ready."""
    timestamped_tables_register(
        TimestampedTable(
            Channel,
            (
                *("created_at", "deleted_at", "disabled_at"),
                *("answered_at", "succeeded_at", "failing_since"),
            ),
            # Whoever asked for patience is asked again: that costs a request.
            {"retry_at": timedelta()},
        ),
        TimestampedTable(ChannelNotice, ("disabled_at",)),
        TimestampedTable(ChannelSecret, ("created_at",), {"valid_until": FORMER_SECRET_LIFETIME}),
        TimestampedTable(Cause, ("opened_at", "resolved_at")),
        TimestampedTable(
            Incident,
            (
                *("opened_at", "noticed_at", "resolved_at"),
                *("resolution_noticed_at", "acknowledged_at", "cause_linked_at"),
            ),
        ),
        TimestampedTable(IncidentKey, ("began_at", "ended_at")),
        TimestampedTable(IncidentEvent, ("at",), is_append_only=True),
        TimestampedTable(HistoryImport, ("started_at", "finished_at")),
        TimestampedTable(AlertRule, ("created_at",)),
        TimestampedTable(
            Mute, ("created_at", "ended_at"), {"until": LONGEST_MUTE}, repair=_mute_repair
        ),
        TimestampedTable(MaintenanceWindow, ("created_at", "deleted_at")),
        TimestampedTable(Message, ("created_at", "sending_since", "finished_at")),
        TimestampedTable(
            Delivery,
            ("created_at", "finished_at"),
            special_columns=("send_at",),
            repair=_delivery_repair,
            also=_is_planned_too_late,
        ),
        TimestampedTable(AlertPreferences, ("digest_chosen_at",)),
        TimestampedTable(DigestRun, ("created_at", "since", "sent_at")),
        TimestampedTable(
            OutsideHeartbeat,
            ("attempted_at", "sent_at", "failing_since"),
            {"next_attempt_at": timedelta(seconds=PING_SECONDS)},
        ),
    )


def _mute_repair(row: Mute, since: datetime, now: datetime) -> None:
    """A mute lasts as long as was meant."""
    if row.created_at > since:
        row.until -= row.created_at - now


def _is_planned_too_late(since: datetime, now: datetime) -> Q:
    """What was held back, or postponed after an absence that there was none of."""
    is_held = Q(state=DeliveryState.HELD, send_at__gt=now)
    return is_held | Q(state=DeliveryState.WAITING, send_at__gt=max(since, now + _LONGEST_WAIT))


def _delivery_repair(row: Delivery, since: datetime, now: datetime) -> None:
    """What is held back is decided anew; what waits for its time waits no longer than was meant."""
    if row.send_at is None:
        return
    if row.state == DeliveryState.HELD:
        row.send_at = min(row.send_at, now)
    elif row.created_at > since:
        row.send_at -= row.created_at - now
    elif row.send_at > since:
        is_reminder = row.kind == DeliveryKind.REMINDER
        wait = reminder_gap(row.number) if is_reminder else GROUPING_WAIT
        row.send_at = min(row.send_at, max(now, row.created_at + wait))
