"""The hand clock for every page's test, and keys in the health state that a test asks for."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings, settings
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_api import SandboxOptions
from freddy_admin.sandbox.sandbox_clock import SandboxClock
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.key_lifecycle import key_monitoring_start
from freddy_admin.sync.models import SyncStatus, WorkerHeartbeat
from freddy_admin.sync.status.names import status_names_write
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from freddy_admin.vault.sealing import api_key_context, canary_ensure, sealed_secret_set
from tests.hand_clock import NOON, HandClock
from tests.people import People
from tests.web.refused_alike_scene import AddKeys

__all__ = ["NOON", "HandClock", "People"]


@pytest.fixture
def organisation(hand_clock: HandClock, organisation: Organisation) -> Organisation:
    """The organisation, made under the hand clock."""
    return organisation


@pytest.fixture
def other_organisation(hand_clock: HandClock, other_organisation: Organisation) -> Organisation:
    """Another tenant, made under the hand clock."""
    return other_organisation


@pytest.fixture
def platform_admin(hand_clock: HandClock, platform_admin: User) -> User:
    """The platform admin, made under the hand clock."""
    return platform_admin


def shown_digests_of(page: str) -> str:
    """The X-Seen header of a browser that shows this page: `part=digest,…`."""
    parts = re.findall(r'data-part="([^"]+)"\s+data-digest="([^"]+)"', page)
    return ",".join(f"{name}={digest}" for name, digest in parts)


SignIn = Callable[[User], Client]


def mark_reauthenticated(client: Client, user: User, *, minutes_ago: int = 0) -> None:
    """Record that this signed-in person reauthenticated `minutes_ago`."""
    session = client.session
    session["account_authentication_methods_user"] = str(user.pk)
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time() - minutes_ago * 60}
    ]
    session.save()


def asks_reauthentication(answer: Any) -> bool:
    """Whether this response is the reauthentication page, at the requested URL."""
    return answer.status_code == 200 and "Confirm that it is you</h1>" in answer.content.decode()


@pytest.fixture
def signed_in() -> SignIn:
    """A function that returns a client signed in as a person who just typed their password."""
    return client_sign_in


def client_sign_in(user: User) -> Client:
    """A client signed in as this person, who just typed their password."""
    client = Client()
    client.force_login(user)
    mark_reauthenticated(client, user)
    return client


MakeKey = Callable[..., ApiKey]


@pytest.fixture
def make_key(organisation: Organisation) -> MakeKey:
    """A key that was just checked and is up to date, apart from what a test changes."""
    return key_maker(organisation)


def key_maker(organisation: Organisation | None = None) -> MakeKey:
    """What `make_key` is; where no organisation is given, each key says where it is."""

    def make(
        label: str = "Main",
        *,
        at: Organisation | None = organisation,
        key: dict[str, Any] | None = None,
        **row: Any,
    ) -> ApiKey:
        now = clock.now()
        api_key = ApiKey.objects.create(
            organisation=at,
            label=label,
            status=KeyLifecycle.ACTIVE,
            created_at=now,
            hint_start="oak_live_a1b2",
            hint_end="wxyz",
            **(key or {}),
        )
        SyncStatus.objects.create(key=api_key, organisation=at, **(_up_to_date_columns(now) | row))
        return api_key

    return make


def create_keys_like(template: ApiKey, number: int) -> None:
    """Create `number` more keys with the columns and the sync status of `template`."""
    base = SyncStatus.objects.get(pk=template.pk)
    keys = ApiKey.objects.bulk_create(
        ApiKey(
            organisation_id=template.organisation_id,
            label=str(n + 1),
            created_at=template.created_at,
        )
        for n in range(number)
    )
    values = {
        field.attname: getattr(base, field.attname)
        for field in SyncStatus._meta.concrete_fields
        if not field.primary_key
    }
    SyncStatus.objects.bulk_create(SyncStatus(key=key, **values) for key in keys)
    status_names_write(key_ids=[key.pk for key in keys])


def _up_to_date_columns(now: datetime) -> dict[str, Any]:
    return {
        "total_tools": 42,
        "enabled_tools": 7,
        "last_sync_at": now - timedelta(minutes=12),
        "next_sync_at": now + timedelta(minutes=48),
        "sync_interval_hours": 1,
        "incremental_sync_enabled": True,
        "observed_at": now - timedelta(seconds=40),
        "first_observed_at": now - timedelta(days=2),
        "checked_at": now - timedelta(seconds=40),
        "outcome": "good",
        "state": HealthState.UP_TO_DATE,
        "state_since": now - timedelta(minutes=12),
        "state_rule": 10,
        "unknown_at": now + timedelta(minutes=14),
        "next_check_at": now + timedelta(seconds=20),
        "updated_at": now - timedelta(seconds=40),
    }


@pytest.fixture
def worker(db: None, hand_clock: HandClock) -> WorkerHeartbeat:
    return WorkerHeartbeat.objects.create(
        name="w1", version=settings.VERSION, started_at=hand_clock(), heartbeat_at=hand_clock()
    )


def columns_by_state(now: datetime) -> dict[HealthState, dict[str, Any]]:
    """For each health state the columns of a SyncStatus that lead to it."""
    five_hours_ago = now - timedelta(hours=5)
    unchecked: dict[str, Any] = {
        "observed_at": None,
        "first_observed_at": None,
        "last_sync_at": None,
        "next_sync_at": None,
        "unknown_at": None,
        "total_tools": None,
        "enabled_tools": None,
        "sync_interval_hours": None,
    }
    refused_columns = {"outcome": "refused", "refusals": 2, "unknown_at": None}
    return {
        HealthState.KEY_UNREADABLE: unchecked
        | {"outcome": "failed", "error_kind": "key_unreadable", "state_rule": 2},
        HealthState.KEY_REJECTED: refused_columns
        | {"error_kind": "key_refused", "error_http_status": 401},
        HealthState.KEY_NOT_PERMITTED: refused_columns
        | {"error_kind": "key_not_permitted", "error_http_status": 403},
        HealthState.OVERDUE: {
            "last_sync_at": five_hours_ago,
            "next_sync_at": five_hours_ago + timedelta(hours=1),
        },
        HealthState.NEVER_SYNCED: {"last_sync_at": None, "first_next_sync_at": five_hours_ago},
        HealthState.LATE: {
            "last_sync_at": now - timedelta(minutes=65),
            "next_sync_at": now - timedelta(minutes=5),
        },
        HealthState.UNKNOWN: {
            "unknown_at": now - timedelta(minutes=1),
            "state": HealthState.UP_TO_DATE,
        },
        HealthState.NO_SCHEDULE: {"next_sync_at": None, "sync_interval_hours": 0},
        HealthState.NOT_CHECKED: unchecked
        | {"checked_at": None, "outcome": "", "next_check_at": now},
        HealthState.WAITING: {"last_sync_at": None, "first_next_sync_at": now + timedelta(hours=1)},
        HealthState.UP_TO_DATE: {},
        HealthState.PAUSED: {"state": HealthState.UP_TO_DATE},
    }


@pytest.fixture
def key_in_every_state(make_key: MakeKey) -> dict[HealthState, ApiKey]:
    """One key in each state."""
    now, keys = clock.now(), {}
    for state, row in columns_by_state(now).items():
        paused = {"paused_at": now, "paused_by": "Ann"} if state is HealthState.PAUSED else {}
        keys[state] = make_key(str(state.label), key=paused, **({"state": state} | row))
    return keys


@pytest.fixture
def unlimited_api(settings: LazySettings, hand_clock: HandClock) -> Iterator[SandboxServer]:
    """The imitation API on the hand clock, which limits nobody."""
    sandbox_clock = SandboxClock(real_time=hand_clock)
    with SandboxServer(clock=sandbox_clock, options=SandboxOptions(rate_limit=None)) as server:
        settings.AITRONOS_API_BASE_URL = server.base_url
        # On a busy machine an answer may take longer than tests of time limits wait.
        settings.AITRONOS_CONNECT_TIMEOUT = settings.AITRONOS_READ_TIMEOUT = 20.0
        settings.AITRONOS_TOTAL_TIMEOUT = 60.0
        yield server


@pytest.fixture
def add_keys(organisation: Organisation) -> AddKeys:
    """Stores so many keys, not checked yet; `of` begins their labels."""

    def add(
        count: int,
        *,
        at: Organisation = organisation,
        of: str = "",
        is_rejected: bool = False,
        environment: str = "default",
    ) -> list[ApiKey]:
        canary_ensure()
        keys = []
        for number in range(count):
            label = f"{of or at.slug}{number}{'x' if is_rejected else ''}"
            key = ApiKey.objects.create(
                organisation=at,
                label=label,
                status=KeyLifecycle.ACTIVE,
                created_at=clock.now(),
                environment=environment,
            )
            scenario = Scenario.REJECTED if is_rejected else Scenario.HEALTHY
            secret = sandbox_key(scenario, f"{of or at.slug}/{label}")
            context = api_key_context(at.pk, key.pk, key.version, environment)
            sealed_secret_set(key, secret, context=context)
            key.save()
            keys.append(key)
        key_monitoring_start(keys=keys)
        return keys

    return add
