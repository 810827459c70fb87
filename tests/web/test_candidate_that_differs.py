"""A candidate that reports another organisation: compared side by side, a manager decides."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyLifecycle
from freddy_admin.vault.sealing import api_key_context, canary_ensure, sealed_secret_set
from tests.web.conftest import MakeKey, People, SignIn

HERE = "/organisations/alder/"


def _create_waiting_candidate(key: ApiKey, **values: object) -> KeyCandidate:
    now = clock.now()
    defaults: dict[str, object] = {
        "state": CandidateState.DIFFERS,
        "result_code": "organisation,tools",
        "reported_total_tools": 9,
        "reported_enabled_tools": 3,
        "reported_last_sync_at": now - timedelta(minutes=30),
        "reported_organization_id": "org_<b>",
        "tested_at": now,
    }
    candidate = KeyCandidate(
        key=key, version=2, created_at=now, created_by="Ana", **(defaults | values)
    )
    canary_ensure()
    row = api_key_context(key.organisation_id, key.pk, 2)
    sealed_secret_set(candidate, "oak_live_healthy_other_0123456789abcdef", context=row)
    candidate.save()
    return candidate


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    return make_key(reported_organization_id="org_a")


@pytest.fixture
def manager_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


@pytest.mark.parametrize("page", [HERE, HERE + "keys/{}/"])
def test_candidate_and_present_key_are_shown_side_by_side(
    manager_client: Client, key: ApiKey, page: str
) -> None:
    _create_waiting_candidate(key)
    text = manager_client.get(page.format(key.pk)).content.decode()
    assert "The new key reports something else" in text
    assert "The present key stays in use until you decide." in text
    table = text[text.index('class="candidate-comparison"') : text.index("</table>")]
    for words in ("7 / 42", "3 / 9", "org_a", "org_&lt;b&gt;", "12 min ago", "30 min ago"):
        assert words in table
    assert table.count("candidate-comparison-differs") == 2
    assert "Use it all the same" in text
    assert "Throw it away" in text


def test_viewer_sees_the_comparison_and_decides_nothing(
    people: People, signed_in: SignIn, key: ApiKey
) -> None:
    _create_waiting_candidate(key)
    text = signed_in(people.viewer).get(HERE).content.decode()
    assert 'class="candidate-comparison"' in text
    assert "Use it all the same" not in text


def test_throwing_away_is_the_main_button_and_using_a_page_of_its_own(
    manager_client: Client, key: ApiKey
) -> None:
    _create_waiting_candidate(key)
    page = manager_client.get(f"{HERE}keys/{key.pk}/").content.decode()
    section = page[page.index('id="candidate-') :].split("</section>")[0]
    assert re.findall(r'class="btn btn-primary">.*?<span>(.*?)</span>', section) == [
        "Throw it away"
    ]
    assert f'href="{HERE}keys/{key.pk}/candidate/use/"' in section


@pytest.mark.parametrize("name", ["", "Birch", "alder-2"])
def test_candidate_is_not_used_before_the_organisation_was_typed(
    manager_client: Client, key: ApiKey, name: str
) -> None:
    _create_waiting_candidate(key)
    path = f"{HERE}keys/{key.pk}/candidate/use/"
    assert "org_&lt;b&gt;" in manager_client.get(path).content.decode()
    answer = manager_client.post(path, {"version": "2", "name": name})
    assert answer.status_code == 200
    key.refresh_from_db()
    assert key.version == 1


def test_accepted_candidate_replaces_the_present_key(manager_client: Client, key: ApiKey) -> None:
    _create_waiting_candidate(key)
    path = f"{HERE}keys/{key.pk}/candidate/use/"
    assert manager_client.post(path, {"version": "2", "name": " Alder "}).status_code == 302
    key.refresh_from_db()
    assert key.version == 2
    assert not KeyCandidate.objects.exists()
    page = manager_client.get(HERE).content.decode()
    assert "replaced the key by one that reports something else" in page


@pytest.mark.parametrize("seen_state", ["", "untested", "pending", "refused", "differs"])
def test_candidate_that_differs_is_not_kept_by_the_button_of_other_states(
    manager_client: Client, key: ApiKey, seen_state: str
) -> None:
    _create_waiting_candidate(key)
    answer = manager_client.post(
        f"{HERE}keys/{key.pk}/candidate/keep/", {"version": "2", "seen": seen_state}
    )
    assert answer.status_code == 409
    key.refresh_from_db()
    assert key.version == 1


def test_a_first_key_is_compared_with_what_was_entered(
    manager_client: Client, organisation: Organisation
) -> None:
    draft = ApiKey.objects.create(
        organisation=organisation,
        label="New",
        status=KeyLifecycle.DRAFT,
        version=0,
        issued_version=2,
        organization_id="org_a",
        created_at=clock.now(),
    )
    _create_waiting_candidate(draft, result_code="entered")
    text = manager_client.get(HERE).content.decode()
    table = text[text.index('class="candidate-comparison"') : text.index("</table>")]
    assert "Entered here" in table
    assert "org_a (entered here)" in table
    assert "Nothing is in use until you decide." in text
