"""An import draft holds many customers' keys: nobody but its creator can open it."""

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.vault.models import ImportDraftRow
from tests.vault.import_draft_data import import_draft_make, import_rows_record_results, secret
from tests.web.conftest import People, SignIn

MISSING = "/import/00000000-0000-4000-8000-000000000000/"


@pytest.fixture
def draft(people: People, organisation: Organisation) -> str:
    import_draft_make(
        people.manager, f"Alder,Planted label,{secret('planted')},org_planted,tag_planted"
    )
    import_rows_record_results()
    return f"/import/{ImportDraftRow.objects.get().draft_id}/"


@pytest.fixture
def colleague(organisation: Organisation, other_organisation: Organisation) -> User:
    """Another manager of the same organisations."""
    user = User.objects.create(email="colleague@example.org", created_at=clock.now())
    for member_organisation in (organisation, other_organisation):
        Membership.objects.create(
            organisation=member_organisation, user=user, role=Role.MANAGER, created_at=clock.now()
        )
    return user


def test_import_draft_is_404_for_another_manager_and_a_platform_admin(
    draft: str, colleague: User, people: People, signed_in: SignIn
) -> None:
    rows_before = list(ImportDraftRow.objects.values())
    for person in (colleague, people.admin):
        client = signed_in(person)
        for query in ("", "?show=works", "?page=2"):
            for headers in ({}, {"x-live": "1", "x-seen": "{}"}):
                response = client.get(draft + query, headers=headers)
                none = client.get(MISSING + query, headers=headers)
                assert response.status_code == none.status_code == 404
                assert "lanted" not in response.content.decode()
        for act in ("confirm", "retest", "discard"):
            fields = {"also": ["untested", "differs"]}
            assert client.post(f"{draft}{act}/", fields).status_code == 404
        assert draft not in client.get("/import/").content.decode()
    assert list(ImportDraftRow.objects.values()) == rows_before


def test_viewer_and_operator_may_not_open_an_import(
    draft: str, people: People, signed_in: SignIn
) -> None:
    for person in (people.viewer, people.operator):
        client = signed_in(person)
        assert client.get(draft).status_code == client.get(MISSING).status_code == 403
        for act in ("confirm", "retest", "discard"):
            assert client.post(f"{draft}{act}/").status_code == 403
