"""The panel's own condition."""

from datetime import timedelta

import pytest

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.aitronos.types import ApiResponse, CallInfo, ServiceComponent, ServiceHealth
from freddy_admin.core import clock
from freddy_admin.sync.api_client import api_client
from freddy_admin.sync.checks import execution
from freddy_admin.sync.checks.leases import check_leases_acquire
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.models import ApiHealth, WorkerHeartbeat
from freddy_admin.sync.platform_status import (
    api_health_probe,
    api_health_record,
    latest_worker_heartbeat_at,
    platform_status,
    worker_heartbeat_delete,
    worker_heartbeat_record,
    worker_heartbeats_prune,
)
from freddy_admin.vault.master_key_state import master_key_state_reset
from freddy_admin.vault.models import ApiKey, MasterKeyCanary
from tests.sync.conftest import NOON, HandClock, sync_status_of

S = timedelta(seconds=1)


def record_heartbeat(name: str) -> None:
    worker_heartbeat_record(
        name=name,
        values={"version": "1", "started_at": clock.now(), "heartbeat_at": clock.now()},
    )


@pytest.mark.usefixtures("trusted_clock")
def test_workers_are_alive_for_half_a_minute_and_deleted_after_a_day(
    db: None, hand_clock: HandClock
) -> None:
    record_heartbeat("one")
    assert platform_status(now=NOON + 30 * S).alive_workers == 1
    assert platform_status(now=NOON + 31 * S).alive_workers == 0
    hand_clock.advance(days=1, seconds=1)
    record_heartbeat("two")
    worker_heartbeats_prune()
    assert list(WorkerHeartbeat.objects.values_list("name", flat=True)) == ["two"]
    assert latest_worker_heartbeat_at() == clock.now()
    worker_heartbeat_delete(name="two")
    assert latest_worker_heartbeat_at() is None


def test_the_platform_status_names_database_cache_and_master_key(key: ApiKey) -> None:
    status = platform_status(now=NOON)
    assert status.database in {"SQLite", "PostgreSQL"}
    assert status.cache_problem == ""
    assert status.master_key.fit == "ok"
    assert sum(usage.keys for usage in status.master_keys) == 1


def test_an_unreachable_health_route_is_stored_with_its_reason(db: None) -> None:
    config = ClientConfig("http://127.0.0.1:1")
    client = AitronosClient(config, clock=clock.now, sleep=lambda _: None)
    api_health_probe(client).save()
    api_health = ApiHealth.objects.get()
    assert (api_health.reachable, api_health.kind, str(api_health)) == (
        False,
        "connection_refused",
        "connection_refused",
    )


def test_a_probe_that_breaks_does_not_end_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    client = AitronosClient(ClientConfig("http://127.0.0.1:1"), clock=clock.now)
    monkeypatch.setattr(client, "get_health", lambda: 1 / 0)
    assert api_health_probe(client).kind == "internal"


HEALTHY = ServiceHealth("ok")


@pytest.mark.parametrize(
    ("health", "details", "expected"),
    [
        (HEALTHY, HEALTHY, (True, "", [])),
        (ServiceHealth("Healthy"), ServiceHealth(""), (True, "", [])),
        (ServiceHealth("unhealthy"), HEALTHY, (False, "unhealthy", [])),
        (ServiceHealth(""), HEALTHY, (False, "", [])),
        (HEALTHY, ServiceHealth("degraded"), (True, "degraded", [])),
        (
            HEALTHY,
            ServiceHealth(
                "ok",
                (ServiceComponent("database", "down"), ServiceComponent("redis_cache", "healthy")),
            ),
            (True, "", [{"name": "database", "status": "down"}]),
        ),
        (HEALTHY, None, (True, "", [])),
    ],
)
def test_the_health_of_the_api_is_read_and_not_assumed(
    db: None,
    monkeypatch: pytest.MonkeyPatch,
    health: ServiceHealth,
    details: ServiceHealth | None,
    expected: tuple[object, ...],
) -> None:
    client = AitronosClient(ClientConfig("http://127.0.0.1:1"), clock=clock.now)
    info = CallInfo("", "", "")
    monkeypatch.setattr(client, "get_health", lambda: ApiResponse(health, info))
    # None: the second route is not there.
    monkeypatch.setattr(
        client,
        "get_health_details",
        lambda: ApiResponse(details, info) if details else 1 / 0,
    )
    api_health_record(ApiHealth(checked_at=NOON, reachable=False, status="old"))
    api_health_record(api_health_probe(client))
    row = ApiHealth.objects.get()
    assert (row.reachable, row.status, row.components) == expected


def test_one_api_client_per_process_follows_the_settings(settings: object) -> None:
    client = api_client()
    assert api_client() is client
    settings.AITRONOS_READ_TIMEOUT = 9.0  # type: ignore[attr-defined]
    assert api_client() is not client


def test_a_check_that_breaks_in_an_unforeseen_way_is_a_failed_check(
    key: ApiKey, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> str:
        raise RuntimeError("planted-secret-in-the-text")

    monkeypatch.setattr(execution, "key_lease_open_secret", fail)
    (lease,) = check_leases_acquire(limit=1, now=clock.now(), policy=check_policy())
    result = execution.check_perform(api_client(), lease)
    assert (result.outcome, result.failure and result.failure.kind) == ("failed", "internal")
    assert "RuntimeError" in caplog.text
    assert "planted-secret" not in caplog.text


def test_a_master_key_that_does_not_fit_is_told_apart_from_a_damaged_row(
    key: ApiKey, settings: object
) -> None:
    (lease,) = check_leases_acquire(limit=1, now=clock.now(), policy=check_policy())
    settings.ENCRYPTION_KEYS = ["MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="]  # type: ignore[attr-defined]
    master_key_state_reset()
    result = execution.check_perform(api_client(), lease)
    assert result.failure is not None
    assert result.failure.kind == "master_key_misfit"
    assert platform_status(now=NOON).master_key.fit == "missing"
    assert MasterKeyCanary.objects.count() == 1
    assert sync_status_of(key).unreadable_since is None
