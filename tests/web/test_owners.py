"""Who looks after a key is named where that person can help, and nobody is sent to themselves."""

import re
from typing import Any

import pytest

from freddy_admin.sync.states import State
from tests.web.conftest import HandClock, MakeKey, People, SignIn, states_as_they_come

HERE = "/organisations/alder/"
ASK = "Ask Maria &lt;b&gt;Rossi, who looks after this key."
YOU = "You look after this key."


@pytest.fixture
def owned(people: People) -> dict[str, Any]:
    people.manager.name = "Maria <b>Rossi"
    people.manager.save()
    return {"owner": people.manager}


def _who(page: str) -> str:
    found = re.search(r"<dt>Who can fix it</dt>\s*<dd>(.*?)</dd>", page, re.DOTALL)
    return found.group(1) if found else ""


def _cards(page: str) -> str:
    return page[page.index('id="needs"') : page.index('class="card list"')]


def _row(state: State, clock: HandClock) -> dict[str, Any]:
    return {"state": state} | states_as_they_come(clock())[state]


NEEDS = (
    State.KEY_UNREADABLE,
    State.KEY_REJECTED,
    State.KEY_NOT_PERMITTED,
    State.OVERDUE,
    State.NEVER_SYNCED,
)


@pytest.mark.parametrize("state", NEEDS)
def test_the_owner_is_named_beside_the_role(
    state: State,
    owned: dict[str, Any],
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    hand_clock: HandClock,
) -> None:
    make_key(key=owned, **_row(state, hand_clock))
    client = signed_in(people.viewer)
    assert re.fullmatch(
        rf"An? (operator|manager) of this organisation\. {ASK}",
        _who(client.get(HERE).content.decode()),
    )
    assert ASK in _cards(client.get("/").content.decode())


def test_the_owner_is_told_that_it_is_theirs(
    owned: dict[str, Any],
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    hand_clock: HandClock,
) -> None:
    make_key(key=owned, **_row(State.OVERDUE, hand_clock))
    client = signed_in(people.manager)
    assert _who(client.get(HERE).content.decode()).endswith(f". {YOU}")
    # With a button of their own nobody needs to be told.
    assert YOU not in _cards(client.get("/").content.decode())


def test_an_owner_who_may_only_look_is_told_too(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    make_key(key={"owner": people.viewer}, **_row(State.OVERDUE, hand_clock))
    assert YOU in _cards(signed_in(people.viewer).get("/").content.decode())


def test_people_of_the_same_name_are_told_apart(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    people.viewer.name = people.operator.name
    people.viewer.save()
    make_key(key={"owner": people.operator}, **_row(State.OVERDUE, hand_clock))
    page = signed_in(people.viewer).get(HERE).content.decode()
    assert "Ask Operator, who looks after this key." in _who(page)


@pytest.mark.parametrize(
    "row",
    [
        {"state": State.LATE},
        {"state": State.UNKNOWN, "outcome": "failed", "error_kind": "server_error"},
        {"state": State.OVERDUE, "outcome": "failed", "error_kind": "read_timeout"},
        {"state": State.UNKNOWN, "outcome": "failed", "error_kind": "master_key_misfit"},
    ],
)
def test_nobody_is_sent_to_somebody_who_cannot_help(
    row: dict[str, Any],
    owned: dict[str, Any],
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
) -> None:
    make_key(key=owned, **row)
    who = _who(signed_in(people.viewer).get(HERE).content.decode())
    assert who
    assert "looks after" not in who


def test_a_key_without_an_owner_names_the_role_alone(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    make_key(**_row(State.OVERDUE, hand_clock))
    client = signed_in(people.viewer)
    assert _who(client.get(HERE).content.decode()) == "An operator of this organisation."
    assert "looks after" not in client.get("/").content.decode()
