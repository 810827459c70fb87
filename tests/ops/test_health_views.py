"""`/healthz` and `/readyz`, as a load balancer requests them."""

from datetime import timedelta
from unittest.mock import Mock, patch

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django.test import Client

from freddy_admin.core import clock
from freddy_admin.ops.doctor import DoctorFinding, doctor_checks_run
from freddy_admin.sync.models import WorkerHeartbeat
from tests.statement_hooks import before_each_statement
from tests.web.test_read_only_database import unwritable_database


def _doctor_findings() -> dict[str, DoctorFinding]:
    """The findings of `doctor`, by part."""
    return {finding.part: finding for finding in doctor_checks_run()}


def _record_heartbeat(seconds_ago: float) -> None:
    heartbeat_at = clock.now() - timedelta(seconds=seconds_ago)
    WorkerHeartbeat.objects.create(
        name="w", version="1", started_at=heartbeat_at, heartbeat_at=heartbeat_at
    )


def test_healthz_queries_no_database(client: Client) -> None:
    # Without the `db` mark, a query would fail.
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


@pytest.mark.django_db
def test_readyz_is_ready_when_all_parts_are(client: Client) -> None:
    _record_heartbeat(5)
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "parts": {"database": "ok", "cache": "ok", "worker": "ok"},
    }


@pytest.mark.django_db
@pytest.mark.parametrize("seconds_ago", [None, 31, 3600])
def test_readyz_without_a_worker_is_limited(client: Client, seconds_ago: float | None) -> None:
    if seconds_ago is not None:
        _record_heartbeat(seconds_ago)
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "limited",
        "parts": {"database": "ok", "cache": "ok", "worker": "down"},
    }


@pytest.mark.django_db
def test_readyz_without_the_cache_is_limited(client: Client) -> None:
    _record_heartbeat(1)
    with patch("freddy_admin.core.cache.cache.set", side_effect=ConnectionError("secret host")):
        response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json()["parts"] == {"database": "ok", "cache": "down", "worker": "ok"}
    assert b"secret host" not in response.content


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error_text", "state"),
    [
        ("attempt to write a readonly database", "read-only"),
        ("database or disk is full", "full"),
    ],
)
def test_readyz_of_a_database_without_writes_is_limited(
    client: Client, error_text: str, state: str
) -> None:
    _record_heartbeat(1)
    refuse = Mock(side_effect=OperationalError(error_text))
    with before_each_statement("can this be written", refuse):
        response = client.get("/readyz")
        sentence = _doctor_findings()
    assert (response.status_code, response.json()["status"]) == (200, "limited")
    assert response.json()["parts"]["database"] == state
    assert not sentence["database"].ok
    assert ("read" if state == "read-only" else "full") in sentence["database"].sentence


@pytest.mark.django_db
def test_readyz_reports_a_read_only_database(client: Client) -> None:
    _record_heartbeat(1)
    with unwritable_database():
        response = client.get("/readyz")
    assert (response.status_code, response.json()["parts"]["database"]) == (200, "read-only")


@pytest.mark.django_db
def test_readyz_without_the_database_is_a_503(client: Client) -> None:
    database_error = OperationalError("password of freddy@10.0.0.1 refused")
    with patch("django.db.connection.cursor", side_effect=database_error):
        response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["parts"]["database"] == "down"
    assert b"10.0.0.1" not in response.content


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["/healthz", "/readyz"])
def test_health_pages_need_neither_sign_in_nor_https(
    client: Client, settings: LazySettings, page: str
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(page).status_code in {200, 503}


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["/healthz", "/readyz"])
def test_health_pages_refuse_posts(client: Client, page: str) -> None:
    assert client.post(page).status_code == 405
