"""A new key that reports another organisation: compared side by side, decided by a manager."""

from datetime import timedelta

import pytest
from django.test import Client

from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyStatus
from freddy_admin.vault.sealing import Row, canary_ensure, seal_into
from tests.web.conftest import MakeKey, People, SignIn

HERE = "/organisations/alder/"


def _waiting(key: ApiKey, **values: object) -> KeyCandidate:
    now = clock.now()
    found: dict[str, object] = {
        "state": CandidateState.DIFFERS,
        "outcome_code": "organisation,tools",
        "found_total_tools": 9,
        "found_enabled_tools": 3,
        "found_last_sync_at": now - timedelta(minutes=30),
        "found_organization_id": "org_<b>",
        "tested_at": now,
    }
    candidate = KeyCandidate(
        key=key, version=2, created_at=now, created_by="Ana", **(found | values)
    )
    canary_ensure()
    row = Row(organisation_id=key.organisation_id, key_id=key.pk, version=2)
    seal_into(candidate, "oak_live_healthy_other_0123456789abcdef", row=row)
    candidate.save()
    return candidate


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    return make_key(reported_organization_id="org_a")


@pytest.fixture
def manager(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


@pytest.mark.parametrize("page", [HERE, HERE + "keys/{}/"])
def test_both_are_shown_side_by_side(manager: Client, key: ApiKey, page: str) -> None:
    _waiting(key)
    text = manager.get(page.format(key.pk)).content.decode()
    assert "The new key reports something else" in text
    assert "The present key stays in use until you decide." in text
    table = text[text.index('class="compared"') : text.index("</table>")]
    for words in ("7 / 42", "3 / 9", "org_a", "org_&lt;b&gt;", "12 min ago", "30 min ago"):
        assert words in table
    assert table.count("compared-differs") == 2
    assert "Use it all the same" in text
    assert "Throw it away" in text


def test_a_viewer_sees_it_and_decides_nothing(
    people: People, signed_in: SignIn, key: ApiKey
) -> None:
    _waiting(key)
    text = signed_in(people.viewer).get(HERE).content.decode()
    assert 'class="compared"' in text
    assert "Use it all the same" not in text


def test_used_all_the_same_it_replaces_the_present_one(manager: Client, key: ApiKey) -> None:
    _waiting(key)
    manager.post(f"{HERE}keys/{key.pk}/candidate/keep/", {"version": "2", "seen": "differs"})
    key.refresh_from_db()
    assert key.version == 2
    assert not KeyCandidate.objects.exists()
    told = manager.get(HERE).content.decode()
    assert "replaced the key by one that reports something else" in told


@pytest.mark.parametrize("seen", ["", "untested", "pending", "refused"])
def test_nobody_keeps_it_without_having_seen_the_comparison(
    manager: Client, key: ApiKey, seen: str
) -> None:
    _waiting(key)
    answer = manager.post(f"{HERE}keys/{key.pk}/candidate/keep/", {"version": "2", "seen": seen})
    assert answer.status_code == 409
    key.refresh_from_db()
    assert key.version == 1


def test_a_first_key_is_compared_with_what_was_entered(
    manager: Client, organisation: Organisation
) -> None:
    draft = ApiKey.objects.create(
        organisation=organisation,
        label="New",
        status=KeyStatus.DRAFT,
        version=0,
        issued_version=2,
        organization_id="org_a",
        created_at=clock.now(),
    )
    _waiting(draft, outcome_code="entered")
    text = manager.get(HERE).content.decode()
    table = text[text.index('class="compared"') : text.index("</table>")]
    assert "Entered here" in table
    assert "org_a (entered here)" in table
    assert "Nothing is in use until you decide." in text
