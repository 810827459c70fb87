"""People are created by commands and colleagues, and can sign in at once."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import authenticate
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import (
    admin_create,
    email_clean,
    person_get_by_email,
    person_get_or_create,
    profile_update,
)
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from tests.accounts.conftest import ACTOR, PASSWORD, sign_in
from tests.statement_hooks import before_first_statement

pytestmark = pytest.mark.django_db


def test_an_admin_can_sign_in_at_once(client: Client) -> None:
    admin = admin_create(actor=ACTOR, email=" Root@Example.ORG ", password=PASSWORD)

    assert (admin.email, admin.is_platform_admin, admin.is_staff) == (
        "root@example.org",
        True,
        True,
    )
    assert sign_in(client, "root@example.org")["Location"] == "/"
    address = EmailAddress.objects.get(user=admin)
    assert (address.verified, address.primary) == (True, True)


def test_creating_a_person_is_one_event_without_the_password() -> None:
    person_get_or_create(actor=ACTOR, email="ada@example.org", password=PASSWORD)

    (event,) = AuditEvent.objects.all()
    assert (event.tag, event.subject) == (AuditTag.PERSON_CREATED, "ada@example.org")
    assert PASSWORD not in str(event.details)


def test_a_person_who_exists_keeps_their_password(ada: User) -> None:
    person, is_new = person_get_or_create(
        actor=ACTOR, email="ADA@example.org", password="quite-another-one"
    )

    assert (person, is_new) == (ada, False)
    assert authenticate(None, email=ada.email, password=PASSWORD) == ada
    assert AuditEvent.objects.count() == 1


def test_a_second_admin_of_one_address_is_refused(ada: User) -> None:
    with pytest.raises(Conflict, match="already a person") as error:
        admin_create(actor=ACTOR, email="Ada@example.org", password=PASSWORD)

    assert error.value.field == "email"


@pytest.mark.parametrize("create", [admin_create, person_get_or_create])
def test_person_created_by_somebody_else_at_the_same_moment_is_a_conflict(
    create: Callable[..., object],
) -> None:
    rival = User(email="ada@example.org")
    with (
        before_first_statement('INSERT INTO "accounts_user"', rival.save),
        pytest.raises(Conflict, match="already a person"),
    ):
        create(actor=ACTOR, email="Ada@example.org", password=PASSWORD)
    assert rival.pk is not None
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "@example.org", "a b@example.org", "a\n@example.org", "x" * 300]
)
def test_a_bad_address_is_refused(email: str) -> None:
    with pytest.raises(InvalidInput) as error:
        person_get_or_create(actor=ACTOR, email=email, password=PASSWORD)

    assert error.value.field == "email"


@pytest.mark.parametrize("password", ["", "shrt", "password1234", "12345678901"])
def test_a_weak_password_is_refused_and_not_repeated(password: str) -> None:
    with pytest.raises(InvalidInput) as error:
        admin_create(actor=ACTOR, email="root@example.org", password=password)

    assert error.value.field == "password"
    assert not password or password not in error.value.message
    assert not User.objects.exists()


def test_a_person_without_a_password_cannot_sign_in_with_an_empty_one(client: Client) -> None:
    person_get_or_create(actor=ACTOR, email="ada@example.org", password=None)

    assert sign_in(client, "ada@example.org", "").status_code == 200


def test_people_are_found_whatever_the_case(ada: User) -> None:
    assert person_get_by_email(email=" ADA@example.org") == ada
    assert User.objects.get_by_natural_key("Ada@Example.org") == ada
    with pytest.raises(NotFound, match="no person"):
        person_get_by_email(email="nobody@example.org")


def test_a_person_is_called_by_name_or_address(ada: User) -> None:
    assert str(ada) == "ada@example.org"
    assert str(User(email="x@example.org", name="X")) == "X"


def update_profile(user: User, **fields: str) -> User:
    values: dict[str, Any] = {"name": "Ada", "time_zone": "Europe/Zurich", "theme": "dark"}
    return profile_update(actor=ACTOR, user=user, **(values | fields))


def test_a_profile_is_changed_with_one_event(ada: User) -> None:
    update_profile(ada, name=" Ada Lovelace ")
    ada.refresh_from_db()

    assert (ada.name, ada.time_zone, ada.theme) == ("Ada Lovelace", "Europe/Zurich", "dark")
    assert AuditEvent.objects.filter(tag=AuditTag.PERSON_CHANGED).count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", ""),
        ("theme", "pink"),
        ("name", "x" * 121),
        ("name", "a\u202eb"),
    ],
)
def test_invalid_profile_value_names_its_field(ada: User, field: str, value: str) -> None:
    with pytest.raises(InvalidInput) as error:
        update_profile(ada, **{field: value})

    assert error.value.field == field
    ada.refresh_from_db()
    assert (ada.name, ada.time_zone) == ("", "UTC")


def test_profile_name_may_be_left_out(ada: User) -> None:
    assert update_profile(ada, name="").name == ""


@pytest.mark.parametrize("email", ["\N{KELVIN SIGN}ate@example.org", "ada@ban\N{KELVIN SIGN}.org"])
def test_an_address_that_only_becomes_somebodys_in_lower_case_is_refused(email: str) -> None:
    assert email.lower().isascii()
    with pytest.raises(InvalidInput):
        email_clean(email)
