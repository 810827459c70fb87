"""A text of a megabyte in any field: refused beside the field, unread, in no time."""

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.signing_in.first_visit import first_link_make
from freddy_admin.organisations.models import Organisation
from tests.drills import DRILLS_IN_FULL, drill_some
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.fuzzing import PageForm, forms_of, names_read
from tests.web.long_texts import SECONDS, TEXTS, TRIES, Watch, send, some_texts, watched
from tests.web.test_access_table import MACHINES, TABLE, _address
from tests.web.test_pages_fuzzed import SIGN_IN
from tests.web.undone import let_go, undone

pytestmark = pytest.mark.drill
PAGES = sorted(name for name, rows in TABLE.items() if rows not in MACHINES)
PASSWORD = "correct-horse-battery"
# A page of a few organisations, and what a field repeats at most.
BYTES_AT_MOST = 250_000


class Attack:
    """Sends every text into every field, and notes what was done with it and how long it took."""

    def __init__(self, watch: Watch) -> None:
        self.watch, self.faults = watch, list[str]()
        self.fields: set[tuple[str, str]] = set()

    def page(self, client: Client, path: str) -> None:
        """All forms that this page shows to this person."""
        answer = client.get(path)
        is_page = answer.status_code == 200 and answer["Content-Type"].startswith("text/html")
        html = answer.content.decode() if is_page else ""
        let_go(answer)
        for form in forms_of(path, html)[0]:
            action = form.action.partition("?")[0]
            new = [name for name in form.fields if (action, name) not in self.fields]
            for name in new if form.method == "POST" and "/logout/" not in action else []:
                self.fields.add((action, name))
                for kind in some_texts(action, name):
                    self.field(client, form, name, kind)

    def names(self, client: Client, path: str) -> None:
        """Names that views ask for, whether a form of this page has them or not."""
        names = names_read()
        first = len(path) % len(names)
        for name in names if DRILLS_IN_FULL else names[first : first + 1]:
            self.fields.add((path, name))
            self.field(client, PageForm("POST", path), name, some_texts(path, name)[0])

    def field(self, client: Client, form: PageForm, name: str, kind: str) -> None:
        """One text in one field."""
        self.watch.worked_on.clear()
        pairs = [(one, value) for one, value in form.filled() if one != name]
        for _ in range(TRIES):
            with undone():
                answer, seconds = send(client, form.action, [*pairs, (name, TEXTS[kind])])
                faults = [*self.watch.worked_on, *_told(answer, name)]
                let_go(answer)
            if seconds <= SECONDS:
                break
        if seconds > SECONDS:
            faults.append(f"{seconds:.1f} s")
        self.faults += [f"{form.action} {name}, {kind}: {fault}" for fault in faults]


def _told(answer: Any, name: str) -> Iterator[str]:
    """What is wrong with an answer to a text too long."""
    if answer.status_code >= 500:
        yield f"status {answer.status_code}"
    if answer.status_code == 200 and not answer.streaming:
        if len(answer.content) > BYTES_AT_MOST:
            yield f"{len(answer.content):,} bytes sent back"
        form = (answer.context or {}).get("form")
        if form is not None and form.is_bound and name in form.fields and name not in form.errors:
            yield "taken"


@pytest.fixture
def attack() -> Iterator[Attack]:
    with watched() as watch:
        attack = Attack(watch)
        yield attack
    assert attack.faults == []
    assert watch.unbounded == set()
    assert attack.fields


@pytest.fixture
def clients(people: People, signed_in: SignIn) -> list[Client]:
    for person in (people.manager, people.viewer):
        person.set_password(PASSWORD)
        person.save()
    RecoveryCodes.activate(TOTP.activate(people.viewer, "J" * 32).instance.user)
    signed = [signed_in(person) for person in (people.viewer, people.manager, people.admin)]
    return [*signed, Client()]


def test_no_field_of_a_page_is_worked_on(
    attack: Attack,
    clients: list[Client],
    people: People,
    organisation: Organisation,
    make_key: MakeKey,
) -> None:
    for name in PAGES:
        with undone():
            path = _address(name, organisation, make_key, people)
            for client in clients:
                attack.page(client, path)
    assert len(attack.fields) > 30


def test_no_name_that_a_view_asks_for_is_worked_on(
    attack: Attack,
    clients: list[Client],
    people: People,
    organisation: Organisation,
    make_key: MakeKey,
) -> None:
    for name in PAGES:
        with undone():
            attack.names(clients[1], _address(name, organisation, make_key, people))


@pytest.mark.parametrize("kind", drill_some(TEXTS))
def test_a_view_kept_under_a_name_that_is_too_long_is_refused(
    kind: str, attack: Attack, clients: list[Client]
) -> None:
    attack.fields.add(("/views/keep/", "name"))
    answer, seconds = send(clients[0], "/views/keep/", [("query", "q=a"), ("name", TEXTS[kind])])
    page = clients[0].get(answer["Location"]).content.decode()
    assert "Shorten this to at most 60 characters." in page
    assert not attack.watch.worked_on
    assert seconds <= SECONDS


def test_no_field_of_a_sign_in_page_is_worked_on(attack: Attack, clients: list[Client]) -> None:
    for path in SIGN_IN:
        for client in clients:
            attack.page(client, path)
    found = {name for __, name in attack.fields}
    assert found >= {"login", "password", "oldpassword", "password1", "email", "code", "credential"}


def test_no_field_is_worked_on_half_way_in(
    attack: Attack, people: People, clients: list[Client]
) -> None:
    del clients
    half_way = Client()
    sent = {"login": people.viewer.email, "password": PASSWORD}
    assert half_way.post("/accounts/login/", sent).status_code == 302
    attack.page(half_way, "/accounts/2fa/authenticate/")
    assert ("/accounts/2fa/authenticate/", "code") in attack.fields


def test_no_field_of_the_first_visit_is_worked_on(attack: Attack, db: None) -> None:
    User.objects.update(is_platform_admin=False)
    attack.page(Client(), f"/first-visit/{first_link_make()}/")
    assert {name for __, name in attack.fields} >= {"name", "email", "password"}
