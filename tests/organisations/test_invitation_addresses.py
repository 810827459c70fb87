"""Several people invited at once: what counts as an address, and an outcome for each."""

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import InvalidInput
from freddy_admin.core.models import OutboxMessage
from freddy_admin.organisations.invitation_addresses import addresses_split, invitations_create
from freddy_admin.organisations.models import Invitation, Organisation
from tests.organisations.conftest import ACTOR


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("ada@example.org", ["ada@example.org"]),
        ("ada@example.org, bob@example.org", ["ada@example.org", "bob@example.org"]),
        ("ada@example.org;bob@example.org;", ["ada@example.org", "bob@example.org"]),
        ("ada@example.org\r\n\r\nbob@example.org\r\n", ["ada@example.org", "bob@example.org"]),
        ("ada@example.org bob@example.org", ["ada@example.org", "bob@example.org"]),
        ("Ada Lovelace <ada@example.org>", ["ada@example.org"]),
        (
            '"Lovelace, Ada" <ada@example.org>, <bob@example.org>',
            ["ada@example.org", "bob@example.org"],
        ),
        (
            "Lovelace, Ada <ada@example.org>; Byron, Bob <bob@example.org>",
            ["ada@example.org", "bob@example.org"],
        ),
        (
            "Ada Lovelace\tada@example.org\nBob\tbob@example.org",
            ["ada@example.org", "bob@example.org"],
        ),
        ("mailto:ada@example.org", ["ada@example.org"]),
        ("ada@example.org, ADA@Example.org", ["ada@example.org"]),
        ("Ada, bob@example.org", ["Ada", "bob@example.org"]),
        ("bob@example.org, Ada", ["bob@example.org", "Ada"]),
        ("Ada <ada@example.org", ["ada@example.org"]),
        (" ,;\n ", []),
        ("@", ["@"]),
    ],
)
def test_the_addresses_of_a_typed_list(text: str, addresses: list[str]) -> None:
    assert addresses_split(text) == addresses


@pytest.mark.django_db
def test_each_address_has_its_outcome_and_the_good_ones_are_invited(
    organisation: Organisation,
) -> None:
    outcomes = invitations_create(
        organisation=organisation,
        actor=ACTOR,
        emails="Ada <ada@example.org>; no address; bob@Bücher.example\nada@example.org",
        role="viewer",
    )
    assert [(outcome.address, bool(outcome.problem)) for outcome in outcomes] == [
        ("ada@example.org", False),
        ("no address", True),
        ("bob@xn--bcher-kva.example", False),
    ]
    assert Invitation.objects.count() == OutboxMessage.objects.count() == 2
    assert AuditEvent.objects.filter(tag=AuditTag.MEMBER_INVITED).count() == 2
    [outcome] = invitations_create(
        organisation=organisation, actor=ACTOR, emails="bob@xn--bcher-kva.example", role="viewer"
    )
    assert "invited already" in outcome.problem


@pytest.mark.django_db
def test_a_list_without_or_with_too_many_addresses_invites_nobody(
    organisation: Organisation,
) -> None:
    many = ",".join(f"p{number}@example.org" for number in range(101))
    for emails, words in ((" , ", "Fill this in"), (many, "at most 100")):
        with pytest.raises(InvalidInput, match=words):
            invitations_create(organisation=organisation, actor=ACTOR, emails=emails, role="viewer")
    with pytest.raises(InvalidInput):
        invitations_create(
            organisation=organisation, actor=ACTOR, emails="ada@example.org", role="king"
        )
    assert not Invitation.objects.exists()
