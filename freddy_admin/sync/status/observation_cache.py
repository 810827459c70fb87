"""The latest observation of a key: in the cache where it is, in the database always.

Cache entries go by the key's own id and version, never by a request, and hold no secret. The
writer deletes them after its commit. A reader that was overtaken between reading and storing may
store the older observation: that is why an entry lives for seconds only, however long an
observation counts as fresh. Lists read the database: one statement for a page of them is less
than a cache entry each.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from freddy_admin.core.cache import cache_delete_many, cache_get, cache_set
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import SyncStatus

ObservationValues = dict[str, Any]
_MAX_CACHE_SECONDS = 15.0  # seconds
# What one check brought and what was concluded of it. The schedule, the lease and a person's
# request are not here: they change between checks and are always read from the database.
OBSERVATION_FIELDS = (
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
    "error_system_message",
    "error_type",
    "error_timestamp",
    "failing_since",
    "failures",
    "refusals",
    "refusal",
    "state",
    "state_since",
    "state_rule",
    "unknown_at",
    "updated_at",
)
# Entries of another version of the panel, with other fields, have other names.
_FORMAT_DIGEST = hashlib.sha256(",".join(OBSERVATION_FIELDS).encode()).hexdigest()[:8]
_DATETIME_FIELDS = frozenset(
    field.name
    for field in SyncStatus._meta.concrete_fields  # noqa: SLF001  Django's documented meta API
    if field.get_internal_type() == "DateTimeField"
)


def observation_get(*, key_id: int, version: int) -> ObservationValues | None:
    """The latest observation of one key version; None where the key has no row."""
    cache_key = observation_cache_key(key_id, version)
    cached_values = _deserialize_values(cache_get(cache_key))
    if cached_values is not None:
        return cached_values
    rows = SyncStatus.objects.filter(pk=key_id, key_version=version)
    values: ObservationValues | None = rows.values(*OBSERVATION_FIELDS).first()
    if values is not None:
        cache_set(cache_key, _serialize_values(values), seconds=_cache_seconds())
    return values


def observation_cache_invalidate(*, rows: Sequence[SyncStatus]) -> None:
    """Delete the cached observations of these rows, after a commit; one statement for all."""
    cache_delete_many([observation_cache_key(row.pk, row.key_version) for row in rows])


def observation_cache_key(key_id: int, version: int) -> str:
    """The name of the cache entry of one key version."""
    return f"sync:observation:{_FORMAT_DIGEST}:{key_id}:{version}"


def _cache_seconds() -> float:
    return min(check_policy().fresh.total_seconds(), _MAX_CACHE_SECONDS)


def _serialize_values(values: ObservationValues) -> ObservationValues:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def _deserialize_values(entry: object) -> ObservationValues | None:
    """The values, None for anything that this version of the panel did not put there."""
    if not isinstance(entry, dict) or entry.keys() != set(OBSERVATION_FIELDS):
        return None
    try:
        HealthState(entry["state"])
        return {
            name: datetime.fromisoformat(value) if name in _DATETIME_FIELDS and value else value
            for name, value in entry.items()
        }
    except (TypeError, ValueError):
        return None
