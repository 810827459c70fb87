"""Addresses: whatever one holds can be read, and what was read is written and read again."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from hypothesis import example, given
from hypothesis import strategies as st

from freddy_admin.audit.selectors import AuditCursor
from freddy_admin.audit.tags import AuditTag
from freddy_admin.sync.health_states import STATES_NEEDING_ACTION, HealthState
from freddy_admin.sync.status.queries import NO_OWNER, OverviewFilters
from freddy_admin.web.pages.audit_log.filters import AUDIT_PARAMS, AuditQuery
from freddy_admin.web.pages.catalog.filters import CATALOG_PARAMS, CatalogQuery
from freddy_admin.web.pages.history.filters import (
    HISTORY_PARAMS,
    KEY_HISTORY_PARAMS,
    HistoryQuery,
)
from freddy_admin.web.pages.overview.filters import OVERVIEW_PARAMS
from freddy_admin.web.query_params import QueryParams

AT = datetime(2026, 3, 2, 12, 0, 0, 5, tzinfo=UTC)
PAGES: list[tuple[QueryParams[Any], dict[str, Any]]] = [
    (OVERVIEW_PARAMS, {}),
    (AUDIT_PARAMS, {}),
    (CATALOG_PARAMS, {}),
    (HISTORY_PARAMS, {"path": "/"}),
    (KEY_HISTORY_PARAMS, {"path": "/", "is_key_page": True}),
]
_NAMES = """
q state tag owner expiring same sort page who organisation from to request before after key
category over show events other
"""
_VALUES = """
none needs_you late overdue 1 0 -1 2 007 100001 9223372036854775807 9223372036854775808 ²
0123456789abcdef -checked --checked state last 2026-03-02 1999-12-31 20260302 2026-W10-1
1772452800000005-7 99999999999999999-1 week day month syncs key_added_1 abc-_
"""
QUERIES = st.lists(
    st.tuples(
        st.sampled_from(_NAMES.split()) | st.text(max_size=8),
        st.sampled_from([*_VALUES.split(), "", " q ", "\x00", "\udc80", "a" * 101])
        | st.text()
        | st.sampled_from(AuditTag)
        | st.integers().map(str),
    ),
    max_size=8,
)


def read_query(pairs: list[tuple[str, str]]) -> QueryDict:
    query = QueryDict(mutable=True)
    for name, value in pairs:
        query.appendlist(name, value)
    return query


@pytest.mark.parametrize(("params", "fixed"), PAGES)
@given(pairs=QUERIES)
@example(pairs=[("before", "99999999999999999-1"), ("after", "1772452800000005-7")])
@example(pairs=[("state", "needs_you"), ("state", "late"), ("owner", "none")])
def test_any_address_is_read_and_what_was_read_is_written_again(
    params: QueryParams[Any], fixed: dict[str, Any], pairs: list[tuple[str, str]]
) -> None:
    values = params.parse(read_query(pairs), **fixed)
    url = params.build_url(values)
    assert params.parse(QueryDict(url.removeprefix("?")), **fixed) == values


@given(
    states=st.sets(st.sampled_from(HealthState)),
    q=st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, categories=["L", "N", "P"])),
    owner=st.none() | st.integers(0, 2**63 - 1),
    page=st.integers(1, 100_000),
    expiring=st.booleans(),
)
def test_filters_of_the_overview_come_back_from_their_address(
    states: set[HealthState], q: str, owner: int | None, page: int, expiring: bool
) -> None:
    filters = OverviewFilters(
        q=q[:100],
        states=tuple(state for state in HealthState if state in states),
        owner=owner,
        page=page,
        expiring=expiring,
        sort="-checked",
    )
    url = OVERVIEW_PARAMS.build_url(filters, "/")
    assert OVERVIEW_PARAMS.parse(QueryDict(url.removeprefix("/?"))) == filters


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.booleans())
def test_cursor_comes_back_from_its_address(seconds: int, number: int, newer: bool) -> None:
    cursor = AuditCursor(AT + timedelta(seconds=seconds), number, newer=newer)
    url = AUDIT_PARAMS.build_url(AuditQuery(), cursor=cursor)
    assert AUDIT_PARAMS.parse(QueryDict(url.removeprefix("?"))).cursor == cursor


def test_defaults_are_left_out_and_a_change_leads_back_to_the_first_page() -> None:
    needs_you = tuple(state for state in HealthState if state in STATES_NEEDING_ACTION)
    filters = OverviewFilters(states=needs_you, owner=NO_OWNER, page=3)
    assert OVERVIEW_PARAMS.build_url(OverviewFilters(), "/") == "/"
    assert OVERVIEW_PARAMS.build_url(filters, "/") == "/?state=needs_you&owner=none&page=3"
    assert OVERVIEW_PARAMS.build_url(filters, owner=None) == "?state=needs_you"
    assert OVERVIEW_PARAMS.build_url(filters, page=2).endswith("&page=2")
    assert CATALOG_PARAMS.build_url(CatalogQuery(key=4, page=2), q="a b") == "?key=4&q=a+b"
    search = AuditQuery(since=date(2026, 3, 2), cursor=AuditCursor(AT, 1))
    assert search.build_url("/audit/") == "/audit/?from=2026-03-02"


def test_sort_page_and_key_of_a_catalog_narrow_nothing() -> None:
    assert not OVERVIEW_PARAMS.is_narrowed(OverviewFilters(sort="last", page=4))
    assert OVERVIEW_PARAMS.is_narrowed(OverviewFilters(owner=NO_OWNER))
    assert not CatalogQuery(key=1, page=2).is_narrowed
    assert not AuditQuery(cursor=AuditCursor(AT, 1)).is_narrowed
    assert HistoryQuery("/", key_id=1).is_narrowed
    assert not HistoryQuery("/", key_id=1, is_key_page=True).is_narrowed
    assert not HistoryQuery("/", window="week").is_narrowed


def test_history_keeps_the_other_parameters_of_its_page() -> None:
    query = HistoryQuery("/x/", other_params=urlencode({"q": "a b"}), page=2)
    assert query.build_url("over-1", window="day") == "/x/?q=a+b&over=day&events=2#over-1"
    assert query.hidden_fields("show", "events") == [("q", "a b")]
