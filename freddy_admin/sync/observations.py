"""The latest observation of a key: in the cache where it is, in the database always.

Cache entries go by the key's own id and version, never by a request, and hold no secret. The
writer forgets them after its commit. A reader that was overtaken between reading and keeping may
keep the older observation: that is why an entry lives for seconds only, however long an
observation counts as fresh. Lists read the database: one statement for a page of them is less
than a cache entry each.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from freddy_admin.core.cache import cache_delete_many, cache_get, cache_set
from freddy_admin.sync.models import KeySync
from freddy_admin.sync.policy import policy
from freddy_admin.sync.states import State

Values = dict[str, Any]
_KEPT_AT_MOST = 15.0  # seconds

# What one check brought and what was concluded of it. The schedule, the lease and a person's
# wish are not here: they change between checks and are always read from the database.
FIELDS = (
    "total_tools",
    "enabled_tools",
    "last_sync_at",
    "next_sync_at",
    "sync_interval_hours",
    "incremental_sync_enabled",
    "observed_at",
    "first_observed_at",
    "first_next_sync_at",
    "skipped_at",
    "figures_are_former",
    "reported_organization_id",
    "checked_at",
    "outcome",
    "error_kind",
    "error_code",
    "error_http_status",
    "error_message",
    "error_field",
    "error_detail",
    "trace_id",
    "request_id",
    "failing_since",
    "failures",
    "refusals",
    "state",
    "state_since",
    "state_rule",
    "unknown_at",
    "updated_at",
)
# Entries of another version of the panel, with other fields, have other names.
_FORMAT = hashlib.sha256(",".join(FIELDS).encode()).hexdigest()[:8]
_TIMES = frozenset(
    field.name
    for field in KeySync._meta.concrete_fields  # noqa: SLF001  Django's documented meta API
    if field.get_internal_type() == "DateTimeField"
)


def observation_read(*, key_id: int, version: int) -> Values | None:
    """The latest observation of one key version; None where the key has no row."""
    name = cache_name(key_id, version)
    kept = _thawed(cache_get(name))
    if kept is not None:
        return kept
    rows = KeySync.objects.filter(pk=key_id, key_version=version)
    values: Values | None = rows.values(*FIELDS).first()
    if values is not None:
        cache_set(name, _frozen(values), seconds=_seconds())
    return values


def observations_forget(*, rows: Sequence[KeySync]) -> None:
    """What was just committed is read from the database next time; one statement for all."""
    cache_delete_many([cache_name(row.pk, row.key_version) for row in rows])


def cache_name(key_id: int, version: int) -> str:
    """The cache entry of one key version."""
    return f"sync:observation:{_FORMAT}:{key_id}:{version}"


def _seconds() -> float:
    return min(policy().fresh.total_seconds(), _KEPT_AT_MOST)


def _frozen(values: Values) -> Values:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def _thawed(entry: object) -> Values | None:
    """The values, None for anything that this version of the panel did not put there."""
    if not isinstance(entry, dict) or entry.keys() != set(FIELDS):
        return None
    try:
        State(entry["state"])
        return {
            name: datetime.fromisoformat(value) if name in _TIMES and value else value
            for name, value in entry.items()
        }
    except (TypeError, ValueError):
        return None
