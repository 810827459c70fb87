"""/metrics: what operators need, for a platform admin's token, with nobody's name in it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings, settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from freddy_admin.accounts.api_tokens import ApiTokenOptions, api_token_create
from freddy_admin.accounts.models import User
from freddy_admin.audit.services import OPERATOR
from freddy_admin.conf.api_environments import ApiEnvironment
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import DeletionHold, DeletionHoldReason
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.task_engine import job_defer
from freddy_admin.core.tasks import QueueName
from freddy_admin.ops.metrics_view import MetricFamily, render_metric_families
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.sync.checks.recording import check_counters_increment
from freddy_admin.sync.checks.results import CallFailure, CheckResult
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import (
    ApiHealth,
    CallBudget,
    CheckOutcome,
    RemoteOperation,
    SyncStatus,
    WorkerHeartbeat,
)
from freddy_admin.vault.models import ApiKey, ImportDraft, ImportDraftRow, KeyLifecycle

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Samples = dict[tuple[str, ...], float]


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.override_clock(lambda: NOON):
        yield


@pytest.fixture
def admin() -> User:
    return User.objects.create(email="root@example.org", is_platform_admin=True)


@pytest.fixture
def organisation() -> Organisation:
    return Organisation.objects.create(name="Alder Secret", slug="alder-secret")


def _create_key(organisation: Organisation, label: str, **row: Any) -> SyncStatus:
    paused_at = row.pop("paused_at", None)
    key = ApiKey.objects.create(
        organisation=organisation,
        label=label,
        status=KeyLifecycle.ACTIVE,
        created_at=NOON,
        paused_at=paused_at,
    )
    values = {
        "state": HealthState.UP_TO_DATE,
        "state_since": NOON,
        "outcome": "good",
        "checked_at": NOON - timedelta(seconds=40),
        "unknown_at": NOON + timedelta(minutes=10),
        "next_check_at": NOON + timedelta(minutes=5),
        "updated_at": NOON,
    }
    return SyncStatus.objects.create(key=key, organisation=organisation, **(values | row))


def request_metrics(user: User, token_options: ApiTokenOptions | None = None) -> HttpResponse:
    token = api_token_create(
        actor=OPERATOR, user=user, name="p", token_options=token_options or ApiTokenOptions()
    )
    return Client().get("/metrics", headers={"authorization": f"Bearer {token}"})


def parse_samples(response: HttpResponse) -> dict[str, Samples]:
    assert response.status_code == 200
    families = text_string_to_metric_families(response.content.decode())
    samples_by_name: dict[str, Samples] = {}
    for family in families:
        assert family.documentation
        for sample in family.samples:
            samples_by_name.setdefault(sample.name, {})[tuple(sample.labels.values())] = (
                sample.value
            )
    return samples_by_name


def test_metrics_tell_environments_apart(
    admin: User, organisation: Organisation, settings: LazySettings
) -> None:
    settings.AITRONOS_ENVIRONMENTS = (ApiEnvironment("staging", "https://a.example", ("k",)),)
    ApiHealth.objects.create(checked_at=NOON - _MINUTE, reachable=True)
    ApiHealth.objects.create(environment="staging", checked_at=NOON, reachable=False, kind="tls")
    ApiHealth.objects.create(environment="former", checked_at=NOON, reachable=False, kind="tls")
    _create_key(organisation, "a")
    ApiKey.objects.filter(pk=_create_key(organisation, "b").pk).update(environment="former")
    samples = parse_samples(request_metrics(admin))
    assert samples["freddy_api_reachable"] == {(): 1, ("staging",): 0}
    assert samples["freddy_keys_without_environment"] == {("former",): 1}


def test_metrics_count_keys_by_their_current_state(admin: User, organisation: Organisation) -> None:
    _create_key(organisation, "a")
    _create_key(organisation, "b", state=HealthState.OVERDUE)
    _create_key(organisation, "c", unknown_at=NOON - timedelta(seconds=1))
    _create_key(organisation, "d", paused_at=NOON)
    states = parse_samples(request_metrics(admin))["freddy_keys"]
    assert {labels[0] for labels in states} == set(HealthState.values)
    counts = {state: count for (state,), count in states.items() if count}
    assert counts == {"up_to_date": 1, "overdue": 1, "unknown": 1, "paused": 1}


def test_metrics_count_due_keys_and_the_oldest_check(
    admin: User, organisation: Organisation
) -> None:
    _create_key(
        organisation,
        "due",
        next_check_at=NOON - timedelta(seconds=70),
        checked_at=NOON - 2 * _MINUTE,
    )
    _create_key(organisation, "running", next_check_at=NOON - _MINUTE, lease_until=NOON + _MINUTE)
    _create_key(
        organisation, "paused", next_check_at=NOON - _MINUTE * 99, checked_at=None, paused_at=NOON
    )
    samples = parse_samples(request_metrics(admin))
    assert samples["freddy_keys_due"] == {(): 1}
    assert samples["freddy_keys_due_longest_seconds"] == {(): 70}
    assert samples["freddy_oldest_check_age_seconds"] == {(): 120}


_MINUTE = timedelta(minutes=1)


def test_metrics_count_checks_by_outcome(admin: User, organisation: Organisation) -> None:
    row = _create_key(organisation, "a", outcome="failed", error_kind="timeout")
    for _ in range(2):
        check_counters_increment(
            [
                _check_result(row, CheckOutcome.GOOD),
                _check_result(row, CheckOutcome.FAILED, "timeout"),
            ]
        )
    check_counters_increment([_check_result(row, CheckOutcome.FAILED, "timeout")])
    check_counters_increment([])
    samples = parse_samples(request_metrics(admin))
    assert samples["freddy_checks_total"] == {("good", ""): 2, ("failed", "timeout"): 3}
    assert samples["freddy_keys_latest_check"] == {("failed", "timeout"): 1}


def _check_result(row: SyncStatus, outcome: CheckOutcome, kind: str = "") -> CheckResult:
    failure = CallFailure(kind=kind) if kind else None
    return CheckResult(row.pk, 1, "t", NOON, outcome, failure=failure)


def test_metrics_hold_operations_workers_and_the_api(
    admin: User, organisation: Organisation
) -> None:
    row = _create_key(organisation, "a")
    RemoteOperation.objects.create(
        organisation=organisation, key_id=row.pk, key_version=1, kind="sync", requested_at=NOON
    )
    heartbeat_fields = {"version": "1", "started_at": NOON}
    WorkerHeartbeat.objects.create(
        name="w1", heartbeat_at=NOON - timedelta(seconds=4), **heartbeat_fields
    )
    WorkerHeartbeat.objects.create(
        name="w2", heartbeat_at=NOON - _MINUTE, master_key_state="missing", **heartbeat_fields
    )
    ApiHealth.objects.create(
        checked_at=NOON - _MINUTE,
        reachable=True,
        elapsed_ms=250,
        components=[{"name": "database", "status": "down"}],
    )
    CallBudget.objects.create(
        budget_group="default:reported:org_x", day=NOON.date(), calls=5000, key_count=50
    )
    SyncStatus.objects.update(check_period_seconds=432.0)
    samples = parse_samples(request_metrics(admin))
    assert samples["freddy_orders"]["sync", "queued"] == 1
    assert sum(samples["freddy_orders"].values()) == 1
    assert samples["freddy_workers_alive"] == {(): 1}
    assert samples["freddy_database_writable"] == {(): 1}
    assert samples["freddy_worker_beat_age_seconds"] == {(): 4}
    assert samples["freddy_workers_master_key_fault"] == {(): 1}
    assert samples["freddy_api_reachable"] == {(): 1}
    assert samples["freddy_api_components_not_well"] == {(): 1}
    assert samples["freddy_api_calls_today"] == {(): 5000}
    assert samples["freddy_api_calls_daily_limit"] == {(): 10_000}
    assert samples["freddy_api_organisations_stretched"] == {(): 1}
    assert samples["freddy_keys_stretched"] == {(): 1}
    assert samples["freddy_api_checked_age_seconds"] == {(): 60}
    assert samples["freddy_api_answer_seconds"] == {(): 0.25}
    assert next(iter(samples["freddy_build_info"]))[:1] == (settings.VERSION,)


def test_metrics_hold_the_outbox_by_lane(admin: User) -> None:
    message = {"lane": "mail", "kind": "invitation"}
    for number, minutes in enumerate((3, 7)):
        OutboxMessage.objects.create(
            object_id=number,
            requested_at=NOON - minutes * _MINUTE,
            next_attempt_at=NOON,
            **message,
        )
    OutboxMessage.objects.create(
        object_id=9, requested_at=NOON, given_up_at=NOON, reason="no_answer", **message
    )
    samples = parse_samples(request_metrics(admin))
    # Mails of sign-in and of alerts have a lane each.
    assert samples["freddy_outbox_waiting"] == {("mail",): 2, ("mail:alerts",): 0}
    assert samples["freddy_outbox_oldest_age_seconds"] == {
        ("mail",): 420,
        ("mail:alerts",): 0,
    }
    assert samples["freddy_outbox_given_up"] == {("mail", "no_answer"): 1}


def test_metrics_hold_what_people_wait_for_by_queue(admin: User) -> None:
    draft = ImportDraft.objects.create(person=admin, created_at=NOON - 7 * _MINUTE)
    for number in range(2):
        ImportDraftRow.objects.create(draft=draft, number=number)
    samples = parse_samples(request_metrics(admin))
    assert samples["freddy_queue_waiting"] == {
        ("check_requests",): 0,
        ("candidates",): 0,
        ("import_rows",): 2,
        ("operations",): 0,
        ("catalogs",): 0,
        ("checks",): 0,
    }
    assert samples["freddy_queue_oldest_age_seconds"][("import_rows",)] == 420
    assert samples["freddy_queue_oldest_age_seconds"][("operations",)] == 0


def test_metrics_tell_what_waits_from_what_a_worker_has_begun(
    admin: User, organisation: Organisation
) -> None:
    """Of checks: those that people asked for, and those on schedule."""
    leased = {"lease_token": "t", "lease_until": NOON + _MINUTE}
    due = {"next_check_at": NOON - 2 * _MINUTE}
    _create_key(organisation, "due", **due)
    _create_key(organisation, "asked for", **due, requested_at=NOON - _MINUTE)
    _create_key(organisation, "checked", **due, **leased)
    for label in ("first", "second"):
        _create_key(organisation, label, **due, **leased, requested_at=NOON)
    _create_key(organisation, "lease is over", **due, lease_token="t", lease_until=NOON - _MINUTE)
    samples = parse_samples(request_metrics(admin))
    waiting, running = samples["freddy_queue_waiting"], samples["freddy_queue_running"]
    assert (waiting[("checks",)], running[("checks",)]) == (2, 1)
    assert (waiting[("check_requests",)], running[("check_requests",)]) == (1, 2)
    ages = samples["freddy_queue_oldest_age_seconds"]
    assert (ages[("checks",)], ages[("check_requests",)]) == (120, 60)


def test_metrics_hold_the_engines_jobs_by_queue_and_state_on_postgresql_alone(
    admin: User, organisation: Organisation
) -> None:
    if connection.vendor != "postgresql":
        assert not {"freddy_jobs", "freddy_jobs_oldest_age_seconds"} & set(
            parse_samples(request_metrics(admin))
        )
        return
    for queue in ("check_requests", "check_requests", "operations"):
        job_defer(queue)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing' WHERE queue_name = 'operations'"
        )
        cursor.execute("UPDATE procrastinate_events SET at = at - interval '70 s'")
    samples = parse_samples(request_metrics(admin))
    jobs = samples["freddy_jobs"]
    assert jobs["check_requests", "waiting"] == 2
    assert jobs["operations", "running"] == 1
    assert sum(jobs.values()) == 3
    # Also queues without a job are there, so that an alert has something to compare.
    assert {queue for queue, _state in jobs} == {*QueueName, "outbox"}
    assert 70 <= samples["freddy_jobs_oldest_age_seconds"][()] < 120


def test_metrics_of_an_empty_panel_are_zeros_without_unknown_values(admin: User) -> None:
    samples = parse_samples(request_metrics(admin))
    assert sum(samples["freddy_keys"].values()) == 0
    assert samples["freddy_keys_due"] == {(): 0}
    assert samples["freddy_workers_alive"] == {(): 0}
    assert not {"freddy_oldest_check_age_seconds", "freddy_api_reachable"} & set(samples)


def test_metrics_name_nobody_and_do_not_grow_with_the_keys(
    admin: User, organisation: Organisation, django_assert_max_num_queries: Any
) -> None:
    first_row = _create_key(organisation, "Label Secret")
    text_before = request_metrics(admin).content.decode()
    assert "ecret" not in text_before.replace("# HELP", "")
    for number in range(20):
        _create_key(organisation, f"k{number}")
    # The token, its use, its count between savepoints; seven for the figures, one for each lane,
    # nine for incidents, their messages and channels, twelve for the queues.
    with django_assert_max_num_queries(50):
        text_after = request_metrics(admin).content.decode()
    assert len(text_after.splitlines()) == len(text_before.splitlines())
    assert str(first_row.key_id) not in {
        line.rpartition(" ")[0] for line in text_after.splitlines()
    }


def test_metrics_need_a_platform_admins_token_for_all_organisations(
    admin: User, organisation: Organisation
) -> None:
    manager = User.objects.create(email="m@example.org")
    Membership.objects.create(organisation=organisation, user=manager, role="manager")
    narrow_options = ApiTokenOptions(organisation_ids=frozenset({organisation.pk}))
    for response in (request_metrics(manager), request_metrics(admin, narrow_options)):
        assert response.status_code == 403
        assert "platform admin" in response.json()["detail"]
    assert request_metrics(admin, ApiTokenOptions(scope="act")).status_code == 200


def test_metrics_without_a_token_are_a_401_that_names_the_scheme(admin: User) -> None:
    client = Client()
    client.force_login(admin)
    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "Basic eDp4"}):
        response = client.get("/metrics", headers=headers)
        assert (response.status_code, response["Content-Type"]) == (401, "application/json")
        assert response["WWW-Authenticate"].startswith("Bearer")
        assert response["Cache-Control"] == "private, no-store"
    assert client.post("/metrics").status_code == 405


def test_former_platform_admin_is_refused_at_once(admin: User) -> None:
    token = api_token_create(actor=OPERATOR, user=admin, name="p")
    headers = {"authorization": f"Bearer {token}"}
    assert Client().get("/metrics", headers=headers).status_code == 200
    User.objects.update(is_platform_admin=False)
    assert Client().get("/metrics", headers=headers).status_code == 403


def test_metric_labels_can_be_parsed_back() -> None:
    value = 'a"b\\c\nd{}= é'
    text = render_metric_families(
        [MetricFamily("x", "gauge", "Two\nlines \\.", [({"l": value}, 12_345_678.0)])]
    )
    [family] = text_string_to_metric_families(text)
    assert family.samples[0].labels == {"l": value}
    assert family.samples[0].value == 12_345_678
    assert render_metric_families([MetricFamily("x", "gauge", "None.", [({}, None)])]) == ""


def test_metrics_say_whether_deletion_is_held(
    admin: User, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = parse_samples(request_metrics(admin))["freddy_deletion_held"]
    assert list(samples.values()) == [0.0]
    hold = DeletionHold(DeletionHoldReason.DATABASE, timedelta(days=365), until=None)
    monkeypatch.setattr("freddy_admin.ops.metrics_view.deletion_hold_get", lambda: hold)
    samples = parse_samples(request_metrics(admin))["freddy_deletion_held"]
    assert list(samples.values()) == [1.0]
