"""The counts of states that pages read are those that counting every key gives, at any moment."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import WORKER
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.key_lifecycle import key_pause, key_revoke
from freddy_admin.sync.models import StateCount, SyncStatus
from freddy_admin.sync.status.aggregates import all_keys_aggregates
from freddy_admin.sync.status.queries import OverviewFilters, effective_state_expression
from freddy_admin.sync.status.selectors import overview_page
from freddy_admin.sync.status.state_counts import (
    keyless_organisations_refresh,
    state_counts_refresh,
)
from freddy_admin.vault.models import ApiKey
from tests.drill_scale import RUN_FULL_DRILLS
from tests.sync.conftest import NOON, MakeKey, keys_create

M = timedelta(minutes=1)
STEPS = st.one_of(
    st.just(("count",)),
    st.tuples(st.just("check"), st.integers(0, 5), st.sampled_from(list(HealthState)[:6])),
    st.tuples(st.just("age"), st.integers(0, 5)),
    st.tuples(st.just("pause"), st.integers(0, 5)),
    st.tuples(st.just("delete"), st.integers(0, 5)),
    st.just(("add",)),
)


def counts_shown() -> Counter[str]:
    groups = all_keys_aggregates(now=NOON)
    return Counter({state.value: group["total"] for state, group in groups.items()})


def counts_of_every_key() -> Counter[str]:
    rows = SyncStatus.objects.annotate(effective=effective_state_expression(NOON))
    return Counter(rows.values_list("effective", flat=True))


@pytest.mark.django_db(transaction=True)
@pytest.mark.drill
@settings(max_examples=40 if RUN_FULL_DRILLS else 15, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(steps=st.lists(STEPS, max_size=12))
def test_counts_are_right_after_every_step_whenever_the_worker_counts(
    steps: list[tuple[Any, ...]], organisation: Organisation
) -> None:
    ApiKey.objects.all().delete()
    StateCount.objects.all().delete()
    keys = keys_create([f"first {number}" for number in range(3)], at=organisation)
    for number, (step, *arguments) in enumerate(steps):
        key = keys[arguments[0] % len(keys)] if arguments else None
        rows = SyncStatus.objects.filter(key=key)
        if step == "count":
            state_counts_refresh()
        elif step == "check":
            rows.update(state=arguments[1], unknown_at=NOON + M)
        elif step == "age":
            rows.update(unknown_at=NOON - M)
        elif step == "pause":
            ApiKey.objects.filter(pk=key.pk if key else 0).update(paused_at=NOON)
        elif step == "delete":
            SyncStatus.objects.filter(key=key).delete()
        else:
            keys += keys_create([f"added {number}"], at=organisation)
        assert counts_shown() == counts_of_every_key(), (step, arguments)


def test_a_revoked_and_a_paused_key_leave_their_state_at_once(
    make_key: MakeKey, organisation: Organisation
) -> None:
    keys = [make_key(str(number)) for number in range(3)]
    state_counts_refresh()
    assert counts_shown() == {"not_checked": 3}
    key_revoke(organisation=organisation, actor=WORKER, key=keys[0])
    key_pause(organisation=organisation, actor=WORKER, key=keys[1])
    assert counts_shown() == {"not_checked": 1, "paused": 1}
    state_counts_refresh()
    assert counts_shown() == {"not_checked": 1, "paused": 1}
    organisation.delete()
    assert counts_shown() == {}


def test_a_wrong_count_is_right_after_the_next_one(make_key: MakeKey) -> None:
    make_key()
    state_counts_refresh()
    StateCount.objects.create(state="late", keys=7)
    assert counts_shown() == {"not_checked": 1, "late": 7}
    state_counts_refresh()
    assert counts_shown() == {"not_checked": 1}


def test_organisations_without_a_key_are_named_at_once_and_left_out_at_once(
    make_key: MakeKey, platform_admin: User
) -> None:
    def names() -> list[str]:
        page = overview_page(user=platform_admin, filters=OverviewFilters(), now=NOON)
        return [name for name, _slug in page.empty_organisations]

    make_key()
    keyless_organisations_refresh()
    birch = Organisation.objects.create(name="Birch", slug="birch", created_at=NOON)
    assert names() == ["Birch"]
    key = make_key("new", at=birch)
    assert names() == []
    keyless_organisations_refresh()
    key.delete()
    keyless_organisations_refresh()
    assert names() == ["Birch"]


def test_the_counts_are_read_from_indexes_that_hold_few_keys(
    platform_admin: User, make_key: MakeKey
) -> None:
    make_key()
    state_counts_refresh()
    plans = _plans(lambda: all_keys_aggregates(now=NOON))
    assert "sync_uncounted" in plans
    assert "sync_failing" in plans
    assert "sync_checked" in plans
    if connection.vendor == "sqlite":  # PostgreSQL reads a table of one page whole
        scans = [line for line in plans.splitlines() if line.startswith("SCAN sync_syncstatus")]
        # Of the latter two their first entry is read.
        few = ("sync_uncounted", "sync_failing", "sync_due", "sync_checked")
        assert [line for line in scans if not line.endswith(few)] == []


def _plans(read: Any) -> str:
    """How the database answers the queries of `read`, a line for each step."""
    lines: list[str] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if connection.vendor == "sqlite":
            statement = "EXPLAIN QUERY PLAN " + sql.replace("%s", "?")
            lines.extend(row[3] for row in connection.connection.execute(statement, params))
        else:
            with connection.connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off")
                cursor.execute("EXPLAIN " + sql, params)
                lines.extend(row[0] for row in cursor.fetchall())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        read()
    return "\n".join(lines)
