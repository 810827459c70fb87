"""Drills S13 and S14 over every URL: no cache keeps a page, no forged form changes anything."""

from itertools import product
from zlib import crc32

import pytest
from django.test import Client

from freddy_admin.organisations.models import Organisation
from tests.drill_scale import RUN_FULL_DRILLS
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.fuzz_rollback_helpers import close_response, count_rows, rollback_block
from tests.web.module_people import module_people, organisation, people, signed_in
from tests.web.test_access_table import ACCESS_TABLE, MACHINES, url_for_name

__all__ = ["module_people", "organisation", "people", "signed_in"]
pytestmark = pytest.mark.sqlite_is_enough

# A mail program posts it, for whoever has the mail (RFC 8058); all that it can do is to end mails.
OF_MAIL_PROGRAMS = {"unsubscribe"}
PAGES = sorted(name for name, rows in ACCESS_TABLE.items() if rows not in MACHINES)
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
# Denied access is recorded; the page of a catalog never fetched requests a fetch.
BY_LOOKING = {"audit.AuditEvent": 0, "sync.CatalogSnapshot": 0}
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


@pytest.mark.drill
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_private_and_never_cached(
    name: str,
    people: People,
    organisation: Organisation,
    make_key: MakeKey,
    signed_in: SignIn,
) -> None:
    path = url_for_name(name, organisation, make_key, people)
    clients = [Client(), signed_in(people.viewer), signed_in(people.admin)]
    heads = [{}, {"x-forwarded-host": "evil.example", "accept": "*/*", "accept-encoding": "br"}]
    others = list(product(clients, heads))
    forged_by_admin = others.pop()  # who may see the most: it is sent for each page
    if not RUN_FULL_DRILLS:
        others = [others[crc32(name.encode()) % len(others)]]
    for client, head in [forged_by_admin, *others]:
        answer = client.get(path, {"_": "1"}, headers=head)
        assert answer["Cache-Control"] == "private, no-store"
        assert "evil.example" not in str(answer.headers)
        if answer.status_code == 200 and not answer.streaming:
            assert b"evil.example" not in answer.content
            assert "ookie" in answer.headers.get("Vary", "")
        close_response(answer)


@pytest.mark.parametrize("path", DECEIVING)
def test_page_url_with_a_file_name_behind_it_is_404(
    path: str, people: People, signed_in: SignIn
) -> None:
    answer = signed_in(people.admin).get(path)
    assert answer.status_code == 404
    assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("forgery", WAYS)
def test_forged_form_changes_nothing_at_any_url(
    forgery: str, people: People, organisation: Organisation, make_key: MakeKey
) -> None:
    method, head, form = WAYS[forgery]
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.admin)
    forms = sorted({*PAGES} - OF_MAIL_PROGRAMS)
    addresses = {name: url_for_name(name, organisation, make_key, people) for name in forms}
    row_counts_before = count_rows() | BY_LOOKING  # and before each of them: it is rolled back
    for name, path in addresses.items():
        with rollback_block():
            send = client.post if method == "POST" else getattr(client, method.lower())
            answer = send(path, form, headers=head)
            assert method != "POST" or answer.status_code in {403, 405}, name
            assert count_rows() | BY_LOOKING == row_counts_before, name
            close_response(answer)
