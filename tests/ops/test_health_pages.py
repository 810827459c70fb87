"""`/healthz` and `/readyz`, as a load balancer asks them."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django.test import Client

from freddy_admin.core import clock
from freddy_admin.ops.examination import Finding, examine
from freddy_admin.sync.models import WorkerBeat
from tests.web.test_read_only_database import unwritable


def _examined() -> dict[str, Finding]:
    """What `doctor` finds, by part."""
    return {finding.part: finding for finding in examine()}


def _beat(seconds_ago: float) -> None:
    at = clock.now() - timedelta(seconds=seconds_ago)
    WorkerBeat.objects.create(name="w", version="1", started_at=at, beat_at=at)


def test_alive_asks_no_database(client: Client) -> None:
    # Without the `db` mark, a query would fail.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


@pytest.mark.django_db
def test_ready_when_all_parts_are(client: Client) -> None:
    _beat(5)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "parts": {"database": "ok", "cache": "ok", "worker": "ok"},
    }


@pytest.mark.django_db
@pytest.mark.parametrize("seconds_ago", [None, 31, 3600])
def test_without_a_live_worker_pages_are_served_and_the_body_says_so(
    client: Client, seconds_ago: float | None
) -> None:
    if seconds_ago is not None:
        _beat(seconds_ago)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "limited",
        "parts": {"database": "ok", "cache": "ok", "worker": "down"},
    }


@pytest.mark.django_db
def test_without_the_cache_pages_are_served_and_the_body_says_so(client: Client) -> None:
    _beat(1)
    with patch("freddy_admin.core.cache.cache.set", side_effect=ConnectionError("secret host")):
        answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["parts"] == {"database": "ok", "cache": "down", "worker": "ok"}
    assert b"secret host" not in answer.content


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("refused", "state"),
    [
        ("attempt to write a readonly database", "read-only"),
        ("database or disk is full", "full"),
    ],
)
def test_a_database_without_writes_serves_pages_and_the_body_says_so(
    client: Client, refused: str, state: str
) -> None:
    _beat(1)
    fault = OperationalError(refused)
    with patch("freddy_admin.core.database_writes._write_small_row", side_effect=fault):
        answer = client.get("/readyz")
        told = _examined()
    assert (answer.status_code, answer.json()["status"]) == (200, "limited")
    assert answer.json()["parts"]["database"] == state
    assert not told["database"].ok
    assert ("read" if state == "read-only" else "full") in told["database"].sentence


@pytest.mark.django_db
def test_a_database_that_can_really_only_be_read_is_told(client: Client) -> None:
    _beat(1)
    with unwritable():
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["parts"]["database"]) == (200, "read-only")


@pytest.mark.django_db
def test_not_ready_without_the_database(client: Client) -> None:
    refused = OperationalError("password of freddy@10.0.0.1 refused")
    with patch("django.db.connection.cursor", side_effect=refused):
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["database"] == "down"
    assert b"10.0.0.1" not in answer.content


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["/healthz", "/readyz"])
def test_no_sign_in_and_no_detour_to_https(
    client: Client, settings: LazySettings, page: str
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(page).status_code in {200, 503}


@pytest.mark.parametrize("page", ["/healthz", "/readyz"])
def test_only_reading_is_allowed(client: Client, page: str) -> None:
    assert client.post(page).status_code == 405
