"""Keys and results of checks, under the hand clock."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from django.conf import LazySettings

from freddy_admin.accounts.models import User
from freddy_admin.aitronos.types import CallInfo, SyncStatusResponse
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.sandbox_api import SandboxOptions
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.checks.results import CallFailure, CheckResult
from freddy_admin.sync.key_lifecycle import key_monitoring_start
from freddy_admin.sync.models import CheckOutcome, SyncStatus
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from freddy_admin.vault.sealing import (
    SEALED_SECRET_FIELDS,
    api_key_context,
    canary_ensure,
    sealed_secret_set,
)
from tests.hand_clock import NOON, HandClock

__all__ = ["NOON", "HandClock"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    """The imitation of the API, which lets any number of requests through."""
    with SandboxServer(options=SandboxOptions(rate_limit=None)) as server:
        yield server


@pytest.fixture(autouse=True)
def long_leases(settings: LazySettings) -> None:
    """Leases longer than the longest call of any client here: else nothing would be sent."""
    settings.AITRONOS_TOTAL_TIMEOUT = 60.0
    settings.AITRONOS_SYNC_TIMEOUT = 60.0


@pytest.fixture
def organisation(hand_clock: HandClock, organisation: Organisation) -> Organisation:
    """The organisation, made under the hand clock."""
    return organisation


@pytest.fixture
def platform_admin(hand_clock: HandClock, platform_admin: User) -> User:
    """The platform admin, made under the hand clock."""
    return platform_admin


MakeKey = Callable[..., ApiKey]


@pytest.fixture
def make_key(organisation: Organisation) -> MakeKey:
    def make(label: str = "Main", *, secret: str = "", at: Organisation = organisation) -> ApiKey:
        [key] = keys_create([label], at=at, secret=secret)
        return key

    return make


def keys_create(labels: Sequence[str], *, at: Organisation, secret: str = "") -> list[ApiKey]:
    """Active keys with these labels, due for a check; without `secret` each has its own."""
    keys = ApiKey.objects.bulk_create(
        ApiKey(organisation=at, label=label, status=KeyLifecycle.ACTIVE, created_at=clock.now())
        for label in labels
    )
    canary_ensure()
    for key in keys:
        context = api_key_context(at.pk, key.pk, key.version)
        own_secret = f"oak_live_healthy_{key.label}_{key.pk}_0123456789abcdef"
        sealed_secret_set(key, secret or own_secret, context=context)
    ApiKey.objects.bulk_update(keys, SEALED_SECRET_FIELDS)
    key_monitoring_start(keys=keys)
    return keys


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    return make_key()


def make_figures(
    last_sync_at: datetime | None, next_sync_at: datetime | None, hours: int = 4
) -> SyncStatusResponse:
    return SyncStatusResponse(
        total_tools=42,
        enabled_tools=7,
        last_sync_at=last_sync_at,
        next_sync_at=next_sync_at,
        sync_interval_hours=hours,
        incremental_sync_enabled=False,
    )


def good_result(
    key: ApiKey, figures: SyncStatusResponse | None = None, *, token: str = "t"
) -> CheckResult:
    now = clock.now()
    info = CallInfo(
        request_id="req-1",
        trace_id="",
        organization_id="org_1",
        elapsed_ms=12.0,
        attempts=1,
    )
    return CheckResult(
        key_id=key.pk,
        key_version=key.version,
        token=token,
        finished_at=now,
        outcome=CheckOutcome.GOOD,
        elapsed_ms=12.0,
        figures=figures or make_figures(now - timedelta(hours=1), now + timedelta(hours=3)),
        info=info,
    )


def refused_result(key: ApiKey, http_status: int = 401) -> CheckResult:
    kind = "key_refused" if http_status == 401 else "key_not_permitted"
    return _failure_result(
        key, CheckOutcome.REFUSED, CallFailure(kind=kind, http_status=http_status, code="INVALID")
    )


def failed_result(key: ApiKey, kind: str = "read_timeout", **failure_values: object) -> CheckResult:
    return _failure_result(key, CheckOutcome.FAILED, CallFailure(kind=kind, **failure_values))  # type: ignore[arg-type]


def _failure_result(key: ApiKey, outcome: CheckOutcome, failure: CallFailure) -> CheckResult:
    return CheckResult(
        key_id=key.pk,
        key_version=key.version,
        token="t",
        finished_at=clock.now(),
        outcome=outcome,
        failure=failure,
    )


def lease_key(key: ApiKey, token: str = "t") -> None:
    lease_until = clock.now() + timedelta(seconds=3)
    SyncStatus.objects.filter(pk=key.pk).update(lease_token=token, lease_until=lease_until)


def sync_status_of(key: ApiKey) -> SyncStatus:
    return SyncStatus.objects.select_related("key").get(pk=key.pk)
