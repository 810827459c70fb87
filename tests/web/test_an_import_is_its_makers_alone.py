"""A draft of an import holds many customers' keys: nobody but its maker reaches it."""

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.vault.models import ImportDraftRow
from tests.vault.pasting import laid_out, secret, verdicts_come
from tests.web.conftest import People, SignIn

MISSING = "/import/00000000-0000-4000-8000-000000000000/"


@pytest.fixture
def draft(people: People, organisation: Organisation) -> str:
    laid_out(people.manager, f"Alder,Planted label,{secret('planted')},org_planted,tag_planted")
    verdicts_come()
    return f"/import/{ImportDraftRow.objects.get().draft_id}/"


@pytest.fixture
def colleague(organisation: Organisation, other: Organisation) -> User:
    """A manager of the very same organisation."""
    user = User.objects.create(email="colleague@example.org", created_at=clock.now())
    for place in (organisation, other):
        Membership.objects.create(
            organisation=place, user=user, role=Role.MANAGER, created_at=clock.now()
        )
    return user


def test_another_manager_and_a_platform_admin_get_the_page_of_what_is_missing(
    draft: str, colleague: User, people: People, signed_in: SignIn
) -> None:
    before = list(ImportDraftRow.objects.values())
    for person in (colleague, people.admin):
        client = signed_in(person)
        for more in ("", "?show=works", "?page=2"):
            for headers in ({}, {"x-live": "1", "x-seen": "{}"}):
                found = client.get(draft + more, headers=headers)
                none = client.get(MISSING + more, headers=headers)
                assert found.status_code == none.status_code == 404
                assert "lanted" not in found.content.decode()
        for act in ("confirm", "retest", "discard"):
            sent = {"also": ["untested", "differs"]}
            assert client.post(f"{draft}{act}/", sent).status_code == 404
        assert draft not in client.get("/import/").content.decode()
    assert list(ImportDraftRow.objects.values()) == before


def test_who_may_only_look_or_start_a_sync_is_turned_away_before(
    draft: str, people: People, signed_in: SignIn
) -> None:
    for person in (people.viewer, people.operator):
        client = signed_in(person)
        assert client.get(draft).status_code == client.get(MISSING).status_code == 403
        for act in ("confirm", "retest", "discard"):
            assert client.post(f"{draft}{act}/").status_code == 403
