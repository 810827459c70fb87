"""The owner of a key is named where they can help, and nobody is sent to themselves."""

import re
from typing import Any

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Membership
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import SyncStatus
from tests.web.conftest import HandClock, MakeKey, People, SignIn, columns_by_state

HERE = "/organisations/alder/"
ASK = "Ask Maria &lt;b&gt;Rossi, who looks after this key."
YOU = "You look after this key."


@pytest.fixture
def key_columns(people: People) -> dict[str, Any]:
    people.manager.name = "Maria <b>Rossi"
    people.manager.save()
    return {"owner": people.manager}


def _responsible_text(page: str) -> str:
    match = re.search(r"<dt>Who can fix it</dt>\s*<dd>(.*?)</dd>", page, re.DOTALL)
    return match.group(1) if match else ""


def _cards_html(page: str) -> str:
    return page[page.index('id="needs"') : page.index('class="card list"')]


def _columns_of_state(state: HealthState, clock: HandClock) -> dict[str, Any]:
    return {"state": state} | columns_by_state(clock())[state]


NEEDS = (
    HealthState.KEY_UNREADABLE,
    HealthState.KEY_REJECTED,
    HealthState.KEY_NOT_PERMITTED,
    HealthState.OVERDUE,
    HealthState.NEVER_SYNCED,
)


@pytest.mark.parametrize("state", NEEDS)
def test_the_owner_is_named_beside_the_role(
    state: HealthState,
    key_columns: dict[str, Any],
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    hand_clock: HandClock,
) -> None:
    make_key(key=key_columns, **_columns_of_state(state, hand_clock))
    client = signed_in(people.viewer)
    assert re.fullmatch(
        rf"An? (operator|manager) of this organisation\. {ASK}",
        _responsible_text(client.get(HERE).content.decode()),
    )
    assert ASK in _cards_html(client.get("/").content.decode())


def test_owner_is_told_that_the_key_is_theirs(
    key_columns: dict[str, Any],
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    hand_clock: HandClock,
) -> None:
    make_key(key=key_columns, **_columns_of_state(HealthState.OVERDUE, hand_clock))
    client = signed_in(people.manager)
    assert _responsible_text(client.get(HERE).content.decode()).endswith(f". {YOU}")
    # Whoever has the button needs no name of a responsible person.
    assert YOU not in _cards_html(client.get("/").content.decode())


def test_owner_whose_role_is_too_small_is_not_named(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    make_key(key={"owner": people.viewer}, **_columns_of_state(HealthState.OVERDUE, hand_clock))
    for reader in (people.viewer, people.admin):
        client = signed_in(reader)
        page = client.get(HERE).content.decode()
        assert _responsible_text(page).strip() == "An operator of this organisation."
        cards = _cards_html(client.get("/").content.decode())
        assert YOU not in cards
        assert "Ask Viewer" not in cards
    # An operator starts syncs, and replaces no key.
    operators_key = make_key("Second", key={"owner": people.operator})
    columns = _columns_of_state(HealthState.KEY_REJECTED, hand_clock)
    SyncStatus.objects.filter(pk=operators_key.pk).update(**columns)
    assert "Ask Operator" not in signed_in(people.viewer).get(HERE).content.decode()


def test_owner_who_has_left_or_is_deactivated_is_not_named(
    key_columns: dict[str, Any],
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    hand_clock: HandClock,
) -> None:
    make_key(key=key_columns, **_columns_of_state(HealthState.OVERDUE, hand_clock))
    client = signed_in(people.viewer)
    assert ASK in client.get(HERE).content.decode()
    User.objects.filter(pk=people.manager.pk).update(is_active=False)
    assert ASK not in client.get(HERE).content.decode()


def test_platform_admin_who_owns_a_key_is_named(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    make_key(key={"owner": people.admin}, **_columns_of_state(HealthState.KEY_REJECTED, hand_clock))
    page = signed_in(people.viewer).get(HERE).content.decode()
    assert "Ask Admin, who looks after this key." in _responsible_text(page)


def test_organisation_without_anybody_who_can_is_sent_to_a_platform_admin(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    make_key(key={"owner": people.viewer}, **_columns_of_state(HealthState.OVERDUE, hand_clock))
    Membership.objects.exclude(role="viewer").delete()
    client = signed_in(people.viewer)
    responsible = _responsible_text(client.get(HERE).content.decode()).strip()
    assert responsible == "A platform admin: this organisation has nobody who may."
    cards = _cards_html(client.get("/").content.decode())
    assert "A platform admin starts a sync: this organisation has nobody else who may." in cards
    responsible = _responsible_text(signed_in(people.admin).get(HERE).content.decode()).strip()
    assert responsible == "You, as a platform admin: this organisation has nobody else who may."


def test_people_of_the_same_name_are_told_apart(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    people.viewer.name = people.operator.name
    people.viewer.save()
    make_key(key={"owner": people.operator}, **_columns_of_state(HealthState.OVERDUE, hand_clock))
    page = signed_in(people.viewer).get(HERE).content.decode()
    assert "Ask Operator, who looks after this key." in _responsible_text(page)


@pytest.mark.parametrize(
    "row",
    [
        {"state": HealthState.LATE},
        {"state": HealthState.UNKNOWN, "outcome": "failed", "error_kind": "server_error"},
        {"state": HealthState.OVERDUE, "outcome": "failed", "error_kind": "read_timeout"},
        {"state": HealthState.UNKNOWN, "outcome": "failed", "error_kind": "master_key_misfit"},
    ],
)
def test_owner_without_the_permission_is_not_named_as_responsible(
    row: dict[str, Any],
    key_columns: dict[str, Any],
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
) -> None:
    make_key(key=key_columns, **row)
    responsible = _responsible_text(signed_in(people.viewer).get(HERE).content.decode())
    assert responsible
    assert "looks after" not in responsible


def test_a_key_without_an_owner_names_the_role_alone(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    make_key(**_columns_of_state(HealthState.OVERDUE, hand_clock))
    client = signed_in(people.viewer)
    assert (
        _responsible_text(client.get(HERE).content.decode()) == "An operator of this organisation."
    )
    assert "looks after" not in client.get("/").content.decode()
