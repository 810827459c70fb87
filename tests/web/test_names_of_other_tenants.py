"""That another organisation has a name: told a few times an hour at most, and never unseen."""

import re

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR
from freddy_admin.audit.tags import Tag
from freddy_admin.organisations.models import Invitation, Organisation
from freddy_admin.vault.details import KeyDetails
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.services import api_key_draft
from tests.vault.pasting import pasted, secret
from tests.web.conftest import HandClock, People, SignIn

RENAME = "/organisations/alder/rename/"
REFUSED = Tag.ORGANISATION_RENAME_REFUSED


@pytest.fixture
def manager(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


def refusals() -> list[tuple[str, dict[str, object]]]:
    events = AuditEvent.objects.filter(tag=REFUSED).order_by("pk")
    return [(event.subject, event.details) for event in events]


def test_five_names_an_hour_can_be_tried_whatever_becomes_of_them(
    manager: Client, other: Organisation, organisation: Organisation, hand_clock: HandClock
) -> None:
    tried = ["Birch", "birch", "Alder One", "BIRCH", "Alder Two"]
    answers = [manager.post(RENAME, {"name": name}).status_code for name in tried]
    assert answers == [200, 200, 302, 200, 302]

    for name in ("Birch", "Alder Three"):
        answer = manager.post(RENAME, {"name": name})
        page = answer.content.decode()
        assert answer.status_code == 429
        assert 0 < int(answer["Retry-After"]) <= 3600
        assert "minutes, then try again" in page
        assert f'value="{name}"' in page
        assert "already an organisation" not in page
    organisation.refresh_from_db()
    assert organisation.name == "Alder Two"

    hand_clock.forward(hours=1)
    assert manager.post(RENAME, {"name": "Alder Four"}).status_code == 302


def test_every_refused_attempt_is_written_down_with_what_was_typed_and_no_more(
    manager: Client, people: People, other: Organisation, organisation: Organisation
) -> None:
    for name in ("birch", "Alder One", "BIRCH", "bIRCH", "Birch", "Birch", "Sixth"):
        manager.post(RENAME, {"name": name})
    assert refusals() == [
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
    page = manager.get("/audit/").content.decode()
    assert "was refused a name for an organisation" in page
    assert "there is one of this name already" in page


def test_the_limit_is_of_a_person_and_not_of_an_organisation(
    manager: Client, people: People, signed_in: SignIn, other: Organisation
) -> None:
    for number in range(6):
        manager.post(RENAME, {"name": f"Alder {number}"})
    assert signed_in(people.admin).post(RENAME, {"name": "Alder A"}).status_code == 302


def test_what_cannot_be_a_name_or_changes_nothing_is_no_attempt(
    manager: Client, organisation: Organisation
) -> None:
    for name in ("", "x" * 121, "Alder", " Alder ", "a\u202eb") * 3:
        manager.post(RENAME, {"name": name})
    assert manager.post(RENAME, {"name": "Alder Ltd"}).status_code == 302
    assert refusals() == []


def test_pasted_keys_of_another_organisation_are_those_of_a_missing_one(
    manager: Client, other: Organisation
) -> None:
    told = []
    for name in ("First", "Birch", "Beech"):
        rows = pasted(f"{name},Main,{secret(name)},,").decode()
        with CaptureQueriesContext(connection) as queries:
            answer = manager.post("/import/", {"rows": rows}, follow=True)
        page = answer.content.decode().replace(name, "·")
        told.append((len(queries), page[page.index("<main") : page.index("</main")]))
    _first, there, missing = told  # with the first come a canary and a count of the limit
    assert "look after no organisation of this name" in there[1]
    assert there[0] == missing[0]
    assert _without_ids(there[1]) == _without_ids(missing[1])


def _without_ids(page: str) -> str:
    return re.sub(r'value="[\w-]{64}"|[0-9a-f]{8}-[0-9a-f-]{27}|data-mark="\w+"', "", page)


def _alike(client: Client, path: str, sent: list[dict[str, str]]) -> None:
    """The second and the third are answered alike, in as many statements."""
    told = []
    for fields in sent:
        with CaptureQueriesContext(connection) as queries:
            answer = client.post(path, fields)
        sentences = [str(one) for one in get_messages(answer.wsgi_request)]
        page = answer.content.decode() + answer.headers.get("Location", "") + str(sentences[-1:])
        for value in fields.values():
            page = page.replace(value, "·")
        told.append((answer.status_code, len(queries), re.sub(r"\d+", "", _without_ids(page))))
    _first, there, missing = told  # with the first come a canary and a count of the limit
    assert there[0] == 302
    assert there == missing


def test_inviting_does_not_tell_whether_an_address_has_an_account(
    manager: Client, people: People, organisation: Organisation
) -> None:
    addresses = ("first@example.org", people.stranger.email, "nobodyat@example.org")
    path = "/organisations/alder/members/invite/"
    _alike(manager, path, [{"email": one, "role": "viewer"} for one in addresses])
    assert Invitation.objects.filter(organisation=organisation).count() == 3
    page = manager.get("/organisations/alder/members/").content.decode()
    assert people.stranger.name not in page


def test_a_pasted_key_does_not_tell_that_another_organisation_has_it(
    manager: Client, organisation: Organisation, other: Organisation
) -> None:
    pasted_keys = [f"oak_live_{word}_0123456789abcdef" for word in ("first", "theirs", "nobodys")]
    api_key_draft(
        organisation=other,
        actor=OPERATOR,
        details=KeyDetails(label="Theirs"),
        secret=pasted_keys[1],
    )
    path = "/organisations/alder/keys/add/"
    sent = [{"label": f"Key {one[9:14]}", "api_key": one} for one in pasted_keys]
    _alike(manager, path, sent)
    assert ApiKey.objects.filter(organisation=organisation).count() == 3
