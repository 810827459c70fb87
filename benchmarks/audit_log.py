"""A page of the audit log among a million events must cost about what it costs among a thousand."""

from collections.abc import Callable

from django.db import connection

from benchmarks.measuring import line, side_by_side
from freddy_admin.audit.selectors import AuditFilters, AuditScope, audit_page

FEW, MANY = 1_000, 1_000_000
MEMBER = AuditScope(
    managed=frozenset(range(1, 51)), seen=frozenset(range(1, 201)), person_id=7, email="a@b.example"
)
SCOPES = {"platform admin": AuditScope(everything=True), "manager of 50": MEMBER}
ASKED = {
    "everything": AuditFilters(),
    "one kind": AuditFilters(tag="key_paused"),
    "a kind that never came": AuditFilters(tag="member_left"),
    "one person": AuditFilters(actor_id=7),
    "one request": AuditFilters(request_id="request-10"),
}


def a_million_events() -> None:
    """Measure and report; last, for nothing of these events is sealed."""
    _fill(FEW)
    before = {scope: _taken(scope) for scope in SCOPES}
    _fill(MANY)
    for scope in SCOPES:
        after = _taken(scope)
        for asked, seconds in after.items():
            times = seconds / before[scope][asked]
            found = f"{seconds * 1000:7.1f} ms, x {times:4.1f}"
            line(f"audit log, {MANY:,} events, {scope}: {asked}", found, f"goal x 3 of {FEW:,}")


def _taken(scope: str) -> dict[str, float]:
    def page(filters: AuditFilters) -> Callable[[], object]:
        return lambda: audit_page(SCOPES[scope], filters)

    return side_by_side({name: page(filters) for name, filters in ASKED.items()}, rounds=7)


def _fill(up_to: int) -> None:
    """By SQL alone: this many events of 1,000 organisations and 500 people, half a minute apart."""
    sqlite = connection.vendor == "sqlite"
    numbers = (
        "WITH RECURSIVE some(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM some WHERE n < %s)"
        if sqlite
        else "WITH some AS (SELECT generate_series(1, %s) AS n)"
    )
    at = "1700000000 + n * 30"
    at = (
        f"strftime('%%Y-%%m-%%d %%H:%%M:%%S', {at}, 'unixepoch')"
        if sqlite
        else f"to_timestamp({at})"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"{numbers} INSERT INTO audit_auditevent (at, tag, actor_id, actor_name, "
            "organisation_id, organisation_name, subject, details, request_id, seal) "
            f"SELECT {at}, CASE n %% 10 WHEN 0 THEN 'signed_in' WHEN 2 THEN 'key_paused' "
            "ELSE 'sync_requested' END, n %% 500, 'Somebody', "
            "CASE n %% 10 WHEN 0 THEN NULL ELSE n %% 1000 END, 'Somewhere', 'Subject ' || n, "
            "'{}', 'request-' || n, '' FROM some",
            [up_to],
        )
        cursor.execute("ANALYZE")
