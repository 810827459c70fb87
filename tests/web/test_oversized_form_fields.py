"""A text of a megabyte in any field: refused beside the field, unprocessed, in no time."""

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client

from freddy_admin.accounts.auth.first_admin_setup_link import setup_link_create
from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Organisation
from tests.drill_scale import RUN_FULL_DRILLS, drill_sample
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.form_fuzzing import PageForm, list_field_names_read_by_views, parse_page_forms
from tests.web.fuzz_rollback_helpers import close_response, rollback_block
from tests.web.oversized_input import (
    MAX_SECONDS,
    MAX_TRIES,
    OVERSIZED_TEXTS,
    FieldWatch,
    select_texts,
    send_form,
    watch_form_fields,
)
from tests.web.test_access_table import ACCESS_TABLE, MACHINES, url_for_name
from tests.web.test_page_fuzzing import SIGN_IN

pytestmark = pytest.mark.drill
PAGES = sorted(name for name, rows in ACCESS_TABLE.items() if rows not in MACHINES)
PASSWORD = "correct-horse-battery"
# A page of a few organisations, and what a field repeats at most.
BYTES_AT_MOST = 250_000


class Attack:
    """Sends oversized texts into fields; collects faults and the CPU seconds it took."""

    def __init__(self, watch: FieldWatch) -> None:
        self.watch, self.faults = watch, list[str]()
        self.fields: set[tuple[str, str]] = set()

    def page(self, client: Client, path: str) -> None:
        """Attack all forms that this page shows to this person."""
        answer = client.get(path)
        is_page = answer.status_code == 200 and answer["Content-Type"].startswith("text/html")
        html = answer.content.decode() if is_page else ""
        close_response(answer)
        for form in parse_page_forms(path, html)[0]:
            action = form.action.partition("?")[0]
            new = [name for name in form.fields if (action, name) not in self.fields]
            for name in new if form.method == "POST" and "/logout/" not in action else []:
                self.fields.add((action, name))
                for kind in select_texts(action, name):
                    self.field(client, form, name, kind)

    def names(self, client: Client, path: str) -> None:
        """Attack by names that views read, whether a form of this page has them or not."""
        names = list_field_names_read_by_views()
        offset = len(path) % len(names)
        for name in names if RUN_FULL_DRILLS else names[offset : offset + 1]:
            self.fields.add((path, name))
            self.field(client, PageForm("POST", path), name, select_texts(path, name)[0])

    def field(self, client: Client, form: PageForm, name: str, kind: str) -> None:
        """Send one text in one field."""
        self.watch.processed_texts.clear()
        pairs = [
            (field_name, value)
            for field_name, value in form.unchanged_pairs()
            if field_name != name
        ]
        for _ in range(MAX_TRIES):
            with rollback_block():
                answer, seconds = send_form(
                    client, form.action, [*pairs, (name, OVERSIZED_TEXTS[kind])]
                )
                faults = [*self.watch.processed_texts, *_oversized_response_faults(answer, name)]
                close_response(answer)
            if seconds <= MAX_SECONDS:
                break
        if seconds > MAX_SECONDS:
            faults.append(f"{seconds:.1f} s")
        self.faults += [f"{form.action} {name}, {kind}: {fault}" for fault in faults]


def _oversized_response_faults(answer: Any, name: str) -> Iterator[str]:
    """The faults of a response to an oversized text."""
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
    with watch_form_fields() as watch:
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
    signed_in_clients = [
        signed_in(person) for person in (people.viewer, people.manager, people.admin)
    ]
    return [*signed_in_clients, Client()]


def test_oversized_field_of_a_page_is_not_processed(
    attack: Attack,
    clients: list[Client],
    people: People,
    organisation: Organisation,
    make_key: MakeKey,
) -> None:
    for name in PAGES:
        with rollback_block():
            path = url_for_name(name, organisation, make_key, people)
            # A viewer is shown no form that none of the others is.
            for client in clients if RUN_FULL_DRILLS else clients[1:]:
                attack.page(client, path)
    assert len(attack.fields) > 30


def test_oversized_value_of_any_name_read_by_views_is_not_processed(
    attack: Attack,
    clients: list[Client],
    people: People,
    organisation: Organisation,
    make_key: MakeKey,
) -> None:
    for name in PAGES:
        with rollback_block():
            attack.names(clients[1], url_for_name(name, organisation, make_key, people))


@pytest.mark.parametrize("kind", drill_sample(OVERSIZED_TEXTS))
def test_a_view_kept_under_a_name_that_is_too_long_is_refused(
    kind: str, attack: Attack, clients: list[Client]
) -> None:
    attack.fields.add(("/views/keep/", "name"))
    answer, seconds = send_form(
        clients[0], "/views/keep/", [("query", "q=a"), ("name", OVERSIZED_TEXTS[kind])]
    )
    page = clients[0].get(answer["Location"]).content.decode()
    assert "Shorten this to at most 60 characters." in page
    assert not attack.watch.processed_texts
    assert seconds <= MAX_SECONDS


def test_oversized_field_of_a_sign_in_page_is_not_processed(
    attack: Attack, clients: list[Client]
) -> None:
    for path in SIGN_IN:
        for client in clients:
            attack.page(client, path)
    names = {name for __, name in attack.fields}
    assert names >= {"login", "password", "oldpassword", "password1", "email", "code", "credential"}


def test_oversized_field_is_not_processed_before_the_second_factor(
    attack: Attack, people: People, clients: list[Client]
) -> None:
    del clients
    half_way = Client()
    fields = {"login": people.viewer.email, "password": PASSWORD}
    assert half_way.post("/accounts/login/", fields).status_code == 302
    attack.page(half_way, "/accounts/2fa/authenticate/")
    assert ("/accounts/2fa/authenticate/", "code") in attack.fields


def test_oversized_field_of_the_first_visit_is_not_processed(attack: Attack, db: None) -> None:
    User.objects.update(is_platform_admin=False)
    attack.page(Client(), f"/first-visit/{setup_link_create()}/")
    assert {name for __, name in attack.fields} >= {"name", "email", "password"}
