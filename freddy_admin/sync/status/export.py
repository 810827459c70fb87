"""Statuses for exports and the JSON API: rows of plain texts, a batch at a time.

First the ids in their order are read, with a digest of what the rows say; then the rows, by id, in
statements of their own. So whoever downloads slowly holds no statement, no cursor and no
transaction of the database, and a batch is all that is in memory beside the ids (8 bytes each).
"""

import json
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    DateTimeField,
    F,
    Func,
    Max,
    QuerySet,
    Sum,
    TextField,
    When,
)
from django.db.models.functions import Cast

from freddy_admin.accounts.models import User
from freddy_admin.core.compiled_queries import Param, compiled_query_fetch_rows
from freddy_admin.organisations.access import (
    Audience,
    audience_for,
    effective_permissions,
    person_display_name,
)
from freddy_admin.organisations.models import Membership
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.status.queries import (
    NOW_PARAM,
    OverviewFilters,
    order_rows,
    sync_statuses_visible,
)
from freddy_admin.sync.status.refused_alike import refused_groups_list
from freddy_admin.sync.status.rows import CheckError
from freddy_admin.sync.status.selectors import overview_rows_filtered, valid_sort
from freddy_admin.vault.models import ApiKey

EXPORT_BATCH = 500
# What a row says changes with one of these, with its owner's name or with its tags: whatever is
# written of a status moves `updated_at`.
_DIGEST_COLUMNS = (
    *("pk", "effective", "written", "organisation__name", "organisation__slug", "key__label"),
    *("key__organization_id", "key__environment", "key__owner_id"),
)
_ERROR_COLUMNS = (
    *("error_kind", "error_code", "error_http_status", "error_message", "error_field"),
    *("error_detail", "trace_id", "request_id"),
)
_OWNER_INDEX = _DIGEST_COLUMNS.index("key__owner_id")


class StatusRow(NamedTuple):
    """The status of one key; times are UTC in ISO 8601, to the second.

    Without `observed_at` there are no figures. `error_kind` is "" where the latest finished check
    brought figures.
    """

    key_id: int
    organisation_id: int
    organisation_name: str
    organisation_slug: str
    key_label: str
    state: str
    state_since: str
    total_tools: int | None
    enabled_tools: int | None
    last_sync_at: str | None
    next_sync_at: str | None
    sync_interval_hours: int | None
    incremental_sync_enabled: str | None  # one of `TRUE_TEXTS`, or not
    checked_at: str | None
    observed_at: str | None
    entered_organization_id: str
    reported_organization_id: str
    environment: str
    owner_id: int | None
    expires_on: str | None
    error_kind: str


# The columns in the order of the fields of `StatusRow`.
_ROW_COLUMNS = (
    *("pk", "organisation_id", "organisation__name", "organisation__slug", "key__label"),
    *("effective", "since", "total_tools", "enabled_tools", "last_at", "next_at"),
    *("sync_interval_hours", "incremental", "checked", "observed", "key__organization_id"),
    *("reported_organization_id", "key__environment", "key__owner_id", "expires", "error_kind"),
)
TRUE_TEXTS = frozenset({"1", "true"})  # as the databases write it


@dataclass(frozen=True, slots=True)
class StatusBatch:
    """Some rows, and what the few need that have it: tags, owners and errors by key id."""

    rows: list[StatusRow]
    tags: Mapping[int, Sequence[str]]
    owner_names: Mapping[int, str]
    errors: Mapping[int, CheckError]


@dataclass(frozen=True, slots=True)
class StatusSelection:
    """Which keys, in their order; where the next part begins; and a digest of what they say."""

    key_ids: Sequence[int]
    next_cursor: int | None
    digest: str

    @property
    def is_one_batch(self) -> bool:
        """Whether all of it comes in one batch."""
        return len(self.key_ids) <= EXPORT_BATCH


class _UtcText(Func):
    """A time as `2026-03-02T12:00:00Z`, written by the database; None for NULL."""

    output_field = CharField()
    arity = 1

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Times are stored as text, in UTC."""
        sql, params = compiler.compile(self.source_expressions[0])
        return f"substr({sql}, 1, 10) || 'T' || substr({sql}, 12, 8) || 'Z'", (*params, *params)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """The same by a format."""
        sql, params = compiler.compile(self.source_expressions[0])
        return f"to_char(({sql}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')", params


class _InIds(Func):
    """Whether an id is in a list of ids, given as one JSON array: the same SQL at any length."""

    output_field = BooleanField()
    arity = 2

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Through `json_each`."""
        return self._compile(compiler, "{} IN (SELECT value FROM json_each({}))")

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Through an array, which its indexes know."""
        array_sql = "ARRAY(SELECT json_array_elements_text(CAST({} AS json))::bigint)"
        return self._compile(compiler, "{} = ANY(" + array_sql + ")")

    def _compile(self, compiler: Any, template: str) -> Any:
        parts = [compiler.compile(expression) for expression in self.source_expressions]
        return template.format(*(sql for sql, _ in parts)), [
            param for _, params in parts for param in params
        ]


def statuses_select(
    *,
    user: User,
    filters: OverviewFilters,
    now: datetime,
    after_key_id: int | None = None,
    limit: int | None = None,
) -> StatusSelection:
    """The keys that the filters leave, sorted as these say; three queries at any size.

    With `after_key_id` or `limit` a part of them instead, by key id.
    """
    groups = refused_groups_list(user=user) if filters.move else []
    rows = overview_rows_filtered(user, filters, now, groups)
    if after_key_id is None and limit is None:
        rows = order_rows(rows, valid_sort(filters), now=now)
    else:
        rows = rows.filter(pk__gt=after_key_id or 0).order_by("pk")
    values = rows.annotate(written=Cast("updated_at", TextField())).values_list(*_DIGEST_COLUMNS)
    values = values if limit is None else values[: limit + 1]
    key_ids, owner_ids, digest = array("q"), set[int](), sha256()
    batches = values.iterator(chunk_size=EXPORT_BATCH)
    while batch := list(islice(batches, EXPORT_BATCH)):
        key_ids.extend([row[0] for row in batch])
        owner_ids.update([row[_OWNER_INDEX] for row in batch])
        digest.update(repr(batch).encode("utf-8", "backslashreplace"))
    beside = (_tags_version(user, filters), sorted(_roles(user).items()), _owners(owner_ids))
    digest.update(repr(beside).encode("utf-8", "backslashreplace"))
    has_more = limit is not None and len(key_ids) > limit
    key_ids = key_ids[:limit]
    return StatusSelection(
        key_ids=key_ids,
        next_cursor=key_ids[-1] if has_more else None,
        digest=digest.hexdigest()[:32],
    )


def status_batches(*, user: User, key_ids: Sequence[int], now: datetime) -> Iterator[StatusBatch]:
    """The rows of these keys of `statuses_select`, in this order; two queries a batch.

    Two more for owners not met before and for errors. A key that is gone by the time its batch is
    read is left out.
    """
    roles, owners = _roles(user), dict[int, tuple[str, str]]()
    for start in range(0, len(key_ids), EXPORT_BATCH):
        ids = list(key_ids[start : start + EXPORT_BATCH])
        params = {"person": user.pk, "now": now, "ids": json.dumps(ids)}
        fetched = compiled_query_fetch_rows(
            _status_rows_query, audience_for(user), param_values=params
        )
        by_id = {row[0]: row for row in fetched}
        rows = [StatusRow._make(by_id[key_id]) for key_id in ids if key_id in by_id]
        tags = dict[int, list[str]]()
        for key_id, name in compiled_query_fetch_rows(_tags_query, param_values=params):
            tags.setdefault(key_id, []).append(name)
        owned = [row for row in rows if row.owner_id is not None]
        owners |= _owners({row.owner_id for row in owned} - owners.keys())
        failed = [row.key_id for row in rows if row.error_kind]
        yield StatusBatch(
            rows=rows,
            tags=tags,
            owner_names={row.key_id: _owner_name(row, user, roles, owners) for row in owned},
            errors=_errors(failed) if failed else {},
        )


def _status_rows_query(audience: Audience) -> QuerySet[Any, Any]:
    rows = sync_statuses_visible(user=audience, now=NOW_PARAM)
    rows = rows.filter(_InIds(F("pk"), Param("ids", TextField())))
    values: QuerySet[Any, Any] = rows.annotate(
        since=_UtcText(_since_expression(NOW_PARAM)),
        last_at=_UtcText("last_sync_at"),
        next_at=_UtcText("next_sync_at"),
        checked=_UtcText("checked_at"),
        observed=_UtcText("observed_at"),
        incremental=Cast("incremental_sync_enabled", CharField()),
        expires=Cast("key__expires_on", CharField()),
    ).values(*_ROW_COLUMNS)
    return values


def _tags_query() -> QuerySet[Any, Any]:
    tagged = ApiKey.tags.through.objects.filter(_InIds(F("apikey_id"), Param("ids", TextField())))
    names: QuerySet[Any, Any] = tagged.order_by("keytag__name").values("apikey_id", "keytag__name")
    return names


def _since_expression(now: datetime | Param) -> Case:
    """Since when the effective state holds, as `health.effective_verdict` says."""
    return Case(
        When(key__paused_at__isnull=False, then=F("key__paused_at")),
        When(unknown_at__lt=now, then=F("unknown_at")),
        default=F("state_since"),
        output_field=DateTimeField(),
    )


def _owner_name(
    row: StatusRow, user: User, roles: Mapping[int, str], owners: Mapping[int, tuple[str, str]]
) -> str:
    """The owner as this person may see them; "" for one who is gone by now."""
    name, address = owners.get(row.owner_id or 0, ("", ""))
    if row.owner_id == user.pk:
        return name or address
    permissions = effective_permissions(user, roles.get(row.organisation_id))
    return person_display_name(name, address, permissions)


def _owners(owner_ids: Collection[int | None]) -> dict[int, tuple[str, str]]:
    """Name and address by id, in the order of the ids; no query where there is no owner."""
    ids = [owner_id for owner_id in owner_ids if owner_id is not None]
    people = User.objects.filter(pk__in=ids).order_by("pk") if ids else User.objects.none()
    return {pk: (name, email) for pk, name, email in people.values_list("pk", "name", "email")}


def _errors(key_ids: Collection[int]) -> dict[int, CheckError]:
    rows = SyncStatus.objects.filter(pk__in=key_ids).exclude(error_kind="")
    return {
        key_id: CheckError(*values) for key_id, *values in rows.values_list("pk", *_ERROR_COLUMNS)
    }


def _roles(user: User) -> dict[int, str]:
    if user.is_platform_admin:
        return {}
    return dict(Membership.objects.filter(user=user.pk).values_list("organisation_id", "role"))


def _tags_version(user: User, filters: OverviewFilters) -> list[Any]:
    """What changes when a key in view gets a tag or loses one."""
    tagged = ApiKey.tags.through.objects.all()
    if not user.is_platform_admin:
        tagged = tagged.filter(apikey__organisation__memberships__user=user.pk)
    if filters.organisation_ids is not None:
        tagged = tagged.filter(apikey__organisation__in=filters.organisation_ids)
    return list(tagged.aggregate(Count("pk"), Max("pk"), Sum("pk")).values())
