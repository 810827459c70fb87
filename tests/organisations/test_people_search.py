"""Lists of people and names for forms, filters, commands and the platform admins."""

import pytest
from django.contrib.auth.models import AnonymousUser

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.selectors import (
    EMAIL_BATCH_SIZE,
    LISTED_MEMBERSHIPS,
    PAGE_SIZE,
    assignable_users_by_email,
    organisation_find_by_name,
    organisation_get_by_slug,
    people_search,
    similar_organisation_names,
)
from tests.people import People, member_create, user_create

pytestmark = pytest.mark.django_db


def found(search: str) -> list[str]:
    return [
        person.email.partition("@")[0] for person in people_search(search=search, page=1).people
    ]


def test_people_are_found_by_name_address_and_organisation(
    people: People, organisation: Organisation
) -> None:
    User.objects.filter(pk=people.viewer.pk).update(name="Vera Öztürk")
    assert found("öztürk" if User.objects.filter(name__icontains="öztürk") else "Özt") == ["viewer"]
    assert found("  OPERATOR@") == ["operator"]
    assert found("alder") == ["manager", "operator", "viewer"]
    assert found("nobody\x00 at all") == []
    assert len(found("")) == User.objects.count()


def test_people_come_in_pages_with_their_first_memberships_in_two_queries(
    organisation: Organisation, django_assert_num_queries: object
) -> None:
    for number in range(PAGE_SIZE + 1):
        user_create(f"p{number:03}")
    ann = member_create(organisation, "ann", Role.VIEWER)
    for number in range(LISTED_MEMBERSHIPS):
        other = Organisation.objects.create(name=f"Z {number}", slug=f"z-{number}")
        other.memberships.create(user=ann, role=Role.VIEWER, created_at=ann.created_at)
    with django_assert_num_queries(2):  # type: ignore[operator]
        first = people_search(search="", page=1)
        (listed, count) = (first.people[0].listed_memberships, first.people[0].membership_count)  # type: ignore[attr-defined]
    assert (first.has_more, len(first.people)) == (True, PAGE_SIZE)
    assert [row.organisation.name for row in listed] == ["Alder", "Z 0", "Z 1"]
    assert count == LISTED_MEMBERSHIPS + 1
    second = people_search(search="", page=2)
    assert (second.has_more, len(second.people)) == (False, 2)


def test_possible_owners_are_known_by_organisation_and_address(
    people: People, other_organisation: Organisation
) -> None:
    emails = [person.email for person in (people.viewer, people.admin, people.stranger)]
    fill = [f"x{number}@example.org" for number in range(EMAIL_BATCH_SIZE)]
    User.objects.filter(pk=people.operator.pk).update(is_active=False)
    users = assignable_users_by_email(emails=[*emails, *fill, people.operator.email])
    assert users == {
        ("Alder", people.viewer.email): people.viewer,
        ("", people.admin.email): people.admin,
        **{key: user for key, user in users.items() if user == people.stranger},
    }
    assert ("Alder", people.stranger.email) not in users


def test_names_that_are_nearly_anothers_are_named_with_it(organisation: Organisation) -> None:
    names = ["Alder", "ALDER", "Birch", "birch", "Cedar"]
    assert similar_organisation_names(names=names) == {"ALDER": "Alder", "birch": "Birch"}


def test_organisation_is_found_by_name_or_slug_by_those_who_see_it(
    people: People, organisation: Organisation
) -> None:
    for name in ("Alder", " Alder ", "alder"):
        assert organisation_find_by_name(user=people.viewer, name=name) == organisation
    assert organisation_find_by_name(user=people.stranger, name="Alder") is None
    assert organisation_find_by_name(user=AnonymousUser(), name="Alder") is None
    assert organisation_find_by_name(user=people.viewer, name="") is None
    assert organisation_find_by_name(user=people.viewer, name="Ald") is None


def test_command_names_the_slug_that_is_missing(organisation: Organisation) -> None:
    assert organisation_get_by_slug(slug="alder") == organisation
    with pytest.raises(NotFound, match="nowhere"):
        organisation_get_by_slug(slug="nowhere")
