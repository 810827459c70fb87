"""Fuzzing of forms and URLs of all pages: never a 500, and nothing half saved.

`make drills` tries twenty times as many. `FUZZ_EXAMPLES=300` with
`--hypothesis-profile=searching` tries that many of each, new ones each time.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, get_resolver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freddy_admin.core.rate_limits import RateLimit
from freddy_admin.organisations.models import Organisation
from freddy_admin.web import middleware
from tests.drill_scale import RUN_FULL_DRILLS
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.form_fuzzing import (
    PageForm,
    Pairs,
    draw_form_pairs,
    encode_pairs,
    list_field_names_read_by_views,
    parse_page_forms,
)
from tests.web.fuzz_rollback_helpers import close_response, count_rows, rollback_block
from tests.web.module_people import module_people, organisation, people, signed_in
from tests.web.test_access_table import (
    ACCESS_TABLE,
    ELSEWHERE_PREFIXES,
    MACHINES,
    list_url_patterns,
    url_for_name,
)

__all__ = ["module_people", "organisation", "people", "signed_in"]
pytestmark = pytest.mark.drill
EXAMPLES = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES") or (60 if RUN_FULL_DRILLS else 3)),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
FORM = "application/x-www-form-urlencoded"
PAGES = sorted(name for name, rows in ACCESS_TABLE.items() if rows not in MACHINES)
SIGN_IN = sorted(
    "/" + route.replace("^", "").replace("$", "")
    for route, pattern in list_url_patterns(get_resolver())
    if route.startswith(ELSEWHERE_PREFIXES) and "(?P" not in route and "<" not in route
)
RESET = "/accounts/password/reset/key/{}-{}/"


@pytest.fixture(autouse=True)
def _disable_rate_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    # Counts in the database are rolled back with each example; those in Redis are not.
    monkeypatch.setattr(
        middleware, "USER_WRITE_LIMIT", RateLimit("writes", amount=10**9, seconds=60)
    )


@pytest.fixture
def clients(people: People, signed_in: SignIn) -> dict[str, Client]:
    return {
        "admin": signed_in(people.admin),
        "manager": signed_in(people.manager),
        "viewer": signed_in(people.viewer),
        "nobody": Client(),
    }


def _forms_of_path(clients: dict[str, Client], path: str) -> tuple[list[PageForm], list[str]]:
    """The forms of a page for any role, and the names of its fields and links."""
    forms, names = [PageForm("POST", path)], set(list_field_names_read_by_views())
    for client in clients.values():
        answer = client.get(path)
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            page_forms, page_names = parse_page_forms(path, answer.content.decode())
            forms += [form for form in page_forms if form.method == "POST"]
            names |= page_names
        close_response(answer)
    return forms, sorted(names)


@contextmanager
def _rolled_back_client(client: Client) -> Iterator[Client]:
    """This client; its changes of rows and cookies are rolled back after the block."""
    cookies = client.cookies.output(header="", sep="; ")
    with rollback_block():
        yield client
    client.cookies = SimpleCookie(cookies)


def _assert_nothing_half_saved(answer: HttpResponse, counts_before: dict[str, int]) -> None:
    """Assert no 500, and that a refused request wrote nothing but at most audit events."""
    assert answer.status_code < 500, answer.status_code
    form = (answer.context or {}).get("form") if answer.status_code == 200 else None
    if answer.status_code >= 400 or getattr(form, "errors", None):
        assert _without_audit_rows(count_rows()) == _without_audit_rows(counts_before)


def _without_audit_rows(rows: dict[str, int]) -> dict[str, int]:
    return {label: number for label, number in rows.items() if not label.startswith("audit.")}


def _fuzz(clients: dict[str, Client], path: str) -> None:
    forms, names = _forms_of_path(clients, path)
    by_method = st.sampled_from(["GET", "POST", "POST"])

    @EXAMPLES
    @given(data=st.data(), role=st.sampled_from(sorted(clients)), method=by_method)
    def send_example(data: Any, role: str, method: str) -> None:
        is_poll = data.draw(st.booleans()) if method == "GET" else False
        form = data.draw(st.sampled_from(forms)) if method == "POST" else None
        pairs = data.draw(draw_form_pairs(names, form))
        with _rolled_back_client(clients[role]) as client:
            row_counts_before = count_rows()
            answer = _send(client, form.action if form else path, pairs, form, is_poll)
            _assert_nothing_half_saved(answer, row_counts_before)
            close_response(answer)

    send_example()


def _send(
    client: Client, path: str, pairs: Pairs, form: PageForm | None, is_poll: bool
) -> HttpResponse:
    if form is not None:
        return client.generic("POST", path, encode_pairs(pairs), FORM)
    headers = (
        {"X-Live": "1", "HX-Request": "true", "X-Seen": encode_pairs(pairs)} if is_poll else {}
    )
    separator = "&" if "?" in path else "?"
    return client.generic("GET", f"{path}{separator}{encode_pairs(pairs)}", headers=headers)


@pytest.mark.parametrize("name", PAGES)
def test_page_answers_whatever_values_are_sent(
    name: str,
    people: People,
    clients: dict[str, Client],
    organisation: Organisation,
    make_key: MakeKey,
) -> None:
    _fuzz(clients, url_for_name(name, organisation, make_key, people))


@pytest.mark.parametrize("path", SIGN_IN)
def test_sign_in_page_answers_whatever_values_are_sent(
    path: str, clients: dict[str, Client]
) -> None:
    _fuzz(clients, path)


@EXAMPLES
@given(role=st.sampled_from(["1", "zzz", "0" * 400]), key=st.text(min_size=1, max_size=30))
@pytest.mark.django_db
def test_made_up_password_reset_link_is_refused(role: str, key: str) -> None:
    path = RESET.format(role, encode_pairs([(key, "")]).rstrip("="))
    with rollback_block():
        assert Client().generic("GET", path).status_code < 500


WORDS = st.one_of(
    st.sampled_from(["0", "1", "9" * 19, str(2**63), "9" * 400, "%00", "%ED%A0%80", "..", "a"]),
    st.text(st.characters(exclude_characters="/?#%\\", max_codepoint=0x2FFF), min_size=1).map(
        lambda text: encode_pairs([(text, "")]).rstrip("=")
    ),
)


def _page_routes() -> list[tuple[str, URLPattern]]:
    return [
        (route, pattern) for route, pattern in list_url_patterns(get_resolver()) if "<" in route
    ]


@pytest.mark.parametrize("route", sorted(route for route, _ in _page_routes()))
def test_url_answers_whatever_its_path_holds(
    route: str, clients: dict[str, Client], organisation: Organisation
) -> None:
    parts = route.replace("^", "").replace("$", "").split("/")

    @EXAMPLES
    @given(data=st.data(), role=st.sampled_from(["admin", "viewer"]))
    def ask(data: Any, role: str) -> None:
        keeps_ending = data.draw(st.booleans())
        words = {"<slug:slug>": organisation.slug} if keeps_ending else {}
        filled = [words.get(part) or data.draw(WORDS) if "<" in part else part for part in parts]
        for method in ("GET", "POST"):
            with _rolled_back_client(clients[role]) as client:
                answer = client.generic(method, "/" + "/".join(filled))
                assert answer.status_code < 500
                close_response(answer)

    ask()
