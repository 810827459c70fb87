"""The CPU time of a rehearsal: 30 days of 1,000 keys, each with five incidents."""

import random
import time
from datetime import timedelta

from benchmarks.timing import print_result
from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import AlertRule, Channel, ChannelKind
from freddy_admin.alerts.rehearsal.selectors import rehearsal_run
from freddy_admin.core import clock
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import EventKind, HistoryEvent
from freddy_admin.vault.models import ApiKey

KEYS, INCIDENTS_OF_A_KEY = 1_000, 5


def measure_rehearsal() -> None:
    """Record the days for keys that are there already, rehearse them, and print it."""
    now, chance = clock.now(), random.Random(1)
    rule = AlertRule.objects.create(name="Bench", created_at=now, created_by="bench")
    for kind in (ChannelKind.SLACK, ChannelKind.TEAMS, ChannelKind.PAGERDUTY):
        rule.channels.add(Channel.objects.create(kind=kind, name=kind, created_at=now))
    events = []
    for key in ApiKey.objects.order_by("pk")[:KEYS]:
        at = now - timedelta(days=30)
        for _incident in range(INCIDENTS_OF_A_KEY):
            at += timedelta(hours=chance.uniform(20, 120))
            end = at + timedelta(minutes=chance.uniform(5, 400))
            states = [HealthState.UP_TO_DATE.value, HealthState.OVERDUE.value]
            events += [_event(key, at, states), _event(key, end, states[::-1])]
            at = end
    HistoryEvent.objects.bulk_create(events, batch_size=2_000)
    admin = User.objects.filter(is_platform_admin=True).first()
    assert admin is not None
    started_at = time.process_time()
    rehearsal = rehearsal_run(user=admin, now=now)
    seconds = time.process_time() - started_at
    print_result(
        "rehearsal of 30 days of 1,000 keys",
        f"{seconds:.1f} s CPU ({rehearsal.message_count:,} messages)",
        "goal 4 s (under 5 s by the clock)",
        is_met=seconds <= 4,
    )


def _event(key: ApiKey, at: object, states: list[str]) -> HistoryEvent:
    return HistoryEvent(
        organisation_id=key.organisation_id,
        key=key,
        kind=EventKind.HEALTH_CHANGED,
        at=at,
        noticed_at=at,
        details={"state": states},
    )
