"""Counts finished checks by outcome, for monitoring."""

from collections import Counter
from collections.abc import Sequence

from django.db import connection

from freddy_admin.sync.checks.results import CheckResult


def check_counters_increment(results: Sequence[CheckResult]) -> None:
    """Count these results, in one statement, inside the transaction that stores them."""
    counts = Counter(
        (str(result.outcome), result.failure.kind if result.failure else "") for result in results
    )
    if not counts:
        return
    # In order, so that two workers never wait for each other's rows.
    rows = [
        value
        for outcome_and_kind, times in sorted(counts.items())
        for value in (*outcome_and_kind, times)
    ]
    placeholders = ", ".join(["(%s, %s, %s)"] * len(counts))
    with connection.cursor() as cursor:
        cursor.execute(_INCREMENT_SQL.format(placeholders=placeholders), rows)


_INCREMENT_SQL = """
    INSERT INTO sync_checkcounter (outcome, kind, times) VALUES {placeholders}
    ON CONFLICT (outcome, kind)
    DO UPDATE SET times = sync_checkcounter.times + excluded.times
"""
