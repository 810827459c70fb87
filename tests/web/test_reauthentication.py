"""Changes of keys, people and rights need reauthentication within a quarter of an hour."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from freddy_admin.accounts.auth.adapters import AccountAdapter
from freddy_admin.audit.models import AuditEvent
from freddy_admin.core.rate_limits import TooManyRequests
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import (
    MakeKey,
    People,
    SignIn,
    asks_reauthentication,
    mark_reauthenticated,
)
from tests.web.reauthentication import (
    PASSWORD,
    PASSWORD_ANSWER,
    manager_with_old_authentication,
    reauthentication_fields,
    submit_reauthentication,
)

SECRET = "oak_live_planted_0123456789abcdef"
RENAME = "/organisations/alder/rename/"


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    return make_key()


@pytest.fixture
def manager_client(people: People, signed_in: SignIn) -> Client:
    return manager_with_old_authentication(people, signed_in)


def organisation_name() -> str:
    return Organisation.objects.get(slug="alder").name


def test_page_asks_for_reauthentication_in_place_and_then_opens(
    manager_client: Client, key: ApiKey
) -> None:
    page = reverse("key_revoke", args=["alder", key.pk])
    response = submit_reauthentication(manager_client, manager_client.get(page))

    assert response["Location"] == page
    assert "Type the key" in manager_client.get(page).content.decode()


def test_submitted_form_is_kept_and_saved_after_reauthentication(
    manager_client: Client, organisation: object
) -> None:
    question = manager_client.post(RENAME, {"name": "Alder & <b>Sons</b> “Ltd”"})
    assert "Nothing was changed yet" in question.content.decode()
    assert "<b>Sons" not in question.content.decode()
    assert organisation_name() == "Alder"

    response = submit_reauthentication(manager_client, question)
    assert response["Location"] == "/organisations/alder/"
    assert organisation_name() == "Alder & <b>Sons</b> “Ltd”"
    # For a quarter of an hour no reauthentication is needed.
    assert manager_client.post(RENAME, {"name": "Elder"}).status_code == 302


def test_every_value_of_a_field_is_kept_through_reauthentication(
    people: People, signed_in: SignIn, other_organisation: Organisation, organisation: Organisation
) -> None:
    people.admin.set_password(PASSWORD)
    people.admin.save()
    client = signed_in(people.admin)
    mark_reauthenticated(client, people.admin, minutes_ago=16)
    organisation_ids = [str(organisation.pk), str(other_organisation.pk)]
    form_fields = {
        "name": "ci",
        "scope": "read",
        "reach": "chosen",
        "organisations": organisation_ids,
    }
    fields = reauthentication_fields(
        client.post("/profile/tokens/new/", form_fields | {"expires": "90"})
    )

    assert fields["organisations"] == organisation_ids


def test_form_errors_are_shown_after_reauthentication(manager_client: Client, key: ApiKey) -> None:
    page = reverse("key_revoke", args=["alder", key.pk])
    text = submit_reauthentication(
        manager_client, manager_client.post(page, {"label": "Maim"})
    ).content.decode()

    assert "Nothing was revoked" in text
    assert 'value="Maim"' in text


def is_paused(key: ApiKey) -> bool:
    key.refresh_from_db()
    return key.paused_at is not None


def test_pressed_button_takes_effect_after_reauthentication(
    manager_client: Client, people: People, key: ApiKey
) -> None:
    for page, paused in (("key_pause", True), ("key_resume", False)):
        mark_reauthenticated(manager_client, people.manager, minutes_ago=16)
        question = manager_client.post(reverse(page, args=["alder", key.pk]))
        assert is_paused(key) != paused
        assert (
            submit_reauthentication(manager_client, question)["Location"] == "/organisations/alder/"
        )
        assert is_paused(key) == paused


def test_secret_is_not_kept_through_reauthentication_and_other_fields_are(
    manager_client: Client, organisation: Organisation
) -> None:
    page = reverse("key_add", args=["alder"])
    question = manager_client.post(
        page, {"label": "Northern sales", "api_key": SECRET, "tags": "emea"}
    )
    assert SECRET not in question.content.decode()
    assert SECRET not in str(dict(manager_client.session))
    assert "enter those again afterwards" in question.content.decode()

    form = submit_reauthentication(manager_client, question).content.decode()
    assert "Keys, codes and files were not kept" in form
    assert 'value="Northern sales"' in form
    assert 'value="emea"' in form
    assert "Paste the API key" in form
    assert not ApiKey.objects.exists()
    # Reauthenticated by now, so the key can be saved.
    manager_client.post(page, {"label": "Northern sales", "api_key": SECRET})
    assert ApiKey.objects.get().label == "Northern sales"


def test_pasted_rows_and_files_are_not_kept_through_reauthentication(
    manager_client: Client, organisation: object
) -> None:
    fields = reauthentication_fields(
        manager_client.post("/import/", {"rows": f"Alder,A,{SECRET},,"})
    )
    assert fields == {
        "confirm-then": ["do"],
        "confirm-left-out": ["1"],
        "confirm-with": ["password"],
    }


def test_recent_reauthentication_lets_a_secret_through(
    manager_client: Client, people: People, organisation: Organisation
) -> None:
    mark_reauthenticated(manager_client, people.manager)
    fields = {"label": "Main", "api_key": SECRET, "confirm-other": "x"}
    assert manager_client.post(reverse("key_add", args=["alder"]), fields).status_code == 302
    assert ApiKey.objects.exists()


def test_wrong_password_is_recorded_and_keeps_the_submitted_form(
    manager_client: Client, organisation: Organisation, people: People
) -> None:
    question = manager_client.post(RENAME, {"name": "Elder"})
    second_question = submit_reauthentication(
        manager_client, question, **{"confirm-password": "wrong"}
    )

    assert reauthentication_fields(second_question)["name"] == ["Elder"]
    assert "wrong" not in second_question.content.decode().replace("is-invalid", "")
    assert organisation_name() == "Alder"
    event = AuditEvent.objects.first()
    assert event
    assert (event.tag, event.actor_id) == ("confirmation_failed", people.manager.pk)
    submit_reauthentication(manager_client, second_question)
    assert organisation_name() == "Elder"


def test_password_guess_is_counted_before_it_is_checked(
    manager_client: Client, organisation: Organisation, settings: Any
) -> None:
    question = manager_client.post(RENAME, {"name": "Elder"})
    tries = [
        submit_reauthentication(manager_client, question, **{"confirm-password": f"w{n}"})
        for n in range(4)
    ]
    assert {answer.status_code for answer in tries} == {200}
    for n in range(12):
        last_response = manager_client.post(
            RENAME,
            reauthentication_fields(question) | PASSWORD_ANSWER | {"confirm-password": f"x{n}"},
        )
    assert last_response.status_code == 429
    assert "What you typed is kept." in last_response.content.decode()
    assert last_response["Retry-After"] == "60"
    # The right password, after too many wrong ones.
    assert (
        manager_client.post(RENAME, reauthentication_fields(question) | PASSWORD_ANSWER).status_code
        == 429
    )
    assert organisation_name() == "Alder"


def test_submitted_form_stays_while_too_many_sign_in_at_once(
    manager_client: Client, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise TooManyRequests(5)

    question = manager_client.post(RENAME, {"name": "Elder"})
    with monkeypatch.context() as patch:
        patch.setattr(AccountAdapter, "authenticate", full)
        answer = submit_reauthentication(manager_client, question)
    assert (answer.status_code, answer["Retry-After"]) == (429, "5")
    assert 'name="name" value="Elder"' in answer.content.decode()
    submit_reauthentication(manager_client, question)
    assert organisation_name() == "Elder"


def test_oversized_field_is_not_carried_through_reauthentication(
    manager_client: Client, organisation: Organisation
) -> None:
    # Each text alone is truncated before: many together are too long.
    question = manager_client.post(RENAME, {"name": "Elder", "more": ["x" * 1_000] * 20})
    assert len(question.content) < 20_000
    assert "too long to be kept" in question.content.decode()

    response = submit_reauthentication(manager_client, question)
    assert response["Location"] == RENAME
    assert organisation_name() == "Alder"


def test_submitted_form_is_stored_in_no_session(
    manager_client: Client, organisation: Organisation
) -> None:
    manager_client.post(RENAME, {"name": "Planted-Name"})
    assert "Planted-Name" not in str(dict(manager_client.session))


def test_reauthentication_without_the_csrf_token_does_nothing(
    people: People, manager_client: Client, organisation: Organisation
) -> None:
    csrf_client = Client(enforce_csrf_checks=True)
    csrf_client.cookies = manager_client.cookies
    fields = {"name": "Elder", "confirm-then": "do", **PASSWORD_ANSWER}
    assert csrf_client.post(RENAME, fields).status_code == 403
    assert organisation_name() == "Alder"


def test_reauthentication_page_that_is_only_opened_does_nothing(
    manager_client: Client, organisation: Organisation, people: People
) -> None:
    manager_client.get(RENAME, {"name": "Elder", "confirm-then": "do", **PASSWORD_ANSWER})
    mark_reauthenticated(manager_client, people.manager)
    manager_client.get(RENAME, {"name": "Elder", "confirm-then": "do"})
    assert organisation_name() == "Alder"


def test_two_tabs_that_reauthenticate_each_do_their_own_action(
    manager_client: Client, key: ApiKey
) -> None:
    first_question = manager_client.post(RENAME, {"name": "Elder"})
    second_question = manager_client.post(reverse("key_pause", args=["alder", key.pk]))
    submit_reauthentication(manager_client, first_question)
    submit_reauthentication(manager_client, second_question)

    assert (organisation_name(), is_paused(key)) == ("Elder", True)


def test_htmx_request_leads_the_whole_page_to_reauthentication(
    manager_client: Client, key: ApiKey
) -> None:
    page = reverse("key_revoke", args=["alder", key.pk])
    assert manager_client.get(page, headers={"HX-Request": "true"})["HX-Redirect"] == page


@pytest.mark.parametrize(("role", "status"), [("stranger", 404), ("operator", 403)])
def test_person_without_permission_is_refused_before_reauthentication(
    role: str, status: int, people: People, signed_in: SignIn, key: ApiKey
) -> None:
    person = getattr(people, role)
    client = signed_in(person)
    mark_reauthenticated(client, person, minutes_ago=16)
    assert client.get(reverse("key_revoke", args=["alder", key.pk])).status_code == status
    assert client.post(reverse("key_pause", args=["alder", key.pk])).status_code == status


def test_reauthentication_of_another_person_in_the_same_browser_does_not_count(
    people: People, key: ApiKey
) -> None:
    client = Client()
    client.force_login(people.manager)
    mark_reauthenticated(client, people.operator)
    assert asks_reauthentication(client.get(reverse("key_revoke", args=["alder", key.pk])))


def test_person_without_any_method_is_told_how_to_get_one(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    people.manager.set_unusable_password()
    people.manager.save()
    client = signed_in(people.manager)
    mark_reauthenticated(client, people.manager, minutes_ago=16)
    page = client.post(RENAME, {"name": "Elder"}).content.decode()

    assert "Choose a password" in page
    assert (
        client.post(RENAME, {"name": "Elder", "confirm-then": "do", **PASSWORD_ANSWER}).status_code
        == 200
    )
    assert organisation_name() == "Alder"
