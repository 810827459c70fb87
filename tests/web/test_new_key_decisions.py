"""A new secret that waits for a decision: on its card, on the overview, and how it is kept."""

import html
import re
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.vault.candidate_result import CandidateResult
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyLifecycle
from freddy_admin.vault.services.candidates import candidate_record_result
from freddy_admin.vault.services.keys import api_key_create, api_key_replace
from tests.web.conftest import (
    HandClock,
    MakeKey,
    People,
    SignIn,
    columns_by_state,
    shown_digests_of,
)

HERE = "/organisations/alder/"
SECRET = "oak_live_waiting_0123456789abcdefghijklmnop"
ANA = Actor(name="Ana", id=1)
REFUSAL = CandidateResult(
    kind="key_not_permitted",
    code="INSUFFICIENT_PERMISSIONS",
    http_status=403,
    message="You do not have permission to access this resource.",
    trace_id="req_def456uvw",
)
DECIDE = "Decide about the new key"


def _refuse(key: ApiKey, state: CandidateState = CandidateState.REFUSED) -> KeyCandidate:
    candidate = KeyCandidate.objects.get(key=key)
    return candidate_record_result(
        organisation=key.organisation,
        key=key,
        version=candidate.version,
        state=state,
        outcome=REFUSAL,
    )


@pytest.fixture
def draft(organisation: Organisation) -> ApiKey:
    key = api_key_create(
        organisation=organisation, actor=ANA, details=KeyDetails(label="New"), secret=SECRET
    )
    _refuse(key)
    return key


@pytest.fixture
def rejected_key(organisation: Organisation, make_key: MakeKey) -> ApiKey:
    """A key that Aitronos rejects, with a refused new one beside it."""
    columns = columns_by_state(clock.now())[HealthState.KEY_REJECTED]
    key = make_key("Main", **(columns | {"state": HealthState.KEY_REJECTED, "state_rule": 3}))
    api_key_replace(organisation=organisation, actor=ANA, key=key, secret=SECRET)
    _refuse(key)
    return key


@pytest.fixture
def manager(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


def _cards(client: Client) -> str:
    page = client.get("/").content.decode()
    return page[page.index('id="needs"') :].split("</section>")[0]


def test_refused_first_key_can_be_kept_and_is_tried_every_hour(
    manager: Client, draft: ApiKey
) -> None:
    page = manager.get(f"{HERE}keys/{draft.pk}/").content.decode()
    assert "Keep it and try again every hour" in page
    candidate = KeyCandidate.objects.get(key=draft)
    answer = manager.post(
        f"{HERE}keys/{draft.pk}/candidate/keep/",
        {"version": candidate.version, "seen": "refused"},
        follow=True,
    )
    assert "It is tried again every hour, beginning now." in answer.content.decode()
    draft.refresh_from_db()
    assert draft.status == KeyLifecycle.ACTIVE
    page = manager.get(f"{HERE}keys/{draft.pk}/").content.decode()
    assert "You do not have permission to access this resource." in page
    assert "trace_id: req_def456uvw" in page


def test_refused_replacement_that_is_kept_says_when_it_is_tried_next(
    manager: Client, rejected_key: ApiKey, hand_clock: HandClock
) -> None:
    candidate = KeyCandidate.objects.get(key=rejected_key)
    fields = {"version": candidate.version, "seen": "refused"}
    answer = manager.post(f"{HERE}keys/{rejected_key.pk}/candidate/keep/", fields, follow=True)
    assert "the present one stays in use until it works" in answer.content.decode()
    page = manager.get(f"{HERE}keys/{rejected_key.pk}/").content.decode()
    assert "It is kept and tried every hour, next at" in page
    assert "Keep it and try again every hour" not in page
    assert "is thrown away" not in page
    assert DECIDE not in page


@pytest.mark.parametrize("path", ["", "keys/{}/"])
def test_card_offers_the_decision_in_place_of_another_key(
    manager: Client, rejected_key: ApiKey, path: str
) -> None:
    page = manager.get(HERE + path.format(rejected_key.pk)).content.decode()
    panel = page[page.index('<div class="problem-foot">', page.index("What is wrong")) :]
    panel = panel.split("</section>")[0]
    assert DECIDE in panel
    assert "Replace the key" not in panel


def test_overview_offers_the_decision_in_place_of_another_key(
    manager: Client, rejected_key: ApiKey
) -> None:
    cards = _cards(manager)
    assert cards.count("needs-you-card tone-") == 1
    assert f'href="{HERE}keys/{rejected_key.pk}/#candidate-{rejected_key.pk}"' in cards
    assert DECIDE in cards
    assert "Replace the key" not in cards


def test_first_key_that_waits_for_a_decision_stands_on_the_overview(
    manager: Client, draft: ApiKey
) -> None:
    cards = html.unescape(_cards(manager))
    assert "The new key “New” waits for a decision: refused." in cards
    assert f'href="{HERE}keys/{draft.pk}/#candidate-{draft.pk}"' in cards


def test_decision_about_a_key_that_is_well_stands_on_the_overview(
    manager: Client, organisation: Organisation, make_key: MakeKey
) -> None:
    key = make_key()
    api_key_replace(organisation=organisation, actor=ANA, key=key, secret=SECRET)
    assert "hidden" in _cards(manager)
    _refuse(key, CandidateState.DIFFERS)
    cards = html.unescape(_cards(manager))
    assert "The new key “Main” waits for a decision: works, but reports something else" in cards
    assert DECIDE in cards


@pytest.mark.parametrize("name", ["viewer", "operator", "stranger"])
def test_nobody_else_is_offered_the_decision(
    name: str, people: People, signed_in: SignIn, draft: ApiKey, rejected_key: ApiKey
) -> None:
    client = signed_in(getattr(people, name))
    assert DECIDE not in client.get("/").content.decode()
    if name != "stranger":
        page = client.get(f"{HERE}keys/{rejected_key.pk}/").content.decode()
        assert DECIDE not in page
        assert "trace_id: req_def456uvw" in page


def test_overview_asks_for_decisions_only_where_one_waits(
    manager: Client, organisation: Organisation, make_key: MakeKey
) -> None:
    key = make_key()
    manager.get("/")
    statements = _count_statements(manager)
    api_key_replace(organisation=organisation, actor=ANA, key=key, secret=SECRET)
    assert _count_statements(manager) == statements
    _refuse(key)
    assert _count_statements(manager) == statements + 1


def _count_statements(client: Client) -> int:
    with CaptureQueriesContext(connection) as queries:
        client.get("/")
    return len(queries)


def test_details_are_sent_to_the_contact_for_support(
    manager: Client, rejected_key: ApiKey, settings: LazySettings
) -> None:
    path = f"{HERE}keys/{rejected_key.pk}/"
    assert "Send this to support" not in manager.get(path).content.decode()
    settings.SUPPORT_CONTACT = "https://help.example.org/aitronos"
    page = manager.get(path).content.decode()
    assert page.count('href="https://help.example.org/aitronos"') == 2
    settings.SUPPORT_CONTACT = "mailto:support@example.org"
    page = html.unescape(manager.get(path).content.decode())
    links = re.findall(r'href="(mailto:support@example\.org\?subject=[^"]*)"', page)
    assert len(links) == 2
    assert "trace_id%3A%20req_def456uvw" in links[0]
    assert SECRET[9:] not in "".join(links)


def test_hourly_test_of_a_kept_key_is_seen_by_an_open_page(
    manager: Client, rejected_key: ApiKey
) -> None:
    path = f"{HERE}keys/{rejected_key.pk}/"
    before = shown_digests_of(manager.get(path).content.decode())
    KeyCandidate.objects.update(tested_at=clock.now() + timedelta(hours=1))
    assert shown_digests_of(manager.get(path).content.decode()) != before
