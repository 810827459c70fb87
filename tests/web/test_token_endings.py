"""What ends a panel token beside its own button, and what does not."""

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.test import Client

from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.accounts.people import person_admin_set
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import Tag
from freddy_admin.organisations.members import member_remove
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.services import member_set
from tests.accounts.conftest import PASSWORD
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.machines import Program

ACTOR = Actor("Ana")
EVERYWHERE = "/profile/sessions/end/"
NEW = {"password1": "other-words-42", "password2": "other-words-42"}


def works(program: Program) -> bool:
    return bool(program.get("statuses").status_code == 200)


def places(program: Program) -> set[str]:
    return {one["organisation_slug"] for one in program.get("statuses").json()["statuses"]}


def reset(user: User, **more: str) -> None:
    """By the mailed link."""
    client, uid = Client(), user_pk_to_url_str(user)
    key = default_token_generator.make_token(user)
    client.get(f"/accounts/password/reset/key/{uid}-{key}/")
    answer = client.post(f"/accounts/password/reset/key/{uid}-set-password/", NEW | more)
    assert answer["Location"] == "/accounts/password/reset/key/done/"


def test_a_changed_password_leaves_tokens_alone(people: People, signed_in: SignIn) -> None:
    people.viewer.set_password(PASSWORD)
    people.viewer.save()
    program, client = Program(people.viewer), signed_in(people.viewer)
    client.post("/accounts/password/change/", NEW | {"oldpassword": PASSWORD})
    people.viewer.refresh_from_db()
    assert people.viewer.check_password(NEW["password1"])
    assert works(program)


@pytest.mark.parametrize("ticked", [False, True])
def test_a_forgotten_password_takes_tokens_along_where_that_is_ticked(
    people: People, ticked: bool
) -> None:
    mine, other = Program(people.viewer), Program(people.manager)
    reset(people.viewer, **({"tokens": "on"} if ticked else {}))
    assert (works(mine), works(other)) == (not ticked, True)
    assert AuditEvent.objects.filter(tag=Tag.TOKEN_REVOKED).count() == ticked


def test_a_new_password_that_is_refused_revokes_nothing(people: People) -> None:
    program, uid = Program(people.viewer), user_pk_to_url_str(people.viewer)
    client, key = Client(), default_token_generator.make_token(people.viewer)
    client.get(f"/accounts/password/reset/key/{uid}-{key}/")
    short = {"password1": "short", "password2": "short", "tokens": "on"}
    answer = client.post(f"/accounts/password/reset/key/{uid}-set-password/", short)
    assert "checked" in answer.content.decode()
    assert works(program)


@pytest.mark.parametrize("here", [{}, {"here": "1"}])
def test_signing_out_everywhere_takes_tokens_along_where_that_is_ticked(
    people: People, signed_in: SignIn, here: dict[str, str]
) -> None:
    mine, other = [Program(people.viewer), Program(people.viewer)], Program(people.manager)
    signed_in(people.viewer).post(EVERYWHERE, here)
    assert [works(one) for one in mine] == [True, True]
    answer = signed_in(people.viewer).post(EVERYWHERE, here | {"tokens": "1"}, follow=True)
    assert [works(one) for one in (*mine, other)] == [False, False, True]
    assert ("Panel tokens revoked: 2." in answer.content.decode()) == (not here)
    events = AuditEvent.objects.filter(tag=Tag.TOKEN_REVOKED)
    assert {event.actor_id for event in events} == {people.viewer.pk}
    assert ApiToken.objects.count() == 1


def test_who_was_taken_out_and_comes_back_makes_their_tokens_anew(
    people: People, organisation: Organisation, other: Organisation, make_key: MakeKey
) -> None:
    make_key("Here")
    make_key("There", at=other)
    member_set(organisation=other, actor=ACTOR, user=people.viewer, role="viewer")
    narrow = Program(people.viewer, only=[organisation, other])
    everywhere = Program(people.viewer)
    member_remove(organisation=organisation, actor=ACTOR, user_id=people.viewer.pk)
    assert (places(narrow), places(everywhere)) == ({"birch"}, {"birch"})
    member_set(organisation=organisation, actor=ACTOR, user=people.viewer, role="manager")
    # One for all organisations says so, and is for those of tomorrow, too.
    assert (places(narrow), places(everywhere)) == ({"birch"}, {"alder", "birch"})


def test_a_token_of_somebodys_time_as_an_admin_is_not_woken_by_a_membership(
    people: People, other: Organisation, make_key: MakeKey
) -> None:
    make_key("There", at=other)
    person_admin_set(actor=ACTOR, person_id=people.viewer.pk, is_admin=True)
    people.viewer.refresh_from_db()
    narrow = Program(people.viewer, only=[other])
    assert places(narrow) == {"birch"}
    person_admin_set(actor=ACTOR, person_id=people.viewer.pk, is_admin=False)
    assert places(narrow) == set()
    people.viewer.refresh_from_db()
    member_set(organisation=other, actor=ACTOR, user=people.viewer, role="manager")
    assert places(narrow) == set()


def test_a_platform_admin_who_leaves_an_organisation_keeps_theirs(
    people: People, organisation: Organisation, make_key: MakeKey
) -> None:
    make_key("Here")
    member_set(organisation=organisation, actor=ACTOR, user=people.admin, role="viewer")
    narrow = Program(people.admin, only=[organisation])
    member_remove(organisation=organisation, actor=ACTOR, user_id=people.admin.pk)
    assert places(narrow) == {"alder"}
