"""The lists' kept statements say the same, to each person and at each moment, as fresh ones."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.sync import summing
from freddy_admin.sync.models import KeySync
from freddy_admin.sync.rows import Filters
from freddy_admin.sync.selectors import SORTS, overview_page, overview_rows, overview_with_choices
from freddy_admin.sync.states import NEEDS_YOU, State
from freddy_admin.vault.models import ApiKey, KeyTag
from tests.sync.conftest import NOON, MakeKey, row_of

MOMENTS = (NOON, NOON + timedelta(minutes=16))  # at the second one all are unknown
IN_ORDER = tuple(state for state in State if state in NEEDS_YOU)


@pytest.fixture
def people(
    person: User, platform_admin: User, make_key: MakeKey, organisation: Organisation
) -> list[User]:
    """A member of Alder, a member of Birch, a member of nothing and a platform admin."""
    birch = Organisation.objects.create(name="Birch", slug="birch", created_at=NOON)
    for number in range(4):
        _seen(make_key(f"alder {number}"), NOON - timedelta(hours=number))
    ApiKey.objects.filter(label="alder 3").update(paused_at=NOON, expires_on=NOON.date())
    ApiKey.objects.filter(label="alder 2").update(expires_on=NOON.date() + timedelta(days=20))
    other = make_key("birch")
    ApiKey.objects.filter(pk=other.pk).update(organisation=birch, owner=platform_admin)
    KeySync.objects.filter(pk=other.pk).update(organisation=birch)
    for place, word in ((organisation, "shared"), (birch, "shared"), (birch, "theirs")):
        tag = KeyTag.objects.create(organisation=place, name=word)
        tag.keys.set(ApiKey.objects.filter(organisation=place))
    KeyTag.objects.create(organisation=birch, name="unused")
    ben, cleo = (User.objects.create(email=f"{name}@example.org") for name in ("ben", "cleo"))
    Membership.objects.create(organisation=birch, user=ben, role=Role.VIEWER)
    return [person, ben, cleo, platform_admin]


def _seen(key: ApiKey, last_sync_at: Any) -> None:
    row = row_of(key)
    row.state, row.state_since, row.observed_at = State.UP_TO_DATE, NOON, NOON
    row.checked_at, row.unknown_at = NOON, NOON + timedelta(minutes=15)
    row.last_sync_at, row.total_tools, row.enabled_tools = last_sync_at, 3, 2
    row.sync_interval_hours, row.incremental_sync_enabled = 6, True
    row.save()


@pytest.mark.parametrize("sort", [f"{way}{word}" for way in ("", "-") for word in SORTS])
def test_each_sort_and_filter_lists_what_a_fresh_statement_lists(
    people: list[User], sort: str
) -> None:
    choices = (((), False), (IN_ORDER, False), ((State.UNKNOWN, State.PAUSED), True))
    for (states, expiring), now, user in product(choices, MOMENTS, people):
        filters = Filters(states=states, expiring=expiring, sort=sort)
        kept = overview_page(user=user, filters=filters, now=now).rows
        assert kept == list(overview_rows(user=user, filters=filters, now=now))


def test_the_sums_are_those_of_a_fresh_statement(
    people: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> list[dict[str, Any]]:
        return [
            summing.sums_read(user=user, filters=Filters(expiring=expiring), now=now)
            for expiring, now, user in product((False, True), MOMENTS, people)
        ]

    kept = read()
    monkeypatch.setattr(Filters, "shape", lambda self, **_: None)
    assert read() == kept


def test_each_person_is_counted_and_offered_what_is_theirs(people: list[User]) -> None:
    seen = {}
    for user in people:
        page = overview_page(user=user, filters=Filters(), now=NOON)
        page = overview_with_choices(user=user, overview=page)
        words, owners = ([one.label for one in some] for some in (page.tags, page.owners))
        seen[user.email.partition("@")[0]] = (page.total, words, owners)
    assert seen == {
        "ana": (4, ["shared"], []),
        "ben": (1, ["shared", "theirs"], ["a member"]),  # whose address is not for him
        "cleo": (0, [], []),
        "root": (5, ["shared", "theirs"], ["root@example.org"]),
    }


def test_somebody_switched_off_is_offered_nothing(people: list[User]) -> None:
    people[3].is_active = False
    page = overview_page(user=people[3], filters=Filters(), now=NOON)
    page = overview_with_choices(user=people[3], overview=page)
    assert (page.tags, page.owners, page.empty_organisations) == ([], [], [])
