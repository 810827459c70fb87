"""The page of all people, for platform admins."""

import json

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.saved_views import saved_view_keep
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import MakeKey, People, SignIn, confirm, is_asked
from tests.web.membership import invitation_made, member_made, text


@pytest.fixture
def admin(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.admin)


def change(client: Client, person: User, do: str) -> str:
    answer = client.post(f"/people/{person.pk}/change/", {"do": do}, follow=True)
    return answer.content.decode()


def test_everybody_is_listed_with_where_they_belong(people: People, admin: Client) -> None:
    page = text(admin, "/people/")

    for name in ("Admin", "Manager", "Stranger"):
        assert f">{name}</a>" in page
    assert "Platform admin" in page
    assert "/organisations/birch/members/" in page
    assert 'href="/people/"' in text(admin, "/")


def test_the_list_is_searched_and_paged_with_the_same_queries(
    people: People,
    admin: Client,
    organisation: Organisation,
    django_assert_num_queries: object,
) -> None:
    for _ in range(60):
        member_made(organisation)
    admin.get("/people/")
    for address in ("/people/", "/people/?page=2", "/people/?q=birch"):
        with django_assert_num_queries(5):  # type: ignore[operator]
            admin.get(address)
    assert text(admin, "/people/").count("<tr>") == 51
    found = text(admin, "/people/?q=birch")
    assert ">Stranger</a>" in found
    assert ">Viewer</a>" not in found
    assert "Nobody matches" in text(admin, "/people/?q=%25nobody")
    assert admin.get("/people/?page=999999999999&q=%00").status_code == 200


def test_a_platform_admin_is_made_and_unmade(
    people: People, admin: Client, signed_in: SignIn
) -> None:
    viewer = signed_in(people.viewer)
    assert "is a platform admin now" in change(admin, people.viewer, "admin")
    assert viewer.get("/system/").status_code == 200
    assert "no platform admin any more" in change(admin, people.viewer, "not_admin")
    assert viewer.get("/system/").status_code == 403


def test_the_last_one_stays(people: People, admin: Client) -> None:
    for do in ("not_admin", "off"):
        change(admin, people.admin, do)
        assert admin.get("/people/").status_code == 200
    sent = {"email": people.admin.email}
    page = admin.post(f"/people/{people.admin.pk}/remove/", sent).content.decode()
    assert "is the last platform admin" in page


def test_switched_off_a_person_is_out_at_once_and_invites_nobody(
    people: People, admin: Client, signed_in: SignIn, organisation: Organisation
) -> None:
    manager = signed_in(people.manager)
    __, link = invitation_made(organisation, invited_by_id=people.manager.pk)
    assert "The only manager of Alder" in text(admin, f"/people/{people.manager.pk}/")
    assert "every session of it has ended" in change(admin, people.manager, "off")

    assert manager.get("/").status_code == 302
    assert Client().get(f"/invitations/{link}/").status_code == 404
    change(admin, people.manager, "on")
    assert manager.get("/").status_code == 302
    assert Membership.objects.filter(user=people.manager).exists()


def test_a_button_that_is_none_changes_nothing(people: People, admin: Client) -> None:
    assert "Choose one of the buttons" in change(admin, people.viewer, "delete")


def test_removing_says_what_goes_and_needs_the_address(
    people: People,
    admin: Client,
    signed_in: SignIn,
    organisation: Organisation,
    make_key: MakeKey,
) -> None:
    make_key(key={"owner": people.manager})
    client = signed_in(people.manager)
    client.post("/organisations/alder/rename/", {"name": "Ash"})
    page = f"/people/{people.manager.pk}/remove/"
    told = text(admin, page)
    for words in ("membership of 1 organisation", "owner of 1 key", "Nobody else manages Ash"):
        assert words in told
    assert "Nobody was removed" in admin.post(page, {"email": "x@y.org"}).content.decode()
    admin.post(page, {"email": " MANAGER@example.org "})

    assert client.get("/").status_code == 302
    assert not User.objects.filter(pk=people.manager.pk).exists()
    assert ApiKey.objects.get().owner is None
    log = text(admin, "/audit/")
    assert "Manager (manager@example.org)" in log
    assert "removed a person" in log
    own = text(signed_in(member_made(organisation, Role.MANAGER)), "/audit/")
    events = own[own.index('<ol class="events audit-events">') :]
    assert "removed a member" in events
    assert "removed a person" not in events


def test_what_is_kept_about_a_person_is_exported_by_them_and_by_admins(
    people: People, admin: Client, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key("Sales", key={"owner": people.viewer})
    saved_view_keep(actor=OPERATOR, user=people.viewer, name="Late", query="state=late")
    client = signed_in(people.viewer)
    client.post("/profile/", {"name": "Vi", "time_zone": "UTC", "theme": "dark"})
    own = json.loads(client.get("/profile/export/").content)
    theirs = json.loads(admin.get(f"/people/{people.viewer.pk}/export/").content)

    assert own["account"]["name"] == "Vi"
    assert own["organisations"][0]["name"] == "Alder"
    assert own["owner_of_keys"] == [{"organisation": "Alder", "key": "Sales"}]
    assert own["saved_views"][0]["query"] == "state=late"
    assert {one["tag"] for one in own["audit"]} >= {"person_changed", "person_exported"}
    assert theirs["account"] == own["account"]
    assert "password" not in json.dumps(own["account"])
    assert AuditEvent.objects.filter(tag="person_exported").count() == 2


def test_an_export_leaves_out_organisations_that_a_person_left(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    key = make_key("Hush")
    client = signed_in(people.operator)
    client.post(f"/organisations/alder/keys/{key.pk}/check/")
    client.post("/organisations/alder/leave/")
    answer = client.get("/profile/export/").content.decode()

    assert "Hush" not in answer
    assert "Alder" not in answer


@pytest.mark.parametrize("path", ["change/", "remove/"])
def test_what_changes_people_needs_a_recent_confirmation(
    path: str, people: People, admin: Client
) -> None:
    confirm(admin, people.admin, minutes_ago=16)
    sent = {"do": "off", "email": people.viewer.email}
    answer = admin.post(f"/people/{people.viewer.pk}/{path}", sent)

    assert is_asked(answer)
    people.viewer.refresh_from_db()
    assert people.viewer.is_active


def test_by_the_button_a_former_platform_admin_invites_nobody_any_more(
    people: People, admin: Client, organisation: Organisation
) -> None:
    change(admin, people.viewer, "admin")
    __, link = invitation_made(organisation, invited_by_id=people.viewer.pk)
    change(admin, people.viewer, "not_admin")

    assert Client().get(f"/invitations/{link}/").status_code == 404
