"""/metrics: what operators need, for a platform admin's token, with nobody's name in it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from freddy_admin.accounts.models import User
from freddy_admin.accounts.tokens.grants import TokenWish
from freddy_admin.accounts.tokens.panel_tokens import api_token_create
from freddy_admin.audit.services import OPERATOR
from freddy_admin.core import clock
from freddy_admin.core.clock_guard import Hold, Reason
from freddy_admin.ops.exposition import Family, exposed
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.sync.counting import checks_count
from freddy_admin.sync.models import ApiHealth, KeySync, Order, Outcome, WorkerBeat
from freddy_admin.sync.outcomes import Checked, Problem
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey, KeyStatus

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Samples = dict[tuple[str, ...], float]


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.using(lambda: NOON):
        yield


@pytest.fixture
def admin() -> User:
    return User.objects.create(email="root@example.org", is_platform_admin=True)


@pytest.fixture
def place() -> Organisation:
    return Organisation.objects.create(name="Alder Secret", slug="alder-secret")


def _key(place: Organisation, label: str, **row: Any) -> KeySync:
    paused = row.pop("paused_at", None)
    key = ApiKey.objects.create(
        organisation=place, label=label, status=KeyStatus.ACTIVE, created_at=NOON, paused_at=paused
    )
    values = {
        "state": State.UP_TO_DATE,
        "state_since": NOON,
        "outcome": "good",
        "checked_at": NOON - timedelta(seconds=40),
        "unknown_at": NOON + timedelta(minutes=10),
        "next_check_at": NOON + timedelta(minutes=5),
        "updated_at": NOON,
    }
    return KeySync.objects.create(key=key, organisation=place, **(values | row))


def _ask(user: User, wish: TokenWish | None = None) -> HttpResponse:
    token = api_token_create(actor=OPERATOR, user=user, name="p", wish=wish or TokenWish())
    return Client().get("/metrics", headers={"authorization": f"Bearer {token}"})


def _scraped(answer: HttpResponse) -> dict[str, Samples]:
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    found: dict[str, Samples] = {}
    for family in families:
        assert family.documentation
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_keys_are_counted_by_the_state_they_are_in_now(admin: User, place: Organisation) -> None:
    _key(place, "a")
    _key(place, "b", state=State.OVERDUE)
    _key(place, "c", unknown_at=NOON - timedelta(seconds=1))
    _key(place, "d", paused_at=NOON)
    states = _scraped(_ask(admin))["freddy_keys"]
    assert {pair[0] for pair in states} == set(State.values)
    counted = {state: number for (state,), number in states.items() if number}
    assert counted == {"up_to_date": 1, "overdue": 1, "unknown": 1, "paused": 1}


def test_what_is_due_and_what_is_old(admin: User, place: Organisation) -> None:
    _key(place, "due", next_check_at=NOON - timedelta(seconds=70), checked_at=NOON - 2 * _MINUTE)
    _key(place, "running", next_check_at=NOON - _MINUTE, lease_until=NOON + _MINUTE)
    _key(place, "paused", next_check_at=NOON - _MINUTE * 99, checked_at=None, paused_at=NOON)
    found = _scraped(_ask(admin))
    assert found["freddy_keys_due"] == {(): 1}
    assert found["freddy_keys_due_longest_seconds"] == {(): 70}
    assert found["freddy_oldest_check_age_seconds"] == {(): 120}


_MINUTE = timedelta(minutes=1)


def test_checks_are_counted_by_how_they_ended(admin: User, place: Organisation) -> None:
    row = _key(place, "a", outcome="failed", error_kind="timeout")
    for _ in range(2):
        checks_count([_ended(row, Outcome.GOOD), _ended(row, Outcome.FAILED, "timeout")])
    checks_count([_ended(row, Outcome.FAILED, "timeout")])
    checks_count([])
    found = _scraped(_ask(admin))
    assert found["freddy_checks_total"] == {("good", ""): 2, ("failed", "timeout"): 3}
    assert found["freddy_keys_latest_check"] == {("failed", "timeout"): 1}


def _ended(row: KeySync, outcome: Outcome, kind: str = "") -> Checked:
    problem = Problem(kind=kind) if kind else None
    return Checked(row.pk, 1, "t", NOON, outcome, problem=problem)


def test_orders_workers_and_aitronos_are_told(admin: User, place: Organisation) -> None:
    row = _key(place, "a")
    Order.objects.create(
        organisation=place, key_id=row.pk, key_version=1, kind="sync", requested_at=NOON
    )
    beat = {"version": "1", "started_at": NOON}
    WorkerBeat.objects.create(name="w1", beat_at=NOON - timedelta(seconds=4), **beat)
    WorkerBeat.objects.create(name="w2", beat_at=NOON - _MINUTE, master_key_state="missing", **beat)
    ApiHealth.objects.create(checked_at=NOON - _MINUTE, reachable=True, elapsed_ms=250)
    found = _scraped(_ask(admin))
    assert found["freddy_orders"]["sync", "queued"] == 1
    assert sum(found["freddy_orders"].values()) == 1
    assert found["freddy_workers_alive"] == {(): 1}
    assert found["freddy_database_writable"] == {(): 1}
    assert found["freddy_worker_beat_age_seconds"] == {(): 4}
    assert found["freddy_workers_master_key_fault"] == {(): 1}
    assert found["freddy_api_reachable"] == {(): 1}
    assert found["freddy_api_checked_age_seconds"] == {(): 60}
    assert found["freddy_api_answer_seconds"] == {(): 0.25}
    assert next(iter(found["freddy_build_info"]))[:1] == (settings.VERSION,)


def test_an_empty_panel_tells_zeros_and_leaves_out_what_it_does_not_know(admin: User) -> None:
    found = _scraped(_ask(admin))
    assert sum(found["freddy_keys"].values()) == 0
    assert found["freddy_keys_due"] == {(): 0}
    assert found["freddy_workers_alive"] == {(): 0}
    assert not {"freddy_oldest_check_age_seconds", "freddy_api_reachable"} & set(found)


def test_nobody_is_named_and_more_keys_are_no_more_lines(
    admin: User, place: Organisation, django_assert_max_num_queries: Any
) -> None:
    first = _key(place, "Label Secret")
    before = _ask(admin).content.decode()
    assert "ecret" not in before.replace("# HELP", "")
    for number in range(20):
        _key(place, f"k{number}")
    # The token, its use, its count between savepoints; five for the figures.
    with django_assert_max_num_queries(24):
        after = _ask(admin).content.decode()
    assert len(after.splitlines()) == len(before.splitlines())
    assert str(first.key_id) not in {line.rpartition(" ")[0] for line in after.splitlines()}


def test_only_a_platform_admins_token_for_everything_opens_it(
    admin: User, place: Organisation
) -> None:
    manager = User.objects.create(email="m@example.org")
    Membership.objects.create(organisation=place, user=manager, role="manager")
    narrow = TokenWish(organisation_ids=frozenset({place.pk}))
    for answer in (_ask(manager), _ask(admin, narrow)):
        assert answer.status_code == 403
        assert "platform admin" in answer.json()["detail"]
    assert _ask(admin, TokenWish(scope="act")).status_code == 200


def test_a_session_is_no_token_and_without_one_the_way_in_is_named(admin: User) -> None:
    client = Client()
    client.force_login(admin)
    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "Basic eDp4"}):
        answer = client.get("/metrics", headers=headers)
        assert (answer.status_code, answer["Content-Type"]) == (401, "application/json")
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert answer["Cache-Control"] == "private, no-store"
    assert client.post("/metrics").status_code == 405


def test_an_admin_who_is_one_no_more_is_refused_at_once(admin: User) -> None:
    token = api_token_create(actor=OPERATOR, user=admin, name="p")
    headers = {"authorization": f"Bearer {token}"}
    assert Client().get("/metrics", headers=headers).status_code == 200
    User.objects.update(is_platform_admin=False)
    assert Client().get("/metrics", headers=headers).status_code == 403


def test_labels_are_written_so_that_a_scrape_reads_them_back() -> None:
    value = 'a"b\\c\nd{}= é'
    text = exposed([Family("x", "gauge", "Two\nlines \\.", [({"l": value}, 12_345_678.0)])])
    [family] = text_string_to_metric_families(text)
    assert family.samples[0].labels == {"l": value}
    assert family.samples[0].value == 12_345_678
    assert exposed([Family("x", "gauge", "None.", [({}, None)])]) == ""


def test_it_says_whether_deletion_is_held(
    admin: User, place: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _scraped(_ask(admin))["freddy_deletion_held"]
    assert list(found.values()) == [0.0]
    hold = Hold(Reason.DATABASE, timedelta(days=365), until=None)
    monkeypatch.setattr("freddy_admin.ops.metrics.deletion_hold", lambda: hold)
    found = _scraped(_ask(admin))["freddy_deletion_held"]
    assert list(found.values()) == [1.0]
