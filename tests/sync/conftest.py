"""Keys, people and a clock that moves by hand."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings

from freddy_admin.accounts.models import User
from freddy_admin.aitronos.types import CallInfo, SyncStatus
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.sync.lifecycle import keys_watch
from freddy_admin.sync.models import KeySync, Outcome
from freddy_admin.sync.outcomes import Checked, Problem
from freddy_admin.vault.models import ApiKey, KeyStatus
from freddy_admin.vault.sealing import Row, canary_ensure, seal_into

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> datetime:
        self.at += timedelta(**span)
        return self.at


@pytest.fixture
def hand_clock() -> Iterator[HandClock]:
    source = HandClock()
    with clock.using(source):
        yield source


@pytest.fixture(autouse=True)
def leases_as_long_as_the_calls(settings: LazySettings) -> None:
    """Longer than the longest call of any client here: else nothing would be sent."""
    settings.AITRONOS_TOTAL_TIMEOUT = 60.0
    settings.AITRONOS_SYNC_TIMEOUT = 60.0


@pytest.fixture
def organisation(db: None, hand_clock: HandClock) -> Organisation:
    return Organisation.objects.create(name="Alder", slug="alder", created_at=hand_clock())


@pytest.fixture
def person(organisation: Organisation) -> User:
    ana = User.objects.create(email="ana@example.org", name="Ana", created_at=clock.now())
    Membership.objects.create(
        organisation=organisation, user=ana, role=Role.OPERATOR, created_at=clock.now()
    )
    return ana


@pytest.fixture
def platform_admin(db: None, hand_clock: HandClock) -> User:
    return User.objects.create(
        email="root@example.org", is_platform_admin=True, created_at=hand_clock()
    )


MakeKey = Callable[..., ApiKey]


@pytest.fixture
def make_key(organisation: Organisation) -> MakeKey:
    def make(label: str = "Main", *, secret: str = "", at: Organisation = organisation) -> ApiKey:
        key = ApiKey.objects.create(
            organisation=at, label=label, status=KeyStatus.ACTIVE, created_at=clock.now()
        )
        canary_ensure()
        row = Row(organisation_id=at.pk, key_id=key.pk, version=key.version)
        seal_into(key, secret or f"oak_live_healthy_{label}_{key.pk}_0123456789abcdef", row=row)
        key.save()
        keys_watch(keys=[key])
        return key

    return make


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    return make_key()


def figures(last: datetime | None, following: datetime | None, hours: int = 4) -> SyncStatus:
    return SyncStatus(
        total_tools=42,
        enabled_tools=7,
        last_sync_at=last,
        next_sync_at=following,
        sync_interval_hours=hours,
        incremental_sync_enabled=False,
    )


def good(key: ApiKey, status: SyncStatus | None = None, *, token: str = "t") -> Checked:
    now = clock.now()
    info = CallInfo(
        http_status=200,
        request_id="req-1",
        trace_id="",
        organization_id="org_1",
        processing_ms=None,
        elapsed_ms=12.0,
        attempts=1,
    )
    return Checked(
        key_id=key.pk,
        key_version=key.version,
        token=token,
        finished_at=now,
        outcome=Outcome.GOOD,
        elapsed_ms=12.0,
        figures=status or figures(now - timedelta(hours=1), now + timedelta(hours=3)),
        info=info,
    )


def refused(key: ApiKey, status: int = 401) -> Checked:
    kind = "key_refused" if status == 401 else "key_not_permitted"
    return _ended(key, Outcome.REFUSED, Problem(kind=kind, http_status=status, code="INVALID"))


def failed(key: ApiKey, kind: str = "read_timeout", **more: object) -> Checked:
    return _ended(key, Outcome.FAILED, Problem(kind=kind, **more))  # type: ignore[arg-type]


def _ended(key: ApiKey, outcome: Outcome, problem: Problem) -> Checked:
    return Checked(
        key_id=key.pk,
        key_version=key.version,
        token="t",
        finished_at=clock.now(),
        outcome=outcome,
        problem=problem,
    )


def lease(key: ApiKey, token: str = "t") -> None:
    until = clock.now() + timedelta(seconds=3)
    KeySync.objects.filter(pk=key.pk).update(lease_token=token, lease_until=until)


def row_of(key: ApiKey) -> KeySync:
    return KeySync.objects.select_related("key").get(pk=key.pk)
