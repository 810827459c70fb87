"""The overview at 50, 1,000 and 10,000 keys, against a page that does nothing."""

from collections.abc import Callable
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.measuring import line, side_by_side
from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.sync.models import KeySync, Outcome
from freddy_admin.sync.states import State
from tests.web.conftest import seen_of

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
    """Measure and report: who sees all keys, and a member of fifty organisations."""
    rows_fill()
    root, member = (_client(user) for user in (User.objects.get(is_platform_admin=True), _member()))
    asked = _queries(root)
    headers = {"x-live": "1", "x-seen": seen_of(root.get("/").content.decode())}
    assert root.get("/", headers=headers).status_code == 204
    calls: dict[str, Callable[[], object]] = {
        "constant": lambda: root.get("/healthz"),
        "a platform admin": lambda: root.get("/"),
        "a manager of 50 organisations": lambda: member.get("/"),
        "a poll with nothing new": lambda: root.get("/", headers=headers),
    }
    times = side_by_side(calls, rounds=15)
    for what, seconds in list(times.items())[1:]:
        found = f"{seconds * 1e3:6.1f} ms  {seconds / times['constant']:5.1f} x"
        goal = 6 if "poll" in what else 15
        line(f"overview of {keys:,} keys, {what}", found, f"goal {goal} x a constant page")
    line("  queries (session and user among them)", str(asked), "goal 5 + 2, always the same")


def _member() -> User:
    member, _ = User.objects.get_or_create(email="fifty@example.org")
    step = max(1, Organisation.objects.count() // 50)
    places = list(Organisation.objects.order_by("pk")[::step])[:50]
    Membership.objects.filter(user=member).delete()
    Membership.objects.bulk_create(
        Membership(organisation=place, user=member, role=Role.MANAGER) for place in places
    )
    return member


def _client(user: User) -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    return client


def _queries(client: Client) -> int:
    client.get("/")  # the first one notes the session
    with CaptureQueriesContext(connection) as queries:
        page = client.get("/")
    asked = len(queries)  # the next request empties the record
    assert page.status_code == 200
    return asked
