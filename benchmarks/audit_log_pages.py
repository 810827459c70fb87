"""A page of the audit log among a million events must cost about what it costs among a thousand."""

from collections.abc import Callable

from django.db import connection

from benchmarks.timing import print_result, time_side_by_side
from freddy_admin.audit.selectors import AuditFilters, AuditScope, audit_event_page

FEW_EVENTS, MANY_EVENTS = 1_000, 1_000_000
MANAGER_SCOPE = AuditScope(
    managed_organisation_ids=frozenset(range(1, 51)),
    visible_organisation_ids=frozenset(range(1, 201)),
    person_id=7,
    email="a@b.example",
)
SCOPES = {"platform admin": AuditScope(is_unrestricted=True), "manager of 50": MANAGER_SCOPE}
FILTERS = {
    "everything": AuditFilters(),
    "one kind": AuditFilters(tag="key_paused"),
    "a kind that never came": AuditFilters(tag="member_left"),
    "one person": AuditFilters(actor_id=7),
    "one request": AuditFilters(request_id="request-10"),
}


def measure_audit_log_pages() -> None:
    """Time pages of the audit log and print the ratios; last, as its events have no seal."""
    _create_events(FEW_EVENTS)
    times_of_few = {scope: _time_pages(scope) for scope in SCOPES}
    _create_events(MANY_EVENTS)
    for scope in SCOPES:
        times_of_many = _time_pages(scope)
        for filter_name, seconds in times_of_many.items():
            ratio = seconds / times_of_few[scope][filter_name]
            result = f"{seconds * 1000:7.1f} ms, x {ratio:4.1f}"
            print_result(
                f"audit log, {MANY_EVENTS:,} events, {scope}: {filter_name}",
                result,
                f"goal x 3 of {FEW_EVENTS:,}",
                is_met=ratio <= 3,
            )


def _time_pages(scope: str) -> dict[str, float]:
    def page_call(filters: AuditFilters) -> Callable[[], object]:
        return lambda: audit_event_page(SCOPES[scope], filters)

    return time_side_by_side(
        {name: page_call(filters) for name, filters in FILTERS.items()}, rounds=7
    )


def _create_events(up_to: int) -> None:
    """Insert so many events of 1,000 organisations and 500 people, half a minute apart."""
    is_sqlite = connection.vendor == "sqlite"
    numbers_sql = (
        "WITH RECURSIVE some(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM some WHERE n < %s)"
        if is_sqlite
        else "WITH some AS (SELECT generate_series(1, %s) AS n)"
    )
    at_sql = "1700000000 + n * 30"
    at_sql = (
        f"strftime('%%Y-%%m-%%d %%H:%%M:%%S', {at_sql}, 'unixepoch')"
        if is_sqlite
        else f"to_timestamp({at_sql})"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"{numbers_sql} INSERT INTO audit_auditevent (at, tag, actor_id, actor_name, "
            "organisation_id, organisation_name, subject, details, request_id, seal) "
            f"SELECT {at_sql}, CASE n %% 10 WHEN 0 THEN 'signed_in' WHEN 2 THEN 'key_paused' "
            "ELSE 'sync_requested' END, n %% 500, 'Somebody', "
            "CASE n %% 10 WHEN 0 THEN NULL ELSE n %% 1000 END, 'Somewhere', 'Subject ' || n, "
            "'{}', 'request-' || n, '' FROM some",
            [up_to],
        )
        cursor.execute("ANALYZE")
