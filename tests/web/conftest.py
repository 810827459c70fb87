"""Five people, two organisations, and keys whose state is what a test says it is."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.sync.models import KeySync, WorkerBeat
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey, KeyStatus

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> datetime:
        self.at += timedelta(**span)
        return self.at


@dataclass
class People:
    """One person per way of standing to the first organisation."""

    admin: User
    manager: User
    operator: User
    viewer: User
    stranger: User


@pytest.fixture
def hand_clock() -> Iterator[HandClock]:
    source = HandClock()
    with clock.using(source):
        yield source


@pytest.fixture
def organisation(db: None, hand_clock: HandClock) -> Organisation:
    return Organisation.objects.create(name="Alder", slug="alder", created_at=hand_clock())


@pytest.fixture
def other(db: None, hand_clock: HandClock) -> Organisation:
    return Organisation.objects.create(name="Birch", slug="birch", created_at=hand_clock())


@pytest.fixture
def people(organisation: Organisation, other: Organisation) -> People:
    made = {
        name: User.objects.create(
            email=f"{name}@example.org",
            name=name.title(),
            is_platform_admin=name == "admin",
            created_at=clock.now(),
        )
        for name in People.__dataclass_fields__
    }
    for name in ("manager", "operator", "viewer"):
        _join(made[name], organisation, Role(name))
    _join(made["stranger"], other, Role.MANAGER)
    return People(**made)


def _join(user: User, organisation: Organisation, role: Role) -> None:
    Membership.objects.create(
        organisation=organisation, user=user, role=role, created_at=clock.now()
    )


def seen_of(page: str) -> str:
    """What a browser that shows this page says it has."""
    found = re.findall(r'data-part="([^"]+)"\s+data-mark="([^"]+)"', page)
    return ",".join(f"{name}={mark}" for name, mark in found)


SignIn = Callable[[User], Client]


def confirm(client: Client, user: User, *, minutes_ago: int = 0) -> None:
    """As if this signed-in person had shown so long ago that it is them."""
    session = client.session
    session["account_authentication_methods_user"] = str(user.pk)
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time() - minutes_ago * 60}
    ]
    session.save()


def is_asked(answer: Any) -> bool:
    """Whether this answer asks to confirm, on the page that was asked for."""
    return answer.status_code == 200 and "Confirm that it is you</h1>" in answer.content.decode()


@pytest.fixture
def signed_in() -> SignIn:
    """Signs people in as if they had just typed their password."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        confirm(client, user)
        return client

    return sign_in


MakeKey = Callable[..., ApiKey]


@pytest.fixture
def make_key(organisation: Organisation) -> MakeKey:
    """A key that was just checked and is up to date, apart from what a test changes."""

    def make(
        label: str = "Main",
        *,
        at: Organisation = organisation,
        key: dict[str, Any] | None = None,
        **row: Any,
    ) -> ApiKey:
        now = clock.now()
        made = ApiKey.objects.create(
            organisation=at,
            label=label,
            status=KeyStatus.ACTIVE,
            created_at=now,
            hint_start="oak_live_a1b2",
            hint_end="wxyz",
            **(key or {}),
        )
        KeySync.objects.create(key=made, organisation=at, **(_well(now) | row))
        return made

    return make


def keys_like(template: ApiKey, number: int) -> None:
    """As many more keys, all as this one is."""
    base = KeySync.objects.get(pk=template.pk)
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
        for field in KeySync._meta.concrete_fields
        if not field.primary_key
    }
    KeySync.objects.bulk_create(KeySync(key=key, **values) for key in keys)


def _well(now: datetime) -> dict[str, Any]:
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
        "state": State.UP_TO_DATE,
        "state_since": now - timedelta(minutes=12),
        "state_rule": 10,
        "unknown_at": now + timedelta(minutes=14),
        "next_check_at": now + timedelta(seconds=20),
        "updated_at": now - timedelta(seconds=40),
    }


@pytest.fixture
def worker(db: None, hand_clock: HandClock) -> WorkerBeat:
    return WorkerBeat.objects.create(
        name="w1", version=settings.VERSION, started_at=hand_clock(), beat_at=hand_clock()
    )


def states_as_they_come(now: datetime) -> dict[State, dict[str, Any]]:
    """For each state the changes that make a row of it."""
    ago = now - timedelta(hours=5)
    none: dict[str, Any] = {
        "observed_at": None,
        "first_observed_at": None,
        "last_sync_at": None,
        "next_sync_at": None,
        "unknown_at": None,
        "total_tools": None,
        "enabled_tools": None,
        "sync_interval_hours": None,
    }
    refused = {"outcome": "refused", "refusals": 2, "unknown_at": None}
    return {
        State.KEY_UNREADABLE: none
        | {"outcome": "failed", "error_kind": "key_unreadable", "state_rule": 2},
        State.KEY_REJECTED: refused | {"error_kind": "key_refused", "error_http_status": 401},
        State.KEY_NOT_PERMITTED: refused
        | {"error_kind": "key_not_permitted", "error_http_status": 403},
        State.OVERDUE: {"last_sync_at": ago, "next_sync_at": ago + timedelta(hours=1)},
        State.NEVER_SYNCED: {"last_sync_at": None, "first_next_sync_at": ago},
        State.LATE: {
            "last_sync_at": now - timedelta(minutes=65),
            "next_sync_at": now - timedelta(minutes=5),
        },
        State.UNKNOWN: {"unknown_at": now - timedelta(minutes=1), "state": State.UP_TO_DATE},
        State.NO_SCHEDULE: {"next_sync_at": None, "sync_interval_hours": 0},
        State.NOT_CHECKED: none | {"checked_at": None, "outcome": "", "next_check_at": now},
        State.WAITING: {"last_sync_at": None, "first_next_sync_at": now + timedelta(hours=1)},
        State.UP_TO_DATE: {},
        State.PAUSED: {"state": State.UP_TO_DATE},
    }


@pytest.fixture
def every_state(make_key: MakeKey) -> dict[State, ApiKey]:
    """One key in each state."""
    now, made = clock.now(), {}
    for state, row in states_as_they_come(now).items():
        paused = {"paused_at": now, "paused_by": "Ann"} if state is State.PAUSED else {}
        made[state] = make_key(str(state.label), key=paused, **({"state": state} | row))
    return made
