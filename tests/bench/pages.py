"""The overview at 50, 1,000 and 10,000 keys, against a page that does nothing."""

from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.sync.models import KeySync, Outcome
from freddy_admin.sync.states import State
from tests.bench.measuring import line, side_by_side

STATES = (State.UP_TO_DATE, State.UP_TO_DATE, State.LATE, State.OVERDUE, State.UP_TO_DATE)


def rows_fill() -> None:
    """Give every row figures and a state, as if a round of checks had just ended."""
    now = clock.now()
    rows = list(KeySync.objects.all())
    for place, row in enumerate(rows):
        row.state, row.outcome = STATES[place % len(STATES)], Outcome.GOOD
        row.state_since = row.last_sync_at = now - timedelta(minutes=place % 300)
        row.next_sync_at = now + timedelta(minutes=place % 300)
        row.checked_at = row.observed_at = row.first_observed_at = now
        row.total_tools, row.enabled_tools, row.sync_interval_hours = 42, 7, 6
        row.next_check_at = row.unknown_at = now + timedelta(hours=1)
    names = [field.name for field in KeySync._meta.concrete_fields if not field.primary_key]
    KeySync.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["key"], update_fields=names, batch_size=500
    )


def overview(keys: int) -> None:
    """Measure and report."""
    rows_fill()
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(is_platform_admin=True))
    with CaptureQueriesContext(connection) as queries:
        page = client.get("/")
    asked = len(queries)  # the next request empties the record
    assert page.status_code == 200
    times = side_by_side(
        {"constant": lambda: client.get("/healthz"), "overview": lambda: client.get("/")},
        rounds=15,
    )
    ratio = times["overview"] / times["constant"]
    found = f"{times['overview'] * 1e3:6.1f} ms  {ratio:5.1f} x"
    line(f"overview of {keys:,} keys, against a constant page", found, "goal 15 x")
    line("  queries (session and user among them)", str(asked), "goal 5 + 2, always the same")
