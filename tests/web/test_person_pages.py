"""The page of all people, for platform admins."""

import json

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.saved_views import saved_view_save
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import (
    MakeKey,
    People,
    SignIn,
    asks_reauthentication,
    mark_reauthenticated,
)
from tests.web.member_factories import create_invitation, create_member, get_page_text


@pytest.fixture
def admin(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.admin)


def change_person(client: Client, person: User, button: str) -> str:
    answer = client.post(f"/people/{person.pk}/change/", {"do": button}, follow=True)
    return answer.content.decode()


def test_people_are_listed_with_their_organisations(people: People, admin: Client) -> None:
    page = get_page_text(admin, "/people/")

    for name in ("Admin", "Manager", "Stranger"):
        assert f">{name}</a>" in page
    assert "Platform admin" in page
    assert "/organisations/birch/members/" in page
    assert 'href="/people/"' in get_page_text(admin, "/")


def test_the_list_is_searched_and_paged_with_the_same_queries(
    people: People,
    admin: Client,
    organisation: Organisation,
    django_assert_num_queries: object,
) -> None:
    for _ in range(60):
        create_member(organisation)
    admin.get("/people/")
    for address in ("/people/", "/people/?page=2", "/people/?q=birch"):
        with django_assert_num_queries(5):  # type: ignore[operator]
            admin.get(address)
    assert get_page_text(admin, "/people/").count("<tr>") == 51
    results_page = get_page_text(admin, "/people/?q=birch")
    assert ">Stranger</a>" in results_page
    assert ">Viewer</a>" not in results_page
    assert "Nobody matches" in get_page_text(admin, "/people/?q=%25nobody")
    assert admin.get("/people/?page=999999999999&q=%00").status_code == 200


def test_a_platform_admin_is_made_and_unmade(
    people: People, admin: Client, signed_in: SignIn
) -> None:
    viewer = signed_in(people.viewer)
    assert "is a platform admin now" in change_person(admin, people.viewer, "admin")
    assert viewer.get("/system/").status_code == 200
    assert "no platform admin any more" in change_person(admin, people.viewer, "not_admin")
    assert viewer.get("/system/").status_code == 403


def test_last_platform_admin_stays(people: People, admin: Client) -> None:
    for button in ("not_admin", "off"):
        change_person(admin, people.admin, button)
        assert admin.get("/people/").status_code == 200
    fields = {"email": people.admin.email}
    page = admin.post(f"/people/{people.admin.pk}/remove/", fields).content.decode()
    assert "is the last platform admin" in page


def test_deactivated_person_is_signed_out_at_once_and_invites_nobody(
    people: People, admin: Client, signed_in: SignIn, organisation: Organisation
) -> None:
    manager = signed_in(people.manager)
    __, link = create_invitation(organisation, invited_by_id=people.manager.pk)
    assert "The only manager of Alder" in get_page_text(admin, f"/people/{people.manager.pk}/")
    assert "every session of it has ended" in change_person(admin, people.manager, "off")

    assert manager.get("/").status_code == 302
    assert Client().get(f"/invitations/{link}/").status_code == 404
    change_person(admin, people.manager, "on")
    assert manager.get("/").status_code == 302
    assert Membership.objects.filter(user=people.manager).exists()


def test_unknown_button_changes_nothing(people: People, admin: Client) -> None:
    assert "Choose one of the buttons" in change_person(admin, people.viewer, "delete")


def test_deleting_a_person_says_what_goes_and_needs_the_email(
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
    page_html = get_page_text(admin, page)
    for words in ("membership of 1 organisation", "owner of 1 key", "Nobody else manages Ash"):
        assert words in page_html
    assert "Nobody was removed" in admin.post(page, {"email": "x@y.org"}).content.decode()
    admin.post(page, {"email": " MANAGER@example.org "})

    assert client.get("/").status_code == 302
    assert not User.objects.filter(pk=people.manager.pk).exists()
    assert ApiKey.objects.get().owner is None
    log = get_page_text(admin, "/audit/")
    assert "Manager (manager@example.org)" in log
    assert "removed a person" in log
    audit_page = get_page_text(signed_in(create_member(organisation, Role.MANAGER)), "/audit/")
    events = audit_page[audit_page.index('<ol class="events audit-events">') :]
    assert "removed a member" in events
    assert "removed a person" not in events


def test_person_data_is_exported_by_the_person_and_by_admins(
    people: People, admin: Client, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key("Sales", key={"owner": people.viewer})
    saved_view_save(actor=OPERATOR, user=people.viewer, name="Late", query="state=late")
    client = signed_in(people.viewer)
    client.post("/profile/", {"name": "Vi", "time_zone": "UTC", "theme": "dark"})
    own_export = json.loads(client.get("/profile/export/").content)
    admin_export = json.loads(admin.get(f"/people/{people.viewer.pk}/export/").content)

    assert own_export["account"]["name"] == "Vi"
    assert own_export["organisations"][0]["name"] == "Alder"
    assert own_export["owner_of_keys"] == [{"organisation": "Alder", "key": "Sales"}]
    assert own_export["saved_views"][0]["query"] == "state=late"
    assert {event["tag"] for event in own_export["audit"]} >= {"person_changed", "person_exported"}
    assert admin_export["account"] == own_export["account"]
    assert "password" not in json.dumps(own_export["account"])
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
def test_changing_people_needs_recent_reauthentication(
    path: str, people: People, admin: Client
) -> None:
    mark_reauthenticated(admin, people.admin, minutes_ago=16)
    fields = {"do": "off", "email": people.viewer.email}
    answer = admin.post(f"/people/{people.viewer.pk}/{path}", fields)

    assert asks_reauthentication(answer)
    people.viewer.refresh_from_db()
    assert people.viewer.is_active


def test_invitations_of_a_former_platform_admin_are_withdrawn(
    people: People, admin: Client, organisation: Organisation
) -> None:
    change_person(admin, people.viewer, "admin")
    __, link = create_invitation(organisation, invited_by_id=people.viewer.pk)
    change_person(admin, people.viewer, "not_admin")

    assert Client().get(f"/invitations/{link}/").status_code == 404
