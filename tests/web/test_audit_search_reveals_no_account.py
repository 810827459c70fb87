"""The audit search runs alike whether an e-mail address has an account or not."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from freddy_admin.accounts.models import User
from freddy_admin.audit import selectors
from freddy_admin.audit.services import Actor, OrganisationRef, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.organisations.models import Organisation
from tests.web.conftest import People, SignIn

SEARCHES = ("/audit/?who={}", "/audit/?q={}", "/audit/?who={}&tag=key_paused", "/audit.csv?who={}")
EXISTS, DOES_NOT = "stranger@example.org", "nobodyat@example.org"


@pytest.fixture
def log(people: People, organisation: Organisation, other_organisation: Organisation) -> None:
    """Events of both organisations, many by people whom the manager must not know."""
    actors = (people.manager, people.stranger, people.viewer)
    for number in range(30):
        person = actors[number % 3]
        place_organisation = (organisation, other_organisation)[number % 2]
        if person == people.stranger:
            place_organisation = other_organisation
        actor = Actor(f"{person.name} ({person.email})", id=person.pk)
        audit_event_record(
            tag=AuditTag.KEY_PAUSED,
            actor=actor,
            organisation=OrganisationRef(place_organisation.pk, place_organisation.name),
        )


def search_statements(client: Client, address: str) -> tuple[list[str], str]:
    """The SQL statements and the page of a search, without the searched text."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
        text = answer.getvalue().decode()
    shapes = [re.sub(r"""'[^']*'|"s\d+_x\d+"|\b\d+\b""", "?", query["sql"]) for query in queries]
    return shapes, text


def plain(text: str, word: str) -> str:
    for spelling in (word, word.replace("@", "%40")):
        text = text.replace(spelling, "·")
    return re.sub(r'value="[\w-]{64}"|data-now="\d+"|\b[0-9a-f]{12}\b|(?m:^\d+(?=,))', "", text)


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("window", [5, 100_000], ids=["a short way back", "all of it"])
@pytest.mark.parametrize("role", ["viewer", "manager", "admin"])
def test_search_runs_the_same_statements_with_and_without_an_account(
    role: str,
    window: int,
    people: People,
    signed_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selectors, "SEARCH_WINDOW_EVENTS", window)
    client = signed_in(getattr(people, role))
    client.get("/audit/")  # a first page writes its session, which is no part of the search
    for search in SEARCHES:
        search_statements(
            client, search.format("a@b.example")
        )  # the first export writes its session, too
        statements, page = search_statements(client, search.format(EXISTS))
        statements_without_account, other_page = search_statements(client, search.format(DOES_NOT))
        if role != "admin" or "csv" not in search:
            # Admins find more events, so their export runs more statements, but of the same kind.
            assert statements == statements_without_account
        if role != "admin":
            assert plain(page, EXISTS) == plain(other_page, DOES_NOT)


@pytest.mark.usefixtures("log")
def test_events_of_a_person_are_found_by_email_after_it_changed_or_was_deleted(
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
