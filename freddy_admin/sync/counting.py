"""Counts the ends of checks, for monitoring."""

from collections import Counter
from collections.abc import Sequence

from django.db import connection

from freddy_admin.sync.outcomes import Checked


def checks_count(ended: Sequence[Checked]) -> None:
    """Add these ends to the counts, in one statement, inside the transaction that stores them."""
    counts = Counter((str(one.outcome), one.problem.kind if one.problem else "") for one in ended)
    if not counts:
        return
    # In order, so that two workers never wait for each other's rows.
    rows = [value for pair, times in sorted(counts.items()) for value in (*pair, times)]
    places = ", ".join(["(%s, %s, %s)"] * len(counts))
    with connection.cursor() as cursor:
        cursor.execute(_ADD.format(places=places), rows)


_ADD = """
    INSERT INTO sync_checkcount (outcome, kind, times) VALUES {places}
    ON CONFLICT (outcome, kind)
    DO UPDATE SET times = sync_checkcount.times + excluded.times
"""
