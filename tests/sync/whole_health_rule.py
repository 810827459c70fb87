"""All lines of the health rule at once; the panel stores some and works out the others."""

from datetime import datetime

from freddy_admin.sync import health


def assess_health(
    facts: health.HealthFacts, *, now: datetime, paused_at: datetime | None = None
) -> health.HealthVerdict:
    """The first line of the table that fits, at `now`."""
    return health.effective_verdict(
        health.assess_observation(facts, now=now),
        paused_at=paused_at,
        stale_at=health.unknown_at(facts),
        now=now,
    )
