"""Whatever is put into a form or an address of a page: never a 500, and nothing half saved.

`make drills` tries ten times as many. `FUZZ_EXAMPLES=300` with
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

from freddy_admin.core.limits import Limit
from freddy_admin.organisations.models import Organisation
from freddy_admin.web import write_limits
from tests.drills import drill_share
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.fuzzing import PageForm, Pairs, encoded, forms_of, names_read, pairs_of
from tests.web.test_access_table import ELSEWHERE_PREFIXES, MACHINES, TABLE, _address, _patterns
from tests.web.undone import let_go, rows_now, undone

pytestmark = pytest.mark.drill
EXAMPLES = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES") or drill_share(60)),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
FORM = "application/x-www-form-urlencoded"
PAGES = sorted(name for name, rows in TABLE.items() if rows not in MACHINES)
SIGN_IN = sorted(
    "/" + route.replace("^", "").replace("$", "")
    for route, pattern in _patterns(get_resolver())
    if route.startswith(ELSEWHERE_PREFIXES) and "(?P" not in route and "<" not in route
)
RESET = "/accounts/password/reset/key/{}-{}/"


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    # Undone with each example where the database counts; Redis knows nothing of that.
    monkeypatch.setattr(write_limits, "BY_HAND", Limit("writes", most=10**9, seconds=60))


@pytest.fixture
def clients(people: People, signed_in: SignIn) -> dict[str, Client]:
    return {
        "admin": signed_in(people.admin),
        "manager": signed_in(people.manager),
        "viewer": signed_in(people.viewer),
        "nobody": Client(),
    }


def _forms(clients: dict[str, Client], path: str) -> tuple[list[PageForm], list[str]]:
    """What can be sent from this page, whoever looks, and the names it speaks of."""
    forms, names = [PageForm("POST", path)], set(names_read())
    for client in clients.values():
        answer = client.get(path)
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            found, said = forms_of(path, answer.content.decode())
            forms += [one for one in found if one.method == "POST"]
            names |= said
        let_go(answer)
    return forms, sorted(names)


@contextmanager
def _as(client: Client) -> Iterator[Client]:
    """This client; what happens to its rows and to its cookies is undone."""
    cookies = client.cookies.output(header="", sep="; ")
    with undone():
        yield client
    client.cookies = SimpleCookie(cookies)


def _whole(answer: HttpResponse, before: dict[str, int]) -> None:
    """No 500; and what was refused has written nothing but, maybe, a line of the audit log."""
    assert answer.status_code < 500, answer.status_code
    form = (answer.context or {}).get("form") if answer.status_code == 200 else None
    if answer.status_code >= 400 or getattr(form, "errors", None):
        assert _without_log(rows_now()) == _without_log(before)


def _without_log(rows: dict[str, int]) -> dict[str, int]:
    return {label: number for label, number in rows.items() if not label.startswith("audit.")}


def _fuzz(clients: dict[str, Client], path: str) -> None:
    forms, names = _forms(clients, path)
    by_method = st.sampled_from(["GET", "POST", "POST"])

    @EXAMPLES
    @given(data=st.data(), who=st.sampled_from(sorted(clients)), method=by_method)
    def throw(data: Any, who: str, method: str) -> None:
        live = data.draw(st.booleans()) if method == "GET" else False
        form = data.draw(st.sampled_from(forms)) if method == "POST" else None
        pairs = data.draw(pairs_of(names, form))
        with _as(clients[who]) as client:
            before = rows_now()
            answer = _send(client, form.action if form else path, pairs, form, live)
            _whole(answer, before)
            let_go(answer)

    throw()


def _send(
    client: Client, path: str, pairs: Pairs, form: PageForm | None, live: bool
) -> HttpResponse:
    if form is not None:
        return client.generic("POST", path, encoded(pairs), FORM)
    headers = {"X-Live": "1", "HX-Request": "true", "X-Seen": encoded(pairs)} if live else {}
    joint = "&" if "?" in path else "?"
    return client.generic("GET", f"{path}{joint}{encoded(pairs)}", headers=headers)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_answers_whatever_is_put_in(
    name: str,
    people: People,
    clients: dict[str, Client],
    organisation: Organisation,
    make_key: MakeKey,
) -> None:
    _fuzz(clients, _address(name, organisation, make_key, people))


@pytest.mark.parametrize("path", SIGN_IN)
def test_a_sign_in_page_answers_whatever_is_put_in(path: str, clients: dict[str, Client]) -> None:
    _fuzz(clients, path)


@EXAMPLES
@given(who=st.sampled_from(["1", "zzz", "0" * 400]), key=st.text(min_size=1, max_size=30))
@pytest.mark.django_db
def test_a_made_up_link_to_a_new_password_leads_nowhere(who: str, key: str) -> None:
    path = RESET.format(who, encoded([(key, "")]).rstrip("="))
    with undone():
        assert Client().generic("GET", path).status_code < 500


WORDS = st.one_of(
    st.sampled_from(["0", "1", "9" * 19, str(2**63), "9" * 400, "%00", "%ED%A0%80", "..", "a"]),
    st.text(st.characters(exclude_characters="/?#%\\", max_codepoint=0x2FFF), min_size=1).map(
        lambda text: encoded([(text, "")]).rstrip("=")
    ),
)


def _routes() -> list[tuple[str, URLPattern]]:
    return [(route, one) for route, one in _patterns(get_resolver()) if "<" in route]


@pytest.mark.parametrize("route", sorted(route for route, _ in _routes()))
def test_an_address_answers_whatever_stands_in_it(
    route: str, clients: dict[str, Client], organisation: Organisation
) -> None:
    parts = route.replace("^", "").replace("$", "").split("/")

    @EXAMPLES
    @given(data=st.data(), who=st.sampled_from(["admin", "viewer"]))
    def ask(data: Any, who: str) -> None:
        kept = data.draw(st.booleans())
        words = {"<slug:slug>": organisation.slug} if kept else {}
        filled = [words.get(part) or data.draw(WORDS) if "<" in part else part for part in parts]
        for method in ("GET", "POST"):
            with _as(clients[who]) as client:
                answer = client.generic(method, "/" + "/".join(filled))
                assert answer.status_code < 500
                let_go(answer)

    ask()
