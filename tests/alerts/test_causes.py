"""What incidents of several organisations have in common becomes one cause."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.alerts.incidents.causes import causes_link
from freddy_admin.alerts.models import Cause, CauseKind, Incident, IncidentState
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.results import CallFailure, CheckResult
from freddy_admin.sync.key_lifecycle import key_pause
from freddy_admin.sync.models import CheckOutcome
from freddy_admin.vault.models import ApiKey
from tests.alerts.conftest import (
    ACTOR,
    HandClock,
    MakeKey,
    failed_result,
    good_result,
    keys_create,
    make_figures,
    record,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def organisations(
    organisation: Organisation, other_organisation: Organisation
) -> list[Organisation]:
    return [organisation, other_organisation]


MakeKeys = Callable[[int], list[ApiKey]]


@pytest.fixture
def make_keys(organisations: list[Organisation]) -> MakeKeys:
    """Keys that work, in both organisations by turns."""

    def make(count: int) -> list[ApiKey]:
        first, second = (
            keys_create([str(number) for number in range(start, count, 2)], at=organisation)
            for start, organisation in enumerate(organisations)
        )
        keys = sorted([*first, *second], key=lambda key: int(key.label))
        record(*map(good_result, keys))
        return keys

    return make


def fail(*keys: ApiKey, hand_clock: HandClock, kind: str = "read_timeout") -> None:
    for _ in range(4):
        hand_clock.advance(minutes=5)
        record(*(failed_result(key, kind) for key in keys))


def refused(
    key: ApiKey, code: str, http_status: int = 403, organization_id: str = ""
) -> CheckResult:
    return CheckResult(
        key_id=key.pk, key_version=key.version, token="t", finished_at=clock.now(),
        outcome=CheckOutcome.REFUSED,
        failure=CallFailure(
            kind="key_not_permitted", http_status=http_status, code=code,
            organization_id=organization_id,
        ),
    )  # fmt: skip


def refuse_alike(*keys: ApiKey, hand_clock: HandClock, code: str = "INSUFFICIENT_PERMISSIONS",
                 organization_id: str = "") -> None:  # fmt: skip
    for _ in range(2):
        hand_clock.advance(minutes=1)
        record(*(refused(key, code, organization_id=organization_id) for key in keys))


def test_one_failure_of_half_the_keys_is_one_cause_over_organisations(
    make_keys: MakeKeys, hand_clock: HandClock
) -> None:
    keys = make_keys(6)
    fail(*keys[:3], hand_clock=hand_clock)

    assert causes_link(now=clock.now()) == 3
    cause = Cause.objects.get()
    assert (cause.kind, cause.detail) == (CauseKind.API_UNREACHABLE, "timed_out")
    assert cause.opened_at == min(Incident.objects.values_list("opened_at", flat=True))
    assert set(Incident.objects.values_list("cause", "organisation")) == {
        (cause.pk, key.organisation_id) for key in keys[:3]
    }
    assert causes_link(now=clock.now()) == 0


@pytest.mark.parametrize(("failing", "total"), [(2, 2), (3, 7)])
def test_too_few_keys_share_no_cause(
    make_keys: MakeKeys, hand_clock: HandClock, failing: int, total: int
) -> None:
    keys = make_keys(total)
    fail(*keys[:failing], hand_clock=hand_clock)

    assert causes_link(now=clock.now()) == 0
    assert not Cause.objects.exists()


def test_keys_that_back_off_still_count_as_failing(
    make_keys: MakeKeys, hand_clock: HandClock
) -> None:
    keys = make_keys(3)
    fail(*keys, hand_clock=hand_clock)
    hand_clock.advance(minutes=6)  # longer than a check period, and no check was due

    assert causes_link(now=clock.now()) == 3


def test_failures_that_nobody_looked_at_for_long_share_no_cause(
    make_keys: MakeKeys, hand_clock: HandClock
) -> None:
    keys = make_keys(3)
    fail(*keys, hand_clock=hand_clock)
    hand_clock.advance(hours=5)
    assert causes_link(now=clock.now()) == 0


def test_paused_keys_do_not_count(
    make_keys: MakeKeys, hand_clock: HandClock, organisations: list[Organisation]
) -> None:
    keys = make_keys(7)
    fail(*keys[:3], hand_clock=hand_clock)
    key_pause(organisation=organisations[1], actor=ACTOR, key=keys[5])
    assert causes_link(now=clock.now()) == 3


def test_a_key_that_fails_in_another_way_is_an_incident_of_its_own(
    make_keys: MakeKeys, hand_clock: HandClock
) -> None:
    keys = make_keys(4)
    for _ in range(4):
        hand_clock.advance(minutes=5)
        record(*(failed_result(key) for key in keys[:3]), failed_result(keys[3], "server_error"))
    assert causes_link(now=clock.now()) == 3
    assert Incident.objects.get(cause=None).keys.get().key_id == keys[3].pk


def test_a_key_that_fails_later_joins_the_cause_that_is_open(
    make_keys: MakeKeys, hand_clock: HandClock
) -> None:
    keys = make_keys(4)
    fail(*keys[:3], hand_clock=hand_clock)
    causes_link(now=clock.now())
    fail(*keys, hand_clock=hand_clock)

    assert causes_link(now=clock.now()) == 1
    assert Cause.objects.count() == 1


def test_the_same_refusal_of_most_keys_is_a_cause(
    make_keys: MakeKeys, hand_clock: HandClock
) -> None:
    keys = make_keys(4)
    refuse_alike(*keys[:3], hand_clock=hand_clock)

    assert causes_link(now=clock.now()) == 3
    cause = Cause.objects.get()
    assert (cause.kind, cause.detail, cause.organization_id) == (
        CauseKind.REFUSED_ALIKE, "403 INSUFFICIENT_PERMISSIONS", "",
    )  # fmt: skip


def test_the_same_refusal_within_one_organisation_at_aitronos_is_a_cause_of_its_own(
    make_keys: MakeKeys, hand_clock: HandClock
) -> None:
    keys = make_keys(12)
    refuse_alike(*keys[:3], hand_clock=hand_clock, organization_id="org_a")
    refuse_alike(*keys[3:6], hand_clock=hand_clock, organization_id="org_b", code="OTHER")

    assert causes_link(now=clock.now()) == 6
    assert set(Cause.objects.values_list("organization_id", "detail")) == {
        ("org_a", "403 INSUFFICIENT_PERMISSIONS"), ("org_b", "403 OTHER"),
    }  # fmt: skip


def test_a_refusal_that_names_the_key_is_no_cause(
    make_keys: MakeKeys, hand_clock: HandClock
) -> None:
    keys = make_keys(3)
    for _ in range(2):
        hand_clock.advance(minutes=1)
        record(*(refused(key, "API_KEY_EXPIRED", 401) for key in keys))
    assert causes_link(now=clock.now()) == 0


def test_a_master_key_that_does_not_fit_is_one_cause_however_few_keys(
    make_keys: MakeKeys, hand_clock: HandClock
) -> None:
    keys = make_keys(5)
    fail(keys[0], hand_clock=hand_clock, kind="master_key_misfit")

    assert causes_link(now=clock.now()) == 1
    assert Cause.objects.get().kind == CauseKind.MASTER_KEY
    record(good_result(keys[0]))
    assert Cause.objects.get().resolved_at == clock.now()


def test_a_cause_ends_with_the_last_of_its_incidents(
    make_keys: MakeKeys, hand_clock: HandClock
) -> None:
    keys = make_keys(4)
    fail(*keys, hand_clock=hand_clock)
    causes_link(now=clock.now())
    hand_clock.advance(minutes=1)
    record(*map(good_result, keys[:1]))
    causes_link(now=clock.now())
    assert Cause.objects.get().resolved_at is None
    record(*map(good_result, keys[1:]))

    assert Cause.objects.get().resolved_at == clock.now()
    assert not Incident.objects.exclude(state=IncidentState.RESOLVED).exists()
    fail(*keys, hand_clock=hand_clock)
    causes_link(now=clock.now())
    assert Cause.objects.count() == 2


def test_a_cause_that_hardly_anybody_shares_any_more_ends_before_its_last_incident(
    make_keys: MakeKeys, hand_clock: HandClock
) -> None:
    keys = make_keys(4)
    fail(*keys, hand_clock=hand_clock)
    causes_link(now=clock.now())
    hand_clock.advance(minutes=1)
    record(*map(good_result, keys[1:]))
    causes_link(now=clock.now())

    cause = Cause.objects.get()
    assert cause.resolved_at == clock.now()
    (straggler,) = Incident.objects.exclude(state=IncidentState.RESOLVED)
    assert straggler.cause == cause


def test_a_refused_cause_stays_while_its_keys_are_refused(
    make_keys: MakeKeys, hand_clock: HandClock
) -> None:
    keys = make_keys(4)
    refuse_alike(*keys, hand_clock=hand_clock)
    causes_link(now=clock.now())
    hand_clock.advance(hours=9)
    causes_link(now=clock.now())
    assert Cause.objects.get().resolved_at is None


def test_an_overdue_sync_has_no_cause(make_key: MakeKey, hand_clock: HandClock) -> None:
    now = clock.now()
    figures = make_figures(now - timedelta(hours=20), now - timedelta(hours=16))
    record(*(good_result(make_key(str(number)), figures) for number in range(3)))
    assert Incident.objects.exists()
    assert causes_link(now=now) == 0


def test_linking_costs_as_many_statements_for_many_keys_as_for_few(
    make_keys: MakeKeys, hand_clock: HandClock
) -> None:
    with CaptureQueriesContext(connection) as context:
        assert causes_link(now=clock.now()) == 0
    assert (
        len([query for query in context.captured_queries if "SAVEPOINT" not in query["sql"]]) == 2
    )
    keys, counts = make_keys(9), []
    fail(*keys, hand_clock=hand_clock)
    linked = Incident.objects.order_by("pk")
    for ids in (list(linked.values_list("pk", flat=True))[:3], None):
        Incident.objects.update(cause=None)
        Cause.objects.all().delete()
        if ids:
            Incident.objects.exclude(pk__in=ids).update(cause=Cause.objects.create(
                kind=CauseKind.MASTER_KEY, opened_at=clock.now()
            ))  # fmt: skip
        with CaptureQueriesContext(connection) as context:
            causes_link(now=clock.now())
        counts.append(len(context))
    assert max(counts) <= 12
    assert counts[1] <= counts[0]
