"""Creating, replacing, updating, pausing and revoking a key, as a manager in the browser."""

import re

import pytest
from django.test import Client

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyLifecycle
from tests.web.conftest import HandClock, MakeKey, People, SignIn

SECRET = "oak_live_a1b2PLANTEDPLANTEDPLANTEDPLANTEDPLANTEDwxyz"
HERE = "/organisations/alder/"


@pytest.fixture
def manager_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


def _draft(manager_client: Client) -> ApiKey:
    fields = {"label": "Sales", "api_key": SECRET, "tags": "emea, finance"}
    answer = manager_client.post(f"{HERE}keys/add/", fields)
    key = ApiKey.objects.get(label="Sales")
    assert answer["Location"] == f"{HERE}keys/{key.pk}/"
    return key


def test_a_new_key_is_sealed_tested_and_never_shown(manager_client: Client) -> None:
    key = _draft(manager_client)
    page = manager_client.get(f"{HERE}keys/{key.pk}/").content.decode()
    assert "Testing the new key…" in page
    assert "oak_live_a1b2…wxyz" in page
    assert "PLANTED" not in page
    assert [tag.name for tag in key.tags.all()] == ["emea", "finance"]


def test_a_pasted_key_is_not_sent_back_with_an_error(manager_client: Client) -> None:
    fields = {"label": "", "api_key": SECRET}
    page = manager_client.post(f"{HERE}keys/add/", fields).content.decode()
    assert "Fill this in." in page
    assert "PLANTED" not in page
    assert 'autocomplete="off"' in page


@pytest.mark.parametrize(
    ("pasted", "sentence"),
    [
        ("", "Paste the API key: this field is empty."),
        ("two words", "white space inside the key"),
        ("k" * 600, "longer than any API key"),
        ("curly\u2019quote", "a typographic quotation mark inside the key"),
    ],
)
def test_what_is_wrong_with_a_key_stands_beside_its_field(
    pasted: str, sentence: str, manager_client: Client
) -> None:
    page = manager_client.post(
        f"{HERE}keys/add/", {"label": "S", "api_key": pasted}
    ).content.decode()
    field = page[page.index('for="id_api_key"') : page.index("It is stored encrypted")]
    assert sentence in field
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("state", "kind", "title", "offers"),
    [
        (CandidateState.REFUSED, "key_refused", "The new key was refused", False),
        (CandidateState.UNTESTED, "read_timeout", "The new key could not be tested", True),
    ],
)
def test_candidate_result_is_explained(
    state: str, kind: str, title: str, offers: bool, manager_client: Client
) -> None:
    key = _draft(manager_client)
    KeyCandidate.objects.update(state=state, result_kind=kind, tested_at=clock.now())
    page = manager_client.get(f"{HERE}keys/{key.pk}/").content.decode()
    assert title in page
    assert ("Keep it anyway" in page) is offers
    assert "Test again" in page
    assert "Throw it away" in page


def test_an_untested_key_can_be_kept(manager_client: Client) -> None:
    key = _draft(manager_client)
    KeyCandidate.objects.update(state=CandidateState.UNTESTED, result_kind="read_timeout")
    version = KeyCandidate.objects.get().version
    manager_client.post(f"{HERE}keys/{key.pk}/candidate/keep/", {"version": version})
    key.refresh_from_db()
    assert key.status == KeyLifecycle.ACTIVE
    assert SyncStatus.objects.filter(key=key).exists()


def test_discarded_key_is_gone(manager_client: Client) -> None:
    key = _draft(manager_client)
    version = KeyCandidate.objects.get().version
    answer = manager_client.post(
        f"{HERE}keys/{key.pk}/candidate/discard/", {"version": version}, follow=True
    )
    assert "The new key was thrown away." in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_candidate_replaced_meanwhile_is_not_touched(manager_client: Client) -> None:
    key = _draft(manager_client)
    answer = manager_client.post(f"{HERE}keys/{key.pk}/candidate/discard/", {"version": "77"})
    assert answer.status_code == 409
    assert "This was not done" in answer.content.decode()
    assert ApiKey.objects.exists()


def test_a_replaced_key_stays_in_use_while_the_new_one_is_tested(
    manager_client: Client, make_key: MakeKey
) -> None:
    key = make_key()
    manager_client.post(f"{HERE}keys/{key.pk}/replace/", {"api_key": SECRET})
    page = manager_client.get(f"{HERE}keys/{key.pk}/").content.decode()
    assert "The present key stays in use until the new one works or you keep it." in page
    assert "Up to date" in page


def test_changed_key_details_are_saved_and_audited(
    manager_client: Client, make_key: MakeKey, people: People
) -> None:
    key = make_key()
    fields = {"label": "Reception", "owner": people.viewer.pk, "tags": "a,b", "grace_minutes": "30"}
    page = manager_client.post(f"{HERE}keys/{key.pk}/edit/", fields, follow=True).content.decode()
    assert "The details were saved." in page
    assert "Reception" in page
    assert "30 min, its own" in page
    assert AuditEvent.objects.filter(tag="key_changed").exists()


def test_a_change_from_another_tab_is_not_undone_by_a_slip(
    manager_client: Client, make_key: MakeKey, people: People
) -> None:
    key = make_key()
    address = f"{HERE}keys/{key.pk}/edit/"
    [revision] = re.findall(
        r'name="revision" value="(\w+)"', manager_client.get(address).content.decode()
    )
    other_tab_fields = {"label": "Reception", "owner": people.operator.pk, "revision": revision}
    assert manager_client.post(address, other_tab_fields).status_code == 302
    own_fields = {"label": "Main", "tags": "emea", "revision": revision}
    page = manager_client.post(address, own_fields).content.decode()
    assert "Somebody else changed these details in the meantime" in page
    assert "Label: Reception; Owner: Operator; Tags: nothing." in page
    assert 'value="emea"' in page
    assert ApiKey.objects.get().label == "Reception"
    [newer] = re.findall(r'name="revision" value="(\w+)"', page)
    assert manager_client.post(address, own_fields | {"revision": newer}).status_code == 302
    assert (ApiKey.objects.get().label, ApiKey.objects.get().owner) == ("Main", None)


def test_an_owner_from_elsewhere_is_no_choice(
    manager_client: Client, make_key: MakeKey, people: People
) -> None:
    key = make_key()
    fields = {"label": "Main", "owner": people.stranger.pk}
    page = manager_client.post(f"{HERE}keys/{key.pk}/edit/", fields).content.decode()
    assert 'class="field field-wrong"' in page


def test_fields_that_a_form_does_not_have_change_nothing(
    manager_client: Client, make_key: MakeKey, other_organisation: Organisation
) -> None:
    key = make_key()
    columns_before = ApiKey.objects.filter(pk=key.pk).values().get()
    fields = {
        "label": "Main",
        "organisation": other_organisation.pk,
        "status": "revoked",
        "version": 9,
        "id": 1,
    }
    manager_client.post(f"{HERE}keys/{key.pk}/edit/", fields)
    assert ApiKey.objects.filter(pk=key.pk).values().get() == columns_before


def test_a_paused_key_says_by_whom_and_resumes(manager_client: Client, make_key: MakeKey) -> None:
    key = make_key()
    page = manager_client.post(f"{HERE}keys/{key.pk}/pause/", follow=True).content.decode()
    assert "Paused" in page
    assert "by Manager" in page
    page = manager_client.post(f"{HERE}keys/{key.pk}/resume/", follow=True).content.decode()
    assert "is watched again" in page
    assert "before the change" in page


def test_a_revoked_key_asks_first_and_says_what_stays(
    manager_client: Client, make_key: MakeKey
) -> None:
    key = make_key()
    page = manager_client.get(f"{HERE}keys/{key.pk}/revoke/").content.decode()
    assert "What goes, for good" in page
    assert "the key at Aitronos" in page
    for typed in ("", "main", "Alder"):
        retry_page = manager_client.post(f"{HERE}keys/{key.pk}/revoke/", {"label": typed})
        assert retry_page.status_code == 200
    assert "Nothing was revoked" in retry_page.content.decode()
    assert (
        "This key was revoked" not in manager_client.get(f"{HERE}keys/{key.pk}/").content.decode()
    )
    manager_client.post(f"{HERE}keys/{key.pk}/revoke/", {"label": " Main "})
    assert "This key was revoked" in manager_client.get(f"{HERE}keys/{key.pk}/").content.decode()


def test_check_now_locks_its_button_and_ends_on_evidence(
    manager_client: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key()
    location = manager_client.post(f"{HERE}keys/{key.pk}/check/")["Location"]
    page = manager_client.get(location).content.decode()
    assert "Checking, as you asked" in page
    assert 'disabled aria-busy="true"' in page
    finished_at = hand_clock.advance(seconds=3)
    SyncStatus.objects.update(
        checked_at=finished_at,
        observed_at=finished_at,
        requested_at=None,
        requested_by="",
        updated_at=finished_at,
    )
    page = manager_client.get(location).content.decode()
    assert "after you asked: Up to date." in page
    assert "aria-busy" not in page


def test_a_check_that_aitronos_holds_back_says_until_when(
    manager_client: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key()
    SyncStatus.objects.update(hold_until=hand_clock().replace(hour=12, minute=20))
    page = manager_client.post(f"{HERE}keys/{key.pk}/check/", follow=True).content.decode()
    assert "Aitronos asked us to wait, so the check comes at 12:20" in page


@pytest.mark.parametrize("page", ["/", HERE, "key"])
def test_every_page_that_shows_an_old_status_asks_for_a_check(
    page: str, manager_client: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key()
    now = hand_clock.advance(minutes=2)
    SyncStatus.objects.update(next_check_at=now.replace(minute=30))
    manager_client.get(f"{HERE}keys/{key.pk}/" if page == "key" else page)
    assert SyncStatus.objects.get().next_check_at == now


def test_keys_with_the_same_figures_are_not_added_up(
    manager_client: Client, make_key: MakeKey
) -> None:
    make_key("One")
    make_key("Two")
    assert "All keys report identical figures." in manager_client.get(HERE).content.decode()


def test_many_keys_are_a_list(manager_client: Client, make_key: MakeKey) -> None:
    for number in range(6):
        make_key(f"Key {number}")
    page = manager_client.get(HERE).content.decode()
    assert "All keys of this organisation" in page
    assert page.count('class="c-name"') == 6


def test_another_organisation_behind_a_key_is_a_warning(
    manager_client: Client, make_key: MakeKey
) -> None:
    make_key(key={"organization_id": "org_mine"}, reported_organization_id="org_theirs")
    page = manager_client.get(HERE).content.decode()
    assert "Aitronos answers for another organisation (org_theirs)" in page
