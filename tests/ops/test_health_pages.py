"""`/healthz` and `/readyz`, as a load balancer asks them."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django.test import Client

from freddy_admin.core import clock
from freddy_admin.sync.models import WorkerBeat


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
def test_not_ready_without_a_live_worker(client: Client, seconds_ago: float | None) -> None:
    if seconds_ago is not None:
        _beat(seconds_ago)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {"database": "ok", "cache": "ok", "worker": "down"}


@pytest.mark.django_db
def test_not_ready_without_the_cache(client: Client) -> None:
    _beat(1)
    with patch("freddy_admin.core.cache.cache.set", side_effect=ConnectionError("secret host")):
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["cache"] == "down"
    assert b"secret host" not in answer.content


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
