"""What changes keys, people and rights is done only for who showed a moment ago that it is them."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from freddy_admin.accounts.signing_in.adapters import AccountAdapter
from freddy_admin.audit.models import AuditEvent
from freddy_admin.core.limits import TooManyRequests
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey
from tests.web.confirming import PASSWORD, YES, answered, manager_of_long_ago, question
from tests.web.conftest import MakeKey, People, SignIn, confirm, is_asked

SECRET = "oak_live_planted_0123456789abcdef"
RENAME = "/organisations/alder/rename/"


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    return make_key()


@pytest.fixture
def manager(people: People, signed_in: SignIn) -> Client:
    return manager_of_long_ago(people, signed_in)


def name_now() -> str:
    return Organisation.objects.get(slug="alder").name


def test_a_page_asks_where_it_is_and_opens_once_confirmed(manager: Client, key: ApiKey) -> None:
    page = reverse("key_revoke", args=["alder", key.pk])
    back = answered(manager, manager.get(page))

    assert back["Location"] == page
    assert "Type the key" in manager.get(page).content.decode()


def test_what_was_typed_is_kept_and_done_at_once(manager: Client, organisation: object) -> None:
    asked = manager.post(RENAME, {"name": "Alder & <b>Sons</b> “Ltd”"})
    assert "Nothing was changed yet" in asked.content.decode()
    assert "<b>Sons" not in asked.content.decode()
    assert name_now() == "Alder"

    done = answered(manager, asked)
    assert done["Location"] == "/organisations/alder/"
    assert name_now() == "Alder & <b>Sons</b> “Ltd”"
    # For a quarter of an hour nobody asks again.
    assert manager.post(RENAME, {"name": "Elder"}).status_code == 302


def test_every_value_of_a_field_is_kept(
    people: People, signed_in: SignIn, other: Organisation, organisation: Organisation
) -> None:
    people.admin.set_password(PASSWORD)
    people.admin.save()
    client = signed_in(people.admin)
    confirm(client, people.admin, minutes_ago=16)
    chosen = [str(organisation.pk), str(other.pk)]
    sent = {"name": "ci", "scope": "read", "reach": "chosen", "organisations": chosen}
    fields = question(client.post("/profile/tokens/new/", sent | {"expires": "90"}))

    assert fields["organisations"] == chosen


def test_what_is_wrong_with_what_was_typed_is_said_once_confirmed(
    manager: Client, key: ApiKey
) -> None:
    page = reverse("key_revoke", args=["alder", key.pk])
    text = answered(manager, manager.post(page, {"label": "Maim"})).content.decode()

    assert "Nothing was revoked" in text
    assert 'value="Maim"' in text


def is_paused(key: ApiKey) -> bool:
    key.refresh_from_db()
    return key.paused_at is not None


def test_a_button_that_was_pressed_does_what_it_says_once_confirmed(
    manager: Client, people: People, key: ApiKey
) -> None:
    for page, paused in (("key_pause", True), ("key_resume", False)):
        confirm(manager, people.manager, minutes_ago=16)
        asked = manager.post(reverse(page, args=["alder", key.pk]))
        assert is_paused(key) != paused
        assert answered(manager, asked)["Location"] == "/organisations/alder/"
        assert is_paused(key) == paused


def test_a_secret_is_neither_kept_nor_shown_and_the_rest_is(
    manager: Client, organisation: Organisation
) -> None:
    page = reverse("key_add", args=["alder"])
    asked = manager.post(page, {"label": "Northern sales", "api_key": SECRET, "tags": "emea"})
    assert SECRET not in asked.content.decode()
    assert SECRET not in str(dict(manager.session))
    assert "enter those again afterwards" in asked.content.decode()

    form = answered(manager, asked).content.decode()
    assert "Keys, codes and files were not kept" in form
    assert 'value="Northern sales"' in form
    assert 'value="emea"' in form
    assert "Paste the API key" in form
    assert not ApiKey.objects.exists()
    # It is them by now, and so nothing is in the way of the key.
    manager.post(page, {"label": "Northern sales", "api_key": SECRET})
    assert ApiKey.objects.get().label == "Northern sales"


def test_pasted_rows_and_files_are_not_kept(manager: Client, organisation: object) -> None:
    fields = question(manager.post("/import/", {"rows": f"Alder,A,{SECRET},,"}))
    assert fields == {
        "confirm-then": ["do"],
        "confirm-left-out": ["1"],
        "confirm-with": ["password"],
    }


def test_a_fresh_confirmation_leaves_secrets_where_they_are(
    manager: Client, people: People, organisation: Organisation
) -> None:
    confirm(manager, people.manager)
    sent = {"label": "Main", "api_key": SECRET, "confirm-other": "x"}
    assert manager.post(reverse("key_add", args=["alder"]), sent).status_code == 302
    assert ApiKey.objects.exists()


def test_a_wrong_password_confirms_nothing_keeps_what_was_typed_and_is_written_down(
    manager: Client, organisation: Organisation, people: People
) -> None:
    asked = manager.post(RENAME, {"name": "Elder"})
    again = answered(manager, asked, **{"confirm-password": "wrong"})

    assert question(again)["name"] == ["Elder"]
    assert "wrong" not in again.content.decode().replace("is-invalid", "")
    assert name_now() == "Alder"
    event = AuditEvent.objects.first()
    assert event
    assert (event.tag, event.actor_id) == ("confirmation_failed", people.manager.pk)
    answered(manager, again)
    assert name_now() == "Elder"


def test_guessing_is_counted_before_it_is_looked_at(
    manager: Client, organisation: Organisation, settings: Any
) -> None:
    asked = manager.post(RENAME, {"name": "Elder"})
    tries = [answered(manager, asked, **{"confirm-password": f"w{n}"}) for n in range(4)]
    assert {one.status_code for one in tries} == {200}
    for n in range(12):
        last = manager.post(RENAME, question(asked) | YES | {"confirm-password": f"x{n}"})
    assert last.status_code == 429
    assert "What you typed is kept." in last.content.decode()
    assert last["Retry-After"] == "60"
    # The right one, too late.
    assert manager.post(RENAME, question(asked) | YES).status_code == 429
    assert name_now() == "Alder"


def test_where_too_many_sign_in_at_once_what_was_typed_stays(
    manager: Client, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise TooManyRequests(5)

    asked = manager.post(RENAME, {"name": "Elder"})
    with monkeypatch.context() as patched:
        patched.setattr(AccountAdapter, "authenticate", full)
        answer = answered(manager, asked)
    assert (answer.status_code, answer["Retry-After"]) == (429, "5")
    assert 'name="name" value="Elder"' in answer.content.decode()
    answered(manager, asked)
    assert name_now() == "Elder"


def test_what_is_too_long_to_be_kept_is_not_carried_along(
    manager: Client, organisation: Organisation
) -> None:
    # Each text alone is cut before: many together are too long.
    asked = manager.post(RENAME, {"name": "Elder", "more": ["x" * 1_000] * 20})
    assert len(asked.content) < 20_000
    assert "too long to be kept" in asked.content.decode()

    back = answered(manager, asked)
    assert back["Location"] == RENAME
    assert name_now() == "Alder"


def test_what_was_typed_lies_in_no_session(manager: Client, organisation: Organisation) -> None:
    manager.post(RENAME, {"name": "Planted-Name"})
    assert "Planted-Name" not in str(dict(manager.session))


def test_an_answer_without_the_forms_own_mark_does_nothing(
    people: People, manager: Client, organisation: Organisation
) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = manager.cookies
    sent = {"name": "Elder", "confirm-then": "do", **YES}
    assert careful.post(RENAME, sent).status_code == 403
    assert name_now() == "Alder"


def test_a_question_that_is_only_looked_at_does_nothing(
    manager: Client, organisation: Organisation, people: People
) -> None:
    manager.get(RENAME, {"name": "Elder", "confirm-then": "do", **YES})
    confirm(manager, people.manager)
    manager.get(RENAME, {"name": "Elder", "confirm-then": "do"})
    assert name_now() == "Alder"


def test_two_tabs_that_ask_do_each_what_it_was_asked(manager: Client, key: ApiKey) -> None:
    first = manager.post(RENAME, {"name": "Elder"})
    second = manager.post(reverse("key_pause", args=["alder", key.pk]))
    answered(manager, first)
    answered(manager, second)

    assert (name_now(), is_paused(key)) == ("Elder", True)


def test_a_part_of_a_page_leads_the_whole_page_there(manager: Client, key: ApiKey) -> None:
    page = reverse("key_revoke", args=["alder", key.pk])
    assert manager.get(page, headers={"HX-Request": "true"})["HX-Redirect"] == page


@pytest.mark.parametrize(("who", "status"), [("stranger", 404), ("operator", 403)])
def test_who_may_not_is_turned_away_before_being_asked(
    who: str, status: int, people: People, signed_in: SignIn, key: ApiKey
) -> None:
    person = getattr(people, who)
    client = signed_in(person)
    confirm(client, person, minutes_ago=16)
    assert client.get(reverse("key_revoke", args=["alder", key.pk])).status_code == status
    assert client.post(reverse("key_pause", args=["alder", key.pk])).status_code == status


def test_another_persons_confirmation_in_the_same_browser_does_not_count(
    people: People, key: ApiKey
) -> None:
    client = Client()
    client.force_login(people.manager)
    confirm(client, people.operator)
    assert is_asked(client.get(reverse("key_revoke", args=["alder", key.pk])))


def test_who_can_confirm_in_no_way_is_told_how_to_get_one(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    people.manager.set_unusable_password()
    people.manager.save()
    client = signed_in(people.manager)
    confirm(client, people.manager, minutes_ago=16)
    page = client.post(RENAME, {"name": "Elder"}).content.decode()

    assert "Choose a password" in page
    assert client.post(RENAME, {"name": "Elder", "confirm-then": "do", **YES}).status_code == 200
    assert name_now() == "Alder"
