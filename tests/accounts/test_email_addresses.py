"""An e-mail address has one form, through whichever door it comes."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from freddy_admin.accounts.auth.password_reset import password_reset_request_create
from freddy_admin.accounts.models import PasswordResetRequest, User, email_normalize
from freddy_admin.accounts.oidc.errors import OidcError
from freddy_admin.accounts.oidc.id_token import verified_email_from_claims
from freddy_admin.accounts.people import (
    admin_create,
    email_clean,
    person_get_by_email,
    person_get_or_create,
)
from freddy_admin.core.errors import InvalidInput
from tests.accounts.conftest import ACTOR, PASSWORD, sign_in
from tests.migrations import former_database, migrate_to, migrations_restore

FORMS = [
    "ada@bücher.example",
    "Ada@BÜCHER.Example",
    "ada@bu\u0308cher.example",
    "ada@xn--bcher-kva.example",
    "ADA@XN--BCHER-KVA.EXAMPLE",
    "\u00a0ada@bücher.example\n",
]
ADDRESS = "ada@xn--bcher-kva.example"


@pytest.mark.parametrize("text", FORMS)
def test_every_form_of_an_address_is_one_address(text: str) -> None:
    assert email_clean(text) == email_normalize(text) == ADDRESS


def test_a_sharp_s_is_not_two_letters() -> None:
    assert email_clean("ada@straße.example") != email_clean("ada@strasse.example")


@pytest.mark.parametrize(
    "text",
    [
        "ada\u200b@example.org",
        "\u200bada@example.org",
        "ada@exam\u00adple.org",
        "ada@example.org\u2060",
        "\ufeffada@example.org",
        "ada\u200d@example.org",
        "ad\x00a@example.org",
        "\u202eada@example.org",
    ],
)
def test_an_invisible_character_is_refused_as_such_and_finds_nobody(text: str) -> None:
    with pytest.raises(InvalidInput, match="invisible character") as error:
        email_clean(text)
    assert error.value.field == "email"
    assert email_normalize(text) != "ada@example.org"


@pytest.mark.parametrize(
    "text",
    [
        "ada",
        "@example.org",
        "ada@",
        "ada@xn--a.example",
        "ada@\uff45xample.org",
        "ada@example.or\u212a",
        "ada@ex ample.org",
        "ada@a..b",
        "é@example.org",
    ],
)
def test_a_text_that_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="an e-mail address like"):
        email_clean(text)


def test_a_text_far_too_long_is_not_worked_on() -> None:
    text = "ü" * 100_000 + "@example.org"
    assert email_normalize(text) == text
    with pytest.raises(InvalidInput):
        email_clean(text)


@pytest.mark.django_db
@pytest.mark.parametrize("text", FORMS[:5])
def test_a_person_is_found_by_every_form_and_made_once(client: Client, text: str) -> None:
    person = admin_create(actor=ACTOR, email=text, password=PASSWORD)
    assert person.email == ADDRESS
    for form in FORMS:
        assert person_get_by_email(email=form) == person
        assert person_get_or_create(actor=ACTOR, email=form, password=None) == (person, False)
        assert User.objects.get_by_natural_key(form) == person
    assert EmailAddress.objects.get().email == ADDRESS
    assert sign_in(client, "Ada@bücher.example")["Location"] == "/"


@pytest.mark.django_db
def test_a_reset_is_asked_for_by_every_form(client: Client) -> None:
    admin_create(actor=ACTOR, email=ADDRESS, password=PASSWORD)
    for form in FORMS:
        password_reset_request_create(email=form)
    assert PasswordResetRequest.objects.get().email == ADDRESS
    client.post("/accounts/password/reset/", {"email": "ADA@Bücher.example"})
    assert PasswordResetRequest.objects.get().email == ADDRESS
    assert mail.outbox == []  # the worker sends it


def test_single_sign_on_takes_the_same_form_and_no_lookalike() -> None:
    claims = {"email": "Ada@Bücher.example", "email_verified": True}
    assert verified_email_from_claims(claims) == ADDRESS
    for lookalike in ("ada@\uff45xample.org", "ada\u200b@example.org"):
        with pytest.raises(OidcError):
            verified_email_from_claims({"email": lookalike, "email_verified": True})


@pytest.mark.django_db(transaction=True)
def test_the_upgrade_gives_addresses_their_form_and_leaves_twins(
    capsys: pytest.CaptureFixture[str],
) -> None:
    apps = former_database(
        ("accounts", "0009_outbox"),
        ("organisations", "0004_outbox"),
        ("account", "0009_emailaddress_unique_primary_email"),
    )
    try:
        _former_rows_create(apps)
        apps = migrate_to(
            ("accounts", "0010_email_addresses"), ("organisations", "0005_addresses_and_names")
        )
        _assert_addresses_have_their_form(apps)
    finally:
        migrations_restore()
    assert "two@bücher.example" in capsys.readouterr().err


def _former_rows_create(apps: Any) -> None:
    people = apps.get_model("accounts", "User").objects
    for email in ("plain@example.org", "one@bücher.example", "two@bücher.example"):
        person = people.create(email=email, password="")
        apps.get_model("account", "EmailAddress").objects.create(
            user_id=person.pk, email=email, verified=True, primary=True
        )
    people.create(email="two@xn--bcher-kva.example", password="")
    apps.get_model("accounts", "PasswordResetRequest").objects.create(
        email="one@bücher.example", requested_at="2026-05-01T12:00Z"
    )
    organisations = apps.get_model("organisations", "Organisation").objects
    for slug, name in (("a", "Acme \u00a0 Inc"), ("b", "Bolt  AG"), ("c", "Bolt AG")):
        organisations.create(name=name, slug=slug)
    invitations = apps.get_model("organisations", "Invitation").objects
    for day, email in enumerate(("x@bücher.example", "x@xn--bcher-kva.example"), start=1):
        invitations.create(
            organisation_id=organisations.get(slug="a").pk,
            email=email,
            role="viewer",
            digest=f"digest {day}",
            created_at=f"2026-05-0{day}T12:00Z",
            requested_at=f"2026-05-0{day}T12:00Z",
            expires_at=f"2026-05-1{day}T12:00Z",
        )


def _assert_addresses_have_their_form(apps: Any) -> None:
    emails = set(apps.get_model("accounts", "User").objects.values_list("email", flat=True))
    assert emails == {
        "plain@example.org",
        "one@xn--bcher-kva.example",
        "two@bücher.example",  # the twin, which keeps its text
        "two@xn--bcher-kva.example",
    }
    email_addresses = apps.get_model("account", "EmailAddress").objects
    assert email_addresses.filter(email="one@xn--bcher-kva.example").exists()
    assert not apps.get_model("accounts", "PasswordResetRequest").objects.exists()
    names = dict(
        apps.get_model("organisations", "Organisation").objects.values_list("slug", "name")
    )
    assert names == {"a": "Acme Inc", "b": "Bolt  AG", "c": "Bolt AG"}
    open_invitations = apps.get_model("organisations", "Invitation").objects.filter(closed_at=None)
    assert [(row.email, row.digest) for row in open_invitations] == [
        ("x@xn--bcher-kva.example", "digest 2")
    ]
