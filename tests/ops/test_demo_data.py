"""The demo's samples: every state of the health rule, stored once."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from django.test import override_settings

from freddy_admin.accounts.models import User
from freddy_admin.conf.api_environments import parse_environments
from freddy_admin.core import clock
from freddy_admin.ops.demo_data import (
    DEMO_ADMIN_EMAIL,
    DEMO_PASSWORD,
    DEMO_VIEWER_EMAIL,
    demo_data_ensure,
    demo_environment,
)
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.timeline import key_history_map
from freddy_admin.sync.models import CheckOutcome, EventKind, HistoryEvent, SyncStatus
from freddy_admin.sync.status.organisation_rows import key_row
from freddy_admin.sync.status.queries import OverviewFilters
from freddy_admin.sync.status.selectors import overview_page
from freddy_admin.sync.worker.loop import WorkerLoop
from freddy_admin.vault.models import ApiKey
from tests.flows.wait import wait_until
from tests.module_rows import module_rows
from tests.ops.conftest import RunCommand

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def demo_data(django_db_setup: None, django_db_blocker: object) -> Iterator[None]:
    with module_rows(
        django_db_blocker, lambda: demo_data_ensure(history_length=timedelta(days=4))
    ) as is_new:
        assert is_new
        yield


@pytest.fixture
def staging(settings: LazySettings, sandbox: SandboxServer) -> None:
    """The environments of the demo, at the sandbox of this test."""
    text = demo_environment(api_port=urlsplit(sandbox.base_url).port or 0)["AITRONOS_ENVIRONMENTS"]
    settings.AITRONOS_ENVIRONMENTS = parse_environments(text, key_headers=("X-API-Key",))


@pytest.fixture
def fast_checks(settings: LazySettings) -> Iterator[None]:
    limits = {"CONNECT": 0.3, "READ": 0.3, "TOTAL": 0.5}
    with override_settings(**{f"AITRONOS_{name}_TIMEOUT": span for name, span in limits.items()}):
        yield


def test_demo_has_at_least_24_organisations_and_people_to_sign_in() -> None:
    assert Organisation.objects.count() >= 24
    assert User.objects.get(email=DEMO_ADMIN_EMAIL).is_platform_admin
    viewer = User.objects.get(email=DEMO_VIEWER_EMAIL)
    assert viewer.check_password(DEMO_PASSWORD)
    roles = Membership.objects.filter(user=viewer).values_list("role", flat=True)
    assert set(roles) == {"viewer"}
    assert 0 < len(roles) < Organisation.objects.count()


def test_key_that_is_overdue_now_was_on_time_before() -> None:
    key = ApiKey.objects.get(organisation__name="Saltmarsh Textiles", label="Production")
    admin, now = User.objects.get(email=DEMO_ADMIN_EMAIL), clock.now()
    row = key_row(user=admin, organisation=key.organisation, key_id=key.pk, now=now)
    assert row.state is HealthState.OVERDUE
    history = key_history_map(rows=[row], now=now)[key.pk]
    share = history.restrict_to_last(timedelta(days=3)).up_to_date_share
    assert share.up_to_date is not None
    assert share.up_to_date > 0.5


def test_failed_checks_ended_unless_the_key_fails_now() -> None:
    failed_check_events = HistoryEvent.objects.filter(kind=EventKind.CHECK_FAILED)
    lasting_key_ids = sorted(
        failed_check_events.filter(until=None).values_list("key_id", flat=True)
    )
    fail_today = SyncStatus.objects.exclude(outcome=CheckOutcome.GOOD).exclude(outcome="")
    assert lasting_key_ids == sorted(fail_today.values_list("pk", flat=True))
    assert failed_check_events.exclude(until=None).exists()


def test_second_start_of_the_demo_changes_nothing() -> None:
    keys_before = list(ApiKey.objects.values())
    assert not demo_data_ensure()
    assert list(ApiKey.objects.values()) == keys_before


def test_some_demo_keys_have_an_owner() -> None:
    assert ApiKey.objects.exclude(owner=None).count() >= 10


def test_all_demo_keys_but_one_are_due_at_once() -> None:
    late_rows = SyncStatus.objects.filter(next_check_at__gt=clock.now() + timedelta(minutes=15))
    assert late_rows.get().key.organisation.name == "Hollis Newcomers"


def test_demo_keys_show_every_state_together(
    sandbox: SandboxServer, staging: None, fast_checks: None
) -> None:
    late_key_ids = set(
        SyncStatus.objects.filter(next_check_at__gt=clock.now()).values_list("pk", flat=True)
    )
    admin = User.objects.get(email=DEMO_ADMIN_EMAIL)
    # A refused key counts after two checks; a machine under load may need another tick.
    for _ in range(6):
        SyncStatus.objects.exclude(pk__in=late_key_ids).update(next_check_at=clock.now())
        loop = WorkerLoop(parallel=64)
        loop.tick(wait=0)
        assert wait_until(
            lambda check_loop=loop: check_loop.tick(wait=0.05) >= 0 and not check_loop.busy
        )
        loop.stop()
        page = overview_page(user=admin, filters=OverviewFilters(), now=clock.now())
        at_staging = overview_page(
            user=admin, filters=OverviewFilters(environment="staging"), now=clock.now()
        )
        staging_states = [row.state for row in at_staging.rows]
        if set(page.all_counts) == set(HealthState) and staging_states == [HealthState.UP_TO_DATE]:
            break
    assert set(page.all_counts) == set(HealthState)
    assert staging_states == [HealthState.UP_TO_DATE]


def test_demo_data_refuses_every_other_database(run_command: RunCommand) -> None:
    Organisation.objects.get(name="Saltmarsh Textiles").delete()
    result = run_command("demo_data")
    assert result.code == 2
    assert "make demo" in result.err
    assert not Organisation.objects.filter(name="Saltmarsh Textiles").exists()


def test_demo_serves_this_machine_alone_with_its_own_database() -> None:
    environment = demo_environment(api_port=9)
    assert environment["DATABASE_URL"].endswith("/var/demo.sqlite3")
    assert environment["AITRONOS_API_BASE_URL"] == "http://127.0.0.1:9"
    assert environment["ALLOWED_HOSTS"] == "localhost,127.0.0.1,[::1]"
    assert environment["DATABASE_URL_FILE"] == ""
