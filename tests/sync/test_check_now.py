"""An operator's check, in this process, whatever the schedule says."""

import itertools
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_api import SandboxOptions
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.checks import check_now
from freddy_admin.sync.checks.check_now import KeyCheckReport, keys_check_now
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.checks.results import CheckResult
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, HandClock, MakeKey, lease_key

LIMITS = {"connect_timeout": 0.5, "read_timeout": 0.3, "total_timeout": 0.6}


@pytest.fixture
def sandbox(db: None) -> Iterator[SandboxServer]:
    with SandboxServer(options=SandboxOptions(rate_limit=None)) as server:
        yield server


@pytest.fixture
def client(sandbox: SandboxServer) -> AitronosClient:
    return AitronosClient(ClientConfig(sandbox.base_url, **LIMITS), clock=clock.now)  # type: ignore[arg-type]


def check_now_reports(client: AitronosClient, **options: object) -> dict[str, KeyCheckReport]:
    return {report.key_label: report for report in keys_check_now(client=client, **options)}  # type: ignore[arg-type]


def test_every_key_is_checked_and_reported_whatever_its_state(
    client: AitronosClient, make_key: MakeKey
) -> None:
    for scenario in (Scenario.HEALTHY, Scenario.HANGING, Scenario.REJECTED):
        make_key(scenario.value, secret=sandbox_key(scenario, "Acme"))
    paused = make_key("paused")
    ApiKey.objects.filter(pk=paused.pk).update(paused_at=clock.now())
    reports = check_now_reports(client)
    assert {label: (report.failure, report.was_attempted) for label, report in reports.items()} == {
        "healthy": ("", True),
        "hanging": ("read_timeout", True),
        "rejected": ("key_refused", True),
        "paused": ("", False),
    }


def test_check_now_ignores_the_schedule_the_latest_check_and_a_wait_hint(
    client: AitronosClient, sandbox: SandboxServer, make_key: MakeKey
) -> None:
    secret = sandbox_key(Scenario.HEALTHY, "Acme")
    make_key(secret=secret)
    SyncStatus.objects.update(
        next_check_at=clock.now() + timedelta(hours=1),
        checked_at=clock.now(),
        hold_until=clock.now() + timedelta(hours=1),
    )
    check_now_reports(client)
    check_now_reports(client)
    assert sandbox.request_counts.by_key[secret] == 2


def test_check_now_can_be_limited_to_one_organisation(
    client: AitronosClient, make_key: MakeKey, organisation: Organisation
) -> None:
    birch = Organisation.objects.create(name="Birch", slug="birch", created_at=clock.now())
    make_key("mine", secret=sandbox_key(Scenario.HEALTHY, "Mine"))
    make_key("theirs", secret=sandbox_key(Scenario.HEALTHY, "Theirs"), at=birch)
    assert set(check_now_reports(client, organisation=organisation)) == {"mine"}


def test_a_check_that_runs_elsewhere_is_waited_for(
    client: AitronosClient, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key(secret=sandbox_key(Scenario.HEALTHY, "Acme"))
    lease_key(key, "the-worker")
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        hand_clock.advance(seconds=1)

    reports = check_now_reports(client, sleep=sleep)
    assert len(waits) == 3  # the lease was for three seconds
    assert reports["Main"].was_attempted


def test_a_key_replaced_during_its_check_is_reported_as_changed(
    client: AitronosClient, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key(secret=sandbox_key(Scenario.HEALTHY, "Acme"))

    def record_after_a_change(results: Sequence[CheckResult]) -> list[SyncStatus]:
        ApiKey.objects.filter(pk=key.pk).update(version=key.version + 1)
        return check_results_record(results)

    monkeypatch.setattr(check_now, "check_results_record", record_after_a_change)
    (report,) = keys_check_now(client=client)
    assert (report.failure, report.was_attempted, report.state) == (
        "changed_meanwhile",
        True,
        HealthState.NOT_CHECKED,
    )


def test_a_key_whose_lease_never_ends_is_reported_as_busy(
    client: AitronosClient, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key(secret=sandbox_key(Scenario.HEALTHY, "Acme"))
    lease_key(key, "the-worker")
    moments = itertools.count(step=10)
    monkeypatch.setattr(check_now.time, "monotonic", lambda: float(next(moments)))
    (report,) = keys_check_now(client=client, sleep=lambda _: None)
    assert (report.failure, report.was_attempted, report.was_leased_elsewhere) == (
        "busy_elsewhere",
        False,
        True,
    )


@pytest.mark.parametrize("change", [{"paused_at": NOON}, {"status": "revoked"}])
def test_a_key_paused_or_revoked_while_waited_for_is_reported_as_changed(
    client: AitronosClient, make_key: MakeKey, change: dict[str, object]
) -> None:
    key = make_key(secret=sandbox_key(Scenario.HEALTHY, "Acme"))
    lease_key(key, "the-worker")
    reports = keys_check_now(
        client=client, sleep=lambda _: ApiKey.objects.filter(pk=key.pk).update(**change) and None
    )
    (report,) = reports
    assert (report.failure, report.was_attempted, report.was_leased_elsewhere) == (
        "changed_meanwhile",
        False,
        False,
    )
