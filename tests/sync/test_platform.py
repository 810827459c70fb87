"""The panel's own condition."""

from datetime import timedelta

import pytest

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.core import clock
from freddy_admin.sync import checks
from freddy_admin.sync.api import api_client
from freddy_admin.sync.leases import claims_take
from freddy_admin.sync.models import ApiHealth, WorkerBeat
from freddy_admin.sync.platform import (
    api_health_ask,
    api_health_store,
    beat_remove,
    beat_store,
    beats_forget,
    platform_status,
    worker_seen_at,
)
from freddy_admin.sync.policy import policy
from freddy_admin.vault.master_keys import master_key_state_reset
from freddy_admin.vault.models import ApiKey, MasterKeyCanary
from tests.sync.conftest import NOON, HandClock, row_of

S = timedelta(seconds=1)


def beat(name: str) -> None:
    beat_store(
        name=name,
        values={"version": "1", "started_at": clock.now(), "beat_at": clock.now()},
    )


@pytest.mark.usefixtures("believed_clock")
def test_workers_are_alive_for_half_a_minute_and_forgotten_after_a_day(
    db: None, hand_clock: HandClock
) -> None:
    beat("one")
    assert platform_status(now=NOON + 30 * S).alive == 1
    assert platform_status(now=NOON + 31 * S).alive == 0
    hand_clock.forward(days=1, seconds=1)
    beat("two")
    beats_forget()
    assert list(WorkerBeat.objects.values_list("name", flat=True)) == ["two"]
    assert worker_seen_at() == clock.now()
    beat_remove(name="two")
    assert worker_seen_at() is None


def test_the_condition_names_database_cache_and_master_key(key: ApiKey) -> None:
    seen = platform_status(now=NOON)
    assert seen.database in {"SQLite", "PostgreSQL"}
    assert seen.cache_works
    assert seen.master_key.fit == "ok"
    assert sum(use.keys for use in seen.master_keys) == 1


def test_an_unreachable_health_route_is_kept_with_its_reason(db: None) -> None:
    config = ClientConfig("http://127.0.0.1:1")
    client = AitronosClient(config, clock=clock.now, sleep=lambda _: None)
    api_health_store(answer=api_health_ask(client))
    kept = ApiHealth.objects.get()
    assert (kept.reachable, kept.kind, str(kept)) == (
        False,
        "connection_refused",
        "connection_refused",
    )


def test_a_probe_that_breaks_does_not_end_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    client = AitronosClient(ClientConfig("http://127.0.0.1:1"), clock=clock.now)
    monkeypatch.setattr(client, "get_health", lambda: 1 / 0)
    assert api_health_ask(client).kind == "internal"


def test_there_is_one_client_a_process_and_it_follows_the_settings(settings: object) -> None:
    first = api_client()
    assert api_client() is first
    settings.AITRONOS_READ_TIMEOUT = 9.0  # type: ignore[attr-defined]
    assert api_client() is not first


def test_a_check_that_breaks_in_an_unforeseen_way_is_a_failed_check(
    key: ApiKey, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> str:
        raise RuntimeError("planted-secret-in-the-text")

    monkeypatch.setattr(checks, "claim_secret", broken)
    (claim,) = claims_take(limit=1, now=clock.now(), policy=policy())
    ended = checks.check_perform(api_client(), claim)
    assert (ended.outcome, ended.problem and ended.problem.kind) == ("failed", "internal")
    assert "RuntimeError" in caplog.text
    assert "planted-secret" not in caplog.text


def test_a_master_key_that_does_not_fit_is_told_apart_from_a_damaged_row(
    key: ApiKey, settings: object
) -> None:
    (claim,) = claims_take(limit=1, now=clock.now(), policy=policy())
    settings.ENCRYPTION_KEYS = ["MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="]  # type: ignore[attr-defined]
    master_key_state_reset()
    ended = checks.check_perform(api_client(), claim)
    assert ended.problem is not None
    assert ended.problem.kind == "master_key_misfit"
    assert platform_status(now=NOON).master_key.fit == "missing"
    assert MasterKeyCanary.objects.count() == 1
    assert row_of(key).unreadable_since is None
