"""The overview page at 50, 1,000 and 10,000 keys, against a page that does nothing."""

from collections.abc import Callable
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.timing import print_result, time_side_by_side
from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import CheckOutcome, SyncStatus
from tests.web.conftest import shown_digests_of

STATES = (
    HealthState.UP_TO_DATE,
    HealthState.UP_TO_DATE,
    HealthState.LATE,
    HealthState.OVERDUE,
    HealthState.UP_TO_DATE,
)


def fill_status_rows() -> None:
    """Give every row figures and a state, as after a round of checks."""
    now = clock.now()
    rows = list(SyncStatus.objects.all())
    for index, row in enumerate(rows):
        row.state, row.outcome = STATES[index % len(STATES)], CheckOutcome.GOOD
        row.state_since = row.last_sync_at = now - timedelta(minutes=index % 300)
        row.next_sync_at = now + timedelta(minutes=index % 300)
        row.checked_at = row.observed_at = row.first_observed_at = now
        row.total_tools, row.enabled_tools, row.sync_interval_hours = 42, 7, 6
        row.next_check_at = row.unknown_at = now + timedelta(hours=1)
    fields = [field.name for field in SyncStatus._meta.concrete_fields if not field.primary_key]
    SyncStatus.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["key"], update_fields=fields, batch_size=500
    )


def measure_overview(keys: int) -> None:
    """Time the overview of a platform admin and of a member of fifty organisations; print it."""
    fill_status_rows()
    admin, member = (
        _signed_in_client(user)
        for user in (User.objects.get(is_platform_admin=True), _create_member())
    )
    query_count = _count_queries(admin)
    headers = {"x-live": "1", "x-seen": shown_digests_of(admin.get("/").content.decode())}
    assert admin.get("/", headers=headers).status_code == 204
    calls: dict[str, Callable[[], object]] = {
        "constant": lambda: admin.get("/healthz"),
        "a platform admin": lambda: admin.get("/"),
        "a manager of 50 organisations": lambda: member.get("/"),
        "a poll with nothing new": lambda: admin.get("/", headers=headers),
    }
    times = time_side_by_side(calls, rounds=15)
    for name, seconds in list(times.items())[1:]:
        result = f"{seconds * 1e3:6.1f} ms  {seconds / times['constant']:5.1f} x"
        goal = 6 if "poll" in name else 15
        print_result(f"overview of {keys:,} keys, {name}", result, f"goal {goal} x a constant page")
    print_result(
        "  queries (session and user among them)", str(query_count), "goal 5 + 2, always the same"
    )


def _create_member() -> User:
    member, _ = User.objects.get_or_create(email="fifty@example.org")
    step = max(1, Organisation.objects.count() // 50)
    organisations = list(Organisation.objects.order_by("pk")[::step])[:50]
    Membership.objects.filter(user=member).delete()
    Membership.objects.bulk_create(
        Membership(organisation=organisation, user=member, role=Role.MANAGER)
        for organisation in organisations
    )
    return member


def _signed_in_client(user: User) -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    return client


def _count_queries(client: Client) -> int:
    client.get("/")  # the first request writes the session
    with CaptureQueriesContext(connection) as queries:
        response = client.get("/")
    query_count = len(queries)  # before another request resets the log of queries
    assert response.status_code == 200
    return query_count
