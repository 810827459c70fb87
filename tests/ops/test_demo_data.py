"""The demo's samples: every state of the health rule, stored once."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import override_settings

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.ops.demo import ADMIN, PASSWORD, VIEWER, demo_data_ensure, demo_settings
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.sandbox.server import SandboxServer
from freddy_admin.sync.engine import Engine
from freddy_admin.sync.history.timeline import key_histories
from freddy_admin.sync.models import EventKind, HistoryEvent, KeySync, Outcome
from freddy_admin.sync.rows import Filters
from freddy_admin.sync.selectors import key_row, overview_page
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey
from tests.flows.waiting import until
from tests.ops.conftest import Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def data() -> None:
    assert demo_data_ensure(past=timedelta(days=4))


@pytest.fixture
def quick(settings: LazySettings) -> Iterator[None]:
    limits = {"CONNECT": 0.3, "READ": 0.3, "TOTAL": 0.5}
    with override_settings(**{f"AITRONOS_{name}_TIMEOUT": span for name, span in limits.items()}):
        yield


def test_there_are_at_least_24_organisations_and_people_to_sign_in(data: None) -> None:
    assert Organisation.objects.count() >= 24
    assert User.objects.get(email=ADMIN).is_platform_admin
    viewer = User.objects.get(email=VIEWER)
    assert viewer.check_password(PASSWORD)
    roles = Membership.objects.filter(user=viewer).values_list("role", flat=True)
    assert set(roles) == {"viewer"}
    assert 0 < len(roles) < Organisation.objects.count()


def test_who_is_overdue_today_was_on_time_before(data: None) -> None:
    key = ApiKey.objects.get(organisation__name="Saltmarsh Textiles", label="Production")
    admin, now = User.objects.get(email=ADMIN), clock.now()
    row = key_row(user=admin, organisation=key.organisation, key_id=key.pk, now=now)
    assert row.state is State.OVERDUE
    share = key_histories(rows=[row], now=now)[key.pk].last(timedelta(days=3)).share
    assert share.on_time is not None
    assert share.on_time > 0.5


def test_failing_checks_of_the_past_are_over_unless_a_key_fails_today(data: None) -> None:
    failed = HistoryEvent.objects.filter(kind=EventKind.CHECK_FAILED)
    goes_on = sorted(failed.filter(until=None).values_list("key_id", flat=True))
    fail_today = KeySync.objects.exclude(outcome=Outcome.GOOD).exclude(outcome="")
    assert goes_on == sorted(fail_today.values_list("pk", flat=True))
    assert failed.exclude(until=None).exists()


def test_a_second_start_changes_nothing(data: None) -> None:
    before = list(ApiKey.objects.values())
    assert not demo_data_ensure()
    assert list(ApiKey.objects.values()) == before


def test_some_keys_have_an_owner(data: None) -> None:
    assert ApiKey.objects.exclude(owner=None).count() >= 10


def test_all_but_one_key_are_due_at_once(data: None) -> None:
    later = KeySync.objects.filter(next_check_at__gt=clock.now() + timedelta(minutes=15))
    assert later.get().key.organisation.name == "Hollis Newcomers"


def test_together_they_show_every_state(data: None, sandbox: SandboxServer, quick: None) -> None:
    later = set(KeySync.objects.filter(next_check_at__gt=clock.now()).values_list("pk", flat=True))
    admin = User.objects.get(email=ADMIN)
    # A refusal is believed when it is said twice; a machine under load may need another round.
    for _ in range(6):
        KeySync.objects.exclude(pk__in=later).update(next_check_at=clock.now())
        engine = Engine(parallel=64)
        engine.tick(wait=0)
        assert until(lambda running=engine: running.tick(wait=0.05) >= 0 and not running.busy)
        engine.stop()
        shown = overview_page(user=admin, filters=Filters(), now=clock.now())
        if set(shown.all_counts) == set(State):
            break
    assert set(shown.all_counts) == set(State)


def test_the_samples_refuse_every_other_database(run: Run) -> None:
    ended = run("demo_data")
    assert ended.code == 2
    assert "make demo" in ended.err
    assert not Organisation.objects.exists()


def test_the_demo_listens_to_this_machine_alone_and_has_its_own_database() -> None:
    found = demo_settings(api_port=9)
    assert found["DATABASE_URL"].endswith("/var/demo.sqlite3")
    assert found["AITRONOS_API_BASE_URL"] == "http://127.0.0.1:9"
    assert found["ALLOWED_HOSTS"] == "localhost,127.0.0.1,[::1]"
    assert found["DATABASE_URL_FILE"] == ""
