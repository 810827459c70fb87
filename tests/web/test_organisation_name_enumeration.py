"""Names of other organisations can be probed only a few times an hour, and never unaudited."""

import re

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR
from freddy_admin.audit.tags import AuditTag
from freddy_admin.organisations.models import Invitation, Organisation
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.services.keys import api_key_create
from tests.vault.import_draft_data import csv_bytes, secret
from tests.web.conftest import HandClock, People, SignIn

RENAME = "/organisations/alder/rename/"
REFUSED = AuditTag.ORGANISATION_RENAME_REFUSED


@pytest.fixture
def manager_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


def refused_renames() -> list[tuple[str, dict[str, object]]]:
    events = AuditEvent.objects.filter(tag=REFUSED).order_by("pk")
    return [(event.subject, event.details) for event in events]


def test_five_organisation_names_an_hour_can_be_tried(
    manager_client: Client,
    other_organisation: Organisation,
    organisation: Organisation,
    hand_clock: HandClock,
) -> None:
    names = ["Birch", "birch", "Alder One", "BIRCH", "Alder Two"]
    answers = [manager_client.post(RENAME, {"name": name}).status_code for name in names]
    assert answers == [200, 200, 302, 200, 302]

    for name in ("Birch", "Alder Three"):
        answer = manager_client.post(RENAME, {"name": name})
        page = answer.content.decode()
        assert answer.status_code == 429
        assert 0 < int(answer["Retry-After"]) <= 3600
        assert "minutes, then try again" in page
        assert f'value="{name}"' in page
        assert "already an organisation" not in page
    organisation.refresh_from_db()
    assert organisation.name == "Alder Two"

    hand_clock.advance(hours=1)
    assert manager_client.post(RENAME, {"name": "Alder Four"}).status_code == 302


def test_refused_rename_is_audited_with_the_typed_name_and_no_more(
    manager_client: Client,
    people: People,
    other_organisation: Organisation,
    organisation: Organisation,
) -> None:
    for name in ("birch", "Alder One", "BIRCH", "bIRCH", "Birch", "Birch", "Sixth"):
        manager_client.post(RENAME, {"name": name})
    assert refused_renames() == [
        ("birch", {"reason": "taken"}),
        ("BIRCH", {"reason": "taken"}),
        ("bIRCH", {"reason": "taken"}),
        ("Birch", {"reason": "taken"}),
        ("Birch", {"reason": "too often"}),
        ("Sixth", {"reason": "too often"}),
    ]
    for event in AuditEvent.objects.filter(tag=REFUSED):
        assert (event.actor_id, event.organisation_id) == (people.manager.pk, organisation.pk)
        assert event.at
    page = manager_client.get("/audit/").content.decode()
    assert "was refused a name for an organisation" in page
    assert "there is one of this name already" in page


def test_rename_limit_is_of_a_person_and_not_of_an_organisation(
    manager_client: Client, people: People, signed_in: SignIn, other_organisation: Organisation
) -> None:
    for number in range(6):
        manager_client.post(RENAME, {"name": f"Alder {number}"})
    assert signed_in(people.admin).post(RENAME, {"name": "Alder A"}).status_code == 302


def test_invalid_or_unchanged_name_does_not_count(
    manager_client: Client, organisation: Organisation
) -> None:
    for name in ("", "x" * 121, "Alder", " Alder ", "a\u202eb") * 3:
        manager_client.post(RENAME, {"name": name})
    assert manager_client.post(RENAME, {"name": "Alder Ltd"}).status_code == 302
    assert refused_renames() == []


def test_pasted_keys_of_another_organisation_are_those_of_a_missing_one(
    manager_client: Client, other_organisation: Organisation
) -> None:
    results = []
    for name in ("First", "Birch", "Beech"):
        rows = csv_bytes(f"{name},Main,{secret(name)},,").decode()
        with CaptureQueriesContext(connection) as queries:
            answer = manager_client.post("/import/", {"rows": rows}, follow=True)
        page = answer.content.decode().replace(name, "·")
        results.append((len(queries), page[page.index("<main") : page.index("</main")]))
    _first, foreign_result, missing_result = (
        results  # the first request also writes a canary and a rate limit
    )
    assert "look after no organisation of this name" in foreign_result[1]
    assert foreign_result[0] == missing_result[0]
    assert _without_ids(foreign_result[1]) == _without_ids(missing_result[1])


def _without_ids(page: str) -> str:
    return re.sub(r'value="[\w-]{64}"|[0-9a-f]{8}-[0-9a-f-]{27}|data-digest="\w+"', "", page)


def _assert_answered_alike(client: Client, path: str, forms: list[dict[str, str]]) -> None:
    """Assert that the second and the third form get like responses in as many statements."""
    results = []
    for fields in forms:
        with CaptureQueriesContext(connection) as queries:
            answer = client.post(path, fields)
        sentences = [str(message) for message in get_messages(answer.wsgi_request)]
        page = answer.content.decode() + answer.headers.get("Location", "") + str(sentences[-1:])
        for value in fields.values():
            page = page.replace(value, "·")
        results.append((answer.status_code, len(queries), re.sub(r"\d+", "", _without_ids(page))))
    _first, foreign_result, missing_result = (
        results  # the first request also writes a canary and a rate limit
    )
    assert foreign_result[0] == 302
    assert foreign_result == missing_result


def test_inviting_does_not_reveal_whether_an_email_has_an_account(
    manager_client: Client, people: People, organisation: Organisation
) -> None:
    addresses = ("first@example.org", people.stranger.email, "nobodyat@example.org")
    path = "/organisations/alder/members/invite/"
    _assert_answered_alike(
        manager_client, path, [{"email": email, "role": "viewer"} for email in addresses]
    )
    assert Invitation.objects.filter(organisation=organisation).count() == 3
    page = manager_client.get("/organisations/alder/members/").content.decode()
    assert people.stranger.name not in page


def test_pasted_key_does_not_reveal_that_another_organisation_has_it(
    manager_client: Client, organisation: Organisation, other_organisation: Organisation
) -> None:
    pasted_keys = [f"oak_live_{word}_0123456789abcdef" for word in ("first", "theirs", "nobodys")]
    api_key_create(
        organisation=other_organisation,
        actor=OPERATOR,
        details=KeyDetails(label="Theirs"),
        secret=pasted_keys[1],
    )
    path = "/organisations/alder/keys/add/"
    forms = [
        {"label": f"Key {pasted_key[9:14]}", "api_key": pasted_key} for pasted_key in pasted_keys
    ]
    _assert_answered_alike(manager_client, path, forms)
    assert ApiKey.objects.filter(organisation=organisation).count() == 3
