"""The metrics of the panel as a whole: counted over all organisations, aged by its clock."""

from datetime import timedelta

import pytest
from django.conf import LazySettings

from freddy_admin.conf.api_environments import ApiEnvironment
from freddy_admin.core import clock
from freddy_admin.sync.checks.recording import check_counters_increment
from freddy_admin.sync.key_lifecycle import key_pause
from freddy_admin.sync.metrics import ApiMetrics, platform_metrics
from freddy_admin.sync.models import ApiHealth, CallBudget, RemoteOperation, WorkerHeartbeat
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import (
    NOON,
    HandClock,
    MakeKey,
    failed_result,
    good_result,
    refused_result,
    sync_status_of,
)
from tests.sync.test_check_recording import store
from tests.sync.test_operation_requests import ANA

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def test_metrics_of_an_empty_panel_are_none_or_nought(hand_clock: HandClock) -> None:
    metrics = platform_metrics(now=clock.now())
    assert (dict(metrics.states), dict(metrics.checks), dict(metrics.operations)) == ({}, {}, {})
    assert (metrics.oldest_check_age, metrics.longest_due_age) == (None, None)
    assert (metrics.due, metrics.workers_alive, metrics.latest_heartbeat_age) == (0, 0, None)
    assert metrics.apis == [ApiMetrics("default", None, None, None, None)]


def test_metrics_count_keys_by_state_check_and_what_is_due(
    make_key: MakeKey, hand_clock: HandClock, settings: LazySettings
) -> None:
    good, failed, paused, elsewhere = (make_key(label) for label in "abcd")
    store(good, good_result(good))
    store(failed, failed_result(failed))
    key_pause(organisation=paused.organisation, key=paused, actor=ANA)
    ApiKey.objects.filter(pk=elsewhere.pk).update(environment="former")
    hand_clock.advance(minutes=10)
    metrics = platform_metrics(now=clock.now())
    assert metrics.states["paused"] == 1
    assert sum(metrics.states.values()) == 4
    assert metrics.latest_checks == {("good", ""): 1, ("failed", "read_timeout"): 1}
    assert metrics.oldest_check_age == 600
    # The paused one is not; the one without an environment waits for it to be set up again.
    assert metrics.due == 3
    assert metrics.longest_due_age == 600
    assert metrics.missing_environments == {"former": 1}
    settings.AITRONOS_ENVIRONMENTS = (ApiEnvironment("former", "https://a.example", ("k",)),)
    assert platform_metrics(now=clock.now()).missing_environments == {}


def test_metrics_add_up_checks_and_operations(key: ApiKey, hand_clock: HandClock) -> None:
    check_counters_increment([good_result(key), good_result(key), failed_result(key)])
    for kind, state in (("sync", "queued"), ("switch", "done"), ("switch", "done")):
        RemoteOperation.objects.create(
            organisation=key.organisation,
            key=key,
            key_version=1,
            kind=kind,
            state=state,
            requested_at=clock.now(),
        )
    metrics = platform_metrics(now=clock.now())
    assert metrics.checks == {("good", ""): 2, ("failed", "read_timeout"): 1}
    assert metrics.operations == {("sync", "queued"): 1, ("switch", "done"): 2}


def test_metrics_tell_workers_and_the_api(key: ApiKey, hand_clock: HandClock) -> None:
    values = {"version": "1", "started_at": NOON}
    WorkerHeartbeat.objects.create(name="a", heartbeat_at=NOON - 4 * MINUTE / 60, **values)
    WorkerHeartbeat.objects.create(
        name="b", heartbeat_at=NOON - MINUTE, master_key_state="missing", **values
    )
    ApiHealth.objects.create(
        checked_at=NOON - MINUTE,
        reachable=True,
        elapsed_ms=250,
        components=[{"name": "database", "status": "down"}],
    )
    CallBudget.objects.create(
        budget_group="default:reported:org_x", day=NOON.date(), calls=9000, key_count=50
    )
    row = sync_status_of(key)
    row.check_period_seconds = 432.0
    row.save()
    metrics = platform_metrics(now=NOON)
    assert (metrics.workers_alive, metrics.latest_heartbeat_age) == (1, 4)
    assert metrics.master_key_faults == 1
    assert metrics.apis == [ApiMetrics("default", True, 1, 60, 0.25)]
    assert (metrics.calls_today, metrics.stretched_groups, metrics.stretched_keys) == (9000, 1, 1)
    # An answer without its time, as of a call that was cut; and a clock that was set back.
    ApiHealth.objects.update(elapsed_ms=None, reachable=False)
    assert platform_metrics(now=NOON - 5 * MINUTE).apis == [
        ApiMetrics("default", False, 1, 0.0, None)
    ]


def test_metrics_count_keys_that_are_refused_alike_by_status(
    make_key: MakeKey, hand_clock: HandClock
) -> None:
    keys = [make_key(label) for label in "abc"]
    for _check in range(2):
        for key in keys:
            store(key, refused_result(key))
        hand_clock.advance(minutes=1)
    assert platform_metrics(now=clock.now()).refused_alike == {401: 3}
