"""Keys, checks and incidents, under the hand clock."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import Incident
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.checks.results import CheckResult
from freddy_admin.vault.models import ApiKey
from tests.hand_clock import NOON, HandClock
from tests.sync.conftest import (
    MakeKey,
    failed_result,
    good_result,
    keys_create,
    lease_key,
    long_leases,
    make_figures,
    make_key,
    refused_result,
)

__all__ = [
    "ACTOR",
    "NOON",
    "HandClock",
    "MakeKey",
    "failed_result",
    "good_result",
    "keys_create",
    "long_leases",
    "make_figures",
    "make_key",
    "record",
    "refused_result",
]

ACTOR = Actor(name="Ana (ana@example.org)", id=90_001)
RefuseKey = Callable[[ApiKey], Incident]


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


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    return make_key()


def record(*results: CheckResult) -> None:
    """Store these results as the worker does, in one batch."""
    keys = [ApiKey(pk=result.key_id) for result in results]
    for key in keys:
        lease_key(key)
    check_results_record(results)


def refuse(*keys: ApiKey, clock_hand: HandClock) -> None:
    """Refuse each of the keys twice, a minute apart: then it is rejected."""
    record(*(refused_result(key) for key in keys))
    clock_hand.advance(minutes=1)
    record(*(refused_result(key) for key in keys))


def overdue_figures() -> object:
    now = clock.now()
    return make_figures(now - timedelta(hours=9), now - timedelta(hours=5))
