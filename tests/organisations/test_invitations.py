"""Invitations: who may be invited, how often, and what a link is good for."""

from datetime import timedelta

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from freddy_admin.organisations import invitations
from freddy_admin.organisations.accepting import invitation_accept, invitation_accept_as_new
from freddy_admin.organisations.invitations import (
    PER_HOUR,
    invitation_create,
    invitation_find,
    invitation_get,
    invitation_resend,
    invitation_withdraw,
    invitations_open,
    invitations_prune,
    invitations_to,
)
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.roles import Role
from tests.organisations.conftest import ACTOR, enrolled, person
from tests.web.membership import invitation_made

pytestmark = pytest.mark.django_db

PASSWORD = "correct-horse-battery"


def invite(organisation: Organisation, email: str = "new@example.org", **who: Actor) -> Invitation:
    actor = who.get("actor", ACTOR)
    return invitation_create(organisation=organisation, actor=actor, email=email, role="operator")


def later(**span: float) -> object:
    at = clock.now() + timedelta(**span)
    return clock.using(lambda: at)


def test_an_invitation_waits_for_its_mail_and_has_no_link_yet(organisation: Organisation) -> None:
    made = invite(organisation, " New@Example.ORG ")

    assert (made.email, made.role, made.digest) == ("new@example.org", "operator", "")
    assert made.next_attempt_at is not None
    assert made.expires_at - made.created_at == timedelta(days=7)
    event = AuditEvent.objects.get()
    assert (event.tag, event.subject) == (Tag.MEMBER_INVITED, "new@example.org")


@pytest.mark.parametrize("email", ["", "x", "a b@example.org", "a@example.org\nBcc: b@example.org"])
def test_a_bad_address_is_refused_beside_its_field(email: str, organisation: Organisation) -> None:
    with pytest.raises(InvalidInput) as refused:
        invite(organisation, email)

    assert refused.value.field == "email"


def test_members_and_the_invited_are_not_invited_again(
    organisation: Organisation, other: Organisation, member: User
) -> None:
    invite(organisation)
    for email, words in ((member.email, "member already"), ("new@example.org", "invited already")):
        with pytest.raises(InvalidInput, match=words):
            invite(organisation, email)
    # What another organisation does is no business of this one.
    assert invite(other, member.email).pk


def test_an_expired_invitation_makes_room_for_a_new_one(organisation: Organisation) -> None:
    first = invite(organisation)
    with later(days=8):  # type: ignore[attr-defined]
        second = invite(organisation)

    assert [one.pk for one in invitations_open(organisation=organisation)] == [second.pk]
    assert second.pk != first.pk


def test_one_person_invites_so_many_in_an_hour_and_no_more(
    organisation: Organisation, other: Organisation, manager: User
) -> None:
    own = Actor(name="Manager", id=manager.pk)
    Membership.objects.create(organisation=other, user=manager, role=Role.MANAGER)
    colleague = enrolled(organisation, "other", Role.MANAGER)
    for number in range(PER_HOUR):
        place = organisation if number % 2 else other
        invite(place, f"p{number}@example.org", actor=own)

    with pytest.raises(Conflict, match="within an hour"):
        invite(organisation, "one-more@example.org", actor=own)
    invite(organisation, "colleague@example.org", actor=Actor("Other", id=colleague.pk))
    with later(minutes=61):  # type: ignore[attr-defined]
        invite(organisation, "one-more@example.org", actor=own)


def test_sending_again_makes_it_good_for_seven_days_more(organisation: Organisation) -> None:
    made = invite(organisation)
    with pytest.raises(Conflict, match="a moment ago"):
        invitation_resend(organisation=organisation, actor=ACTOR, invitation_id=made.pk)
    with later(days=6):  # type: ignore[attr-defined]
        again = invitation_resend(organisation=organisation, actor=ACTOR, invitation_id=made.pk)
        assert again.expires_at == clock.now() + timedelta(days=7)
        assert again.next_attempt_at == clock.now()


def test_a_foreign_invitation_is_as_missing_as_none(
    organisation: Organisation, other: Organisation, django_assert_num_queries: object
) -> None:
    made, told = invite(other), set()
    for number in (made.pk, made.pk + 1_000):
        with django_assert_num_queries(1), pytest.raises(NotFound) as refused:  # type: ignore[operator]
            invitation_get(organisation=organisation, invitation_id=number)
        told.add(refused.value.message)
        with pytest.raises(NotFound):
            invitation_withdraw(organisation=organisation, actor=ACTOR, invitation_id=number)
    assert len(told) == 1


def test_a_link_that_is_used_withdrawn_expired_or_made_up_is_the_same_nothing(
    organisation: Organisation, member: User, django_assert_num_queries: object
) -> None:
    __, used_link = invitation_made(organisation, "ada@example.org")
    invitation_accept(token=used_link, actor=ACTOR, user=person("ada"))
    withdrawn, withdrawn_link = invitation_made(organisation)
    invitation_withdraw(organisation=organisation, actor=ACTOR, invitation_id=withdrawn.pk)
    __, expired_link = invitation_made(organisation, expires_at=clock.now())

    told = set()
    for link in (used_link, withdrawn_link, expired_link, "made-up", "", "\udcff", "x" * 10_000):
        with django_assert_num_queries(1), pytest.raises(NotFound) as refused:  # type: ignore[operator]
            invitation_find(token=link)
        told.add(refused.value.message)
    assert len(told) == 1


def test_a_person_with_an_account_comes_in_with_it(organisation: Organisation) -> None:
    ada = person("ada")
    made, link = invitation_made(organisation, ada.email)
    place = invitation_accept(token=link, actor=Actor(name="Ada", id=ada.pk), user=ada)

    assert place == organisation
    assert Membership.objects.get(user=ada).role == Role.OPERATOR
    event = AuditEvent.objects.get()
    assert (event.tag, event.actor_id) == (Tag.INVITATION_ACCEPTED, ada.pk)
    assert event.details["invited_by"] == made.invited_by


def test_another_address_than_the_invited_one_stays_outside(
    organisation: Organisation, stranger: User
) -> None:
    __, link = invitation_made(organisation)
    with pytest.raises(NotAllowed, match="another address"):
        invitation_accept(token=link, actor=ACTOR, user=stranger)

    assert invitation_find(token=link)


def test_an_invitation_lowers_nobody(organisation: Organisation, manager: User) -> None:
    __, link = invitation_made(organisation, manager.email, role=Role.VIEWER)
    invitation_accept(token=link, actor=ACTOR, user=manager)

    assert Membership.objects.get(user=manager).role == Role.MANAGER


def test_a_new_person_gets_an_account_with_a_verified_address(organisation: Organisation) -> None:
    __, link = invitation_made(organisation, "new@example.org")
    made = invitation_accept_as_new(token=link, actor=ACTOR, name=" Nia ", password=PASSWORD)

    assert (made.email, made.name, made.is_platform_admin) == ("new@example.org", "Nia", False)
    assert made.emailaddress_set.get().verified
    assert made.check_password(PASSWORD)
    with pytest.raises(NotFound):
        invitation_accept_as_new(token=link, actor=ACTOR, name="Nia", password=PASSWORD)


@pytest.mark.parametrize(
    ("name", "password", "field"),
    [("", PASSWORD, "name"), ("a\u202eb", PASSWORD, "name"), ("Nia", "short", "password")],
)
def test_what_is_refused_uses_nothing_up(
    name: str, password: str, field: str, organisation: Organisation
) -> None:
    __, link = invitation_made(organisation, "new@example.org")
    with pytest.raises(InvalidInput) as refused:
        invitation_accept_as_new(token=link, actor=ACTOR, name=name, password=password)

    assert refused.value.field == field
    assert not User.objects.exists()
    assert invitation_find(token=link)


def test_an_address_that_got_an_account_meanwhile_signs_in_with_it(
    organisation: Organisation,
) -> None:
    __, link = invitation_made(organisation, "ada@example.org")
    person("ada")
    with pytest.raises(Conflict, match="sign in"):
        invitation_accept_as_new(token=link, actor=ACTOR, name="Ada", password=PASSWORD)


def test_somebody_switched_off_does_not_come_in(organisation: Organisation) -> None:
    off = person("off", active=False)
    __, link = invitation_made(organisation, off.email)
    with pytest.raises(NotAllowed):
        invitation_accept(token=link, actor=ACTOR, user=off)


def test_what_waits_for_an_address_is_found_for_its_export(
    organisation: Organisation, other: Organisation
) -> None:
    invitation_made(organisation, "ada@example.org")
    invitation_made(other, "ada@example.org", ended_at=clock.now())

    (found,) = invitations_to(email="ada@example.org")
    assert found.organisation == organisation


def test_the_operator_is_not_held_back(organisation: Organisation) -> None:
    for number in range(PER_HOUR + 1):
        invite(organisation, f"p{number}@example.org", actor=Actor(name="operator"))

    assert enrolled(organisation, "after", Role.VIEWER)


@pytest.mark.usefixtures("believed_clock")
def test_what_became_of_it_is_forgotten_after_thirty_days(organisation: Organisation) -> None:
    used = invite(organisation, "used@example.org")
    invitation_withdraw(organisation=organisation, actor=ACTOR, invitation_id=used.pk)
    invite(organisation, "never@example.org")  # good for seven days, which it was not used in

    def left(days: int) -> list[str]:
        with later(days=days):  # type: ignore[attr-defined]
            invitations_prune()
        return sorted(Invitation.objects.values_list("email", flat=True))

    assert left(29) == ["never@example.org", "used@example.org"]
    assert left(31) == ["never@example.org"]
    assert left(38) == []
    assert AuditEvent.objects.filter(tag=Tag.INVITATION_WITHDRAWN, subject=used.email).exists()


@pytest.mark.usefixtures("believed_clock")
def test_they_go_a_few_at_a_time(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "PRUNED_AT_ONCE", 2)
    for number in range(3):
        invitation_made(organisation, f"{number}@example.org")
    with later(days=40):  # type: ignore[attr-defined]
        assert [invitations_prune() for _ in range(3)] == [2, 1, 0]
