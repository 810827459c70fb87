"""Whether an address has an account: the search of the log takes one way and tells nothing."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from freddy_admin.accounts.models import User
from freddy_admin.audit import selectors
from freddy_admin.audit.services import Actor, Place, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.organisations.models import Organisation
from tests.web.conftest import People, SignIn

SEARCHES = ("/audit/?who={}", "/audit/?q={}", "/audit/?who={}&tag=key_paused", "/audit.csv?who={}")
EXISTS, DOES_NOT = "stranger@example.org", "nobodyat@example.org"


@pytest.fixture
def log(people: People, organisation: Organisation, other: Organisation) -> None:
    """Of both organisations, and much of whom the manager must not know."""
    actors = (people.manager, people.stranger, people.viewer)
    for number in range(30):
        person, place = actors[number % 3], (organisation, other)[number % 2]
        if person == people.stranger:
            place = other
        actor = Actor(f"{person.name} ({person.email})", id=person.pk)
        audit_record(tag=Tag.KEY_PAUSED, actor=actor, place=Place(place.pk, place.name))


def asked(client: Client, address: str) -> tuple[list[str], str]:
    """Shapes of the statements, and the page, without what was asked for."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
        text = answer.getvalue().decode()
    shapes = [re.sub(r"""'[^']*'|"s\d+_x\d+"|\b\d+\b""", "?", query["sql"]) for query in queries]
    return shapes, text


def plain(text: str, word: str) -> str:
    for own in (word, word.replace("@", "%40")):
        text = text.replace(own, "·")
    return re.sub(r'value="[\w-]{64}"|data-now="\d+"|\b[0-9a-f]{12}\b|(?m:^\d+(?=,))', "", text)


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("window", [5, 100_000], ids=["a short way back", "all of it"])
@pytest.mark.parametrize("who", ["viewer", "manager", "admin"])
def test_an_address_with_an_account_is_looked_for_in_the_statements_of_one_without(
    who: str,
    window: int,
    people: People,
    signed_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selectors, "WINDOW", window)
    client = signed_in(getattr(people, who))
    client.get("/audit/")  # what a first page writes of a session is no part of a search
    for search in SEARCHES:
        asked(client, search.format("a@b.example"))  # nor that of the first export
        there, page = asked(client, search.format(EXISTS))
        missing, other_page = asked(client, search.format(DOES_NOT))
        if who != "admin" or "csv" not in search:
            # What admins find differs, and so how far a file goes on; the way to it does not.
            assert there == missing
        if who != "admin":
            assert plain(page, EXISTS) == plain(other_page, DOES_NOT)


@pytest.mark.usefixtures("log")
def test_a_person_is_found_by_their_address_also_after_it_changed_or_went(
    people: People, signed_in: SignIn
) -> None:
    client = signed_in(people.manager)
    assert "Viewer" in client.get("/audit/?who=viewer@example.org").content.decode()
    User.objects.filter(pk=people.viewer.pk).update(email="new@example.org")
    page = client.get("/audit/?who=new@example.org").content.decode()
    assert "Viewer (viewer@example.org)" in page
    people.viewer.delete()
    page = client.get("/audit/?who=viewer@example.org").content.decode()
    assert "Viewer (viewer@example.org)" in page
