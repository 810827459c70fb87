"""Invitations: who may be invited, how often, and when a link is valid."""

from datetime import timedelta

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from freddy_admin.core.models import OutboxMessage
from freddy_admin.organisations import invitations
from freddy_admin.organisations.invitation_acceptance import (
    invitation_accept,
    invitation_accept_with_new_account,
)
from freddy_admin.organisations.invitations import (
    INVITATIONS_PER_HOUR,
    invitation_create,
    invitation_get,
    invitation_get_by_token,
    invitation_resend,
    invitation_withdraw,
    invitations_prune,
    open_invitations_list,
    valid_invitations_list,
)
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.roles import Role
from tests.organisations.conftest import ACTOR, member_create, user_create
from tests.web.member_factories import create_invitation

pytestmark = pytest.mark.django_db

PASSWORD = "correct-horse-battery"


def invitation_create_for(
    organisation: Organisation, email: str = "new@example.org", *, actor: Actor = ACTOR
) -> Invitation:
    return invitation_create(organisation=organisation, actor=actor, email=email, role="operator")


def clock_moved(**timedelta_fields: float) -> object:
    moment = clock.now() + timedelta(**timedelta_fields)
    return clock.override_clock(lambda: moment)


def test_an_invitation_waits_for_its_mail_and_has_no_link_yet(organisation: Organisation) -> None:
    invitation = invitation_create_for(organisation, " New@Example.ORG ")

    assert (invitation.email, invitation.role, invitation.digest) == (
        "new@example.org",
        "operator",
        "",
    )
    message = OutboxMessage.objects.get()
    assert (message.kind, message.object_id) == ("invitation", invitation.pk)
    assert invitation.expires_at - invitation.created_at == timedelta(days=7)
    event = AuditEvent.objects.get()
    assert (event.tag, event.subject) == (AuditTag.MEMBER_INVITED, "new@example.org")


@pytest.mark.parametrize("email", ["", "x", "a b@example.org", "a@example.org\nBcc: b@example.org"])
def test_a_bad_address_is_refused_beside_its_field(email: str, organisation: Organisation) -> None:
    with pytest.raises(InvalidInput) as error:
        invitation_create_for(organisation, email)

    assert error.value.field == "email"


def test_members_and_invited_addresses_are_not_invited_again(
    organisation: Organisation, other_organisation: Organisation, viewer: User
) -> None:
    invitation_create_for(organisation)
    for email, words in ((viewer.email, "member already"), ("new@example.org", "invited already")):
        with pytest.raises(InvalidInput, match=words):
            invitation_create_for(organisation, email)
    # A member of one organisation can be invited by another one.
    assert invitation_create_for(other_organisation, viewer.email).pk


def test_an_expired_invitation_makes_room_for_a_new_one(organisation: Organisation) -> None:
    expired_invitation = invitation_create_for(organisation)
    with clock_moved(days=8):  # type: ignore[attr-defined]
        new_invitation = invitation_create_for(organisation)

    assert [invitation.pk for invitation in open_invitations_list(organisation=organisation)] == [
        new_invitation.pk
    ]
    assert new_invitation.pk != expired_invitation.pk


def test_a_person_sends_at_most_twenty_invitations_an_hour(
    organisation: Organisation, other_organisation: Organisation, manager: User
) -> None:
    actor = Actor(name="Manager", id=manager.pk)
    Membership.objects.create(organisation=other_organisation, user=manager, role=Role.MANAGER)
    colleague = member_create(organisation, "other", Role.MANAGER)
    for number in range(INVITATIONS_PER_HOUR):
        target = organisation if number % 2 else other_organisation
        invitation_create_for(target, f"p{number}@example.org", actor=actor)

    with pytest.raises(Conflict, match="within an hour"):
        invitation_create_for(organisation, "one-more@example.org", actor=actor)
    invitation_create_for(
        organisation, "colleague@example.org", actor=Actor("Other", id=colleague.pk)
    )
    with clock_moved(minutes=61):  # type: ignore[attr-defined]
        invitation_create_for(organisation, "one-more@example.org", actor=actor)


def test_resending_an_invitation_extends_it_by_seven_days(organisation: Organisation) -> None:
    invitation = invitation_create_for(organisation)
    with pytest.raises(Conflict, match="a moment ago"):
        invitation_resend(organisation=organisation, actor=ACTOR, invitation_id=invitation.pk)
    with clock_moved(days=6):  # type: ignore[attr-defined]
        resent = invitation_resend(
            organisation=organisation, actor=ACTOR, invitation_id=invitation.pk
        )
        assert resent.expires_at == clock.now() + timedelta(days=7)
        assert OutboxMessage.objects.get().next_attempt_at == clock.now()


def test_a_foreign_invitation_is_not_found_like_a_missing_one(
    organisation: Organisation, other_organisation: Organisation, django_assert_num_queries: object
) -> None:
    invitation, messages = invitation_create_for(other_organisation), set()
    for invitation_id in (invitation.pk, invitation.pk + 1_000):
        with django_assert_num_queries(1), pytest.raises(NotFound) as error:  # type: ignore[operator]
            invitation_get(organisation=organisation, invitation_id=invitation_id)
        messages.add(error.value.message)
        with pytest.raises(NotFound):
            invitation_withdraw(organisation=organisation, actor=ACTOR, invitation_id=invitation_id)
    assert len(messages) == 1


def test_used_withdrawn_expired_and_made_up_links_raise_the_same_error(
    organisation: Organisation, viewer: User, django_assert_num_queries: object
) -> None:
    __, used_link = create_invitation(organisation, "ada@example.org")
    invitation_accept(token=used_link, actor=ACTOR, user=user_create("ada"))
    withdrawn, withdrawn_link = create_invitation(organisation)
    invitation_withdraw(organisation=organisation, actor=ACTOR, invitation_id=withdrawn.pk)
    __, expired_link = create_invitation(organisation, expires_at=clock.now())

    messages = set()
    for link in (used_link, withdrawn_link, expired_link, "made-up", "", "\udcff", "x" * 10_000):
        with django_assert_num_queries(1), pytest.raises(NotFound) as error:  # type: ignore[operator]
            invitation_get_by_token(token=link)
        messages.add(error.value.message)
    assert len(messages) == 1


def test_a_person_with_an_account_accepts_an_invitation_with_it(organisation: Organisation) -> None:
    ada = user_create("ada")
    invitation, link = create_invitation(organisation, ada.email)
    organisation = invitation_accept(token=link, actor=Actor(name="Ada", id=ada.pk), user=ada)

    assert organisation == organisation
    assert Membership.objects.get(user=ada).role == Role.OPERATOR
    event = AuditEvent.objects.get()
    assert (event.tag, event.actor_id) == (AuditTag.INVITATION_ACCEPTED, ada.pk)
    assert event.details["invited_by"] == invitation.invited_by


def test_an_address_other_than_the_invited_one_cannot_accept(
    organisation: Organisation, stranger: User
) -> None:
    __, link = create_invitation(organisation)
    with pytest.raises(NotAllowed, match="another address"):
        invitation_accept(token=link, actor=ACTOR, user=stranger)

    assert invitation_get_by_token(token=link)


def test_an_invitation_never_lowers_a_role(organisation: Organisation, manager: User) -> None:
    __, link = create_invitation(organisation, manager.email, role=Role.VIEWER)
    invitation_accept(token=link, actor=ACTOR, user=manager)

    assert Membership.objects.get(user=manager).role == Role.MANAGER


def test_a_new_person_gets_an_account_with_a_verified_address(organisation: Organisation) -> None:
    __, link = create_invitation(organisation, "new@example.org")
    user = invitation_accept_with_new_account(
        token=link, actor=ACTOR, name=" Nia ", password=PASSWORD
    )

    assert (user.email, user.name, user.is_platform_admin) == (
        "new@example.org",
        "Nia",
        False,
    )
    assert user.emailaddress_set.get().verified
    assert user.check_password(PASSWORD)
    with pytest.raises(NotFound):
        invitation_accept_with_new_account(token=link, actor=ACTOR, name="Nia", password=PASSWORD)


@pytest.mark.parametrize(
    ("name", "password", "field"),
    [("", PASSWORD, "name"), ("a\u202eb", PASSWORD, "name"), ("Nia", "short", "password")],
)
def test_a_refused_acceptance_leaves_the_invitation_open(
    name: str, password: str, field: str, organisation: Organisation
) -> None:
    __, link = create_invitation(organisation, "new@example.org")
    with pytest.raises(InvalidInput) as error:
        invitation_accept_with_new_account(token=link, actor=ACTOR, name=name, password=password)

    assert error.value.field == field
    assert not User.objects.exists()
    assert invitation_get_by_token(token=link)


def test_an_invited_address_with_a_new_account_is_asked_to_sign_in(
    organisation: Organisation,
) -> None:
    __, link = create_invitation(organisation, "ada@example.org")
    user_create("ada")
    with pytest.raises(Conflict, match="sign in"):
        invitation_accept_with_new_account(token=link, actor=ACTOR, name="Ada", password=PASSWORD)


def test_a_deactivated_person_cannot_accept_an_invitation(organisation: Organisation) -> None:
    deactivated = user_create("off", active=False)
    __, link = create_invitation(organisation, deactivated.email)
    with pytest.raises(NotAllowed):
        invitation_accept(token=link, actor=ACTOR, user=deactivated)


def test_valid_invitations_of_an_address_are_listed_for_its_export(
    organisation: Organisation, other_organisation: Organisation
) -> None:
    create_invitation(organisation, "ada@example.org")
    create_invitation(other_organisation, "ada@example.org", closed_at=clock.now())

    (invitation,) = valid_invitations_list(email="ada@example.org")
    assert invitation.organisation == organisation


def test_the_operator_has_no_hourly_limit(organisation: Organisation) -> None:
    for number in range(INVITATIONS_PER_HOUR + 1):
        invitation_create_for(organisation, f"p{number}@example.org", actor=Actor(name="operator"))

    assert member_create(organisation, "after", Role.VIEWER)


@pytest.mark.usefixtures("trusted_clock")
def test_closed_and_expired_invitations_are_pruned_after_thirty_days(
    organisation: Organisation,
) -> None:
    used_invitation = invitation_create_for(organisation, "used@example.org")
    invitation_withdraw(organisation=organisation, actor=ACTOR, invitation_id=used_invitation.pk)
    invitation_create_for(organisation, "never@example.org")  # expires after seven days

    def emails_after_pruning(days: int) -> list[str]:
        with clock_moved(days=days):  # type: ignore[attr-defined]
            invitations_prune()
        return sorted(Invitation.objects.values_list("email", flat=True))

    assert emails_after_pruning(29) == ["never@example.org", "used@example.org"]
    assert emails_after_pruning(31) == ["never@example.org"]
    assert emails_after_pruning(38) == []
    assert AuditEvent.objects.filter(
        tag=AuditTag.INVITATION_WITHDRAWN, subject=used_invitation.email
    ).exists()


@pytest.mark.usefixtures("trusted_clock")
def test_invitations_are_pruned_in_batches(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "PRUNE_BATCH_SIZE", 2)
    for number in range(3):
        create_invitation(organisation, f"{number}@example.org")
    with clock_moved(days=40):  # type: ignore[attr-defined]
        assert [invitations_prune() for _ in range(3)] == [2, 1, 0]
