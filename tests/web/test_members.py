"""The members page: who sees what, and what managers do there."""

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import MakeKey, People, SignIn, confirm, is_asked
from tests.web.membership import invitation_made, member_made, text

PAGE = "/organisations/alder/members/"


def test_everybody_sees_names_and_roles_and_managers_more(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    invitation_made(organisation, "nia@example.org")
    small = text(signed_in(people.operator), PAGE)
    large = text(signed_in(people.manager), PAGE)

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
    told = manager.post(f"{PAGE}{people.viewer.pk}/", {"role": "manager"}, follow=True)

    assert "Viewer is manager now." in told.content.decode()
    assert viewer.get("/organisations/alder/keys/add/").status_code == 200
    manager.post(f"{PAGE}{people.viewer.pk}/", {"role": "viewer"})
    assert viewer.get("/organisations/alder/keys/add/").status_code == 403


@pytest.mark.parametrize("role", ["", "owner", "platform_admin"])
def test_no_other_role_can_be_sent(role: str, people: People, signed_in: SignIn) -> None:
    answer = signed_in(people.manager).post(f"{PAGE}{people.viewer.pk}/", {"role": role})

    assert 'id="id_role_error"' in answer.content.decode()
    assert Membership.objects.get(user=people.viewer).role == Role.VIEWER


def test_more_fields_than_the_form_has_change_nothing(people: People, signed_in: SignIn) -> None:
    sent = {"role": "operator", "is_platform_admin": "on", "organisation": "2", "user": "1"}
    signed_in(people.manager).post(f"{PAGE}{people.viewer.pk}/", sent)
    people.viewer.refresh_from_db()

    assert not people.viewer.is_platform_admin
    assert Membership.objects.get(user=people.viewer).organisation.slug == "alder"


def test_somebody_removed_is_out_with_the_next_request_and_owns_no_key(
    people: People, signed_in: SignIn, make_key: MakeKey, other: Organisation
) -> None:
    key = make_key(key={"owner": people.operator})
    Membership.objects.create(organisation=other, user=people.operator, role="operator")
    elsewhere = make_key(at=other, key={"owner": people.operator})
    client = signed_in(people.operator)
    assert client.get("/organisations/alder/").status_code == 200
    path = f"{PAGE}{people.operator.pk}/remove/"
    assert "What goes" in text(signed_in(people.manager), path)
    signed_in(people.manager).post(path)

    assert client.get("/organisations/alder/").status_code == 404
    assert "Alder" not in text(client, "/")
    owners = dict(ApiKey.objects.values_list("pk", "owner"))
    assert owners == {key.pk: None, elsewhere.pk: people.operator.pk}
    audit = text(signed_in(people.manager), "/audit/")
    assert "removed a member" in audit
    assert "operator@example.org → nothing" in audit


def test_everybody_may_leave_apart_from_the_last_manager(people: People, signed_in: SignIn) -> None:
    viewer, manager = signed_in(people.viewer), signed_in(people.manager)
    assert "Leave this organisation" in text(viewer, PAGE)
    told = viewer.post("/organisations/alder/leave/", follow=True).content.decode()
    assert "You left Alder." in told
    assert viewer.get(PAGE).status_code == 404

    assert "The last manager cannot go" in text(manager, "/organisations/alder/leave/")
    told = manager.post("/organisations/alder/leave/", follow=True).content.decode()
    assert "is the last manager here" in told
    sent = {"role": "viewer"}
    page = manager.post(f"{PAGE}{people.manager.pk}/", sent).content.decode()
    assert "is the last manager here" in page


def test_a_platform_admin_sets_right_an_organisation_without_a_manager(
    people: People, signed_in: SignIn
) -> None:
    User.objects.filter(pk=people.manager.pk).delete()
    signed_in(people.admin).post(f"{PAGE}{people.viewer.pk}/", {"role": "manager"})

    assert signed_in(people.viewer).get(f"{PAGE}invite/").status_code == 200


def test_an_address_is_invited_and_waits_for_the_worker(people: People, signed_in: SignIn) -> None:
    client = signed_in(people.manager)
    sent = {"email": "Nia@Example.org", "role": "operator"}
    page = client.post(f"{PAGE}invite/", sent, follow=True).content.decode()

    assert "nia@example.org is invited" in page
    assert "Goes out in a moment" in page
    again = client.post(f"{PAGE}invite/", sent).content.decode()
    assert "invited already" in again[again.index('id="id_email_error"') :]


def test_an_invitation_is_withdrawn_or_sent_again(
    people: People, signed_in: SignIn, organisation: Organisation, hand_clock: object
) -> None:
    made, link = invitation_made(organisation, "nia@example.org")
    client, page = signed_in(people.manager), f"/organisations/alder/invitations/{made.pk}/"
    assert "a moment ago" in client.post(page, {"do": "resend"}, follow=True).content.decode()
    hand_clock.forward(minutes=6)  # type: ignore[attr-defined]
    told = client.post(page, {"do": "resend"}, follow=True).content.decode()
    assert "sent again in a moment" in told
    told = client.post(page, {"do": "withdraw"}, follow=True).content.decode()
    assert "was withdrawn" in told
    assert "Open invitations" not in told
    assert client.get(page).status_code == 404
    assert Client().get(f"/invitations/{link}/").status_code == 404


def test_one_that_was_not_sent_says_so(
    people: People, signed_in: SignIn, organisation: Organisation, hand_clock: object
) -> None:
    at = hand_clock()  # type: ignore[operator]
    invitation_made(organisation, sent_at=None, attempts=2, next_attempt_at=at)
    invitation_made(organisation, expires_at=at)
    page = text(signed_in(people.manager), PAGE)

    assert "Not sent yet, next try at 12:00" in page
    assert "Expired" in page


@pytest.mark.parametrize("path", ["invite/", "{viewer}/", "{viewer}/remove/"])
def test_what_changes_members_needs_a_recent_confirmation(
    path: str, people: People, signed_in: SignIn
) -> None:
    client = signed_in(people.manager)
    confirm(client, people.manager, minutes_ago=16)
    page = PAGE + path.format(viewer=people.viewer.pk)
    answer = client.post(page, {"role": "manager", "email": "nia@example.org"})

    assert is_asked(answer)
    assert Membership.objects.get(user=people.viewer).role == Role.VIEWER
    assert not Invitation.objects.exists()


def test_names_are_never_markup(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    member_made(organisation, name="<script>alert(1)</script>")
    page = text(signed_in(people.manager), PAGE)

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
