"""What revokes an API token apart from its own button, and what does not."""

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.test import Client

from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.accounts.people import person_set_platform_admin
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import AuditTag
from freddy_admin.organisations.members import member_remove
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.services import member_ensure
from tests.accounts.conftest import PASSWORD
from tests.api.api_client import ApiClient
from tests.web.conftest import MakeKey, People, SignIn

ACTOR = Actor("Ana")
EVERYWHERE = "/profile/sessions/end/"
NEW = {"password1": "other-words-42", "password2": "other-words-42"}


def is_token_accepted(program: ApiClient) -> bool:
    return bool(program.get("statuses").status_code == 200)


def organisation_slugs(program: ApiClient) -> set[str]:
    return {status["organisation_slug"] for status in program.get("statuses").json()["statuses"]}


def reset_password(user: User, **more: str) -> None:
    """Set a new password by the mailed link."""
    client, uid = Client(), user_pk_to_url_str(user)
    key = default_token_generator.make_token(user)
    client.get(f"/accounts/password/reset/key/{uid}-{key}/")
    answer = client.post(f"/accounts/password/reset/key/{uid}-set-password/", NEW | more)
    assert answer["Location"] == "/accounts/password/reset/key/done/"


def test_changed_password_keeps_api_tokens(people: People, signed_in: SignIn) -> None:
    people.viewer.set_password(PASSWORD)
    people.viewer.save()
    program, client = ApiClient(people.viewer), signed_in(people.viewer)
    client.post("/accounts/password/change/", NEW | {"oldpassword": PASSWORD})
    people.viewer.refresh_from_db()
    assert people.viewer.check_password(NEW["password1"])
    assert is_token_accepted(program)


@pytest.mark.parametrize("is_ticked", [False, True])
def test_password_reset_revokes_api_tokens_where_that_is_ticked(
    people: People, is_ticked: bool
) -> None:
    own_program, other_program = ApiClient(people.viewer), ApiClient(people.manager)
    reset_password(people.viewer, **({"tokens": "on"} if is_ticked else {}))
    assert (is_token_accepted(own_program), is_token_accepted(other_program)) == (
        not is_ticked,
        True,
    )
    assert AuditEvent.objects.filter(tag=AuditTag.TOKEN_REVOKED).count() == is_ticked


def test_refused_new_password_revokes_no_token(people: People) -> None:
    program, uid = ApiClient(people.viewer), user_pk_to_url_str(people.viewer)
    client, key = Client(), default_token_generator.make_token(people.viewer)
    client.get(f"/accounts/password/reset/key/{uid}-{key}/")
    short_password_fields = {"password1": "short", "password2": "short", "tokens": "on"}
    answer = client.post(f"/accounts/password/reset/key/{uid}-set-password/", short_password_fields)
    assert "checked" in answer.content.decode()
    assert is_token_accepted(program)


@pytest.mark.parametrize("current_session_fields", [{}, {"here": "1"}])
def test_signing_out_everywhere_revokes_api_tokens_where_that_is_ticked(
    people: People, signed_in: SignIn, current_session_fields: dict[str, str]
) -> None:
    own_programs = [ApiClient(people.viewer), ApiClient(people.viewer)]
    other_program = ApiClient(people.manager)
    signed_in(people.viewer).post(EVERYWHERE, current_session_fields)
    assert [is_token_accepted(program) for program in own_programs] == [True, True]
    answer = signed_in(people.viewer).post(
        EVERYWHERE, current_session_fields | {"tokens": "1"}, follow=True
    )
    assert [is_token_accepted(program) for program in (*own_programs, other_program)] == [
        False,
        False,
        True,
    ]
    assert ("Panel tokens revoked: 2." in answer.content.decode()) == (not current_session_fields)
    events = AuditEvent.objects.filter(tag=AuditTag.TOKEN_REVOKED)
    assert {event.actor_id for event in events} == {people.viewer.pk}
    assert ApiToken.objects.count() == 1


def test_removed_member_who_comes_back_needs_a_new_token(
    people: People, organisation: Organisation, other_organisation: Organisation, make_key: MakeKey
) -> None:
    make_key("Here")
    make_key("There", at=other_organisation)
    member_ensure(organisation=other_organisation, actor=ACTOR, user=people.viewer, role="viewer")
    program = ApiClient(people.viewer, only=[organisation, other_organisation])
    everywhere = ApiClient(people.viewer)
    member_remove(organisation=organisation, actor=ACTOR, user_id=people.viewer.pk)
    assert (organisation_slugs(program), organisation_slugs(everywhere)) == ({"birch"}, {"birch"})
    member_ensure(organisation=organisation, actor=ACTOR, user=people.viewer, role="manager")
    # A token for all organisations covers those joined later, too.
    assert (organisation_slugs(program), organisation_slugs(everywhere)) == (
        {"birch"},
        {"alder", "birch"},
    )


def test_token_of_a_former_admin_is_not_revived_by_a_membership(
    people: People, other_organisation: Organisation, make_key: MakeKey
) -> None:
    make_key("There", at=other_organisation)
    person_set_platform_admin(actor=ACTOR, person_id=people.viewer.pk, is_admin=True)
    people.viewer.refresh_from_db()
    program = ApiClient(people.viewer, only=[other_organisation])
    assert organisation_slugs(program) == {"birch"}
    person_set_platform_admin(actor=ACTOR, person_id=people.viewer.pk, is_admin=False)
    assert organisation_slugs(program) == set()
    people.viewer.refresh_from_db()
    member_ensure(organisation=other_organisation, actor=ACTOR, user=people.viewer, role="manager")
    assert organisation_slugs(program) == set()


def test_platform_admin_who_leaves_an_organisation_keeps_their_tokens(
    people: People, organisation: Organisation, make_key: MakeKey
) -> None:
    make_key("Here")
    member_ensure(organisation=organisation, actor=ACTOR, user=people.admin, role="viewer")
    program = ApiClient(people.admin, only=[organisation])
    member_remove(organisation=organisation, actor=ACTOR, user_id=people.admin.pk)
    assert organisation_slugs(program) == {"alder"}
