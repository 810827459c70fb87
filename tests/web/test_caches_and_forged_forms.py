"""Drills S13 and S14, over every address: no cache keeps it, no forgery does it."""

import pytest
from django.test import Client

from freddy_admin.organisations.models import Organisation
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.test_access_table import MACHINES, TABLE, _address
from tests.web.undone import let_go, rows_now, undone

PAGES = sorted(name for name, rows in TABLE.items() if rows not in MACHINES)
DECEIVING = [
    "/x.css",
    "/audit/x.css",
    "/audit;x.css",
    "/audit/%0ax.css",
    "/audit/..%2fx.css",
    "/profile/tokens/x.js",
    "/profile/x.png",
    "/organisations/alder/x.css",
    "/organisations/alder/%2e%2e/x.js",
    "/organisations/alder%00.css",
    "/organisations/alder/keys/x.jpg",
    "/system/.css",
    "/people/x.svg",
    "/static/../audit/x.css",
]
# A refusal is written down; who looks at a list that nobody fetched asks the worker for it.
BY_LOOKING = {"audit.AuditEvent": 0, "sync.Listing": 0}
WAYS: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "without a token": ("POST", {}, {}),
    "from elsewhere": (
        "POST",
        {"origin": "https://evil.example"},
        {"csrfmiddlewaretoken": "a" * 64},
    ),
    "from nowhere": ("POST", {"origin": "null"}, {}),
    "as a GET": ("GET", {"x-http-method-override": "POST"}, {"_method": "POST", "name": "x"}),
    "as a HEAD": ("HEAD", {}, {}),
}


@pytest.mark.parametrize("name", PAGES)
def test_no_page_may_be_kept_or_is_anybody_elses(
    name: str,
    people: People,
    organisation: Organisation,
    make_key: MakeKey,
    signed_in: SignIn,
) -> None:
    path = _address(name, organisation, make_key, people)
    clients = [Client(), signed_in(people.viewer), signed_in(people.admin)]
    heads = [{}, {"x-forwarded-host": "evil.example", "accept": "*/*", "accept-encoding": "br"}]
    for client in clients:
        for head in heads:
            answer = client.get(path, {"_": "1"}, headers=head)
            assert answer["Cache-Control"] == "private, no-store"
            assert "evil.example" not in str(answer.headers)
            if answer.status_code == 200 and not answer.streaming:
                assert b"evil.example" not in answer.content
                assert "ookie" in answer.headers.get("Vary", "")
            let_go(answer)


@pytest.mark.parametrize("path", DECEIVING)
def test_a_page_under_the_name_of_a_file_is_not_there(
    path: str, people: People, signed_in: SignIn
) -> None:
    answer = signed_in(people.admin).get(path)
    assert answer.status_code == 404
    assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("way", WAYS)
def test_no_forgery_changes_anything_anywhere(
    way: str, people: People, organisation: Organisation, make_key: MakeKey
) -> None:
    method, head, form = WAYS[way]
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.admin)
    addresses = {name: _address(name, organisation, make_key, people) for name in PAGES}
    for name, path in addresses.items():
        with undone():
            before = rows_now() | BY_LOOKING
            send = client.post if method == "POST" else getattr(client, method.lower())
            answer = send(path, form, headers=head)
            assert method != "POST" or answer.status_code in {403, 405}, name
            assert rows_now() | BY_LOOKING == before, name
            let_go(answer)
