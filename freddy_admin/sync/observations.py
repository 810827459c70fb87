"""The latest observation of a key: in the cache where it is, in the database always.

Cache entries go by the key's own id and version, never by a request, and hold no secret. The
writer sets after its commit; a reader that missed only adds, so that it can never put an older
observation over a newer one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from freddy_admin.core.cache import cache_add_many, cache_get_many, cache_set_many
from freddy_admin.sync.models import KeySync
from freddy_admin.sync.policy import policy

Values = dict[str, Any]

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
_TIMES = frozenset(
    field.name
    for field in KeySync._meta.concrete_fields  # noqa: SLF001  Django's documented meta API
    if field.get_internal_type() == "DateTimeField"
)


def observations_read(*, versions: Mapping[int, int]) -> dict[int, Values]:
    """The latest observation of each key, given as id to version."""
    names = {cache_name(pk, version): pk for pk, version in versions.items()}
    found = {names[name]: _thawed(entry) for name, entry in cache_get_many(list(names)).items()}
    missing = [pk for pk in versions if pk not in found]
    if missing:
        rows = KeySync.objects.filter(pk__in=missing).values("pk", "key_version", *FIELDS)
        read = {row.pop("pk"): row for row in rows}
        cache_add_many(
            {cache_name(pk, row.pop("key_version")): _frozen(row) for pk, row in read.items()},
            seconds=_seconds(),
        )
        found |= read
    return found


def observations_publish(*, rows: Sequence[KeySync]) -> None:
    """Put what was just committed into the cache."""
    entries = {
        cache_name(row.pk, row.key_version): _frozen({name: getattr(row, name) for name in FIELDS})
        for row in rows
    }
    cache_set_many(entries, seconds=_seconds())


def cache_name(key_id: int, version: int) -> str:
    """The cache entry of one key version."""
    return f"sync:observation:{key_id}:{version}"


def _seconds() -> float:
    # Past this age the database is asked again: a cache that was restored from old or flushed
    # half-way cannot mislead for longer than an observation counts as fresh.
    return policy().fresh.total_seconds()


def _frozen(values: Values) -> Values:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def _thawed(entry: Values) -> Values:
    return {
        name: datetime.fromisoformat(value) if name in _TIMES and value else value
        for name, value in entry.items()
    }
