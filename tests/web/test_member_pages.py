"""The members page: who sees what, and what managers do there."""

from datetime import timedelta

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import (
    HandClock,
    MakeKey,
    People,
    SignIn,
    asks_reauthentication,
    mark_reauthenticated,
)
from tests.web.member_factories import (
    create_invitation,
    create_member,
    create_unsent_mail,
    get_page_text,
)

PAGE = "/organisations/alder/members/"


def test_everybody_sees_names_and_roles_and_managers_more(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    create_invitation(organisation, "nia@example.org")
    small = get_page_text(signed_in(people.operator), PAGE)
    large = get_page_text(signed_in(people.manager), PAGE)

    for page in (small, large):
        rows = page[page.index("<tbody>") :]
        assert rows.index("Manager") < rows.index("Operator") < rows.index("Viewer")
        assert 'aria-current="page"' in page
    for hidden in ("manager@example.org", "nia@example.org", "Last sign-in", "Invite somebody"):
        assert hidden not in small
        assert hidden in large


def test_a_role_is_changed_and_counts_at_the_next_request(
    people: People, signed_in: SignIn
) -> None:
    viewer, manager = signed_in(people.viewer), signed_in(people.manager)
    assert viewer.get("/organisations/alder/keys/add/").status_code == 403
    page = manager.post(f"{PAGE}{people.viewer.pk}/", {"role": "manager"}, follow=True)

    assert "Viewer is manager now." in page.content.decode()
    assert viewer.get("/organisations/alder/keys/add/").status_code == 200
    manager.post(f"{PAGE}{people.viewer.pk}/", {"role": "viewer"})
    assert viewer.get("/organisations/alder/keys/add/").status_code == 403


@pytest.mark.parametrize("role", ["", "owner", "platform_admin"])
def test_unknown_role_cannot_be_sent(role: str, people: People, signed_in: SignIn) -> None:
    answer = signed_in(people.manager).post(f"{PAGE}{people.viewer.pk}/", {"role": role})

    assert 'id="id_role_error"' in answer.content.decode()
    assert Membership.objects.get(user=people.viewer).role == Role.VIEWER


def test_more_fields_than_the_form_has_change_nothing(people: People, signed_in: SignIn) -> None:
    fields = {"role": "operator", "is_platform_admin": "on", "organisation": "2", "user": "1"}
    signed_in(people.manager).post(f"{PAGE}{people.viewer.pk}/", fields)
    people.viewer.refresh_from_db()

    assert not people.viewer.is_platform_admin
    assert Membership.objects.get(user=people.viewer).organisation.slug == "alder"


def test_removed_member_is_refused_at_the_next_request_and_owns_no_key(
    people: People, signed_in: SignIn, make_key: MakeKey, other_organisation: Organisation
) -> None:
    key = make_key(key={"owner": people.operator})
    Membership.objects.create(
        organisation=other_organisation, user=people.operator, role="operator"
    )
    foreign_key = make_key(at=other_organisation, key={"owner": people.operator})
    client = signed_in(people.operator)
    assert client.get("/organisations/alder/").status_code == 200
    path = f"{PAGE}{people.operator.pk}/remove/"
    assert "What goes" in get_page_text(signed_in(people.manager), path)
    signed_in(people.manager).post(path)

    assert client.get("/organisations/alder/").status_code == 404
    assert "Alder" not in get_page_text(client, "/")
    owners = dict(ApiKey.objects.values_list("pk", "owner"))
    assert owners == {key.pk: None, foreign_key.pk: people.operator.pk}
    audit = get_page_text(signed_in(people.manager), "/audit/")
    assert "removed a member" in audit
    assert "operator@example.org → nothing" in audit


def test_everybody_may_leave_apart_from_the_last_manager(people: People, signed_in: SignIn) -> None:
    viewer, manager = signed_in(people.viewer), signed_in(people.manager)
    assert "Leave this organisation" in get_page_text(viewer, PAGE)
    page_html = viewer.post("/organisations/alder/leave/", follow=True).content.decode()
    assert "You left Alder." in page_html
    assert viewer.get(PAGE).status_code == 404

    assert "The last manager cannot go" in get_page_text(manager, "/organisations/alder/leave/")
    page_html = manager.post("/organisations/alder/leave/", follow=True).content.decode()
    assert "is the last manager here" in page_html
    fields = {"role": "viewer"}
    page = manager.post(f"{PAGE}{people.manager.pk}/", fields).content.decode()
    assert "is the last manager here" in page


def test_platform_admin_makes_a_manager_of_an_organisation_without_one(
    people: People, signed_in: SignIn
) -> None:
    User.objects.filter(pk=people.manager.pk).delete()
    signed_in(people.admin).post(f"{PAGE}{people.viewer.pk}/", {"role": "manager"})

    assert signed_in(people.viewer).get(f"{PAGE}invite/").status_code == 200


def test_an_address_is_invited_and_waits_for_the_worker(people: People, signed_in: SignIn) -> None:
    client = signed_in(people.manager)
    fields = {"email": "Nia@Example.org", "role": "operator"}
    page = client.post(f"{PAGE}invite/", fields, follow=True).content.decode()

    assert "nia@example.org is invited" in page
    assert "Goes out in a moment" in page
    second_page = client.post(f"{PAGE}invite/", fields).content.decode()
    assert "invited already" in second_page[second_page.index('id="id_email_error"') :]


def test_an_invitation_is_withdrawn_or_sent_again(
    people: People, signed_in: SignIn, organisation: Organisation, hand_clock: HandClock
) -> None:
    invitation, link = create_invitation(organisation, "nia@example.org")
    client, page = signed_in(people.manager), f"/organisations/alder/invitations/{invitation.pk}/"
    assert "a moment ago" in client.post(page, {"do": "resend"}, follow=True).content.decode()
    hand_clock.advance(minutes=6)
    members_page = client.post(page, {"do": "resend"}, follow=True).content.decode()
    assert "sent again in a moment" in members_page
    members_page = client.post(page, {"do": "withdraw"}, follow=True).content.decode()
    assert "was withdrawn" in members_page
    assert "Open invitations" not in members_page
    assert client.get(page).status_code == 404
    assert Client().get(f"/invitations/{link}/").status_code == 404


def test_unsent_invitation_says_so(
    people: People, signed_in: SignIn, organisation: Organisation, hand_clock: HandClock
) -> None:
    at = hand_clock()
    invitation, _token = create_invitation(organisation, sent_at=None)
    create_unsent_mail(invitation, attempts=2, failing_since=at, next_attempt_at=at)
    create_invitation(organisation, expires_at=at)
    page = get_page_text(signed_in(people.manager), PAGE)

    assert "Not sent yet, next try at 12:00" in page
    assert "Expired" in page


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("address_refused", "Could not be sent: the mail server refused the address"),
        ("no_answer", "Could not be sent: the mail server has not answered since 10:00"),
        ("internal", "Could not be sent: it has failed in this panel since 10:00"),
    ],
)
def test_invitation_whose_mail_was_given_up_says_why_and_is_sent_again(
    reason: str,
    sentence: str,
    people: People,
    signed_in: SignIn,
    organisation: Organisation,
    hand_clock: HandClock,
) -> None:
    at = hand_clock() - timedelta(hours=2)
    invitation, _token = create_invitation(organisation, sent_at=None)
    create_unsent_mail(invitation, failing_since=at, given_up_at=at, reason=reason)
    client = signed_in(people.manager)
    page = get_page_text(client, PAGE)
    assert sentence in page
    assert "Send again" in page
    # It was never sent, so nobody has to wait for five minutes.
    client.post(f"/organisations/alder/invitations/{invitation.pk}/", {"do": "resend"})

    assert "Goes out in a moment" in get_page_text(client, PAGE)


@pytest.mark.parametrize("path", ["invite/", "{viewer}/", "{viewer}/remove/"])
def test_changing_members_needs_recent_reauthentication(
    path: str, people: People, signed_in: SignIn
) -> None:
    client = signed_in(people.manager)
    mark_reauthenticated(client, people.manager, minutes_ago=16)
    page = PAGE + path.format(viewer=people.viewer.pk)
    answer = client.post(page, {"role": "manager", "email": "nia@example.org"})

    assert asks_reauthentication(answer)
    assert Membership.objects.get(user=people.viewer).role == Role.VIEWER
    assert not Invitation.objects.exists()


def test_names_are_never_markup(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    create_member(organisation, name="<script>alert(1)</script>")
    page = get_page_text(signed_in(people.manager), PAGE)

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_several_people_are_invited_at_once_with_an_outcome_for_each(
    people: People, signed_in: SignIn
) -> None:
    client = signed_in(people.manager)
    typed = f"Nia Park <nia@example.org>, bad address; {people.viewer.email}\nkim@example.org"
    page = client.post(f"{PAGE}invite/", {"email": typed, "role": "viewer"}).content.decode()

    assert "2 of 4 people are invited" in page
    assert "This person is a member already." in page
    field = page[page.index("<textarea") : page.index("</textarea>")]
    assert "bad address" in field
    assert people.viewer.email in field
    assert "nia@example.org" not in field
    assert {row.email for row in Invitation.objects.all()} == {"nia@example.org", "kim@example.org"}

    fields = {"email": "lee@example.org;max@example.org", "role": "viewer"}
    members_page = client.post(f"{PAGE}invite/", fields, follow=True).content.decode()
    assert "2 people are invited" in members_page


def test_above_the_hourly_limit_each_address_says_so(people: People, signed_in: SignIn) -> None:
    typed = "\n".join(f"person-{number}@example.org" for number in range(22))
    fields = {"email": typed, "role": "viewer"}
    page = signed_in(people.manager).post(f"{PAGE}invite/", fields).content.decode()

    assert "20 of 22 people are invited" in page
    assert page.count("You sent 20 invitations within an hour") == 2
