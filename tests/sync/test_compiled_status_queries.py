"""The lists' compiled queries give each person, at each moment, what fresh ones give."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.sync.health_states import STATES_NEEDING_ACTION, HealthState
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.status import aggregates
from freddy_admin.sync.status.queries import OverviewFilters
from freddy_admin.sync.status.selectors import (
    OVERVIEW_SORTS,
    overview_key_rows,
    overview_page,
    overview_with_filter_options,
)
from freddy_admin.vault.models import ApiKey, KeyTag
from tests.drill_scale import RUN_FULL_DRILLS
from tests.sync.conftest import NOON, MakeKey, sync_status_of

MOMENTS = (NOON, NOON + timedelta(minutes=16))  # at the second one all are unknown
NEEDING_ACTION = tuple(state for state in HealthState if state in STATES_NEEDING_ACTION)


@pytest.fixture
def people(
    operator: User, platform_admin: User, make_key: MakeKey, organisation: Organisation
) -> list[User]:
    """A member of Alder, a member of Birch, a member of nothing and a platform admin."""
    User.objects.filter(pk=platform_admin.pk).update(name="")  # shown by their address, to some
    birch = Organisation.objects.create(name="Birch", slug="birch", created_at=NOON)
    for number in range(4):
        _observe(make_key(f"alder {number}"), NOON - timedelta(hours=number))
    ApiKey.objects.filter(label="alder 3").update(paused_at=NOON, expires_on=NOON.date())
    ApiKey.objects.filter(label="alder 2").update(expires_on=NOON.date() + timedelta(days=20))
    birch_key = make_key("birch")
    ApiKey.objects.filter(pk=birch_key.pk).update(organisation=birch, owner=platform_admin)
    SyncStatus.objects.filter(pk=birch_key.pk).update(organisation=birch)
    for tagged_organisation, tag_name in (
        (organisation, "shared"),
        (birch, "shared"),
        (birch, "theirs"),
    ):
        tag = KeyTag.objects.create(organisation=tagged_organisation, name=tag_name)
        tag.keys.set(ApiKey.objects.filter(organisation=tagged_organisation))
    KeyTag.objects.create(organisation=birch, name="unused")
    ben, cleo = (User.objects.create(email=f"{name}@example.org") for name in ("ben", "cleo"))
    Membership.objects.create(organisation=birch, user=ben, role=Role.VIEWER)
    return [operator, ben, cleo, platform_admin]


def _observe(key: ApiKey, last_sync_at: Any) -> None:
    row = sync_status_of(key)
    row.state, row.state_since, row.observed_at = HealthState.UP_TO_DATE, NOON, NOON
    row.checked_at, row.unknown_at = NOON, NOON + timedelta(minutes=15)
    row.last_sync_at, row.total_tools, row.enabled_tools = last_sync_at, 3, 2
    row.sync_interval_hours, row.incremental_sync_enabled = 6, True
    row.save()


SORTS = [f"{way}{word}" for way in ("", "-") for word in OVERVIEW_SORTS]


@pytest.mark.drill
@pytest.mark.parametrize("sort", SORTS)
def test_a_compiled_query_lists_what_a_fresh_one_lists(people: list[User], sort: str) -> None:
    choices = (
        ((), False),
        (NEEDING_ACTION, False),
        ((HealthState.UNKNOWN, HealthState.PAUSED), True),
    )
    cases = list(product(choices, MOMENTS, people))
    if not RUN_FULL_DRILLS:  # others for each sort
        cases = cases[SORTS.index(sort) % 5 :: 5]
    for (states, expiring), now, user in cases:
        filters = OverviewFilters(states=states, expiring=expiring, sort=sort)
        compiled = overview_page(user=user, filters=filters, now=now).rows
        rows = overview_key_rows(user=user, filters=filters, now=now)
        # Tags are read for exports alone.
        assert compiled == [replace(row, tags=()) for row in rows]


def test_compiled_aggregates_are_those_of_a_fresh_query(
    people: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> list[dict[str, Any]]:
        return [
            aggregates.overview_aggregates(
                user=user, filters=OverviewFilters(expiring=expiring), now=now
            )
            for expiring, now, user in product((False, True), MOMENTS, people)
        ]

    compiled = read()
    monkeypatch.setattr(OverviewFilters, "compilable_part", lambda self, **_: None)
    assert read() == compiled


def test_each_person_gets_the_counts_and_filter_options_of_their_keys(people: list[User]) -> None:
    options_by_person = {}
    for user in people:
        page = overview_page(user=user, filters=OverviewFilters(), now=NOON)
        page = overview_with_filter_options(user=user, overview=page)
        owners = [name for _, name in page.owners]
        options_by_person[user.email.partition("@")[0]] = (page.total, page.tags, owners)
    assert options_by_person == {
        "operator": (4, ["shared"], []),
        "ben": (1, ["shared", "theirs"], ["a member"]),  # whose address is not for him
        "cleo": (0, [], []),
        "admin": (5, ["shared", "theirs"], ["admin@example.org"]),
    }


def test_a_deactivated_person_gets_no_filter_options(people: list[User]) -> None:
    people[3].is_active = False
    page = overview_page(user=people[3], filters=OverviewFilters(), now=NOON)
    page = overview_with_filter_options(user=people[3], overview=page)
    assert (page.tags, page.owners, page.empty_organisations) == ([], [], [])
